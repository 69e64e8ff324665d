//! Where a login comes from: a numeric address or nothing. Names are never looked up.

use std::net::IpAddr;

/// Reads an address as PAM clients write it: the zone (`fe80::1%eth0`) is cut off, and IPv4 in
/// IPv6 (`::ffff:192.0.2.1`) is IPv4. `None` for a name.
#[must_use]
pub fn address(text: &str) -> Option<IpAddr> {
    let (address, _zone) = text.split_once('%').unwrap_or((text, ""));
    address.parse().ok().map(|address: IpAddr| address.to_canonical())
}

/// The client's address in sshd's `SSH_CONNECTION` (ssh(1)): the first of its four words.
#[must_use]
pub fn of_ssh_connection(value: &str) -> Option<IpAddr> {
    address(value.split(' ').next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_numeric_addresses_in_their_plain_form() {
        let read = |text| address(text).map(|address| address.to_string());
        assert_eq!(read("192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(read("::ffff:192.0.2.7").as_deref(), Some("192.0.2.7"));
        assert_eq!(read("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(read("2001:db8:0::1").as_deref(), Some("2001:db8::1"));
        for name in ["", "localhost", "192.0.2", "192.0.2.7.example.org", "192.0.2.7 ", "%eth0"] {
            assert_eq!(read(name), None, "{name:?}");
        }
    }

    #[test]
    fn the_client_comes_first() {
        let client = of_ssh_connection("192.0.2.7 50000 192.0.2.1 22");
        assert_eq!(client, address("192.0.2.7"));
        assert_eq!(of_ssh_connection("UNKNOWN 65535 UNKNOWN 65535"), None);
    }
}

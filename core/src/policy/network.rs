//! Networks as administrators write them: CIDR notation or one address (RFC 4632, RFC 4291 section 2.3).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use crate::audit::Value;
use crate::document::{Mistake, Table};

/// All addresses with one prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoNetwork {
    /// Neither an address nor a prefix: names are never looked up.
    Name,
    /// The address has bits behind the prefix; this is the network that it lies in.
    HostBits(Network),
    /// IPv4 in IPv6 (`::ffff:192.0.2.0/120`), which logins never come from: they count as IPv4; this is
    /// the IPv4 network.
    Mapped(Network),
}

impl Network {
    /// Whether an address lies in it. IPv4 in IPv6 is to be unmapped before
    /// ([`crate::source::address`]).
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }

    /// Whether it and another have addresses in common.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.0.contains(&other.0) || other.0.contains(&self.0)
    }

    /// Whether every address of another lies in it.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.0.contains(&other.0)
    }

    /// The length of the prefix in bits, 0 to 32 or 128.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.0.prefix_len()
    }

    /// The first address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.0.addr()
    }
}

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        // Strict where others take an octal number for a decimal one.
        let address: IpAddr = address.parse().map_err(|_| NoNetwork::Name)?;
        let network = match prefix {
            _ if !text.contains('/') => IpNet::from(address),
            prefix if prefix.starts_with(['+', '0']) && prefix != "0" => {
                return Err(NoNetwork::Name);
            }
            prefix => prefix
                .parse()
                .ok()
                .and_then(|prefix| IpNet::new(address, prefix).ok())
                .ok_or(NoNetwork::Name)?,
        };
        if let Some(mapped) = mapped(network) {
            return Err(NoNetwork::Mapped(mapped));
        }
        let whole = network.trunc();
        if whole == network { Ok(Self(network)) } else { Err(NoNetwork::HostBits(Self(whole))) }
    }
}

/// The IPv4 network that an IPv6 one stands for (RFC 4291 section 2.5.5.2).
fn mapped(network: IpNet) -> Option<Network> {
    let IpNet::V6(network) = network else { return None };
    let address = network.addr().to_ipv4_mapped()?;
    let prefix = network.prefix_len().saturating_sub(96);
    IpNet::new(address.into(), prefix).ok().map(|network| Network(network.trunc()))
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() {
            return self.0.addr().fmt(f);
        }
        self.0.fmt(f)
    }
}

impl fmt::Display for NoNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("not an address or a network such as 192.0.2.0/24"),
            Self::HostBits(network) => {
                write!(f, "not the first address of its network, which is {network}")
            }
            Self::Mapped(network) => {
                write!(f, "IPv4 in IPv6, which counts as IPv4; write {network}")
            }
        }
    }
}

/// The network that is the value of a key.
pub(super) fn read(table: &Table, key: &'static str, text: &str) -> Result<Network, Mistake> {
    match text.parse() {
        Ok(network) => Ok(network),
        Err(why) => table.valid(key, None, &format!("{} is {why}", Value(text))),
    }
}

/// The networks in the list that is the value of a key.
pub(super) fn list(table: &mut Table, key: &'static str) -> Result<Option<Vec<Network>>, Mistake> {
    let Some(texts) = table.some_texts(key)? else { return Ok(None) };
    let networks: Result<_, _> = texts.iter().map(|text| read(table, key, text)).collect();
    networks.map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NoNetwork> {
        Ok(text.parse::<Network>()?.to_string())
    }

    #[test]
    fn as_they_are_written() {
        for text in ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::1", "0.0.0.0/0", "fe80::/10"]
        {
            assert_eq!(read(text).as_deref(), Ok(text));
        }
        assert_eq!(read("192.0.2.7/32").as_deref(), Ok("192.0.2.7"));
        assert_eq!(read("2001:DB8:0:0::/64").as_deref(), Ok("2001:db8::/64"));
        for text in [
            "",
            "localhost",
            "vpn.example.org/24",
            "192.0.2.0/33",
            "192.0.2/24",
            "all",
            "fe80::1%eth0",
            "192.0.2.0/-1",
            "192.0.2.0/255.255.255.0",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/",
            "10.0.0.0/+8",
            " 192.0.2.7",
        ] {
            assert_eq!(read(text), Err(NoNetwork::Name), "{text}");
        }
        for (text, ipv4) in [
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7/112", "192.0.0.0/16"),
            ("::ffff:0:0/90", "0.0.0.0/0"),
        ] {
            let said = format!("IPv4 in IPv6, which counts as IPv4; write {ipv4}");
            assert_eq!(read(text).unwrap_err().to_string(), said);
        }
        assert_eq!(
            read("192.0.2.7/24").unwrap_err().to_string(),
            "not the first address of its network, which is 192.0.2.0/24"
        );
    }

    #[test]
    fn who_lies_in_them() {
        let network = |text: &str| text.parse::<Network>().unwrap();
        let lies = |address: &str, within| network(within).contains(address.parse().unwrap());
        assert!(lies("192.0.2.255", "192.0.2.0/24") && !lies("192.0.3.0", "192.0.2.0/24"));
        assert!(lies("2001:db8::1", "2001:db8::/64") && !lies("2001:db8:0:1::1", "2001:db8::/64"));
        assert!(!lies("::ffff:192.0.2.1", "192.0.2.0/24") && !lies("192.0.2.1", "::/0"));
        let overlap = |one, other| network(one).overlaps(&network(other));
        assert!(overlap("192.0.2.0/24", "192.0.2.7") && overlap("192.0.2.7", "192.0.2.0/24"));
        assert!(!overlap("192.0.2.0/25", "192.0.2.128/25") && !overlap("0.0.0.0/0", "::/0"));
        assert!(network("192.0.2.0/24").covers(&network("192.0.2.7")));
        assert!(!network("192.0.2.7").covers(&network("192.0.2.0/24")));
    }
}

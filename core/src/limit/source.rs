//! Which source an attempt counts for.

use std::net::IpAddr;

use ring::digest::{Context, SHA256};

/// Where a login comes from, as failures are counted: an IPv4 address, the /64 network of an IPv6
/// address, since one machine has all of it, or this machine and who called.
///
/// A hash of 64 bits, of one size whatever a caller is named. Who wants the key of somebody else's
/// source needs 2^64 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceKey(i64);

impl SourceKey {
    /// The key of `address`; without one, of the `invoker` on this machine (`PAM_RUSER`), if there is
    /// one.
    #[must_use]
    pub fn new(address: Option<IpAddr>, invoker: Option<&str>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(address)) => Self::hash(b'4', &address.octets()),
            Some(IpAddr::V6(address)) => {
                Self::hash(b'6', address.octets().get(..8).unwrap_or_default())
            }
            None => Self::hash(b'l', invoker.unwrap_or_default().as_bytes()),
        }
    }

    /// The key of a machine that is known by a name alone. Whoever is there chooses it, so all of them
    /// are one source, but not this machine: strangers must not pass for who sits before it.
    #[must_use]
    pub fn of_name(invoker: Option<&str>) -> Self {
        Self::hash(b'n', invoker.unwrap_or_default().as_bytes())
    }

    /// The key that [`SourceKey::number`] gave.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// As a number, for files.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    fn hash(kind: u8, bytes: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(&[kind]);
        context.update(bytes);
        let hash = context.finish();
        Self(hash.as_ref().first_chunk().map_or(0, |bytes| i64::from_be_bytes(*bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_machine_is_one_source() {
        let at = |address: &str| SourceKey::new(Some(address.parse().unwrap()), Some("bob"));
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:0:0:1"));
        assert_eq!(at("192.0.2.7"), at("::ffff:192.0.2.7"));
        let here = |invoker| SourceKey::new(None, invoker);
        let all = [
            at("2001:db8::1"),
            at("2001:db8:0:1::1"),
            at("192.0.2.7"),
            at("192.0.2.8"),
            here(None),
            here(Some("bob")),
            here(Some("eve")),
            SourceKey::of_name(None),
            SourceKey::of_name(Some("bob")),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
            assert_eq!(SourceKey::from_number(one.number()), *one);
        }
    }
}

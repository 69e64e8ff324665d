//! Other machines on the network.

use std::net::IpAddr;
use std::process::Command;

use crate::machine::run;
use crate::{Machine, Namespace};

/// A network at the other end of a cable, until this is dropped.
pub struct Neighbour {
    network: Namespace,
    /// What the machine is called there.
    machine: &'static str,
}

impl Neighbour {
    /// One with this address, whatever it is. Nobody else is on the cable.
    #[track_caller]
    pub fn at(_: &Machine, address: &str) -> Self {
        let (own, machine) = match address.parse().expect("an address") {
            IpAddr::V4(_) => ("192.0.2.1", "192.0.2.1"),
            IpAddr::V6(ip) if ip.is_unicast_link_local() => ("fe80::1", "fe80::1%eth0"),
            IpAddr::V6(_) => ("2001:db8::1", "2001:db8::1"),
        };
        let neighbour = Self { network: Namespace::network(), machine };
        let pid = neighbour.network.id().to_string();
        let cable = format!("to-{pid}");
        let there = ["peer", "name", "eth0", "netns", &pid];
        run(&[&["ip", "link", "add", &cable, "type", "veth"], &there[..]].concat());
        plug_in(&["ip"], &cable, own, address);
        plug_in(&["nsenter", &neighbour.net(), "ip"], "eth0", address, own);
        neighbour
    }

    /// The machine's name there: an address, with its zone where it needs one.
    pub(crate) fn machine(&self) -> &'static str {
        self.machine
    }

    /// A command that runs there.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args([&self.net(), program]);
        command
    }

    fn net(&self) -> String {
        format!("--net=/proc/{}/ns/net", self.network.id())
    }
}

/// Gives one end of a cable its address, and the way to that of the other.
#[track_caller]
fn plug_in(ip: &[&str], end: &str, own: &str, other: &str) {
    // There is no second address, and nobody waits whether others have this one.
    let (alone, at_once): (&[_], &[_]) =
        if own.contains(':') { (&["addrgenmode", "none"], &["nodad"]) } else { (&[], &[]) };
    run(&[ip, &["link", "set", end], alone, &["up"]].concat());
    run(&[ip, &["address", "add", own, "peer", other, "dev", end], at_once].concat());
}

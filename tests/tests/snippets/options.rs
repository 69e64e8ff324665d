//! What the module itself makes of every line that is printed.

use sandbox::{Answer, Circumstances, Host, Machine, Snippet, Then};

const ALL: [&[&str]; 8] = [
    &["sshd"],
    &["sshd", "--key"],
    &["sudo"],
    &["su"],
    &["login"],
    &["postgresql"],
    &["openvpn"],
    &["openvpn", "--challenge"],
];

#[test]
fn it_knows_every_option() {
    let machine = Machine::new();
    let _alice = machine.user("alice");
    let host = Host::new(&machine, "");
    let here = Circumstances::default().then(&[Then::Account, Then::Session]);
    for (words, distro) in ALL.iter().flat_map(|words| ["debian", "fedora"].map(|d| (words, d))) {
        let snippet = Snippet::of(&[words, &["--distro", distro][..]].concat());
        for line in snippet.lines("pam_mfa.so") {
            let (phase, rest) = line.split_once(' ').expect("a phase");
            let others = ["auth", "account", "session"].into_iter().filter(|other| *other != phase);
            let others = others.map(|other| format!("{other} required pam_permit.so\n"));
            machine.full_stack("host", &format!("{phase} {rest}\n{}", others.collect::<String>()));
            let before = machine.log.lines().len();
            host.begin_under("alice", &[Answer::Text("123456")], &here).end();
            let said = machine.log.lines()[before..].join("\n");
            assert!(!said.contains("_option"), "{line}: {said}");
            assert!(phase != "auth" || said.contains("pam_mfa(host:auth): "), "{line}: {said}");
        }
    }
    machine.stack("host", "auth required pam_mfa.so nulok");
    host.begin_under("alice", &[Answer::Text("123456")], &here).end();
    machine.log.expect("reason=unknown_option");
}

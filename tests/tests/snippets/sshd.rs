//! sshd, by password and by key.

use sandbox::{CODE, Machine, PASSWORD, Snippet, Sshd};

use super::{a_code_counts_once, doctor, enrolled};

/// What Debian's sshd_config begins with.
const INCLUDE: &str = "Include /etc/ssh/sshd_config.d/*.conf";

/// What the session does.
const ENTER: &str = "echo in as $USER";

const BY_KEY_ALONE: [&str; 2] = ["-o", "BatchMode=yes"];
const WITHOUT_KEY: [&str; 2] = ["-o", "PubkeyAuthentication=no"];

/// `systemctl reload ssh`, where there is no systemd.
fn reloads(sshd: &Sshd, command: &str) -> bool {
    let is_meant = command == "systemctl reload ssh";
    if is_meant {
        sshd.reload();
    }
    is_meant
}

#[test]
fn a_password_and_a_code() {
    let machine = Machine::with_stacks();
    let (_alice, secret) = enrolled(&machine, "alice");
    let sshd = Sshd::start(&machine, INCLUDE);
    let by_key_alone = || sshd.login("alice", &BY_KEY_ALONE, ENTER).ends();
    assert!(by_key_alone(), "{}", machine.log);

    let mut snippet = Snippet::of(&["sshd"]);
    snippet.apply(|command| reloads(&sshd, command));
    doctor("sshd");
    a_code_counts_once(&machine, &secret, |code| {
        let mut login = sshd.login("alice", &[], ENTER);
        login.answer("Password: ", PASSWORD);
        login.answer(CODE, code);
        login.ends() && login.shows("in as alice")
    });
    assert!(!by_key_alone(), "{}", machine.log);

    snippet.undo(|command| reloads(&sshd, command));
    assert!(by_key_alone(), "{}", machine.log);
}

#[test]
fn a_key_and_a_code() {
    let machine = Machine::with_stacks();
    let (_alice, secret) = enrolled(&machine, "alice");
    let _not_enrolled = machine.user("carol");
    let sshd = Sshd::start(&machine, INCLUDE);

    let mut snippet = Snippet::of(&["sshd", "--key"]);
    snippet.apply(|command| reloads(&sshd, command));
    doctor("sshd");
    a_code_counts_once(&machine, &secret, |code| {
        let mut login = sshd.login("alice", &[], ENTER);
        login.answer(CODE, code);
        assert!(!login.shows("Password: "), "{}", login.screen());
        login.ends() && login.shows("in as alice")
    });
    for name in ["alice", "carol"] {
        assert!(!sshd.login(name, &WITHOUT_KEY, ENTER).ends(), "{name}: {}", machine.log);
    }
    assert!(!sshd.login("alice", &BY_KEY_ALONE, ENTER).ends(), "{}", machine.log);
    assert!(sshd.login("carol", &[], ENTER).ends(), "nullok: {}", machine.log);

    machine.policy("");
    let mut under_policy = sshd.login("carol", &[], ENTER);
    under_policy.answer(CODE, "123456");
    assert!(!under_policy.ends(), "{}", machine.log);
    machine.log.expect("denied user=carol ");
    snippet.undo(|command| reloads(&sshd, command));
    assert!(sshd.login("carol", &[], ENTER).ends(), "{}", machine.log);
}

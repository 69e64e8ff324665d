//! The account phase where nobody has enrolled in auth: as if the module were not there, unless its
//! line is wrong.

use sandbox::{Answer, Circumstances, Conversation, Host, Machine, Then};

/// What an application is told that asks this account line, and may do more before.
#[track_caller]
fn ask(machine: &Machine, line: &str, then: &[Then]) -> Conversation {
    let host = Host::new(machine, &format!("auth required pam_permit.so\n{line}"));
    let circumstances = Circumstances { then: then.to_vec(), ..Circumstances::default() };
    let seen = host.begin_under("alice", &[Answer::Error], &circumstances).end();
    assert_eq!((seen.result, seen.prompts.len()), (0, 0), "{}", machine.log);
    assert!(seen.changed.is_empty() && seen.errors.is_empty(), "{seen:?}");
    seen
}

#[test]
fn nothing_to_say() {
    let machine = Machine::new();
    machine.user("alice");
    let bob = Then::User("bob".to_owned());
    // What is not PAM_IGNORE fails here.
    for options in ["", "nullok", "enroll account=yes", "enroll=ticket account=yes store=system"] {
        let line = format!("account [ignore=ignore default=bad] pam_mfa.so {options}");
        assert_eq!(ask(&machine, &line, &[Then::Account, Then::Account]).account, [0, 0]);
        assert_eq!(ask(&machine, &line, &[Then::Fork, Then::Account]).account, [0]);
        assert_eq!(ask(&machine, &line, &[bob.clone(), Then::Account]).account, [0]);
        assert!(ask(&machine, &line, &[]).account.is_empty());
    }
}

#[test]
fn a_mistake_on_the_line_denies() {
    /// `PAM_PERM_DENIED`.
    const NOT_PERMITTED: i32 = 6;
    let machine = Machine::new();
    machine.user("alice");
    for (option, reason) in [("colour", "unknown_option"), ("enroll", "bad_option")] {
        let line = format!("account required pam_mfa.so {option}");
        assert_eq!(ask(&machine, &line, &[Then::Account]).account, [NOT_PERMITTED]);
        machine.log.expect(&format!("pam_mfa(host:account): denied user=alice reason={reason} "));
    }
    machine.log.expect("account=yes");
}

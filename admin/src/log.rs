//! What goes to the system's log.

use mfa_core::account::CodeKind;
use mfa_core::record::{Codes, Record};
use mfa_core::state::State;
use mfa_enroll::log::Log;

use crate::world::World;

/// Writes that the command has changed something ([`Log::changed`]).
pub fn changed(world: &World, object: (&str, &str), what: &str, before: &str, after: &str) {
    let World { invoker, log: write, .. } = world;
    Log { invoker, write }.changed(object, what, before, after);
}

/// What a record holds, for such a line: the names of its credentials and keys, and how many codes are
/// left of each kind.
pub fn enrolled(record: &Record, state: &State) -> String {
    let names = record.names().map(|name| name.as_str().to_owned());
    let kinds = [("recovery", CodeKind::Recovery), ("bypass", CodeKind::Bypass)];
    let codes = kinds.into_iter().filter(|(_, kind)| has(record, *kind)).map(|(word, kind)| {
        format!("{word}:{}", codes_left(record, state, |codes| codes.kind == kind))
    });
    names.chain(codes).collect::<Vec<_>>().join(",")
}

fn has(record: &Record, kind: CodeKind) -> bool {
    record.codes.iter().any(|codes| codes.kind == kind)
}

/// How many codes are left in the sets that count.
pub fn codes_left(record: &Record, state: &State, counts: impl Fn(&Codes) -> bool) -> usize {
    let sets = record.codes.iter().filter(|codes| counts(codes));
    sets.map(|codes| state.codes_left(codes)).sum()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::lab::{Lab, hotp, totp, uid_of};

    #[test]
    fn a_change_names_what_was_and_what_is() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        lab.run("codes daemon --new --count 3", "").unwrap();
        lab.run("credential rename daemon phone Pixel", "").unwrap();
        lab.run("credential remove daemon token", "").unwrap();
        lab.run("credential add daemon --name spare --no-confirm", "").unwrap();
        lab.run("credential remove daemon spare", "").unwrap();
        lab.run("credential remove daemon Pixel --last", "").unwrap();
        let lines = [
            "recovery_codes before=0 after=3",
            "credential before=phone after=Pixel",
            "credential before=token after=\"\"",
            "credential before=\"\" after=spare",
            "credential before=spare after=\"\"",
            "enrolment before=\"Pixel,recovery:3\" after=tombstone",
        ];
        let line = |what| format!("changed user=daemon what={what} uid=0 login_uid=1000");
        assert_eq!(*lab.log.borrow(), lines.map(line));
    }

    #[test]
    fn what_changes_all_records_or_none_of_a_credential() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.run("seal", "").unwrap();
        lab.run("seal", "").unwrap();
        lab.run("unseal", "").unwrap();
        lab.run("export daemon", "").unwrap();
        fs::remove_file(record.state_path()).unwrap();
        lab.run("state init daemon", "").unwrap();
        lab.run("state init daemon", "").unwrap();
        let uid = uid_of("daemon");
        let text = fs::read_to_string(record.path()).unwrap();
        fs::write(record.path(), text.replace(&format!("uid = {uid}"), "uid = 4711")).unwrap();
        lab.run("credential rebind daemon", "").unwrap();
        lab.run("credential rebind daemon", "").unwrap();
        let key = lab.base().keys[1].display().to_string();
        let lines = [
            format!("file={key} what=host_key before=\"\" after=new"),
            "user=daemon what=secrets before=plain after=sealed".to_owned(),
            "user=daemon what=secrets before=sealed after=plain".to_owned(),
            "user=daemon what=export before=phone after=output".to_owned(),
            "user=daemon what=state before=lost after=\"counter:unknown,codes:used\"".to_owned(),
            format!("user=daemon what=uid before=4711 after={uid}"),
        ];
        let line = |what| format!("changed {what} uid=0 login_uid=1000");
        assert_eq!(*lab.log.borrow(), lines.map(line));
    }
}

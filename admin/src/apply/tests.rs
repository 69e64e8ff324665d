use std::fs;

use mfa_core::codes::Hex;
use mfa_core::record::{CodeKind, Codes, Id, Name};
use mfa_core::state::Used;
use mfa_core::store::SystemRecord;
use nix::unistd::Uid;
use serde_json::{Value, json};

use super::*;
use crate::lab::{Lab, NOW, hotp, ssh_key, totp, uid_of, usb_key};

fn id(n: u8) -> Id {
    Id::new([0, 0, 0, n])
}

fn wanted(user: &str) -> Record {
    let codes = Codes {
        id: id(9),
        kind: CodeKind::Recovery,
        salt: Hex::new([1; 16]),
        hashes: vec![Hex::new([2; 32]); 3],
        created: None,
        expires: None,
    };
    Record {
        credentials: vec![totp(1, "phone"), hotp(2, "token")],
        codes: vec![codes],
        ..Record::new(user, uid_of(user))
    }
}

/// Writes records to a directory to apply, and gives its path.
fn source(lab: &Lab, records: &[&Record]) -> String {
    let dir = lab.dir.path().join("source");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("README"), "not a record").unwrap();
    for record in records {
        fs::write(dir.join(format!("{}.toml", record.user)), &*record.to_text()).unwrap();
    }
    dir.to_str().unwrap().to_owned()
}

fn installed(lab: &Lab, user: &str) -> SystemRecord {
    SystemRecord::new(lab.base(), user, Uid::from_raw(uid_of(user))).unwrap()
}

#[test]
fn new_records_count_as_used_up_to_now_and_once_is_enough() {
    let lab = Lab::new();
    let (daemon, bin) = (wanted("daemon"), wanted("bin"));
    let dir = source(&lab, &[&daemon, &bin]);
    let dry = lab.run(&format!("apply {dir} --dry-run"), "").unwrap();
    assert_eq!(dry, "bin: would change.\ndaemon: would change.\n");
    assert_eq!(installed(&lab, "daemon").look(), Ok(Presence::NoRecords));

    assert_eq!(lab.run(&format!("apply {dir}"), "").unwrap(), "bin: changed.\ndaemon: changed.\n");
    let line = |user| {
        format!(
            "changed user={user} what=enrolment before=\"\" after=\"phone,token,recovery:3\" \
             uid=0 login_uid=1000"
        )
    };
    assert_eq!(*lab.log.borrow(), ["bin", "daemon"].map(line));
    let (record, state) = installed(&lab, "daemon").read().unwrap();
    assert_eq!(record, daemon);
    assert_eq!(
        *state.credentials.get(&id(1)).unwrap(),
        Used::totp(i64::try_from(NOW / 30).unwrap() + 1)
    );
    assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(Some(0)));
    assert_eq!(*state.codes.get(&id(9)).unwrap(), 0);

    let again = lab.run_at(NOW + 999, &format!("apply {dir} --json"), "").unwrap();
    let expected = json!({
        "users": [
            {"user": "bin", "outcome": "unchanged", "codes_in_doubt": false},
            {"user": "daemon", "outcome": "unchanged", "codes_in_doubt": false},
        ],
        "mistakes": [],
    });
    assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), expected);
    assert_eq!(installed(&lab, "daemon").read().unwrap().1, state);
    let again = lab.run(&format!("apply {dir}/daemon.toml"), "").unwrap();
    assert_eq!(again, "daemon: unchanged.\n");
    assert_eq!(lab.log.borrow().len(), 2);
}

#[test]
fn what_is_known_keeps_its_state() {
    let lab = Lab::new();
    lab.enrol("daemon", vec![totp(1, "phone"), totp(3, "old")]);
    let text = wanted("daemon").to_text();
    let doubt =
        "daemon: new recovery codes count after `mfactl state init daemon --codes-unused`.\n";
    for (options, outcome) in [(" --dry-run", "would change"), ("", "changed")] {
        let said = lab.run(&format!("apply -{options}"), &text).unwrap();
        assert_eq!(said, format!("daemon: {outcome}.\n{doubt}"));
    }
    let (_, state) = installed(&lab, "daemon").read().unwrap();
    assert_eq!(*state.credentials.get(&id(1)).unwrap(), Used::totp(0), "known");
    assert_eq!(state.credentials.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id(1), id(2)]);
    assert_eq!(state.codes.get(&id(9)), None);
    lab.run("state init daemon --codes-unused", "").unwrap();
    let (_, state) = installed(&lab, "daemon").read().unwrap();
    assert_eq!(state.codes.get(&id(9)), Some(&0));

    let mut renamed = wanted("daemon");
    renamed.credentials[0].name = Name::new("Pixel").unwrap();
    assert_eq!(
        lab.run("apply - --dry-run", &renamed.to_text()).unwrap(),
        "daemon: would change.\n"
    );
    assert_eq!(lab.run("apply -", &renamed.to_text()).unwrap(), "daemon: changed.\n");
    let (record, after) = installed(&lab, "daemon").read().unwrap();
    assert_eq!((record, after), (renamed, state));
}

#[test]
fn keys_come_and_go_and_their_counters_stay() {
    let lab = Lab::new();
    let mut record = Record { keys: vec![usb_key(5, "blue")], ..wanted("daemon") };
    let dir = source(&lab, &[&record]);
    lab.run(&format!("apply {dir}"), "").unwrap();
    let store = installed(&lab, "daemon");
    let (kept, mut state) = store.read().unwrap();
    assert_eq!(state.keys, [(id(5), 0)].into());
    state.keys.insert(id(5), 41);
    store.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
    record.keys.push(ssh_key(6, "laptop"));
    source(&lab, &[&record]);
    lab.run(&format!("apply {dir}"), "").unwrap();
    let (_, state) = store.read().unwrap();
    assert_eq!(state.keys, [(id(5), 41), (id(6), 0)].into());
    record.keys.remove(0);
    source(&lab, &[&record]);
    lab.run(&format!("apply {dir}"), "").unwrap();
    let (_, state) = store.read().unwrap();
    assert_eq!(state.keys, [(id(6), 0)].into());
    let told: Vec<_> = state.notices.iter().map(|notice| notice.kind).collect();
    assert_eq!(told[told.len() - 2..], [Kind::Enrolled, Kind::Removed]);
    let line = lab.log.borrow().last().cloned().unwrap();
    assert!(line.contains("before=\"phone,token,blue,laptop,"), "{line}");
    assert!(lab.run(&format!("apply {dir}"), "").unwrap().contains("unchanged"));
}

#[test]
fn what_is_known_and_has_no_state_may_have_been_used() {
    let lab = Lab::new();
    let text = wanted("daemon").to_text();
    lab.run("apply -", &text).unwrap();
    let record = installed(&lab, "daemon");
    let (kept, mut state) = record.read().unwrap();
    state.codes.retain(|_| false);
    record.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
    let said = lab.run("apply -", &text).unwrap();
    assert!(said.starts_with("daemon: unchanged.\ndaemon: new recovery codes count"), "{said}");
    assert!(record.read().unwrap().1.codes.is_empty());
}

#[test]
fn codes_that_were_left_out_once_may_have_been_used() {
    let lab = Lab::new();
    let first = wanted("daemon");
    let second = Record { codes: vec![], ..first.clone() };
    let apply = |record: &Record| lab.run("apply -", &record.to_text()).unwrap();
    apply(&first);
    let installed = installed(&lab, "daemon");
    let (kept, mut state) = installed.read().unwrap();
    state.codes.insert(id(9), 0b111);
    installed.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
    apply(&second);
    let said = apply(&first);
    assert!(said.contains("`mfactl state init daemon --codes-unused`"), "{said}");
    let (record, state) = installed.read().unwrap();
    assert_eq!((state.codes_left(&record.codes[0]), record), (0, first));
}

#[test]
fn codes_that_a_set_gets_may_have_been_in_it_before() {
    let lab = Lab::new();
    let mut first = wanted("daemon");
    first.codes[0].hashes = [1, 2, 3].map(|n| Hex::new([n; 32])).into();
    let mut second = first.clone();
    second.codes[0].hashes = [2, 4].map(|n| Hex::new([n; 32])).into();
    let installed = installed(&lab, "daemon");
    for (record, marks) in [(&first, 0b000), (&second, 0b10), (&first, 0b101)] {
        lab.run("apply -", &record.to_text()).unwrap();
        assert_eq!(installed.read().unwrap().1.codes.get(&id(9)), Some(&marks));
    }
}

#[test]
fn used_codes_stay_used_wherever_in_the_set_they_are() {
    let lab = Lab::new();
    let mut record = wanted("daemon");
    record.codes[0].hashes = [1, 2, 3].map(|n| Hex::new([n; 32])).into();
    lab.run("apply -", &record.to_text()).unwrap();
    let installed = installed(&lab, "daemon");
    let (kept, mut state) = installed.read().unwrap();
    state.codes.insert(id(9), 0b001);
    installed.edit(mfa_core::store::Lost::Refuse).unwrap().save(kept, state).unwrap();
    record.codes[0].hashes = [4, 3, 1].map(|n| Hex::new([n; 32])).into();
    lab.run("apply -", &record.to_text()).unwrap();
    assert_eq!(installed.read().unwrap().1.codes.get(&id(9)), Some(&0b101));
}

#[test]
fn what_was_removed_may_have_been_used() {
    let lab = Lab::new();
    let text = wanted("daemon").to_text();
    lab.run("apply -", &text).unwrap();
    lab.run("credential remove daemon phone", "").unwrap();
    lab.run("credential remove daemon token --last", "").unwrap();
    for (options, outcome) in [(" --dry-run", "would change"), ("", "changed")] {
        let said = lab.run(&format!("apply -{options}"), &text).unwrap();
        assert!(said.starts_with(&format!("daemon: {outcome}.\n")), "{said}");
        assert!(said.contains("`mfactl state init daemon --codes-unused`"), "{said}");
    }
    let record = installed(&lab, "daemon");
    let (_, state) = record.read().unwrap();
    assert_eq!(*state.credentials.get(&id(2)).unwrap(), Used::hotp(None));
    assert!(state.codes.is_empty());
    lab.run("state init daemon --codes-unused", "").unwrap();
    assert_eq!(*record.read().unwrap().1.codes.get(&id(9)).unwrap(), 0);
    assert_eq!(lab.run("apply -", &text).unwrap(), "daemon: unchanged.\n");
}

#[test]
fn bypass_codes_outlive_it_as_long_as_they_are_good() {
    let lab = Lab::new();
    let text = wanted("daemon").to_text();
    lab.run("apply -", &text).unwrap();
    lab.run("bypass-code daemon --ttl 1h", "").unwrap();
    assert_eq!(lab.run("apply -", &text).unwrap(), "daemon: unchanged.\n");
    assert_eq!(lab.run_at(NOW + 3600, "apply -", &text).unwrap(), "daemon: changed.\n");
    assert_eq!(installed(&lab, "daemon").read().unwrap().0, wanted("daemon"));
}

#[test]
fn one_mistake_and_nothing_is_installed() {
    let lab = Lab::new();
    let dir = source(&lab, &[&wanted("daemon")]);
    let file = |name: &str, text: &str| fs::write(format!("{dir}/{name}.toml"), text).unwrap();
    let daemon = wanted("daemon").to_text();
    let uid = format!("uid = {}", uid_of("daemon"));
    file("a", &format!("colour = 1\n{}", *daemon));
    file("b", &daemon);
    file("c", &daemon.replace("\"daemon\"", "\"no.such.user\""));
    file("d", &daemon.replace("\"daemon\"", "\"bin\"").replace(&uid, "uid = 4711"));
    file("e", &"#".repeat(70_000));
    let failure = lab.run(&format!("apply {dir}"), "").unwrap_err();
    assert_eq!((failure.exit_code(), failure.to_string().as_str()), (3, "5 mistakes found"));
    let said = lab.said.borrow().clone();
    for words in [
        "a.toml:1:1: no key colour here",
        "daemon.toml: another file has a record of \"daemon\" already; leave one",
        "c.toml: there is no user \"no.such.user\"",
        &format!("d.toml: uid is 4711, and bin has uid {0}; write uid = {0}.", uid_of("bin")),
        "e.toml: larger than 64 KiB",
    ] {
        assert!(said.contains(words), "{words} in {said}");
    }
    assert_eq!(installed(&lab, "daemon").look(), Ok(Presence::NoRecords));
    assert!(lab.run(&format!("apply {dir} --json"), "").is_err());
    let said: Value = serde_json::from_str(&lab.said.borrow()).unwrap();
    assert_eq!(said["mistakes"][0]["line"], 1);
    assert_eq!((said["mistakes"].as_array().unwrap().len(), &said["users"]), (5, &json!([])));
}

#[test]
fn a_record_that_has_lost_its_state_stops_it() {
    let lab = Lab::new();
    let lost = lab.enrol("daemon", vec![totp(1, "phone")]);
    fs::remove_file(lost.state_path()).unwrap();
    let dir = source(&lab, &[&wanted("daemon"), &wanted("bin")]);
    for dry in ["", " --dry-run"] {
        let failure = lab.run(&format!("apply {dir}{dry}"), "").unwrap_err();
        assert_eq!(failure.exit_code(), 3);
        let said = lab.said.borrow().clone();
        assert!(said.contains("no state; run `mfactl state init daemon`."), "{said}");
    }
    assert_eq!(installed(&lab, "bin").look(), Ok(Presence::Absent));
    assert!(!lost.state_path().exists());

    lab.enrol_uid("sys", 4711, vec![totp(1, "phone")]);
    assert!(lab.run("apply -", &wanted("sys").to_text()).is_err());
    assert!(lab.said.borrow().contains("`mfactl credential rebind sys`"));
}

#[test]
fn what_cannot_be_read() {
    let lab = Lab::new();
    let pipe = lab.dir.path().join("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    for path in [pipe.as_path(), Path::new("/nonexistent/x.toml"), Path::new("/dev/null")] {
        let sentence = lab.refused(&format!("apply {}", path.display()));
        assert!(sentence.contains("cannot be read"), "{sentence}");
    }
    let empty = lab.dir.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(lab.run(&format!("apply {}", empty.display()), "").unwrap(), "");
}

//! Imports for whoever runs the tests, into a directory of the test's own.

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;

use mfa_core::account::Port;
use mfa_core::key::Public;
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::reason::Reason;
use mfa_core::record::Method;
use mfa_core::secret::Secret;
use mfa_core::store::{Base, Lost, Presence, Store, SystemRecord};
use mfa_core::verify::{Answer, Reply, Terms, Verdict, verify};
use nix::unistd::{Uid, User};

use crate::failure::Failure;
use crate::lab::{self, NOW};

const STEP: i64 = 56_666_667;
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// `/var/lib/pam_mfa`, `/etc/pam.d` and a google-authenticator file of whoever runs this.
struct Lab {
    machine: lab::Lab,
    user: User,
    now: Cell<u64>,
}

impl Lab {
    fn new(options: &str) -> Self {
        let user = User::from_uid(Uid::effective()).unwrap().unwrap();
        let lab = Self { machine: lab::Lab::new(), user, now: Cell::new(NOW) };
        fs::create_dir(lab.path("pam.d")).unwrap();
        lab.write(&format!("{SECRET}\n{options}\n"));
        lab
    }

    fn path(&self, name: &str) -> PathBuf {
        self.machine.dir.path().join(name)
    }

    /// The google-authenticator file.
    fn write(&self, text: &str) {
        let _ = fs::remove_file(self.path("file"));
        fs::write(self.path("file"), text).unwrap();
        fs::set_permissions(self.path("file"), Permissions::from_mode(0o400)).unwrap();
    }

    fn base(&self) -> Base {
        self.machine.base()
    }

    fn record(&self) -> SystemRecord {
        SystemRecord::new(self.base(), &self.user.name, self.user.uid).unwrap()
    }

    fn import(&self, more: &[&str]) -> (Result<(), Failure>, String) {
        let file = self.path("file");
        let whose = ["--file", file.to_str().unwrap(), &self.user.name];
        self.run(&[&whose, more].concat())
    }

    fn run(&self, args: &[&str]) -> (Result<(), Failure>, String) {
        let line = [&["import"], args].concat().join(" ");
        let result = self.machine.run_at(self.now.get(), &line, "").map(drop);
        (result, self.machine.said.borrow().clone())
    }

    /// Imported, or the test fails.
    #[track_caller]
    fn imported(options: &str) -> Self {
        let lab = Self::new(options);
        let (result, output) = lab.import(&[]);
        assert!(result.is_ok() && output.contains(": imported: "), "{output}");
        lab
    }

    fn log_in(&self, answer: &str) -> Result<(), Reason> {
        let terms = Terms {
            learn_skew: true,
            advance_hotp: true,
            grace: 0,
            host: None,
            source: None,
            limits: None,
        };
        let answer =
            Answer { first_pass: None, reply: Reply::Given(answer.as_bytes()), combined: false };
        let store = self.record();
        let outcome = store
            .transact(&mut |account| verify(account, &answer, &terms, self.now.get()))
            .map_err(|trouble| trouble.reason)?;
        outcome.written.unwrap();
        match outcome.verdict {
            Verdict::Accepted(_) => Ok(()),
            Verdict::Denied(denied) => Err(denied.reason),
        }
    }

    /// Whether there is a record, and whether there is a tombstone.
    fn left(&self) -> (bool, bool) {
        let record = self.record();
        (record.path().exists(), record.path().with_extension("gone").exists())
    }
}

fn code(counter: i64) -> String {
    let secret = Secret::from_base32(SECRET).unwrap();
    Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(counter.try_into().unwrap())
}

#[test]
fn codes_by_time_go_on() {
    let lab = Lab::imported(&format!(
        "\" RATE_LIMIT 20 40 {} {}\n\" WINDOW_SIZE 5\n\" TIME_SKEW -3\n\" DISALLOW_REUSE {}\n\
         \" TOTP_AUTH\n11111111\n22222222\n11111111",
        NOW - 50,
        NOW - 5,
        STEP - 2
    ));
    let (record, state) = lab.record().read().unwrap();
    assert_eq!((record.rate_limit.attempts, record.rate_limit.seconds), (20, 40));
    assert_eq!(state.attempts, [NOW - 5], "those that still count");
    let phone = record.credential("phone").unwrap();
    assert_eq!((phone.method, phone.window), (Method::Totp { period: 30 }, 5));
    let used = state.credentials.get(&phone.id).unwrap();
    assert_eq!((used.step, used.skew), (Some(STEP - 2), -3), "the phone shows {}", STEP - 3);
    assert_eq!(record.codes[0].hashes.len(), 2);

    assert_eq!(lab.log_in(&code(STEP - 3)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP - 2)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP - 1)), Ok(()), "ahead, in the window, and never used");
    assert_eq!(lab.log_in("11111111"), Ok(()));
    assert_eq!(lab.log_in("11111111"), Err(Reason::Reused));
    assert_eq!(lab.left(), (true, true));
}

#[test]
fn codes_by_counter_go_on() {
    let lab = Lab::imported("\" HOTP_COUNTER 7\n\" WINDOW_SIZE 2\n\" DIGITS 6");
    assert_eq!(lab.log_in(&code(6)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(7)), Ok(()));
    let (record, state) = lab.record().read().unwrap();
    assert_eq!(
        state.credentials.get(&record.credential("token").unwrap().id).unwrap().counter,
        Some(8)
    );
    assert_eq!((record.rate_limit.attempts, record.rate_limit.seconds), (3, 30));
}

#[test]
fn without_a_list_all_up_to_now_counts_as_used() {
    let lab = Lab::imported("\" TOTP_AUTH");
    assert_eq!(lab.log_in(&code(STEP)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP + 1)), Ok(()));
}

#[test]
fn so_it_does_where_the_list_ends_earlier() {
    let lab = Lab::imported(&format!("\" DISALLOW_REUSE {}\n\" TOTP_AUTH", STEP - 10));
    assert_eq!(lab.log_in(&code(STEP)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP + 1)), Ok(()));
}

#[test]
fn nothing_is_done_twice_and_the_file_stays() {
    let lab = Lab::new("\" HOTP_COUNTER 7\n11111111");
    let before = fs::metadata(lab.path("file")).unwrap();
    let (result, output) = lab.import(&["--dry-run"]);
    assert!(
        result.is_ok() && output.contains(": would be imported: token (by counter"),
        "{output}"
    );
    assert!(!lab.path("lib").exists() && !lab.path("run").exists());

    assert!(lab.import(&[]).0.is_ok());
    assert_eq!(lab.log_in(&code(7)), Ok(()));
    let record = fs::read(lab.record().path()).unwrap();
    let state = fs::read(lab.record().state_path()).unwrap();
    for args in [&[][..], &["--name", "other"], &["--force"]] {
        let (result, output) = lab.import(args);
        assert!(result.is_ok() && output.contains(": unchanged: "), "{output}");
    }
    assert_eq!(fs::read(lab.record().path()).unwrap(), record);
    assert_eq!(fs::read(lab.record().state_path()).unwrap(), state);
    let after = fs::metadata(lab.path("file")).unwrap();
    assert_eq!(before.ino(), after.ino());
    assert_eq!((before.mtime(), before.mode()), (after.mtime(), after.mode()));
}

#[test]
fn a_record_made_by_other_means_is_left_alone() {
    let lab = Lab::imported("\" TOTP_AUTH");
    lab.record().edit(Lost::Refuse).unwrap().unbury().unwrap();
    lab.write("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n");
    let (result, output) = lab.import(&[]);
    assert!(result.is_ok() && output.contains("for other secrets"), "{output}");
    assert_eq!(lab.left(), (true, false));
}

#[test]
fn what_a_crash_left_undone_is_done_by_the_next_run() {
    let lab = Lab::imported("\" TOTP_AUTH");
    lab.record().edit(Lost::Refuse).unwrap().unbury().unwrap();
    assert!(lab.import(&[]).1.contains(": unchanged: "));
    assert_eq!(lab.left(), (true, true), "the tombstone");

    let edit = lab.record();
    edit.edit(Lost::Refuse).unwrap().unbury().unwrap();
    assert!(lab.import(&["--undo"]).1.contains(": undone: "), "after the tombstone");
    let (user, file) = (&lab.user.name, lab.path("file").display().to_string());
    let lines = [
        ("enrolment", file.as_str(), "phone"),
        ("tombstone", "\"\"", file.as_str()),
        ("enrolment", "phone", file.as_str()),
    ];
    let line = |(what, before, after)| {
        format!(
            "changed user={user} what={what} before={before} after={after} uid=0 login_uid=1000"
        )
    };
    assert_eq!(*lab.machine.log.borrow(), lines.map(line));
    assert!(lab.import(&[]).0.is_ok());
    lab.record().edit(Lost::Refuse).unwrap().unbury().unwrap();
    fs::remove_file(lab.record().path()).unwrap();
    let (result, output) = lab.import(&["--undo"]);
    assert!(result.is_ok() && output.contains(": unchanged: "), "{output}");
    assert!(!lab.record().state_path().exists(), "after the record");
}

#[test]
fn files_that_no_login_could_use() {
    for (text, why) in [
        ("!\n\" TOTP_AUTH\n".to_owned(), "line 1 is no base32 secret"),
        (format!("{SECRET}\n\" TOTP_AUTH\n\" WINDOW_SIZE 0\n"), "WINDOW_SIZE"),
        (format!("{SECRET}\n\" TOTP_AUTH\n\" STEP_SIZE 61\n"), "STEP_SIZE"),
        (format!("{SECRET}\n\" TOTP_AUTH\n\" RATE_LIMIT 0 1\n"), "RATE_LIMIT"),
        (format!("{SECRET}\n\" TOTP_AUTH\n\" DISALLOW_REUSE x\n"), "DISALLOW_REUSE"),
        (format!("{SECRET}\n11111111\n"), "neither TOTP_AUTH nor HOTP_COUNTER"),
        ("GEZDGNBV\n\" TOTP_AUTH\n".to_owned(), "has 5 bytes; it must have 10 to 128"),
        (
            format!("{SECRET}\n\" TOTP_AUTH\n\" DISALLOW_REUSE {}\n", STEP + 101),
            "due only in 3030 s have been used",
        ),
        (String::new(), "the file is empty"),
        (format!("{SECRET}\n\0"), "NUL"),
    ] {
        let lab = Lab::new("");
        lab.write(&text);
        let (result, output) = lab.import(&[]);
        let failure = result.unwrap_err();
        assert_eq!(
            (failure.exit_code(), failure.to_string()),
            (1, "1 of 1 failed, see above".into())
        );
        assert!(output.contains(": failed: ") && output.contains(why), "{text:?}: {output}");
        assert!(!output.contains("GEZDG"), "{output}");
        assert!(!lab.record().path().exists() && !lab.record().state_path().exists());
        assert_eq!(lab.import(&["--dry-run"]).0.unwrap_err().exit_code(), 3);
    }
    let lab = Lab::new("\" TOTP_AUTH");
    fs::set_permissions(lab.path("file"), Permissions::from_mode(0o644)).unwrap();
    assert!(lab.import(&[]).1.contains("mode 0644, allowed 0600"));
    fs::remove_file(lab.path("file")).unwrap();
    assert!(lab.import(&[]).1.contains("neither a google-authenticator file nor"));
}

#[test]
fn services_that_go_by_the_file() {
    let lab = Lab::new("\" TOTP_AUTH");
    fs::write(lab.path("pam.d/sshd"), "auth required pam_mfa.so secret=/etc/ga/${USER}\n").unwrap();
    fs::write(lab.path("pam.d/postgresql"), "auth required pam_mfa.so\n").unwrap();
    let says = |expected: &str| {
        let (result, output) = lab.import(&[]);
        let said = result.unwrap_err().to_string();
        assert!(
            said.contains(expected) && said.contains("/pam.d/sshd line 1: a service"),
            "{said}"
        );
        assert_eq!(output, "");
    };
    says("secret= in ");
    fs::write(lab.path("pam.d/sshd"), "auth required pam_mfa.so store=home\n").unwrap();
    says("store=home in ");
    assert!(!lab.path("lib").exists());
    let (result, output) = lab.import(&["--force"]);
    assert!(result.is_ok());
    assert!(output.starts_with("Note: postgresql cannot read system records (Postgre"), "{output}");
}

#[test]
fn who_stays_with_the_home() {
    let lab = Lab::new("\" TOTP_AUTH");
    let (result, output) = lab.import(&["--keep-home", &lab.user.name]);
    assert!(result.is_ok() && output.contains(": kept: "), "{output}");
    assert!(!lab.path("lib").exists());
    let slip = lab.import(&["--keep-home", "nobody-is-called-so"]);
    assert!(matches!(slip.0, Err(Failure::UnknownUser(_))));
}

#[test]
fn who_was_reset_stays_so() {
    let lab = Lab::imported("\" TOTP_AUTH");
    let record = lab.record();
    record.edit(Lost::Refuse).unwrap().remove().unwrap();
    assert_eq!(record.look().unwrap(), Presence::Reset);
    for args in [&[][..], &["--undo"]] {
        let (result, output) = lab.import(args);
        assert!(result.is_err() && output.contains("was reset"), "{output}");
    }
    assert!(lab.import(&["--force"]).0.is_ok());
    assert_eq!(record.look().unwrap(), Presence::Here);
}

#[test]
fn back_at_once_where_nothing_was_used() {
    for options in ["\" TOTP_AUTH\n11111111", "\" HOTP_COUNTER 7"] {
        let lab = Lab::imported(options);
        let (result, output) = lab.import(&["--undo"]);
        assert!(result.is_ok() && output.contains(": undone: "), "{output}");
        assert_eq!(lab.left(), (false, false));
        assert!(!lab.record().state_path().exists());
        assert!(lab.import(&[]).0.is_ok(), "and there again");
    }
}

#[test]
fn back_only_where_nothing_gets_good_again() {
    let refused = |lab: &Lab, why: &str| {
        let (result, output) = lab.import(&["--undo"]);
        assert!(result.is_err() && output.contains(why), "{output}");
        assert_eq!(lab.left(), (true, true));
    };
    let lab = Lab::imported("\" HOTP_COUNTER 7");
    lab.log_in(&code(7)).unwrap();
    refused(&lab, "`mfactl export");
    lab.write(&format!("{SECRET}\n\" HOTP_COUNTER 8\n"));
    assert!(lab.import(&["--undo"]).0.is_ok(), "with what export makes");

    let lab = Lab::imported("\" TOTP_AUTH\n11111111");
    lab.log_in("11111111").unwrap();
    refused(&lab, "recovery codes have been used");
    lab.write(&format!("{SECRET}\n\" TOTP_AUTH\n22222222\n"));
    refused(&lab, "recovery codes have been used or replaced");
    lab.write("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n");
    refused(&lab, "another secret");
    fs::remove_file(lab.path("file")).unwrap();
    refused(&lab, "no file in the home");
}

#[test]
fn a_code_by_time_has_to_leave_the_window_first() {
    let lab = Lab::imported("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    lab.log_in(&code(STEP + 1)).unwrap();
    let (result, output) = lab.import(&["--undo"]);
    assert!(result.is_err() && output.contains("wait 90 s"), "{output}");
    lab.now.set(NOW + 89);
    assert!(lab.import(&["--undo"]).1.contains("wait 1 s"));
    lab.now.set(NOW + 90);
    assert!(lab.import(&["--undo"]).0.is_ok());

    let lab = Lab::imported("\" TOTP_AUTH\n\" DISALLOW_REUSE");
    lab.log_in(&code(STEP + 1)).unwrap();
    let listed = [-1, 0, 1].map(|offset| (STEP + offset).to_string()).join(" ");
    lab.write(&format!("{SECRET}\n\" TOTP_AUTH\n\" DISALLOW_REUSE {listed}\n"));
    assert!(lab.import(&["--undo"]).0.is_ok(), "the file knows");
}

/// With a mapping of two keys, and lines of pam_u2f that name it.
fn with_keys(options: &str, u2f: &str) -> Lab {
    let lab = Lab::new(options);
    let path = lab.path("u2f_keys").display().to_string();
    let line = format!("auth required pam_u2f.so authfile={path} {u2f}\n");
    fs::write(lab.path("pam.d/sudo"), &line).unwrap();
    fs::write(lab.path("pam.d/su"), format!("auth [success=ok default=die] {}", &line[14..]))
        .unwrap();
    lab.map(&[1, 2]);
    lab
}

impl Lab {
    /// Writes the mapping, with keys of these seeds.
    fn map(&self, seeds: &[u8]) {
        let keys = seeds.iter().map(|&seed| {
            format!(":AAAA,{},es256,+presence+pin", data_encoding::BASE64.encode(&[seed; 64]))
        });
        let text = format!("other:broken\n{}{}\n", self.user.name, keys.collect::<String>());
        fs::write(self.path("u2f_keys"), text).unwrap();
        fs::set_permissions(self.path("u2f_keys"), Permissions::from_mode(0o644)).unwrap();
    }
}

#[test]
fn keys_go_with_the_phone() {
    let lab = with_keys("\" TOTP_AUTH", "cue origin=pam://all");
    let (result, output) = lab.import(&[]);
    result.unwrap();
    let listed = "phone (by time, window 3), key 1 (security key), key 2 (security key), 3 answers";
    assert!(output.contains(listed), "{output}");
    let (record, state) = lab.record().read().unwrap();
    let [one, two] = ["key 1", "key 2"].map(|name| record.key(name).unwrap());
    assert_eq!(one.public, Public::es256(&[1; 64]).unwrap());
    assert_eq!(two.public, Public::es256(&[2; 64]).unwrap());
    assert_eq!(one.port, Port::Usb { handle: vec![0; 3], pin: true });
    assert_eq!((one.application.as_str(), one.counts), ("pam://all", true));
    assert_eq!((one.touch, one.verification, one.created), (true, true, Some(NOW)));
    assert_eq!(
        state.keys.get(&one.id),
        Some(&0),
        "whatever comes next is more, or the key does not count"
    );
    let log = lab.machine.log.borrow().join("\n");
    assert!(log.contains(r#" after="phone,key\x201,key\x202" "#), "{log}");
    assert!(lab.import(&[]).1.contains(": unchanged: there is a system record already"));
}

#[test]
fn keys_alone_are_imported_too() {
    let lab = with_keys("", "");
    fs::remove_file(lab.path("file")).unwrap();
    let (result, output) = lab.import(&[]);
    result.unwrap();
    assert!(!output.contains("phone"), "{output}");
    let (record, _) = lab.record().read().unwrap();
    assert_eq!((record.credentials.len(), record.keys.len()), (0, 2));
    assert_eq!(record.keys[0].application, "pam://host");
    assert_eq!(lab.left(), (true, true));

    lab.map(&[1]);
    let (result, output) = lab.import(&["--undo"]);
    assert!(
        result.is_err() && output.contains("the key \"key 2\" and no mapping has it"),
        "{output}"
    );
    lab.map(&[2, 3, 1]);
    assert!(lab.import(&["--undo"]).0.is_ok());
    assert_eq!(lab.left(), (false, false));
}

#[test]
fn keys_that_cannot_be_imported() {
    let refused = |lab: &Lab, why: &str| {
        let (result, output) = lab.import(&[]);
        let said = format!("{output}{}", result.unwrap_err());
        assert!(said.contains(why), "{said}");
        assert_eq!(lab.left(), (false, false));
    };
    let lab = with_keys("\" TOTP_AUTH", "");
    lab.map(&(1..=16).collect::<Vec<_>>());
    refused(&lab, "more than 16 credentials and keys");
    fs::write(lab.path("u2f_keys"), format!("{}:cut,off", lab.user.name)).unwrap();
    refused(&lab, "line 1: key 1: its key handle is not base64");
    lab.map(&[1, 2]);
    fs::set_permissions(lab.path("u2f_keys"), Permissions::from_mode(0o666)).unwrap();
    refused(&lab, "mode 0666");
    lab.map(&[1, 2]);
    let line = fs::read_to_string(lab.path("pam.d/sudo")).unwrap();
    fs::write(lab.path("pam.d/su"), line.trim_end().to_owned() + " origin=pam://other").unwrap();
    refused(&lab, "services take the same key for one of pam://other and of pam://host");
    fs::write(lab.path("pam.d/su"), line.trim_end().to_owned() + " conf=/etc/u2f.conf").unwrap();
    refused(&lab, "su line 1 has conf= or sshformat");
    let list = lab.path("u2f_keys").display().to_string();
    assert!(lab.import(&["--u2f", &list, "--origin", "pam://other"]).0.is_ok());
    assert_eq!(lab.record().read().unwrap().0.keys[1].application, "pam://other");
}

#[test]
fn only_keys_that_a_service_goes_by() {
    let lab = with_keys("\" TOTP_AUTH", "");
    let line = fs::read_to_string(lab.path("pam.d/sudo")).unwrap();
    fs::remove_file(lab.path("pam.d/su")).unwrap();
    for (module, keys) in [("pam_mfa.so", 0), ("pam_mfa.so u2f", 2)] {
        fs::write(lab.path("pam.d/sudo"), line.replace("pam_u2f.so", module)).unwrap();
        assert!(lab.import(&[]).0.is_ok());
        assert_eq!(lab.record().read().unwrap().0.keys.len(), keys, "{module}");
        assert!(lab.import(&["--undo"]).0.is_ok());
    }
    let template = lab.path("%u%%").display().to_string();
    fs::write(
        lab.path("pam.d/sudo"),
        format!("auth required pam_u2f.so expand authfile={template}"),
    )
    .unwrap();
    fs::rename(lab.path("u2f_keys"), lab.path(&format!("{}%", lab.user.name))).unwrap();
    assert!(lab.import(&["--dry-run"]).1.contains("key 2"));
}

#[test]
fn users_oath() {
    let lab = Lab::new("");
    let list = lab.path("users.oath");
    let user = &lab.user.name;
    let text = format!(
        "HOTP {user} - 3132333435363738393031323334353637383930 5\n\
         HOTP/T60/8 {user} + 4142434445464748494a\nHOTP nobody-is-called-so - 3132333435\n\
         HOTP other 1234 00\n"
    );
    fs::write(&list, text).unwrap();
    let (result, output) = lab.run(&["--oath", list.to_str().unwrap(), user]);
    assert_eq!(result.unwrap_err().to_string(), "1 of 2 failed, see above", "{output}");
    assert!(output.contains("line 4: failed: it has a PIN"), "{output}");
    let (record, state) = lab.record().read().unwrap();
    let [token, phone] = ["token", "phone"].map(|name| record.credential(name).unwrap());
    assert_eq!(state.credentials.get(&token.id).unwrap().counter, Some(5));
    assert_eq!((phone.method, phone.digits.count()), (Method::Totp { period: 60 }, 8));
    assert_eq!(lab.left(), (true, true));
    let (result, output) = lab.run(&["--oath", list.to_str().unwrap()]);
    assert_eq!(result.unwrap_err().to_string(), "2 of 3 failed, see above", "{output}");
    assert!(output.contains("there is no user \"nobody-is-called-so\""), "{output}");
}

#[test]
fn a_list_of_uris() {
    let lab = Lab::new("");
    let list = lab.path("uris");
    let user = &lab.user.name;
    let text = format!(
        "# phones\n\notpauth://totp/Corp:{user}@host.example?secret={SECRET}&issuer=Corp\n\
         otpauth://totp/Corp:{user}?secret=JBSWY3DPEHPK3PXP&issuer=Corp&period=60\n\
         otpauth://hotp/{user}?secret=KRSXG5CTMVRXEZLU&counter=9\nhttps://example.org/\n"
    );
    fs::write(&list, text).unwrap();
    let list = list.to_str().unwrap();
    let (result, output) = lab.run(&["--uri", list]);
    assert!(
        result.is_err() && output.contains("line 6: failed: it does not begin with"),
        "{output}"
    );
    let (record, state) = lab.record().read().unwrap();
    let names: Vec<_> = record.credentials.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["Corp", "Corp 2", "token"]);
    assert_eq!(state.credentials.get(&record.credentials[2].id).unwrap().counter, Some(9));
    assert_eq!(lab.log_in(&code(STEP)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP + 1)), Ok(()));
    assert!(lab.run(&["--uri", list, user, "other"]).0.is_err());
    assert!(lab.run(&["--uri", list, user]).1.contains(": unchanged: "));
}

#[test]
fn one_object() {
    let lab = Lab::new("\" TOTP_AUTH");
    let (result, output) = lab.import(&["--json", "--dry-run"]);
    assert!(result.is_ok());
    let user = &lab.user.name;
    assert_eq!(
        output,
        format!(
            "{{\"dry_run\":true,\"users\":[{{\"user\":\"{user}\",\"outcome\":\"imported\",\
             \"detail\":\"phone (by time, window 3), 3 answers in 30 s\"}}],\"without_root\":{{}}}}\n"
        )
    );
}

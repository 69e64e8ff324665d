//! Enrolments into records of the test's own, which need not be root's, and logins after them.

use std::cell::{Cell, RefCell};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use mfa_core::account::CodeSet;
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::secret::Secret;
use mfa_core::store::{Opened, Store};
use mfa_core::verify::{Answer, Reply, Terms, Verdict, verify};
use nix::unistd::{Uid, geteuid};
use tempfile::TempDir;

use super::*;
use crate::args::{Request, read};
use crate::enrol::enrol;
use crate::log::{Invoker, Log};
use crate::save::make_way;
use crate::talk::Talk;

const NOW: u64 = 1_700_000_010;
const STEP: u64 = NOW / 30;

/// A machine with one user, alice, on which the random numbers count up.
struct Lab {
    dir: TempDir,
    drawn: Cell<u8>,
    log: RefCell<Vec<String>>,
}

const ROOT: Invoker = Invoker { uid: 0, login_uid: Some(1000), sudo_user: None };

impl Lab {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), drawn: Cell::new(0), log: RefCell::default() }
    }

    fn base(&self) -> Base {
        Base::new(&self.dir.path().join("lib"), &self.dir.path().join("run"))
    }

    fn user(&self) -> User {
        let uid = geteuid();
        let dir = self.dir.path().join("home");
        User {
            name: "alice".to_owned(),
            uid,
            dir,
            ..User::from_uid(Uid::from_raw(0)).unwrap().unwrap()
        }
    }

    fn store(&self) -> SystemRecord {
        SystemRecord::new(self.base(), "alice", geteuid()).unwrap()
    }

    /// What alice's enrolment with these options comes to, and what was said.
    fn enrol(&self, line: &str, input: &str) -> (Result<bool, String>, String) {
        let line = format!("mfa-enroll --user alice {line}");
        let Ok(Request::Enrol(args)) = read(line.split_whitespace().map(Into::into)) else {
            panic!("{line}")
        };
        let plan = Plan::from(*args);
        let mut output = vec![];
        let done = self.carry_out(plan, input, &mut output);
        (done.map_err(|failure| failure.to_string()), String::from_utf8(output).unwrap())
    }

    fn carry_out(&self, plan: Plan, input: &str, output: &mut Vec<u8>) -> Result<bool, Failure> {
        let name = plan.owner.clone().unwrap().name;
        let target = UserRecord::new(self.base(), self.user(), name)?;
        let warned = RefCell::new(vec![]);
        let world = World {
            person: "alice".into(),
            host: "host".into(),
            columns: None,
            qr_file: None,
            clock: &|| NOW,
            random: &|bytes: &mut [u8]| {
                self.drawn.set(self.drawn.get() + 1);
                bytes.fill(self.drawn.get());
                Ok(())
            },
            log: Log { invoker: &ROOT, write: &|line| self.log.borrow_mut().push(line.to_owned()) },
            warn: &|sentence| warned.borrow_mut().push(format!("({sentence})\n")),
        };
        let mut talk = Talk::new(input.as_bytes(), output);
        let Some(enrolment) = enrol(plan, &mut talk, &target, &world)? else { return Ok(false) };
        target.install(enrolment.factor, &world)?;
        enrolment.farewell.say(&mut talk, &target, &world).unwrap();
        talk.say(&warned.borrow().concat()).unwrap();
        Ok(true)
    }

    /// Enrols without a question, unconfirmed; what was said.
    #[track_caller]
    fn enrolled(&self, line: &str) -> String {
        let (done, said) = self.enrol(line, "");
        assert_eq!(done, Ok(true), "{said}");
        said
    }

    fn log_in(&self, text: &str) -> Result<Option<String>, Reason> {
        let terms = Terms {
            learn_skew: true,
            advance_hotp: true,
            grace: 0,
            host: None,
            source: None,
            limits: None,
        };
        let answer =
            Answer { first_pass: None, reply: Reply::Given(text.as_bytes()), combined: false };
        let outcome = self.store().transact(&mut |account| verify(account, &answer, &terms, NOW));
        match outcome.unwrap().verdict {
            Verdict::Accepted(accepted) => Ok(accepted.credential),
            Verdict::Denied(denied) => Err(denied.reason),
        }
    }
}

/// The code of the secret that is drawn next on a new machine, or as the `nth`.
fn code_of(nth: u8, moment: u64) -> String {
    Otp::new(&Secret::new(vec![nth; 20]), Algorithm::Sha1, Digits::SIX).text(moment)
}

fn code(moment: u64) -> String {
    code_of(1, moment)
}

/// The recovery codes among what was said.
fn paper(said: &str) -> Vec<String> {
    let lines = said.lines().filter_map(|line| line.strip_prefix("  "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_code_that_confirms_is_used_up() {
    let lab = Lab::new();
    let (done, said) = lab.enrol("", &format!("y\n000000\n{}\ny\nn\n", code(STEP)));
    assert_eq!(done, Ok(true), "{said}");
    assert!(said.contains("(-1 to give up): That code is wrong."), "{said}");
    assert!(said.contains(&format!("Write all this to {}? (y/n) ", lab.store().path().display())));
    assert!(said.ends_with("The code that confirmed it is used up; the next one comes in 30 s.\n"));
    assert_eq!(said.matches("(y/n)").count(), 3, "{said}");
    assert_eq!(lab.log_in(&code(STEP)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(STEP + 1)), Ok(Some("phone".to_owned())));

    let (record, _) = lab.store().read().unwrap();
    let phone = record.credential("phone").unwrap();
    assert_eq!((phone.method, phone.window), (record::Method::Totp { period: 30 }, 3));
    assert_eq!((phone.created, record.rate_limit), (Some(NOW), Limit::default()));
    assert_eq!((record.user.as_str(), record.uid), ("alice", geteuid().as_raw()));
    for path in [lab.store().path(), lab.store().state_path()] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_counters_first_code_confirms_it_too() {
    let lab = Lab::new();
    let (done, said) = lab.enrol("-cfW --digits 6", &format!("{}\n{}\n", code(2), code(1)));
    assert_eq!(done, Ok(true), "{said}");
    assert!(said.contains("That code is wrong."), "the window is 1: {said}");
    assert!(said.ends_with("used up; the next one is good now.\n"), "{said}");
    assert_eq!(lab.log_in(&code(1)), Err(Reason::Reused));
    assert_eq!(lab.log_in(&code(2)), Ok(Some("phone".to_owned())));
    // Pressed twice before it was typed.
    let lab = Lab::new();
    assert_eq!(lab.enrol("-cfw 3", &code(2)).0, Ok(true));
    assert_eq!(lab.log_in(&code(3)), Ok(Some("phone".to_owned())));
}

#[test]
fn without_a_code_nothing_is_written_unless_told() {
    for line in ["-tfW", "-cfW"] {
        for input in ["-1\n", "000000\n-1\n", ""] {
            let lab = Lab::new();
            let (done, said) = lab.enrol(line, input);
            assert!(done.unwrap_err().contains("nothing was written"), "{said}");
            assert!(!said.contains("recovery"), "{said}");
            assert!(!lab.base().dir.exists());
        }
    }
    let lab = Lab::new();
    assert_eq!(lab.enrol("-tW", &format!("{}\nn\n", code(STEP))).0, Ok(false));
    assert!(!lab.base().dir.exists());
    let lab = Lab::new();
    assert!(!lab.enrolled("-tfWC").contains("used up"));
    assert_eq!(lab.log_in(&code(STEP)), Ok(Some("phone".to_owned())));
    let lab = Lab::new();
    lab.enrolled("-cfWC");
    assert_eq!(lab.log_in(&code(1)), Ok(Some("phone".to_owned())), "the first");
}

#[test]
fn recovery_codes_count_once_and_stay_unless_asked_for() {
    let lab = Lab::new();
    let said = lab.enrolled("-tfWC -e 2 -r 10 -R 15");
    let first = paper(&said);
    assert!(said.contains("The recovery codes, each good once, are:\n  "), "{said}");
    assert_eq!((first.len(), first[0].len()), (2, 14));
    assert_eq!(lab.log_in(&first[0].to_uppercase()), Ok(None));
    assert_eq!(lab.log_in(&first[0]), Err(Reason::Reused));

    let said = lab.enrolled("-tfWC --name spare");
    assert!(said.contains("The recovery codes stay what they are.\n") && paper(&said).is_empty());
    let said = lab.enrolled("-tfWC --name spare -e 3");
    assert!(said.contains("in place of all old ones, are:\n"), "{said}");
    assert_eq!(lab.log_in(&first[1]), Err(Reason::WrongCode));
    let second = paper(&said);
    for code in &second {
        assert_eq!(lab.log_in(code), Ok(None));
    }
    // Where all are used up, there are new ones unless told otherwise.
    assert!(lab.enrolled("-tfWC -e 0").contains("There are no recovery codes.\n"));
    assert_eq!(paper(&lab.enrolled("-tfWC")).len(), 5);
    let Opened::Enrolled(account) = lab.store().open() else { panic!("not enrolled") };
    assert_eq!(account.code_sets.iter().map(CodeSet::left).collect::<Vec<_>>(), [5]);
}

#[test]
fn another_name_adds_one_and_the_same_replaces() {
    let lab = Lab::new();
    lab.enrolled("-tfWC -r 5 -R 60");
    let draws = lab.drawn.get();
    let (done, said) = lab.enrol("-tWC --name token -e 0", "y\n");
    assert_eq!(done, Ok(true));
    assert!(said.contains("alice has \"phone\".\nAdd \"token\"? (y/n) "), "{said}");
    let token = code_of(draws + 1, STEP);
    assert_eq!(lab.log_in(&token), Ok(Some("token".to_owned())));
    assert_eq!(lab.log_in(&code(STEP)), Ok(Some("phone".to_owned())));

    let (done, said) = lab.enrol("-tWC", "n\n");
    assert_eq!(done, Ok(false));
    assert!(said.contains("the codes of its old secret end with it.\nReplace it? (y/n) "));
    assert_eq!(lab.log_in(&code(STEP + 1)), Ok(Some("phone".to_owned())));
    let before = lab.store().read().unwrap();
    lab.enrolled("-cfWC");
    let (record, state) = lab.store().read().unwrap();
    let names: Vec<_> = record.credentials.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["phone", "token"]);
    assert_eq!(record.rate_limit, Limit { attempts: 5, seconds: 60 }, "it stays");
    assert_ne!(record.credentials[0].id, before.0.credentials[0].id);
    assert_eq!(record.credentials[1], before.0.credentials[1]);
    let ids = record.ids().collect::<Vec<_>>();
    let known: Vec<_> = state
        .credentials
        .iter()
        .map(|(id, _)| *id)
        .chain(state.codes.iter().map(|(id, _)| *id))
        .collect();
    assert_eq!(known.len(), ids.len());
    assert!(known.iter().all(|id| ids.contains(id)), "the old one's state is gone");
    assert_eq!(state.attempts, before.1.attempts, "earlier attempts count");
}

#[test]
fn at_most_sixteen() {
    let lab = Lab::new();
    for number in 0..MAX_CREDENTIALS {
        lab.enrolled(&format!("-tfWC --name {number} -e 0"));
    }
    let (done, said) = lab.enrol("-tfWC --name more", "");
    assert!(done.unwrap_err().starts_with("alice has 16 credentials"));
    assert_eq!(said, "");
    lab.enrolled("-tfWC --name 15");
}

#[test]
fn a_file_in_the_home_is_said_to_count_no_more() {
    let lab = Lab::new();
    fs::create_dir(lab.user().dir).unwrap();
    fs::write(lab.user().dir.join(".google_authenticator"), "").unwrap();
    assert!(lab.enrolled("-tfWC").contains("(once this is written, /"));
    assert!(!lab.enrolled("-tfWC").contains("(once"), "it does not count by now");
    lab.store().edit(Lost::Refuse).unwrap().remove().unwrap();
    assert!(lab.enrolled("-tfWC").contains("(once"));
}

#[test]
fn a_tombstone_stays_below_the_record() {
    let lab = Lab::new();
    lab.base().create().unwrap();
    make_way(&lab.store(), "alice").unwrap();
    lab.store().edit(Lost::Refuse).unwrap().bury("reset").unwrap();
    let refused = make_way(&lab.store(), "alice").unwrap_err().to_string();
    assert!(refused.contains("was reset") && refused.contains("`mfa-enroll --user alice`"));
    lab.enrolled("-tfWC");
    assert_eq!(lab.log_in(&code(STEP)), Ok(Some("phone".to_owned())));
    let refused = make_way(&lab.store(), "alice").unwrap_err().to_string();
    assert!(refused.contains("root keeps") && refused.contains("`mfactl credential`"), "{refused}");
    assert_eq!(lab.store().edit(Lost::Refuse).unwrap().is_buried(), Ok(true));
}

#[test]
fn who_cannot_tell_makes_no_file() {
    let lab = Lab::new();
    make_way(&lab.store(), "alice").unwrap();
    lab.base().create().unwrap();
    fs::set_permissions(lab.base().dir, fs::Permissions::from_mode(0o777)).unwrap();
    let refused = make_way(&lab.store(), "alice").unwrap_err().to_string();
    assert!(refused.contains("others can write"), "{refused}");
}

#[test]
fn a_record_that_cannot_be_trusted_stays_as_it_is() {
    let lab = Lab::new();
    lab.enrolled("-tfWC");
    let (record, state) = lab.store().read().unwrap();
    let mut other = record.clone();
    other.uid += 1;
    lab.store().edit(Lost::Refuse).unwrap().save(other, state.clone()).unwrap();
    let (done, said) = lab.enrol("-tfWC", "");
    assert!(done.unwrap_err().contains("mfactl credential rebind alice"));
    assert_eq!(said, "", "nothing is shown that cannot be saved");
    lab.store().edit(Lost::Refuse).unwrap().save(record, state).unwrap();
    fs::remove_file(lab.store().state_path()).unwrap();
    let (done, _) = lab.enrol("-tfWC", "");
    assert!(done.unwrap_err().contains("mfactl state init alice"));
}

#[test]
fn what_changed_since_the_questions_is_not_overwritten() {
    let lab = Lab::new();
    let early = UserRecord::new(lab.base(), lab.user(), Name::new("phone").unwrap()).unwrap();
    lab.enrolled("-tfWC");
    let before = lab.store().read().unwrap();
    let Ok(Request::Enrol(args)) = read("mfa-enroll -tfWC --user alice".split(' ').map(Into::into))
    else {
        panic!("it is sound")
    };
    let world = World {
        person: "alice".into(),
        host: "host".into(),
        columns: None,
        qr_file: None,
        clock: &|| NOW,
        random: &mfa_core::random::system,
        log: Log { invoker: &ROOT, write: &|_| panic!("nothing was changed") },
        warn: &|_| {},
    };
    let factor = Factor {
        plan: Plan::from(*args),
        secret: Secret::new(vec![9; 20]),
        codes: None,
        used: None,
    };
    let failure = early.install(factor, &world).unwrap_err();
    assert!(failure.to_string().contains("start again in a moment"), "{failure}");
    assert_eq!(lab.store().read().unwrap(), before);
}

#[test]
fn an_object_names_the_record() {
    let lab = Lab::new();
    let (done, said) = lab.enrol("-tfWC --json -e 1 --name token", "");
    assert_eq!(done, Ok(true), "{said}");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["user"], &said["name"]), (&"alice".into(), &"token".into()));
    assert_eq!(said["file"], lab.store().path().to_str().unwrap());
    assert_eq!(said["rate_limit"], serde_json::json!({"attempts": 3, "seconds": 30}));
    assert_eq!(said["disallow_reuse"], true);
    let code = said["recovery_codes"][0].as_str().unwrap();
    assert_eq!(lab.log_in(code), Ok(None));
}

#[test]
fn the_log_names_who_did_what_and_the_user_is_told() {
    let lab = Lab::new();
    lab.enrolled("-tfWC -e 0");
    lab.enrolled("-tfWC -e 3");
    lab.enrolled("-tfWC -e 2 --name spare");
    let lines = [
        "credential before=\"\" after=phone",
        "credential before=phone after=phone",
        "recovery_codes before=0 after=3",
        "credential before=\"\" after=spare",
        "recovery_codes before=3 after=2",
    ];
    let line = |what| format!("changed user=alice what={what} uid=0 login_uid=1000");
    assert_eq!(*lab.log.borrow(), lines.map(line));
    let told = |lab: &Lab| -> Vec<_> {
        let (_, state) = lab.store().read().unwrap();
        state.notices.iter().map(|notice| (notice.kind, notice.time)).collect()
    };
    assert_eq!(told(&lab), [(Kind::Enrolled, NOW); 3]);

    let reset = Lab::new();
    reset.base().create().unwrap();
    reset.store().edit(Lost::Refuse).unwrap().bury("reset").unwrap();
    reset.enrolled("-tfWC -e 0");
    assert_eq!(told(&reset), [(Kind::Reset, NOW), (Kind::Enrolled, NOW)]);
}

#[test]
fn beside_a_security_key() {
    let lab = Lab::new();
    lab.enrolled("-tCfWe0");
    let store = lab.store();
    let (mut record, mut state) = store.read().unwrap();
    let id = record.credentials.remove(0).id;
    record.keys.push(record::Key {
        id,
        name: Name::new("blue").unwrap(),
        port: mfa_core::account::Port::Ssh,
        public: mfa_core::key::Public::eddsa(&[7; 32]).unwrap(),
        application: "ssh:".to_owned(),
        touch: true,
        verification: false,
        counts: true,
        created: None,
    });
    state.keys.insert(id, 3);
    store.edit(Lost::Refuse).unwrap().save(record, state).unwrap();

    let (done, _) = lab.enrol("-tCfW --name blue", "");
    assert_eq!(done.unwrap_err(), "alice has a security key \"blue\"; give another --name");
    let (_, said) = lab.enrol("-tCW", "n\n");
    assert!(said.contains("alice has \"blue\".\nAdd \"phone\"?"), "{said}");
    lab.enrolled("-tCfW");
    let (record, state) = store.read().unwrap();
    assert_eq!((record.keys.len(), record.credentials.len()), (1, 1));
    assert_eq!(state.keys.get(&id), Some(&3));
}

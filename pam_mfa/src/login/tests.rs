//! Whole logins with a host that plays back a script.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mfa_core::fresh::Leader;
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::random;
use mfa_core::secret::Secret;
use mfa_core::store::{Base, SystemRecord};
use mfa_core::ticket::Ticket;
use nix::unistd::{Uid, User};
use tempfile::TempDir;

use super::key_tests::SoftToken;
use super::*;
use crate::pam::{Item, Tokens};
use crate::pending::Pending;
use crate::terminal::Terminal;

pub(super) const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
pub(super) const NOW: u64 = 1_700_000_010;
pub(super) const STEP: u64 = NOW / 30;

pub(super) fn code(counter: u64) -> String {
    let secret = Secret::new(b"12345678901234567890".to_vec());
    Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(counter)
}

/// What the person does at a prompt.
pub(super) enum Reaction {
    Type(Vec<u8>),
    Null,
    Fail,
    Panic,
}

/// A host, a person before it, and what came of it.
pub(super) struct Stage {
    dir: TempDir,
    pub(super) user: Option<String>,
    pub(super) service: String,
    pub(super) remote: Option<String>,
    pub(super) invoker: Option<String>,
    pub(super) first_pass: Option<Vec<u8>>,
    pub(super) script: VecDeque<Reaction>,
    pub(super) prompts: Vec<(String, bool)>,
    pub(super) said: Vec<String>,
    pub(super) shown: Vec<String>,
    pub(super) kept: Option<Pending>,
    /// The PAM environment.
    pub(super) variables: BTreeMap<CString, String>,
    pub(super) checked: Option<String>,
    pub(super) leader: Option<Leader>,
    pub(super) node: String,
    /// Where an agent listens.
    pub(super) agent: Option<PathBuf>,
    /// What is in the machine's port.
    pub(super) token: Option<SoftToken>,
    pub(super) log: RefCell<Vec<String>>,
    now: u64,
}

impl Stage {
    /// The file holds the secret and `options`.
    pub(super) fn new(options: &str) -> Self {
        let stage = Self {
            dir: TempDir::new().unwrap(),
            user: Some(User::from_uid(Uid::effective()).unwrap().unwrap().name),
            service: "sshd".to_owned(),
            remote: Some("192.0.2.7".to_owned()),
            invoker: None,
            first_pass: None,
            script: VecDeque::new(),
            prompts: vec![],
            said: vec![],
            shown: vec![],
            kept: None,
            variables: [(c"SSH_CONNECTION", "198.51.100.9 50000 192.0.2.1 22")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            checked: None,
            leader: Some(Leader { pid: 4711, started: 123_456 }),
            node: "prod-7.example".to_owned(),
            agent: None,
            token: None,
            log: RefCell::default(),
            now: NOW,
        };
        stage.write(format!("{SECRET}\n{options}\n").as_bytes());
        stage
    }

    pub(super) fn path(&self) -> PathBuf {
        self.dir.path().join("f")
    }

    fn write(&self, text: &[u8]) {
        fs::write(self.path(), text).unwrap();
        fs::set_permissions(self.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub(super) fn types(mut self, replies: &[&str]) -> Self {
        self.script =
            replies.iter().map(|reply| Reaction::Type(reply.as_bytes().to_vec())).collect();
        self
    }

    /// The same on a host that keeps records, of which it has none.
    pub(super) fn with_records() -> Self {
        let stage = Self::new("");
        stage.base().create().unwrap();
        stage
    }

    fn paths(&self) -> [PathBuf; 2] {
        ["run", "records"].map(|dir| self.dir.path().join(dir))
    }

    fn base(&self) -> Base {
        let [run, records] = self.paths();
        Base::new(&records, &run)
    }

    /// What is in /run/pam_mfa and its directories, in order.
    pub(super) fn files_in_run(&self) -> Vec<String> {
        let names = |dir: &Path| -> Vec<_> {
            fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let [run, _] = self.paths();
        let (dirs, mut files): (Vec<_>, Vec<_>) =
            names(&run).into_iter().partition(|path| path.is_dir());
        files.extend(dirs.iter().flat_map(|dir| names(dir)));
        files.sort();
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        files.iter().map(name).collect()
    }

    /// The place of the user's system record.
    pub(super) fn place(&self) -> SystemRecord {
        let user = User::from_name(self.user.as_ref().unwrap()).unwrap().unwrap();
        SystemRecord::new(self.base(), &user.name, user.uid).unwrap()
    }

    pub(super) fn record_path(&self) -> PathBuf {
        self.place().path()
    }

    /// The user's system record, if there is one.
    pub(super) fn record(&self) -> Option<String> {
        fs::read_to_string(self.record_path()).ok()
    }

    /// Makes an enrolment ticket that is good for so long, s; what is typed.
    pub(super) fn ticket(&self, ttl: u64) -> String {
        let (code, ticket) = Ticket::draw(&random::system, self.now, ttl).unwrap();
        self.place().edit_vacant().unwrap().put_ticket(&ticket).unwrap();
        code.grouped().to_string()
    }

    /// The same with these files in /etc/pam_mfa.
    pub(super) fn with_etc(self, files: &[(&str, &str)]) -> Self {
        let etc = self.dir.path().join("etc");
        fs::create_dir_all(&etc).unwrap();
        fs::set_permissions(&etc, fs::Permissions::from_mode(0o755)).unwrap();
        for (name, text) in files {
            fs::write(etc.join(name), text).unwrap();
            fs::set_permissions(etc.join(name), fs::Permissions::from_mode(0o644)).unwrap();
        }
        self
    }

    /// The account phase with these options on the line.
    pub(super) fn account(&mut self, line: &str) -> Outcome {
        self.phase(line, account)
    }

    /// The beginning of a session with these options on the line.
    pub(super) fn session(&mut self, line: &str) -> Outcome {
        self.phase(line, open_session)
    }

    /// Another login by the same circumstances: a host that forks takes variables along, no memory.
    pub(super) fn forks(&mut self) {
        self.checked = None;
        self.kept = None;
    }

    /// The same so many seconds later.
    pub(super) fn later(mut self, seconds: u64) -> Self {
        self.now += seconds;
        self
    }

    /// One login with these options on the line, besides the path of the file.
    pub(super) fn login(&mut self, options: &str) -> Outcome {
        let line = format!("secret={} {options}", self.path().display());
        self.login_with(&line)
    }

    pub(super) fn login_with(&mut self, line: &str) -> Outcome {
        self.phase(line, authenticate)
    }

    fn phase(
        &mut self,
        line: &str,
        hook: impl FnOnce(&mut Self, &[&CStr], Paths) -> Outcome,
    ) -> Outcome {
        let args: Vec<_> = line.split_whitespace().map(|arg| CString::new(arg).unwrap()).collect();
        let args: Vec<_> = args.iter().map(CString::as_c_str).collect();
        let [run, records] = self.paths();
        let etc = self.dir.path().join("etc");
        let owner = Uid::effective();
        let helper = Path::new("/nowhere");
        let paths = Paths { run: &run, records: &records, etc: &etc, helper, owner };
        self.prompts.clear();
        self.said.clear();
        self.shown.clear();
        self.log.borrow_mut().clear();
        guarded(self, |host| hook(host, &args, paths))
    }

    pub(super) fn last_log(&self) -> String {
        self.log.borrow().last().cloned().unwrap_or_default()
    }

    pub(super) fn reason(&self) -> String {
        let line = self.last_log();
        let (_, rest) = line.split_once(" reason=").unwrap_or_else(|| panic!("{line}"));
        rest.split(' ').next().unwrap().to_owned()
    }
}

impl Host for Stage {
    fn user(&mut self) -> Option<String> {
        self.user.clone()
    }

    fn item(&self, item: Item) -> Option<String> {
        match item {
            Item::Service => Some(self.service.clone()),
            Item::Tty => Some("ssh".to_owned()),
            Item::RemoteHost => self.remote.clone(),
            Item::RemoteUser => self.invoker.clone(),
        }
    }

    fn variable(&self, name: &CStr) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn put_variable(&mut self, name: &CStr, value: &str) -> bool {
        self.variables.insert(name.to_owned(), value.to_owned());
        true
    }

    fn remove_variable(&mut self, name: &CStr) {
        self.variables.remove(name);
    }

    fn first_pass(&self) -> Option<Token> {
        self.first_pass.clone().map(Token::new)
    }

    fn set_first_pass(&mut self, password: &[u8]) -> bool {
        self.first_pass = Some(password.to_vec());
        true
    }

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Token>, CannotAsk> {
        self.prompts.push((prompt.to_owned(), echo));
        match self.script.pop_front() {
            Some(Reaction::Type(text)) => Ok(Some(Token::new(text))),
            Some(Reaction::Null) => Ok(None),
            Some(Reaction::Fail) | None => Err(CannotAsk),
            Some(Reaction::Panic) => panic!("in the host"),
        }
    }

    fn tell(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }

    fn inform(&mut self, text: &str) {
        self.shown.push(text.to_owned());
    }

    fn keep(&mut self, pending: Pending) -> bool {
        self.kept = Some(pending);
        true
    }

    fn kept(&mut self) -> Option<Pending> {
        self.kept.take()
    }

    fn mark_checked(&mut self, user: &str) -> bool {
        self.checked = Some(user.to_owned());
        true
    }

    fn is_checked(&self, user: &str) -> bool {
        self.checked.as_deref() == Some(user)
    }

    fn session_leader(&self) -> Option<Leader> {
        self.leader
    }

    fn terminal(&self) -> Option<Terminal> {
        None
    }

    fn agent(&self) -> Option<PathBuf> {
        self.agent.clone()
    }

    fn tokens(&self, _: &Path, _: Uid) -> Result<Box<dyn Tokens>, Trouble> {
        let token = self.token.clone();
        token.map(|token| Box::new(token) as Box<dyn Tokens>).ok_or_else(|| Trouble {
            reason: Reason::NoHelper,
            detail: String::new(),
            errno: None,
        })
    }

    fn node(&self) -> String {
        self.node.clone()
    }

    fn log(&self, _: Level, line: &str) {
        self.log.borrow_mut().push(line.to_owned());
    }

    fn now(&self) -> u64 {
        self.now
    }
}

#[test]
fn a_right_code_once() {
    let code = code(STEP);
    let mut stage = Stage::new("\" TOTP_AUTH\n\" DISALLOW_REUSE").types(&[&code, &code]);
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert_eq!(stage.prompts, [("Verification code: ".to_owned(), false)]);
    let user = stage.user.clone().unwrap();
    assert_eq!(
        stage.last_log(),
        format!(
            "accepted user={user} factor=totp drift=+0 source=192.0.2.7 tty=ssh \
             Accepted google_authenticator for {user}"
        )
    );
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "reused");
    assert!(stage.last_log().ends_with(&format!("Invalid verification code for {user}")));
    let wait = (STEP + 1) * 30 - NOW;
    assert_eq!(stage.said, [format!("That code has been used; the next one comes in {wait} s")]);
}

#[test]
fn the_prompt() {
    let mut stage = Stage::new("\" TOTP_AUTH");
    stage.login("echo_verification_code");
    assert_eq!(stage.prompts[0], ("Verification code: ".to_owned(), true));
    stage.login("forward_pass");
    assert_eq!(stage.prompts[0], ("Password & verification code: ".to_owned(), false));
    stage.login("forward_pass authtok_prompt=Both:");
    assert_eq!(stage.prompts[0].0, "Both:");
}

#[test]
fn answers_that_are_none() {
    let cases = [
        (vec![Reaction::Fail], "conversation_failed"),
        (vec![Reaction::Null, Reaction::Null], "no_answer"),
        (vec![Reaction::Type(vec![])], "empty_answer"),
        (vec![Reaction::Type(vec![b'1'; 1 << 20])], "answer_too_long"),
        (vec![Reaction::Type(b"\xff\xfe".to_vec())], "not_a_code"),
        (vec![Reaction::Type(b"123456\xff".to_vec())], "not_a_code"),
    ];
    for (script, reason) in cases {
        let mut stage = Stage::new("\" TOTP_AUTH");
        let before = stage.text();
        stage.script = script.into();
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.reason(), reason);
        assert_eq!(stage.text(), before);
    }
}

#[test]
fn a_failed_conversation_counts_as_an_attempt() {
    let mut stage = Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 3 30");
    assert_eq!(stage.login(""), Outcome::Denied);
    assert!(stage.text().contains(&format!("\" RATE_LIMIT 3 30 {NOW}\n")));
}

#[test]
fn too_many_attempts_are_not_asked_but_counted() {
    let options = format!("\" TOTP_AUTH\n\" RATE_LIMIT 2 30 {} {}", NOW - 9, NOW - 5);
    let mut stage = Stage::new(&options).types(&[&code(STEP)]);
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.reason(), "rate_limited");
    assert!(!stage.last_log().contains("Invalid verification code"));
    assert!(stage.prompts.is_empty());
    assert_eq!(stage.said, ["Too many attempts; try again in 26 s"]);
    assert!(stage.text().contains(&format!("\" RATE_LIMIT 2 30 {} {NOW}\n", NOW - 5)));
}

#[test]
fn whoever_cannot_succeed_is_asked_all_the_same() {
    type Prepare = fn(&mut Stage);
    let cases: [(Prepare, &str, &str); 8] = [
        (|stage| fs::remove_file(stage.path()).unwrap(), "", "no_file"),
        (|stage| stage.write(b""), "", "empty_file"),
        (|stage| stage.write(b"\0\0"), "", "holds_nul"),
        (|stage| stage.write(b"!\n\" TOTP_AUTH\n"), "", "bad_secret"),
        (|_| (), "allowed_perm=0400", "wrong_mode"),
        (|stage| stage.user = Some("no such user".to_owned()), "", "unknown_user"),
        (|stage| stage.user = None, "", "no_user"),
        (|stage| stage.user = Some("x".repeat(10_000)), "", "unknown_user"),
    ];
    for (prepare, options, reason) in cases {
        let mut stage = Stage::new("\" TOTP_AUTH").types(&[&code(STEP)]);
        prepare(&mut stage);
        // A process that may not act for others does not ask for unknown people either.
        let asks = Uid::effective().is_root() || !matches!(reason, "unknown_user" | "no_user");
        assert_eq!(stage.login(options), Outcome::Denied);
        if asks {
            assert_eq!(stage.reason(), reason);
        } else {
            assert_eq!(stage.reason(), "no_rights");
        }
        assert_eq!(stage.prompts.len(), usize::from(asks), "{reason}");
        assert!(stage.last_log().len() < 1000);
    }
}

#[test]
fn nullok_ignores_only_those_without_a_file() {
    let mut stage = Stage::new("\" TOTP_AUTH");
    stage.write(b"");
    assert_eq!(stage.login("nullok"), Outcome::Denied);
    assert_eq!(stage.reason(), "empty_file");
    fs::remove_file(stage.path()).unwrap();
    assert_eq!(stage.login("nullok"), Outcome::Ignored);
    assert!(stage.prompts.is_empty());
    assert!(stage.last_log().starts_with("ignored user="));
    assert_eq!(stage.login_with("secret=/nowhere/at/all nullok"), Outcome::Ignored);
    stage.user = Some("no such user".to_owned());
    assert_eq!(stage.login("nullok"), Outcome::Denied);
}

#[test]
fn a_mistake_on_the_line_denies_before_anybody_is_asked() {
    for (options, reason) in [
        ("colour", "unknown_option"),
        ("retry=9", "bad_option"),
        ("user=no.such.user", "bad_option"),
        ("user=1abc", "bad_option"),
        ("user=4294967295", "bad_option"),
        ("user=", "bad_option"),
    ] {
        let mut stage = Stage::new("\" TOTP_AUTH").types(&[&code(STEP)]);
        assert_eq!(stage.login(options), Outcome::Denied);
        assert_eq!(stage.reason(), reason, "{options}");
        assert!(stage.prompts.is_empty());
    }
}

#[test]
fn a_fixed_identity_has_no_home_but_may_serve_anybody() {
    let mut stage = Stage::new("\" TOTP_AUTH");
    let user = stage.user.clone().unwrap();
    for secret in ["~/f", "${HOME}/f", "%h/f"] {
        assert_eq!(stage.login_with(&format!("secret={secret} user={user}")), Outcome::Denied);
        assert_eq!((stage.reason().as_str(), stage.prompts.len()), ("bad_option", 2));
    }
    fs::set_permissions(&stage.dir, fs::Permissions::from_mode(0o755)).unwrap();
    for name in ["stranger", "a.b"] {
        stage.user = Some(name.to_owned());
        stage.script = [Reaction::Type(code(STEP).into_bytes())].into();
        fs::copy(stage.path(), stage.dir.path().join(name)).unwrap();
        let line = format!("secret={}/${{USER}} user={user}", stage.dir.path().display());
        assert_eq!(stage.login_with(&line), Outcome::Accepted, "{:?}", stage.log);
    }
    for name in ["../f", "..", "a/b"] {
        stage.user = Some(name.to_owned());
        let line = format!("secret={}/%u user={user}", stage.dir.path().display());
        assert_eq!(stage.login_with(&line), Outcome::Denied);
        assert_eq!(stage.reason(), "bad_user_name");
    }
}

#[test]
fn a_password_before_the_code_is_forwarded() {
    let mut stage = Stage::new("\" TOTP_AUTH").types(&[&format!("hunter2{}", code(STEP))]);
    assert_eq!(stage.login("forward_pass"), Outcome::Accepted);
    assert_eq!(stage.first_pass.as_deref(), Some(&b"hunter2"[..]));
    let mut stage = Stage::new("\" TOTP_AUTH").types(&["hunter2000000"]);
    assert_eq!(stage.login("forward_pass"), Outcome::Denied);
    assert_eq!(stage.first_pass, None);
}

#[test]
fn an_earlier_password_is_looked_at_first() {
    let first = format!("hunter2{}", code(STEP));
    for (options, forwarded) in [
        ("try_first_pass", first.as_str()),
        ("use_first_pass", &first),
        ("use_first_pass forward_pass", "hunter2"),
    ] {
        let mut stage = Stage::new("\" TOTP_AUTH");
        stage.first_pass = Some(first.clone().into_bytes());
        assert_eq!(stage.login(options), Outcome::Accepted);
        assert!(stage.prompts.is_empty());
        assert_eq!(stage.first_pass.as_deref(), Some(forwarded.as_bytes()));
    }
    let mut stage = Stage::new("\" TOTP_AUTH").types(&[&code(STEP)]);
    stage.first_pass = Some(b"hunter2".to_vec());
    assert_eq!(stage.login("use_first_pass"), Outcome::Denied);
    assert!(stage.prompts.is_empty());
    assert_eq!(stage.login("try_first_pass"), Outcome::Accepted);
    assert_eq!(stage.prompts.len(), 1);
    stage.first_pass = None;
    assert_eq!(stage.login("use_first_pass"), Outcome::Denied);
    assert_eq!(stage.reason(), "no_answer");
}

#[test]
fn retries_are_attempts_of_their_own() {
    let right = code(STEP);
    let mut stage = Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 5 30").types(&["000000", &right]);
    assert_eq!(stage.login("retry=2"), Outcome::Accepted);
    assert_eq!(stage.prompts.len(), 2);
    assert!(stage.text().contains(&format!("\" RATE_LIMIT 5 30 {NOW} {NOW}\n")));
    assert_eq!(stage.log.borrow().len(), 2);
    assert_eq!(stage.said, ["That is not the right code"]);
}

#[test]
fn no_retry_once_limited_nor_for_the_same_answer_nor_without_asking() {
    let right = code(STEP);
    let mut stage = Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 1 30").types(&["000000", &right]);
    assert_eq!(stage.login("retry=5"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 1);

    let mut stage =
        Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 9 30").types(&["000000", "000000", &right]);
    assert_eq!(stage.login("retry=5"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 2);
    assert!(stage.text().contains(&format!("\" RATE_LIMIT 9 30 {NOW}\n")), "one attempt");

    let mut stage = Stage::new("\" TOTP_AUTH").types(&[&right]);
    stage.first_pass = Some(b"000000".to_vec());
    assert_eq!(stage.login("retry=5 use_first_pass"), Outcome::Denied);
    assert!(stage.prompts.is_empty());

    // Unknown people are asked as often.
    let mut stage = Stage::new("").types(&["000000", "000001", "000002"]);
    fs::remove_file(stage.path()).unwrap();
    assert_eq!(stage.login("retry=3"), Outcome::Denied);
    assert_eq!(stage.prompts.len(), 3);
}

#[test]
fn a_grace_period_lets_the_same_host_in_without_a_code() {
    let options = format!("\" TOTP_AUTH\n\" LAST0 192.0.2.7 {}", NOW - 50);
    let mut stage = Stage::new(&options);
    let before = stage.text();
    assert_eq!(stage.login("grace_period=60"), Outcome::Accepted);
    assert!(stage.prompts.is_empty() && stage.last_log().contains(" factor=grace "));
    assert_eq!(stage.text(), before);
    assert_eq!(stage.login(""), Outcome::Denied, "without the option it means nothing");
    assert_eq!(stage.login("grace_period=50"), Outcome::Denied);
    stage.remote = Some("192.0.2.8".to_owned());
    assert_eq!(stage.login("grace_period=60"), Outcome::Denied);
    stage.remote = None;
    assert_eq!(stage.login("grace_period=60"), Outcome::Denied);
}

#[test]
fn grace_still_forwards_the_password_and_never_outruns_the_rate_limit() {
    let options = format!("\" TOTP_AUTH\n\" LAST0 192.0.2.7 {NOW}");
    let mut stage = Stage::new(&options).types(&["hunter2"]);
    assert_eq!(stage.login("grace_period=60 forward_pass"), Outcome::Accepted);
    assert_eq!(stage.prompts, [("Password: ".to_owned(), false)]);
    assert_eq!(stage.first_pass.as_deref(), Some(&b"hunter2"[..]));
    assert_eq!(stage.login("grace_period=60 forward_pass"), Outcome::Denied, "nobody answered");

    let mut stage = Stage::new(&format!("{options}\n\" RATE_LIMIT 1 30 {NOW}"));
    assert_eq!(stage.login("grace_period=60"), Outcome::Denied);
    assert_eq!(stage.reason(), "rate_limited");
}

#[test]
fn what_cannot_be_written_denies_unless_that_is_allowed() {
    let code = code(STEP);
    for (options, outcome) in [("", Outcome::Denied), ("allow_readonly", Outcome::Accepted)] {
        let mut stage = Stage::new("\" TOTP_AUTH\n\" DISALLOW_REUSE").types(&[&code]);
        fs::create_dir(stage.dir.path().join("f~mfa")).unwrap();
        let before = stage.text();
        assert_eq!(stage.login(options), outcome);
        assert_eq!(stage.text(), before);
        let word =
            if outcome == Outcome::Denied { " reason=cannot_write " } else { " reuse=possible " };
        assert!(stage.last_log().contains(word), "{}", stage.last_log());
    }
}

/// Nothing is counted there: who could tell a right code from a wrong one would try them all.
#[test]
fn what_cannot_be_written_tells_no_code() {
    let right = code(STEP);
    let told = [right.as_str(), "000000"].map(|typed| {
        let mut stage = Stage::new("\" TOTP_AUTH\n\" RATE_LIMIT 3 30").types(&[typed]);
        fs::create_dir(stage.dir.path().join("f~mfa")).unwrap();
        assert_eq!(stage.login(""), Outcome::Denied);
        assert_eq!(stage.reason(), "cannot_write", "{typed}");
        stage.said
    });
    assert_eq!(told[0], told[1]);
}

#[test]
fn a_panic_denies_and_goes_no_further() {
    let mut stage = Stage::new("\" TOTP_AUTH");
    stage.script = [Reaction::Panic].into();
    assert_eq!(stage.login(""), Outcome::Denied);
    assert_eq!(stage.last_log(), "denied reason=internal");
}

#[test]
fn a_remote_name_is_never_looked_up_but_sshd_knows_its_address() {
    let mut stage = Stage::new("\" TOTP_AUTH").types(&[&code(STEP)]);
    stage.remote = Some("client.example".to_owned());
    assert_eq!(stage.login(""), Outcome::Accepted);
    assert!(stage.last_log().contains(" source=198.51.100.9 host=client.example "));
    stage.remote = Some("::ffff:192.0.2.7".to_owned());
    stage.login("");
    assert!(stage.last_log().contains(" source=192.0.2.7 tty="));
    stage.remote = None;
    stage.login("");
    assert!(!stage.last_log().contains("source="), "only where PAM_RHOST is a name");
}

#[test]
fn secrets_and_answers_never_reach_the_log() {
    let mut stage = Stage::new("\" TOTP_AUTH\n11111111").types(&["hunter2999999"]);
    stage.login("debug forward_pass");
    let log = stage.log.borrow().join("\n");
    assert!(log.contains("debug user="));
    for secret in ["hunter2", "999999", SECRET, "11111111"] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[test]
fn what_an_earlier_attempt_confirmed_counts_no_more() {
    for (options, is_kept) in [("store=system enroll account=yes", false), ("store=system", true)] {
        let mut stage = Stage::with_records();
        let secret = Secret::new(vec![1]);
        let user = "alice".to_owned();
        let asked = Box::new(stage.place());
        stage.kept = Some(Pending { user, uid: 1000, secret, step: 1, ticket: None, asked });
        assert_eq!(stage.login_with(options), Outcome::Denied, "nobody answers");
        assert_eq!(stage.kept.is_some(), is_kept, "{options}");
    }
}

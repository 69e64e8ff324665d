//! The software token is a fair one: Debian's own programs and its pam_u2f take it for a security key, and
//! refuse it for its faults.

use std::fs;
use std::process::Command;
use std::time::Duration;

use sandbox::fido::{Fault, Model, Token};
use sandbox::{Answer, DENIED, Host, Machine, User, run};

const MAPPING: &str = "/etc/u2f_mappings";

/// The oracle's line.
const LINE: &str =
    "auth required pam_u2f.so origin=pam://sandbox authfile=/etc/u2f_mappings authpending_file=";

const PIN: &str = "Please enter the PIN: ";

/// Longer than any answer takes, and not long.
const SHORTLY: Duration = Duration::from_millis(30);

/// Nobody touches it, and it does not wait for long.
const UNTOUCHED: &[Fault] = &[Fault::Untouched, Fault::GivesUpAfter(SHORTLY)];

/// A machine with alice on it, and tokens.
struct Desk {
    machine: Machine,
    alice: User,
}

impl Desk {
    fn new() -> Self {
        let machine = Machine::new();
        let alice = machine.user("alice");
        Self { machine, alice }
    }

    fn plug_in(&self, model: &str) -> Token {
        Token::plug_in(&self.machine, &model.parse::<Model>().expect("words of a model"))
    }

    /// Registers the token as pamu2fcfg(1) does with these flags.
    #[track_caller]
    fn register(&self, flags: &str, pin: Option<&str>) {
        let command = format!("exec pamu2fcfg -u alice -o pam://sandbox {flags} >mapping");
        let mut program = self.machine.terminal(&self.alice.command(&["sh", "-c", &command]));
        if let Some(pin) = pin {
            program.answer("Enter PIN for /dev/hidraw0: ", pin);
        }
        assert!(program.ends(), "{flags}: {}", program.screen());
        let mapping = fs::read(self.alice.path("mapping")).expect("just written");
        fs::write(MAPPING, mapping).expect("our own /etc");
    }

    fn host(&self) -> Host<'_> {
        Host::new(&self.machine, LINE)
    }
}

#[test]
fn it_is_listed_while_it_is_there() {
    let desk = Desk::new();
    let first = desk.plug_in("pin=1234");
    let list = || run(&["fido2-token", "-L"]);
    let entry =
        |port| format!("/dev/hidraw{port}: vendor=0x1209, product=0x0001 (pam_mfa software token)");
    assert_eq!(list(), entry(0));
    let information = run(&["fido2-token", "-I", "/dev/hidraw0"]);
    for line in
        ["version strings: U2F_V2, FIDO_2_0", "options: rk, up, clientPin", "pin retries: 8"]
    {
        assert!(information.contains(line), "{information}");
    }
    let second = desk.plug_in("u2f");
    assert_eq!(list(), [entry(0), entry(1)].join("\n"));
    let information = run(&["fido2-token", "-I", "/dev/hidraw1"]);
    assert!(information.contains("caps: 0x01 (wink, nocbor, msg)"), "{information}");
    first.set(&[Fault::Unplugged]);
    drop(second);
    assert_eq!(list(), "");
    first.set(&[]);
    assert_eq!(list(), entry(0));
}

#[test]
fn keys_of_every_kind_let_in_whoever_touches_them() {
    let desk = Desk::new();
    let kinds = [
        ("", "", None),
        ("", "--resident", None),
        ("pin=1234", "--pin-verification", Some("1234")),
        ("pin=1234", "--resident --pin-verification", Some("1234")),
        ("fingerprint", "--user-verification", None),
        ("u2f", "", None),
    ];
    let host = desk.host();
    for (model, flags, pin) in kinds {
        let token = desk.plug_in(model);
        desk.register(flags, pin);
        let said = host.authenticate("alice", &[Answer::Text("1234")]);
        assert_eq!(said.result, 0, "{model} {flags}: {}", said.errors);
        assert_eq!(said.prompts, pin.map(|_| PIN.to_owned()).as_slice(), "{model} {flags}");
        assert_eq!(
            (token.seen().registrations, token.seen().assertions),
            (1, 1),
            "{model} {flags}"
        );
        if model != "u2f" {
            token.set(UNTOUCHED);
            assert_eq!(host.authenticate("alice", &[Answer::Text("1234")]).result, DENIED);
            assert_eq!(token.seen().untouched, 1, "{model} {flags}");
        }
        drop(token);
        let _other = desk.plug_in(&format!("{model} seed=1"));
        assert_eq!(host.authenticate("alice", &[Answer::Text("1234")]).result, DENIED);
    }
}

/// Debian 12's pam_u2f knows no EdDSA; libfido2's own tools do.
#[test]
fn it_signs_with_either_algorithm() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let tools = |kind| {
        let script = r#"
            cd /tmp
            hash=$(head --bytes 32 /dev/urandom | base64)
            printf '%s\n' "$hash" pam://sandbox alice YWxpY2U= | fido2-cred -M /dev/hidraw0 $1 | fido2-cred -V -o key $1
            printf '%s\n' "$hash" pam://sandbox "$(head -n 1 key)" | fido2-assert -G -i - /dev/hidraw0 >assertion
            tail -n +2 key >key.pem
            fido2-assert -V -i assertion -p key.pem $1"#;
        let argv = ["-e", "-c", script, "sh", kind];
        Command::new("sh").args(argv).output().expect("there is a shell")
    };
    for kind in ["es256", "eddsa"] {
        token.set(&[]);
        let said = tools(kind);
        assert!(said.status.success(), "{kind}: {}", String::from_utf8_lossy(&said.stderr));
        token.set(&[Fault::BadSignature]);
        assert!(!tools(kind).status.success(), "{kind}");
    }
    assert_eq!(token.seen().assertions, 4);
}

/// It looks at neither the counter nor what follows it. Where only a PIN is wanted, the one of Debian 12
/// does not look whether the token has verified it, either.
#[test]
fn each_fault_is_refused_where_the_oracle_looks() {
    let desk = Desk::new();
    let token = desk.plug_in("fingerprint");
    desk.register("--user-verification", None);
    let host = desk.host();
    let cases: &[(&[Fault], i32)] = &[
        (&[], 0),
        (&[Fault::WithoutUp], DENIED),
        (&[Fault::WithoutUv], DENIED),
        (&[Fault::BadSignature], DENIED),
        (&[Fault::OtherParty], DENIED),
        (&[Fault::OtherKey], DENIED),
        (&[Fault::ExtensionFlag], DENIED),
        (&[Fault::AttestedFlag], 0),
        (&[Fault::TrailingByte], 0),
        (&[Fault::Counter(0)], 0),
        (&[Fault::CountFrom(7)], 0),
        (&[Fault::Slow(Duration::from_millis(1))], 0),
        (&[Fault::TouchedAfter(SHORTLY)], 0),
        (UNTOUCHED, DENIED),
        (&[Fault::PulledAfter(SHORTLY)], DENIED),
        (&[Fault::Unplugged], DENIED),
        (&[], 0),
    ];
    for (faults, result) in cases {
        token.set(faults);
        let said = host.authenticate("alice", &[Answer::Text("1234")]);
        assert_eq!(said.result, *result, "{faults:?}: {}", said.errors);
    }
}

#[test]
fn wrong_pins_are_counted() {
    let desk = Desk::new();
    let token = desk.plug_in("pin=1234");
    desk.register("--pin-verification", Some("1234"));
    let host = desk.host();
    let with = |pin| host.authenticate("alice", &[Answer::Text(pin)]).result;
    let left = || {
        let said = run(&["fido2-token", "-I", "/dev/hidraw0"]);
        let line = said.lines().find_map(|line| line.strip_prefix("pin retries: "));
        line.map(str::to_owned)
    };
    assert_eq!((with("4321"), with("4321"), with("1234")), (DENIED, DENIED, 0));
    assert_eq!((token.seen().wrong_pins, left().as_deref()), (2, Some("8")));
    assert_eq!([with("4321"), with("4321"), with("4321"), with("1234")], [DENIED; 4]);
    assert_eq!(left().as_deref(), Some("5"));
    token.set(&[Fault::Unplugged]);
    token.set(&[]);
    assert_eq!(with("1234"), 0, "plugged in anew");
    token.set(&[Fault::PinRetries(1)]);
    assert_eq!((with("4321"), with("1234")), (DENIED, DENIED));
    assert_eq!(left().as_deref(), Some("0"));
}

#[test]
fn libfido2_sets_and_changes_its_pin() {
    let desk = Desk::new();
    let _token = desk.plug_in("");
    let set = |flag, prompts: &[(&str, &str)]| {
        let command = desk.alice.command(&["fido2-token", flag, "/dev/hidraw0"]);
        let mut program = desk.machine.terminal(&command);
        for (prompt, pin) in prompts {
            program.answer(prompt, pin);
        }
        program.ends()
    };
    let new = |old, pin| [("Enter current PIN", old), ("Enter new PIN", pin), ("again", pin)];
    assert!(set("-S", &new("", "1234")[1..]));
    assert!(!set("-C", &new("4321", "abcd")));
    assert!(set("-C", &new("1234", "abcd")));
    desk.register("--pin-verification", Some("abcd"));
    assert_eq!(desk.host().authenticate("alice", &[Answer::Text("abcd")]).result, 0);
}

/// What is preloaded by the environment never reaches them.
#[test]
fn setuid_programs_see_it() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.register("", None);
    desk.machine.stack("su", LINE);
    let bob = desk.machine.user("bob");
    let su = || desk.machine.terminal(&bob.command(&["su", "alice", "-c", "echo now $(id -un)"]));
    let mut with = su();
    with.expect("now alice");
    assert!(with.ends());
    token.set(&[Fault::Unplugged]);
    assert!(!su().ends());
}

#[test]
fn of_two_tokens_the_one_that_knows_the_key_is_asked() {
    let desk = Desk::new();
    let known = desk.plug_in("");
    desk.register("", None);
    known.set(&[Fault::Unplugged]);
    let stranger = desk.plug_in("seed=1");
    known.set(&[]);
    assert_eq!(desk.host().authenticate("alice", &[Answer::None]).result, 0);
    assert_eq!((stranger.seen().waits, stranger.seen().assertions), (0, 0));
    assert_eq!(known.seen().assertions, 1);
}

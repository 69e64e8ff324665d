//! Agents that lie, are silent, or are somebody else's: whatever they do costs its person a question for
//! a code, and the host nothing.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use sandbox::ssh::{FakeAgent, Fault, Question, SshAgent};
use sandbox::{
    Answer, Begun, CODE, Circumstances, Conversation, DENIED, Host, Machine, SECRET, Secret, User,
    run,
};

/// It waits a second for a key.
const LINE: &str = "auth required pam_mfa.so ssh_agent key_timeout=1";

/// Above what a login takes that waits for so long.
const SOON: Duration = Duration::from_secs(8);

/// KiB.
const FOUR_MIB: u64 = 4 * 1024;

/// A person with a token and this agent's key, whose counter is compared.
fn enrolled(machine: &Machine, name: &str, agent: &FakeAgent) -> User {
    let person = machine.user(name);
    let enrolment = person.enrolment().hotp("token", SECRET).ssh_key("laptop", &agent.line());
    enrolment.but(|key| key.counts = true).save();
    person
}

fn begin<'a>(host: &Host<'a>, person: &str, agent: &Path) -> Begun<'a> {
    let code = Secret::new(SECRET).counted(1);
    let answers = [Answer::Text(&code)];
    let agent = agent.to_str().expect("a plain name");
    let circumstances = Circumstances::default().with("SSH_AUTH_SOCK", agent);
    host.begin_under(person, &answers, &circumstances)
}

/// Waits for the end of a login, which has to come soon and leave the host as it was.
#[track_caller]
fn end(what: &str, begun: Begun) -> Conversation {
    let seen = begun.end();
    assert!(seen.took < SOON, "{what}: {:?}", seen.took);
    assert!(seen.grown < FOUR_MIB, "{what}: {} KiB", seen.grown);
    assert!(seen.changed.is_empty() && seen.errors.is_empty(), "{what}: {seen:?}");
    seen
}

/// Whether a code was asked for, which was right, after this reason not to take a key.
#[track_caller]
fn falls_back(machine: &Machine, what: &str, person: &str, seen: &Conversation, reason: &str) {
    assert_eq!((seen.result, &seen.prompts[..]), (0, &[CODE.to_owned()][..]), "{what}");
    machine.log.expect(&format!("warning user={person} reason={reason} "));
    machine.log.expect(&format!("accepted user={person} factor=hotp "));
}

#[test]
fn answers_that_are_none() {
    let machine = Machine::new();
    let host = Host::new(&machine, LINE);
    let mut cases = Vec::new();
    for question in [Question::Keys, Question::Signature] {
        for (fault, reason) in [
            (Fault::Endless, "agent_failed"),
            (Fault::Long, "agent_failed"),
            (Fault::CutOff, "agent_failed"),
            (Fault::TrailingByte, "agent_failed"),
            (Fault::OtherAnswer, "agent_failed"),
            (Fault::Silence, "key_timeout"),
            (Fault::Drip, "key_timeout"),
        ] {
            cases.push((question, fault, reason));
        }
    }
    cases.push((Question::Keys, Fault::Crowd, "key_absent"));
    cases.push((Question::Signature, Fault::OtherType, "key_type"));
    // Each has a person and an agent, and all of them log in at once.
    let logins: Vec<_> = (0..)
        .zip(cases)
        .map(|(number, (question, fault, reason))| {
            let agent = FakeAgent::start(format!("/run/agent{number}"), number);
            agent.set(question, fault);
            let person = enrolled(&machine, &format!("user{number}"), &agent);
            let begun = begin(&host, &person.name, agent.path());
            (begun, agent, person, format!("{question:?} {fault:?}"), reason)
        })
        .collect();
    for (begun, agent, person, what, reason) in logins {
        let seen = end(&what, begun);
        falls_back(&machine, &what, &person.name, &seen, reason);
        assert_eq!(agent.connections(), 1, "{what}");
    }
}

#[test]
fn signatures_that_are_wrong() {
    let machine = Machine::new();
    let host = Host::new(&machine, LINE);
    for (number, (fault, reason)) in (0..).zip([
        (Fault::OtherKey, "key_signature"),
        (Fault::OtherApplication, "key_signature"),
        (Fault::Replay, "key_signature"),
        (Fault::Flags(0), "key_untouched"),
        (Fault::Flags(0x41), "key_malformed"),
        (Fault::Flags(0x81), "key_malformed"),
        (Fault::Counter(1), "key_cloned"),
        (Fault::Counter(0), "key_cloned"),
    ]) {
        let agent = FakeAgent::start(format!("/run/agent{number}"), number);
        let person = enrolled(&machine, &format!("user{number}"), &agent);
        let seen = end("a good one", begin(&host, &person.name, agent.path()));
        assert_eq!((seen.result, seen.prompts.len()), (0, 0), "{}", machine.log);
        let line = machine.log.expect(&format!("accepted user={} ", person.name));
        assert!(line.contains(" factor=key credential=laptop "), "{line}");

        agent.set(Question::Signature, fault);
        let seen = end(&format!("{fault:?}"), begin(&host, &person.name, agent.path()));
        assert_eq!((seen.result, seen.prompts.len()), (DENIED, 0), "{fault:?}: {}", machine.log);
        machine.log.expect_denied(&person.name, reason);
    }
}

/// Somebody listens behind most of these, and is asked nothing.
#[test]
fn sockets_of_others() {
    let machine = Machine::new();
    let host = Host::new(&machine, LINE);
    let mallory = machine.user("mallory");
    let agent = FakeAgent::start("/run/agent", 1);
    let alice = enrolled(&machine, "alice", &agent);
    let path = |name: &str| Path::new("/run").join(name);
    symlink(agent.path(), path("link")).expect("our own /run");
    run(&["mkfifo", "/run/fifo"]);
    fs::write(path("file"), "").expect("our own /run");
    let given_away = UnixListener::bind(path("given")).expect("our own /run");
    given_away.set_nonblocking(true).expect("a socket");
    chown(path("given"), Some(mallory.id), None).expect("root may");
    // What counts is who listens, not who owns the name.
    let of_mallory = SshAgent::start(&mallory);
    chown(of_mallory.socket(), Some(0), None).expect("root may");
    for (socket, why) in [
        ("/run/link", "not a socket"),
        ("/run/fifo", "not a socket"),
        ("/run/file", "not a socket"),
        ("run/agent", "not an absolute path"),
        ("/run/given", "of uid 1000, not 0"),
        ("/home/mallory/agent", "of uid 1000, not 0"),
    ] {
        alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &agent.line()).save();
        let seen = end(socket, begin(&host, "alice", Path::new(socket)));
        falls_back(&machine, socket, "alice", &seen, "agent_failed");
        machine.log.expect(&format!("{socket}: {why}"));
    }
    assert_eq!(agent.connections(), 0);
    let nobody = given_away.accept().expect_err("nobody has connected");
    assert_eq!(nobody.kind(), ErrorKind::WouldBlock);

    let nobody = UnixListener::bind(path("gone")).expect("our own /run");
    drop(nobody);
    for socket in ["/run/gone", "/run/never"] {
        alice.enrolment().hotp("token", SECRET).ssh_key("laptop", &agent.line()).save();
        let seen = end(socket, begin(&host, "alice", Path::new(socket)));
        falls_back(&machine, socket, "alice", &seen, "no_agent");
    }

    let seen = end("a good one", begin(&host, "alice", agent.path()));
    assert_eq!((seen.result, seen.prompts.len(), agent.connections()), (0, 0, 1));
}

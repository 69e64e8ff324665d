//! What surrounds a login: the host notices nothing of mfa-fido, and its environment changes nothing.

use std::fs;

use sandbox::fido::Fault;
use sandbox::{Answer, Children, Circumstances, Impostor, run};

use crate::desk::{Desk, impostor};

/// Descriptors, signals, mask, environment and children of the host are looked at after each login.
#[test]
fn hosts_that_watch_their_children() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    desk.enrol("", None);
    for children in [Children::Awaited, Children::Ignored, Children::Counted] {
        let around = Circumstances { children, ..Circumstances::default() };
        for (faults, reason) in [
            (&[][..], ""),
            (&[Fault::BadSignature], "key_signature"),
            (&[Fault::Untouched], "key_timeout"),
        ] {
            token.set(faults);
            let login = desk.ours_under("", &[], &around);
            assert_eq!(login.reason(), reason, "{children:?} {faults:?}: {:?}", login.log);
        }
    }
}

#[test]
fn nothing_of_the_host_reaches_mfa_fido() {
    let program = impostor();
    let desk = Desk::new();
    let _token = desk.plug_in("");
    desk.enrol("", None);
    let impostor = Impostor::install(&desk.machine, &program);
    impostor.does("tell");
    let around = Circumstances { children: Children::Ignored, ..Circumstances::default() };
    let login = desk.ours_under("", &[], &around.with("SECRET", "canary"));
    assert_eq!(login.reason(), "helper_failed", "it says nothing");
    let told = fs::read_to_string("/run/impostor.told").expect("it was there");
    // The three, one of its own, and the directory that it reads.
    let start = "5 0 [\"/usr/libexec/mfa-fido\"]\n";
    assert!(told.starts_with(start), "{told}");
    for line in [
        "Uid:\t0\t0\t0\t0",
        "Groups:\t ",
        "NoNewPrivs:\t1",
        "SigBlk:\t0000000000000000",
        "Umask:\t0077",
    ] {
        assert!(told.contains(line), "no {line:?} in {told}");
    }
}

#[test]
fn the_environment_changes_nothing() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let hers = desk.register("", None);
    token.set(&[Fault::Unplugged]);
    let other = {
        let _other = desk.plug_in("seed=1");
        desk.register("", None)
    };
    let mapping = |directory: &str, line: &str| {
        fs::create_dir_all(format!("{directory}/Yubico")).expect("our own");
        fs::write(format!("{directory}/Yubico/u2f_keys"), line).expect("our own");
    };
    mapping("/home/alice/.config", &hers);
    mapping("/tmp/xdg", &other);
    mapping("/tmp/.config", &other);
    let spy = r#"
        #include <fcntl.h>
        #include <unistd.h>
        __attribute__((constructor)) static void loaded(void)
        {
            char who[256];
            ssize_t length = readlink("/proc/self/exe", who, sizeof who - 1);
            int log = open("/tmp/loaded", O_WRONLY | O_CREAT | O_APPEND, 0666);
            who[length++] = '\n';
            if (write(log, who, (size_t)length) < 0)
                _exit(1);
            close(log);
        }"#;
    fs::write("/tmp/spy.c", spy).expect("our own /tmp");
    run(&["cc", "-shared", "-fPIC", "-o", "/tmp/spy.so", "/tmp/spy.c"]);
    let around = Circumstances::default()
        .with("XDG_CONFIG_HOME", "/tmp/xdg")
        .with("HOME", "/tmp")
        .with("USER", "root")
        .with("LOGNAME", "root")
        .with("FIDO_DEBUG", "1")
        .with("LD_PRELOAD", "/tmp/spy.so")
        .with("LD_LIBRARY_PATH", "/tmp")
        .with("PATH", "/tmp:/usr/bin:/bin")
        .with("TMPDIR", "/nowhere")
        .with("SSH_AUTH_SOCK", "/tmp/agent")
        .with("PAM_RHOST", "192.0.2.7")
        .with("HTTP_PROXY", "http://192.0.2.7");
    let line = "auth required pam_mfa.so u2f local key_timeout=1 origin=pam://sandbox";
    let login = || {
        let login = desk.login_under(line, &[Answer::Error], &around);
        assert_eq!((&*login.said.changed, &*login.said.errors), (&[][..], ""));
        login
    };
    let other = desk.plug_in("seed=1");
    assert_eq!(login().reason(), "key_absent", "another's key, named by the environment");
    assert_eq!(other.seen().assertions, 0);
    token.set(&[]);
    let login = login();
    assert!(login.is_in(), "{:?}", login.log);
    let loaded = fs::read_to_string("/tmp/loaded").expect("the host has it");
    assert!(loaded.contains("/run/host") && !loaded.contains("mfa-fido"), "{loaded}");
}

/// The same by somebody without rights, through a program that has them.
#[test]
fn the_environment_of_a_setuid_program() {
    let desk = Desk::new();
    let token = desk.plug_in("");
    let hers = desk.register("", None);
    fs::create_dir_all("/tmp/xdg/Yubico").expect("our own /tmp");
    fs::write("/tmp/xdg/Yubico/u2f_keys", hers).expect("our own /tmp");
    let line = "auth required pam_mfa.so u2f local key_timeout=1 origin=pam://sandbox";
    desk.machine.stack("su", line);
    let bob = desk.machine.user("bob");
    let mut su = bob.command(&["su", "alice", "-c", "echo now $(id -un)"]);
    su.env("XDG_CONFIG_HOME", "/tmp/xdg").env("FIDO_DEBUG", "1");
    let mut terminal = desk.machine.terminal(&su);
    terminal.answer(sandbox::CODE, "123456");
    assert!(!terminal.ends());
    desk.machine.log.expect_denied("alice", "no_file");
    assert_eq!(token.seen().waits, 1, "when it was registered");
}

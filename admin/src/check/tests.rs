use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};

use mfa_core::record::{Id, Kept};
use mfa_core::store::Lost;
use serde_json::{Value, json};

use super::*;
use crate::lab::{Lab, hotp, totp, usb_key};

/// The mistakes that are found, without their directory.
fn mistakes(lab: &Lab, line: &str) -> Vec<String> {
    let failure = lab.run(line, "").unwrap_err();
    assert_eq!(failure.exit_code(), 3, "{failure}");
    let dir = format!("{}/lib/", lab.dir.path().display());
    lab.said.borrow().lines().map(|line| line.replace(&dir, "")).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn all_is_well() {
    let lab = Lab::new();
    assert_eq!(lab.run("check", "").unwrap(), "0 records, no mistakes.\n");
    lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
    lab.run("codes daemon --new", "").unwrap();
    assert_eq!(lab.run("check", "").unwrap(), "1 record, no mistakes.\n");
    assert_eq!(lab.run("check daemon", "").unwrap(), "1 record, no mistakes.\n");
    let file = lab.base().dir.join("users");
    let said = lab.run(&format!("check {} --json", file.display()), "").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&said).unwrap(),
        json!({"records": 1, "rules": null, "bypasses": null, "mistakes": [], "warnings": []})
    );
    assert!(lab.refused("check bin").contains("bin has no system record"));
    assert!(lab.refused("check no.such.user").contains("there is no user"));
}

#[test]
fn each_mistake_of_a_record_has_its_cure() {
    let lab = Lab::new();
    let record = lab.enrol("daemon", vec![totp(1, "phone")]);
    let text = fs::read_to_string(record.path()).unwrap();
    let secret = text.lines().find(|line| line.starts_with("secret")).unwrap();
    for (from, to, found) in [
        (
            "version = 1",
            "version = 2",
            "users/daemon.toml: version: of a newer version; this program knows 1; install the version of pam_mfa that wrote it.",
        ),
        ("name = ", "colour = 1\nname = ", "users/daemon.toml:7:1: no key colour here"),
        (secret, "secret = \"GEZDG\"", "users/daemon.toml: the secret of \"phone\" has 3 bytes"),
        (secret, "secret = \"0\"", "users/daemon.toml:9:10: secret: not base32"),
        ("user = \"daemon\"", "user = \"bin\"", "users/daemon.toml: the record is malformed"),
        (&text, "", "users/daemon.toml: the file is empty (0 bytes); restore it"),
    ] {
        fs::write(record.path(), text.replacen(from, to, 1)).unwrap();
        for line in ["check", "check daemon"] {
            let found_here = mistakes(&lab, line);
            assert_eq!(found_here.len(), 1, "{found_here:?}");
            assert!(found_here[0].starts_with(found), "{found_here:?}");
        }
    }
    let twice = format!("{text}{}", &text[text.find("\n[[cred").unwrap()..])
        .replacen("00000001", "00000002", 1);
    fs::write(record.path(), twice).unwrap();
    assert!(mistakes(&lab, "check")[0].contains("two credentials or keys have the name \"phone\""));
    fs::write(record.path(), &text).unwrap();
    set_mode(&record.path(), 0o644);
    let found = mistakes(&lab, "check");
    assert!(found[0].ends_with("allowed 0600); run `chmod 0600 users/daemon.toml`."), "{found:?}");
    fs::remove_file(record.path()).unwrap();
    symlink("/dev/null", record.path()).unwrap();
    assert!(mistakes(&lab, "check")[0].contains("put a regular file"));
}

#[test]
fn each_mistake_of_a_state_has_its_cure() {
    let lab = Lab::new();
    let record = lab.enrol("daemon", vec![totp(1, "phone")]);
    lab.run("codes daemon --new", "").unwrap();
    let (kept, mut state) = record.read().unwrap();
    let whole = state.clone();
    state.codes.retain(|_| false);
    state.credentials.retain(|_| false);
    record.edit(Lost::Refuse).unwrap().save(kept.clone(), state).unwrap();
    let found = mistakes(&lab, "check");
    assert!(found[0].ends_with("the state does not know it; run `mfactl state init daemon`."));
    assert!(found[1].ends_with("run `mfactl codes daemon --new`."), "{found:?}");
    record.edit(Lost::Refuse).unwrap().save(kept, whole).unwrap();

    let path = record.state_path();
    set_mode(&path, 0o660);
    assert!(mistakes(&lab, "check")[0].contains("run `chmod 0600 state/daemon`"));
    set_mode(&path, 0o600);
    for bytes in [&[0xff; 8192][..], b"short", b""] {
        fs::write(&path, bytes).unwrap();
        let damaged = "state/daemon: the state is damaged; run `mfactl state init daemon`.";
        assert_eq!(mistakes(&lab, "check"), [damaged]);
    }
    fs::remove_file(&path).unwrap();
    let none = "state/daemon: the record has no state; run `mfactl state init daemon`.";
    assert_eq!(mistakes(&lab, "check daemon"), [none]);
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
    let found = mistakes(&lab, "check");
    assert!(found[0].starts_with("state/daemon: it is not a regular file"), "{found:?}");
    let mend = "; remove it, and run `mfactl state init daemon`.";
    assert!(found[0].ends_with(mend), "{found:?}");
}

#[test]
fn keys_have_mistakes_too() {
    let lab = Lab::new();
    let record = lab.enrol("daemon", vec![totp(1, "phone")]);
    lab.add_keys("daemon", vec![usb_key(2, "blue"), usb_key(3, "red")]);
    assert_eq!(lab.run("check", "").unwrap(), "1 record, no mistakes.\n");
    let (kept, mut state) = record.read().unwrap();
    state.keys.retain(|id| id != kept.keys[0].id);
    record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
    let unknown = "the key \"blue\": the state does not know it; run `mfactl state init daemon`.";
    let found = mistakes(&lab, "check");
    assert!(found.len() == 1 && found[0].ends_with(unknown), "{found:?}");
    lab.run("state init daemon", "").unwrap();
    assert_eq!(lab.run("check", "").unwrap(), "1 record, no mistakes.\n");
    let text = fs::read_to_string(record.path()).unwrap();
    for (from, to, found) in [
        ("\"eddsa\"", "\"rs256\"", "type: neither \"es256\" nor \"eddsa\""),
        ("public = \"", "public = \"A", "public: not base64"),
        ("\"red\"", "\"phone\"", "two credentials or keys have the name \"phone\""),
    ] {
        fs::write(record.path(), text.replacen(from, to, 1)).unwrap();
        let mistakes = mistakes(&lab, "check daemon");
        assert!(mistakes.len() == 1 && mistakes[0].contains(found), "{mistakes:?}");
    }
}

#[test]
fn whose_records_they_are() {
    let lab = Lab::new();
    lab.enrol_uid("daemon", 4711, vec![totp(1, "phone")]);
    lab.enrol_uid("gone.user", 4712, vec![totp(1, "phone")]);
    fs::write(lab.base().dir.join("users/a b.toml"), "").unwrap();
    let found = mistakes(&lab, "check");
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("users/daemon.toml: made for uid 4711, and daemon has uid"));
    assert!(found[0].ends_with("run `mfactl credential rebind daemon`."));
    assert!(found[1].starts_with("users/gone.user.toml: the user database has no \"gone.user\""));
    assert!(found[2].starts_with("users/a b.toml: no user's record is called so"));
}

#[test]
fn directories() {
    let lab = Lab::new();
    lab.enrol("daemon", vec![totp(1, "phone")]);
    let dir = lab.base().dir;
    set_mode(&dir.join("users"), 0o755);
    set_mode(&dir.join("state"), 0o770);
    assert_eq!(
        mistakes(&lab, "check"),
        [
            "users: mode 0755, not 0711; run `chmod 0711 users`.",
            "state: mode 0770, not 0700; run `chmod 0700 state`.",
        ]
    );
    fs::remove_dir_all(dir.join("state")).unwrap();
    set_mode(&dir.join("users"), 0o711);
    let missing = "state: the directory is missing; run `install -d -m 0700 state`.";
    assert_eq!(mistakes(&lab, "check"), [missing]);
}

#[test]
fn a_sealed_secret_without_its_key() {
    let lab = Lab::new();
    let record = lab.enrol("daemon", vec![totp(1, "phone")]);
    let (mut kept, state) = record.read().unwrap();
    kept.credentials[0].secret = Kept::Sealed("AAAA".to_owned());
    record.edit(Lost::Refuse).unwrap().save(kept.clone(), state).unwrap();
    let found = mistakes(&lab, "check");
    assert!(found[0].contains("this host has no key for it; put the host's key"), "{found:?}");
    assert_eq!(kept.credentials[0].id, Id::new([0, 0, 0, 1]));
}

#[test]
fn files_that_are_not_installed() {
    let lab = Lab::new();
    let dir = lab.dir.path().join("drafts");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("a.toml"), "version = 1\nuser = \"a\"\nuid = 1\n\nx = 1").unwrap();
    fs::write(dir.join("b.toml"), "version = 1\nuser = \"a\"\nuid = 1\n").unwrap();
    let line = format!("check {} --json", dir.display());
    assert_eq!(lab.run(&line, "").unwrap_err().exit_code(), 3);
    let said: Value = serde_json::from_str(&lab.said.borrow()).unwrap();
    let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    assert_eq!(said["records"], 2);
    assert_eq!(said["mistakes"][0]["file"], file("a.toml"));
    assert_eq!(said["mistakes"][0]["line"], 5);
    let expected = json!({
        "file": file("b.toml"), "line": null, "column": null,
        "cause": "neither a [[credential]] nor a [[key]]", "mend": "correct the file",
    });
    assert_eq!(said["mistakes"][1], expected);
    assert!(lab.refused("check /nonexistent/x").contains("cannot be read"));
}

#[test]
fn a_policy_and_a_list() {
    let lab = Lab::new();
    let etc = lab.dir.path().join("etc");
    fs::create_dir(&etc).unwrap();
    set_mode(&etc, 0o755);
    let write = |name: &str, text: &str| fs::write(etc.join(name), text).unwrap();
    let rule = |name: &str, keys: &str| format!("[[rule]]\nname = \"{name}\"\n{keys}\n");
    let root = rule("root", "groups = [\"root\"]\nskip = \"x\"");
    write("policy.toml", &format!("version = 1\n{root}"));
    write("bypass.toml", "[[bypass]]\nid = \"a\"\nnetwork = \"192.0.2.7\"\nreason = \"x\"\n");
    assert_eq!(lab.run("check", "").unwrap(), "1 rule, 1 bypass entry, no mistakes.\n");
    let draft = lab.dir.path().join("draft");
    fs::write(&draft, "version = 1\n").unwrap();
    set_mode(&draft, 0o666);
    let line = format!("check --policy {}", draft.display());
    assert_eq!(lab.run(&line, "").unwrap(), "0 rules, no mistakes.\n");

    // Every mistake has its place and its cure, and drafts have none of owner and mode.
    let found = |line: &str| -> Vec<String> {
        let failure = lab.run(line, "").unwrap_err();
        assert_eq!(failure.exit_code(), 3, "{failure}");
        let dir = format!("{}/", lab.dir.path().display());
        lab.said.borrow().lines().map(|line| line.replace(&dir, "")).collect()
    };
    fs::write(&draft, "version = 1\n[[rule]]\nname = \"a\"\ncolour = 1\nskip = \"x\"\n").unwrap();
    assert!(found(&line)[0].starts_with("draft:4:1: no key colour here;"));
    let list = format!("check --bypass {} --json", draft.display());
    assert_eq!(lab.run(&list, "").unwrap_err().exit_code(), 3);
    let said: Value = serde_json::from_str(&lab.said.borrow()).unwrap();
    assert_eq!((&said["mistakes"][0]["line"], &said["bypasses"]), (&json!(2), &Value::Null));
    write("policy.toml", "version = 1\nstore = 1\n");
    write("bypass.toml", "[[bypass]]\nid = \"a\"\n");
    assert_eq!(
        found("check"),
        [
            "etc/policy.toml:2:9: store: not a text in quotation marks; correct the file.",
            "etc/bypass.toml:1:1: network is missing; correct the file.",
        ]
    );
    let absent = rule("a", "groups = [\"no-such-group\"]\nskip = \"x\"");
    write("policy.toml", &format!("version = 1\n{absent}"));
    write("bypass.toml", "");
    set_mode(&etc.join("bypass.toml"), 0o666);
    assert_eq!(
        found("check"),
        [
            "etc/policy.toml:2:1: there is no group \"no-such-group\" here: whoever comes to the \
             rule \"a\" is denied; make the group, or take it out.",
            "etc/bypass.toml: the file's mode gives more rights than allowed (mode 0666, allowed \
             0755); run `chmod 0644 etc/bypass.toml`.",
        ]
    );
    set_mode(&etc, 0o777);
    let found = found("check");
    assert!(found.len() == 1 && found[0].starts_with("etc: others can write to"), "{found:?}");
    set_mode(&etc, 0o755);
    fs::remove_file(etc.join("bypass.toml")).unwrap();
    write("policy.trial", "version = 1\n");
    let found = mistakes(&lab, "check");
    assert!(found[1].contains("policy.trial: a file in /etc/pam_mfa is malformed"), "{found:?}");
}

#[test]
fn what_may_not_be_meant() {
    let lab = Lab::new();
    let draft = lab.dir.path().join("draft");
    let warned = |option: &str, text: &str| {
        fs::write(&draft, text).unwrap();
        let said = lab.run(&format!("check {option} {}", draft.display()), "").unwrap();
        assert!(said.ends_with(", no mistakes.\n"), "{said}");
        said.lines().filter(|line| line.starts_with("warning: ")).count()
    };
    // Whether the second rule is never reached.
    for (first, second, is_covered) in [
        ("", "", true),
        ("", "users = ['a']", true),
        ("users = ['a']", "", false),
        ("users = ['a', 'b']", "users = ['b']", true),
        ("users = ['a']", "users = ['a', 'b']", false),
        ("services = ['sshd']", "services = ['sshd']\nusers = ['a']", true),
        ("services = ['sshd']\nhosts = ['a']", "services = ['sshd']", false),
        ("hosts = ['a*', 'b']", "hosts = ['b']", true),
        ("hosts = ['*']", "hosts = ['b*']", true),
        ("from = ['192.0.2.0/24']", "from = ['192.0.2.7', '192.0.2.0/25']", true),
        ("from = ['192.0.2.0/24']", "from = ['192.0.2.7', '2001:db8::/32']", false),
        ("groups = ['root', 'bin']", "groups = ['bin']", true),
        ("enforce = false", "users = ['a']", true),
    ] {
        let text = format!(
            "version = 1\n[[rule]]\nname = '1'\ndeny = 'x'\n{first}\n\
             [[rule]]\nname = '2'\ndeny = 'x'\n{second}\n"
        );
        assert_eq!(warned("--policy", &text), usize::from(is_covered), "{first} | {second}");
    }
    let gone = "version = 1\n[[rule]]\nname = 'a'\ngroups = ['no-such-group']\nskip = 'x'\n";
    assert_eq!(warned("--policy", gone), 1);
    // Whether nothing says that a key was touched.
    let ca = "AAAAC3NzaC1lZDI1NTE5AAAAIB7MEIp2Lr5EDXt9jTs2AAOhzYLHrSE2pSWRHHDlTNfV";
    let ca = &format!("ssh_ca = ['ssh-ed25519 {ca}']\n");
    for (ca, require, is_unknown) in [
        ("", "['ssh-key']", true),
        ("", "['otp', 'ssh-key']", true),
        ("", "['ssh-key']\ntouch = 'sshd'", false),
        ("", "['ssh-key']\ntouch = 'unverified'", false),
        (ca, "['ssh-key']", false),
        ("", "['otp', 'key']", false),
    ] {
        let text = format!("version = 1\n{ca}[[rule]]\nname = 'a'\nrequire = {require}\n");
        assert_eq!(warned("--policy", &text), usize::from(is_unknown), "{text}");
    }
    let entry = "[[bypass]]\nid = 'a'\nnetwork = '192.0.2.7'\nreason = 'x'\nexpires =";
    assert_eq!(warned("--bypass", &format!("{entry} 2023-11-15\n")), 0);
    assert_eq!(warned("--bypass", &format!("{entry} 2023-11-14\n")), 1);
    let said = lab.said.borrow().replace(&format!("{}/", lab.dir.path().display()), "");
    assert!(
        said.starts_with(
            "warning: draft:1:1: the entry a has counted for nothing since 2023-11-14; run \
             `mfactl bypass remove a`.\n"
        ),
        "{said}"
    );
}

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;

use clap::Parser;
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::lab::{Lab, NOW};

fn file(lab: &Lab) -> PathBuf {
    lab.dir.path().join("etc/bypass.toml")
}

fn text(lab: &Lab) -> String {
    fs::read_to_string(file(lab)).unwrap()
}

/// Puts a file there as somebody wrote it by hand.
fn write(lab: &Lab, text: &str) {
    fs::create_dir_all(lab.dir.path().join("etc")).unwrap();
    fs::write(file(lab), text).unwrap();
    fs::set_permissions(file(lab), Permissions::from_mode(0o644)).unwrap();
}

fn object(said: &str) -> Value {
    serde_json::from_str(said).unwrap()
}

/// The id of the entry that was added.
fn add(lab: &Lab, words: &str) -> String {
    let said = lab.run(&format!("bypass add {words} --json"), "").unwrap();
    object(&said)["id"].as_str().unwrap().to_owned()
}

/// What an entry said before or after, in the log.
fn logged(words: &str) -> String {
    format!("\"{}\"", words.replace(' ', "\\x20"))
}

const BY_HAND: &str = "\
# Kept by netops. See the wiki.

# Berlin
[[bypass]]
id = \"b1\"
network = \"203.0.113.0/28\" # the VPN
services = [ \"sshd\",
  \"sudo\" ]  # both
owner = 'netops'
reason = \"Berlin VPN\"

# Not Oslo: they have no fixed addresses.

# Paris
[[bypass]]
reason  =  \"Paris\"
network = \"2001:DB8::/32\"
id      =  \"b2\"
# Until the lease is over.
expires = 2023-11-01

[[bypass]]
id = \"b3\"
network = \"192.0.2.7\"
reason = \"camera\"
# The end.
";

#[test]
fn a_new_entry_and_who_made_it() {
    let lab = Lab::new();
    let line = "bypass add 203.0.113.0/28 --reason Berlin --services sshd,sudo --services su \
                --expires 30d --owner netops";
    let said = lab.run(line, "").unwrap();
    let id = said.split(':').next().unwrap();
    assert_eq!(
        text(&lab),
        format!(
            "[[bypass]]\nid = \"{id}\"\nnetwork = \"203.0.113.0/28\"\n\
             services = [\"sshd\", \"sudo\", \"su\"]\nreason = \"Berlin\"\nowner = \"netops\"\n\
             created = 2023-11-14T22:13:30Z\nexpires = 2023-12-14T22:13:30Z\n"
        )
    );
    let terms = "203.0.113.0/28, services: sshd,sudo,su, expires: 2023-12-14T22:13:30Z";
    assert_eq!(said, format!("{id}: {terms}.\n"));
    let after = logged(
        "network:203.0.113.0/28 services:sshd,sudo,su expires:2023-12-14T22:13:30Z owner:netops \
         reason:Berlin",
    );
    assert_eq!(
        *lab.log.borrow(),
        [format!("changed id={id} what=bypass before=\"\" after={after} uid=0 login_uid=1000")]
    );
    assert_eq!(fs::metadata(file(&lab)).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(file(&lab).parent().unwrap().metadata().unwrap().mode() & 0o7777, 0o755);

    let other = add(&lab, "2001:db8::1 --reason it --expires 2023-11-15");
    assert_ne!(other, id);
    let said = object(&lab.run(&format!("bypass show {other} --json"), "").unwrap());
    let owner = said["owner"].as_str().unwrap();
    assert!(!owner.is_empty());
    assert_eq!(
        said,
        json!({
            "id": other, "network": "2001:db8::1", "services": null, "reason": "it",
            "owner": owner, "created": NOW, "expires": 1_700_006_400, "expired": false,
        })
    );
    assert!(text(&lab).ends_with("expires = 2023-11-15\n"));
}

#[test]
fn entries_go_behind_what_is_there() {
    for (there, between) in [("", ""), ("# mine\n", "\n"), ("# mine", "\n\n"), (BY_HAND, "\n")] {
        let lab = Lab::new();
        write(&lab, there);
        let id = add(&lab, "198.51.100.0/24 --reason it");
        let begins = format!("{there}{between}[[bypass]]\nid = \"{id}\"\n");
        assert!(text(&lab).starts_with(&begins), "{}", text(&lab));
        assert_eq!(fs::metadata(file(&lab)).unwrap().mode() & 0o7777, 0o644);
    }
}

#[test]
fn what_is_not_changed_stays_as_it_was_written() {
    let lab = Lab::new();
    write(&lab, BY_HAND);
    for (line, from, to) in [
        ("b1 --services su", "[ \"sshd\",\n  \"sudo\" ]", "[\"su\"]"),
        ("b1 --network 203.0.113.16/28", "203.0.113.0/28", "203.0.113.16/28"),
        ("b1 --all-services", "services = [\"su\"]  # both\n", ""),
        (
            "b1 --owner noc --reason Berlin",
            "'netops'\nreason = \"Berlin VPN\"",
            "\"noc\"\nreason = \"Berlin\"",
        ),
        ("b1 --expires 1d", "\"Berlin\"\n", "\"Berlin\"\nexpires = 2023-11-15T22:13:30Z\n"),
        ("b2 --expires 2027-05-21", "2023-11-01", "2027-05-21"),
        ("b2 --expires never", "# Until the lease is over.\nexpires = 2027-05-21\n", ""),
        ("b3 --services sshd", "\"camera\"\n", "\"camera\"\nservices = [\"sshd\"]\n"),
        ("b3 --services sshd", "", ""),
    ] {
        let expected = text(&lab).replacen(from, to, 1);
        assert!(text(&lab).contains(from), "{line}");
        let before = lab.log.borrow().len();
        lab.run(&format!("bypass set {line}"), "").unwrap();
        assert_eq!(text(&lab), expected, "{line}");
        let lines = usize::from(!from.is_empty());
        assert_eq!(lab.log.borrow().len(), before + lines, "only a change is logged");
    }
    let (before, after) = (
        logged("network:192.0.2.7 services:all expires:never owner:- reason:camera"),
        logged("network:192.0.2.7 services:sshd expires:never owner:- reason:camera"),
    );
    let last =
        format!("changed id=b3 what=bypass before={before} after={after} uid=0 login_uid=1000");
    assert_eq!(lab.log.borrow().last(), Some(&last));
}

#[test]
fn an_entry_goes_with_the_comment_directly_above_it() {
    let berlin = "# Berlin\n[[bypass]]\nid = \"b1\"";
    for (ids, stays) in [
        (
            &["b1"][..],
            "# Kept by netops. See the wiki.\n\n# Not Oslo: they have no fixed addresses.\n\n# Paris\n",
        ),
        (
            &["b2"],
            "\"Berlin VPN\"\n\n# Not Oslo: they have no fixed addresses.\n\n[[bypass]]\nid = \"b3\"\n",
        ),
        (&["b3"], "expires = 2023-11-01\n# The end.\n"),
        (
            &["b3", "b1", "b2"],
            "# Kept by netops. See the wiki.\n\n# Not Oslo: they have no fixed addresses.\n# The end.\n",
        ),
    ] {
        let lab = Lab::new();
        write(&lab, BY_HAND);
        for id in ids {
            let said = lab.run(&format!("bypass remove {id}"), "").unwrap();
            assert!(said.starts_with(&format!("{id}, ")) && said.ends_with(", is removed.\n"));
            let line = lab.log.borrow().last().unwrap().clone();
            assert!(line.starts_with(&format!("changed id={id} what=bypass before=\"network:")));
            assert!(line.contains(" after=\"\" uid=0"), "{line}");
        }
        let left = text(&lab);
        assert!(left.contains(stays), "{ids:?}: {left}");
        assert_eq!(left.contains(berlin), !ids.contains(&"b1"), "{left}");
    }
    // The comment that begins a file is not the first entry's.
    let lab = Lab::new();
    write(
        &lab,
        "# /etc/pam_mfa/bypass.toml\n[[bypass]]\nid = \"b1\"\nnetwork = \"::1\"\nreason = \"x\"\n",
    );
    let said = object(&lab.run("bypass remove b1 --json", "").unwrap());
    assert_eq!((&said["id"], &said["network"]), (&json!("b1"), &json!("::1")));
    assert_eq!(text(&lab), "# /etc/pam_mfa/bypass.toml\n");
    add(&lab, "192.0.2.7 --reason it");
    assert!(text(&lab).starts_with("# /etc/pam_mfa/bypass.toml\n\n[[bypass]]\n"));
}

#[test]
fn the_list_says_what_has_expired() {
    let lab = Lab::new();
    assert_eq!(object(&lab.run("bypass list --json", "").unwrap()), json!({"bypasses": []}));
    assert!(!lab.dir.path().join("etc").exists(), "whoever looks makes nothing");
    write(&lab, BY_HAND);
    assert_eq!(
        lab.run("bypass list", "").unwrap(),
        "id  network         services   state    expires     owner   reason\n\
         b1  203.0.113.0/28  sshd,sudo  active   never       netops  Berlin VPN\n\
         b2  2001:db8::/32   all        expired  2023-11-01  -       Paris\n\
         b3  192.0.2.7       all        active   never       -       camera\n"
    );
    let said = object(&lab.run("bypass list --json", "").unwrap());
    let expired: Vec<_> =
        said["bypasses"].as_array().unwrap().iter().map(|entry| &entry["expired"]).collect();
    assert_eq!(expired, [false, true, false]);
    let file = file(&lab).display().to_string();
    assert_eq!(
        lab.run("bypass show b2", "").unwrap(),
        format!(
            "id        b2\nnetwork   2001:db8::/32\nservices  all\nstate     expired\n\
             created   -\nexpires   2023-11-01\nowner     -\nreason    Paris\nfile      {file}:15\n"
        )
    );
    for line in ["show b4", "set b4 --reason x", "remove b4", "remove B1"] {
        let refused = lab.refused(&format!("bypass {line}"));
        assert!(refused.contains("`mfactl bypass list` shows them"), "{refused}");
    }
    assert_eq!((text(&lab).as_str(), lab.log.borrow().len()), (BY_HAND, 0));
}

#[test]
fn command_lines_that_make_no_sense() {
    for (line, why) in [
        ("add vpn.example.org --reason x", "not an address or a network"),
        ("add 203.0.113.7/28 --reason x", "network, which is 203.0.113.0/28"),
        ("add ::ffff:203.0.113.0/124 --reason x", "write 203.0.113.0/28"),
        ("add 192.0.2.1", "--reason"),
        ("add 192.0.2.1 --reason x --expires soon", "never, a date such as 2027-01-15"),
        ("add 192.0.2.1 --reason \u{7}", "1 to 200 printable"),
        ("add 192.0.2.1 --reason x --owner \u{1b}[1m", "1 to 200 printable"),
        ("add 192.0.2.1 --reason x --services sshd,", "the name of a PAM service"),
        ("add 192.0.2.1 --reason x --services ../sshd", "the name of a PAM service"),
        ("set b1", "--network"),
        ("set b1 --services sshd --all-services", "cannot be used with"),
        ("set b1 --network 192.0.2.1/24", "which is 192.0.2.0/24"),
    ] {
        let words = ["mfactl", "bypass"].into_iter().chain(line.split(' '));
        let error = Cli::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
        assert!(error.to_string().contains(why), "{line}: {error}");
    }
}

#[test]
fn wide_networks_and_past_days_are_refused() {
    let lab = Lab::new();
    for wide in ["0.0.0.0/0", "10.0.0.0/7", "::/0", "2000::/15"] {
        let refused = lab.refused(&format!("bypass add {wide} --reason x"));
        assert!(refused.contains("with --force it is taken"), "{refused}");
        let id = add(&lab, &format!("{wide} --reason x --force"));
        lab.run(&format!("bypass remove {id}"), "").unwrap();
    }
    let id = add(&lab, "10.0.0.0/8 --reason x");
    let refused = lab.refused(&format!("bypass set {id} --network 8.0.0.0/6"));
    assert!(refused.starts_with("8.0.0.0/6 is wider than /8"), "{refused}");
    lab.run(&format!("bypass set {id} --network 8.0.0.0/6 --force"), "").unwrap();
    add(&lab, "2001::/16 --reason x");
    for day in ["1970-01-01", "2023-11-14"] {
        for line in [format!("set {id}"), "add 192.0.2.1 --reason x".to_owned()] {
            let refused = lab.refused(&format!("bypass {line} --expires {day}"));
            assert!(refused.contains("has begun"), "{refused}");
        }
    }
}

#[test]
fn what_may_not_be_meant() {
    let lab = Lab::new();
    write(&lab, BY_HAND);
    let warnings = |words: &str| {
        let said = lab.run(&format!("bypass add {words} --reason x --json"), "").unwrap();
        let said = object(&said);
        lab.run(&format!("bypass remove {}", said["id"].as_str().unwrap()), "").unwrap();
        said["warnings"].as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>()
    };
    for loopback in ["127.0.0.1", "127.0.0.0/8", "::1", "::/16"] {
        let said = warnings(loopback);
        assert!(said.len() == 1 && said[0].contains("holds for this host itself"), "{said:?}");
    }
    assert_eq!(warnings("203.0.113.0/24"), ["\"203.0.113.0/24 overlaps b1, 203.0.113.0/28\""]);
    for fine in ["203.0.113.0/24 --services su", "2001:db8::/48", "203.0.113.16/28", "128.0.0.0/8"]
    {
        assert_eq!(warnings(fine), [""; 0], "{fine}");
    }
    let said = lab.run("bypass set b1 --owner ops", "").unwrap();
    assert!(!said.contains("overlaps"), "an entry does not overlap itself: {said}");
    let said = lab.run("bypass set b3 --network 203.0.113.1", "").unwrap();
    assert_eq!(
        said,
        "b3: 203.0.113.1, services: all, expires: never.\n\
         warning: 203.0.113.1 overlaps b1, 203.0.113.0/28.\n"
    );
}

#[test]
fn a_file_with_a_mistake_is_not_touched() {
    let lab = Lab::new();
    for (from, to, mistake) in [
        ("id = \"b3\"", "id = \"b1\"", ":22:1: another entry has the id b1"),
        ("192.0.2.7", "192.0.2.7/24", ":24:11: network: 192.0.2.7/24 is not the first address"),
        ("owner", "colour", ":9:1: no key colour here"),
        ("# The end.", "[[bypass", ":26:"),
    ] {
        let broken = BY_HAND.replacen(from, to, 1);
        write(&lab, &broken);
        for line in
            ["list", "show b1", "add 192.0.2.1 --reason x", "set b1 --reason x", "remove b2"]
        {
            let refused = lab.refused(&format!("bypass {line}"));
            assert!(refused.contains(mistake), "{line}: {refused}");
            assert!(refused.ends_with("correct the file"), "{refused}");
        }
        assert_eq!(text(&lab), broken);
    }
    let inline = "bypass = [{ id = \"b1\", network = \"192.0.2.7\", reason = \"x\" }]\n";
    write(&lab, inline);
    for line in ["add 192.0.2.1 --reason x", "set b1 --reason y", "remove b1"] {
        let refused = lab.refused(&format!("bypass {line}"));
        assert!(refused.contains("write them so first"), "{refused}");
    }
    assert_eq!(text(&lab), inline);
    assert!(lab.run("bypass list", "").unwrap().contains("192.0.2.7"));
    assert_eq!(*lab.log.borrow(), [""; 0]);
}

#[test]
fn a_file_that_others_could_have_written_is_not_touched() {
    let lab = Lab::new();
    write(&lab, BY_HAND);
    let refused = |why: &str| {
        for line in ["list", "add 192.0.2.1 --reason x", "set b1 --reason x", "remove b2"] {
            let said = lab.refused(&format!("bypass {line}"));
            assert!(said.contains(why), "{said}");
        }
    };
    fs::set_permissions(file(&lab), Permissions::from_mode(0o664)).unwrap();
    refused("mode 0664");
    fs::set_permissions(file(&lab), Permissions::from_mode(0o600)).unwrap();
    let etc = lab.dir.path().join("etc");
    fs::set_permissions(&etc, Permissions::from_mode(0o775)).unwrap();
    refused("mode 0775");
    fs::set_permissions(&etc, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(text(&lab), BY_HAND);

    fs::rename(file(&lab), etc.join("elsewhere.toml")).unwrap();
    symlink("elsewhere.toml", file(&lab)).unwrap();
    refused("symbolic link");
    assert_eq!(text(&lab), BY_HAND);
    assert!(file(&lab).is_symlink());
}

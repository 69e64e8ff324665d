use std::fs;
use std::path::{Path, PathBuf};

use mfa_core::policy::Files;
use mfa_core::policy::trial::TRIAL;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::step::{self, Step};
use super::*;
use crate::lab::{Lab, NOW};

/// A policy with one rule of this name.
fn named(name: &str) -> String {
    format!("version = 1\n[[rule]]\nname = \"{name}\"\nskip = \"x\"\n")
}

/// The rule of the policy that counts in a directory; empty where there is none.
fn counts(etc: &Path, now: u64) -> String {
    let files = Files::read(etc, Uid::effective(), now).unwrap();
    files.policy.map_or(String::new(), |policy| policy.rules[0].name.clone())
}

fn etc(lab: &Lab) -> PathBuf {
    lab.dir.path().join("etc")
}

/// A machine with the policy `old`, and the policy `new` in a file; the command that tries it.
fn lab() -> (Lab, String) {
    let lab = Lab::new();
    fs::create_dir(etc(&lab)).unwrap();
    fs::write(etc(&lab).join(POLICY), named("old")).unwrap();
    let new = lab.dir.path().join("new.toml");
    fs::write(&new, named("new")).unwrap();
    let command = format!("policy try {} --for 10m", new.display());
    (lab, command)
}

const OLD: Login = Login { session: Some(7), newest: 8, terminal: Some(100), began: 900 };
const NEW: Login = Login { session: Some(9), newest: 9, terminal: Some(950), began: 960 };

#[test]
fn a_new_login_confirms() {
    let (lab, command) = lab();
    lab.login.set(OLD);
    let said = lab.run(&command, "").unwrap();
    assert!(said.starts_with("On trial until 2023-11-14T22:23:30Z. Log in anew"), "{said}");
    assert_eq!(
        (counts(&etc(&lab), NOW + 599), counts(&etc(&lab), NOW + 600)),
        ("new".into(), "old".into())
    );
    assert!(lab.refused(&command).starts_with("a policy is on trial until 2023-11-14T22:23:30Z"));

    for (login, why) in [
        (OLD, "this login was there before the new policy"),
        // Another login, but one that was there.
        (Login { session: Some(8), ..OLD }, "this login was there before the new policy"),
        (Login { session: None, ..OLD }, "this login was there before the new policy"),
        (Login::default(), "this comes from no login"),
    ] {
        lab.login.set(login);
        assert!(lab.refused("policy confirm").starts_with(why), "{login:?}");
        assert_eq!(counts(&etc(&lab), NOW + 600), "old");
    }
    lab.login.set(NEW);
    assert_eq!(lab.run_at(NOW + 599, "policy confirm", "").unwrap(), "The new policy stays.\n");
    assert_eq!(counts(&etc(&lab), NOW + 600), "new");
    assert_eq!(lab.refused("policy confirm"), "no policy is on trial");
    assert_eq!(lab.refused("policy revert"), "no policy is on trial");
    assert_eq!(fs::read_to_string(etc(&lab).join("policy.previous")).unwrap(), named("old"));
    assert_eq!(
        *lab.log.borrow(),
        [
            "changed file=policy.toml what=trial before=\"\" after=2023-11-14T22:23:30Z uid=0 login_uid=1000",
            "changed file=policy.toml what=trial before=2023-11-14T22:23:30Z after=confirmed uid=0 login_uid=1000",
        ]
    );
}

#[test]
fn without_a_word_the_old_policy_comes_back() {
    for line in ["policy revert --when-due", "policy revert", "policy confirm"] {
        let (lab, command) = lab();
        lab.login.set(OLD);
        lab.run(&command, "").unwrap();
        lab.login.set(NEW);
        match lab.run_at(NOW + 600, line, "") {
            Ok(said) => assert_eq!(said, "The old policy counts again.\n"),
            Err(failure) => assert!(failure.to_string().starts_with("too late"), "{failure}"),
        }
        assert_eq!(fs::read_to_string(etc(&lab).join(POLICY)).unwrap(), named("old"));
        assert!(!etc(&lab).join(TRIAL).exists());
        // Which is then a policy like any other.
        lab.run_at(NOW + 601, &command, "").unwrap();
        assert_eq!(counts(&etc(&lab), NOW + 602), "new");
    }
    // A trial that is over is no hindrance to the next.
    let (lab, command) = lab();
    lab.run(&command, "").unwrap();
    lab.run_at(NOW + 600, &command, "").unwrap();
    assert_eq!(
        (counts(&etc(&lab), NOW + 601), counts(&etc(&lab), NOW + 1200)),
        ("new".into(), "old".into())
    );
    assert_eq!(lab.run("policy revert", "").unwrap(), "The old policy counts again.\n");
    assert_eq!(lab.run("policy revert --when-due", "").unwrap(), "", "nothing is due");
}

#[test]
fn scripts_are_told_how_things_stand() {
    let (lab, command) = lab();
    let told = |line: &str| -> Value {
        serde_json::from_str(&lab.run(&format!("{line} --json"), "").unwrap()).unwrap()
    };
    let file = etc(&lab).join(POLICY);
    let settled = json!({"file": file, "on_trial": false, "until": null});
    let on_trial = json!({"file": file, "on_trial": true, "until": NOW + 600});
    lab.login.set(OLD);
    assert_eq!(told(&command), on_trial);
    assert_eq!(told("policy revert"), settled);
    assert_eq!(told(&command), on_trial);
    lab.login.set(NEW);
    assert_eq!(told("policy confirm"), settled);
}

#[test]
fn where_there_was_no_policy_there_is_none_again() {
    let (lab, command) = lab();
    fs::remove_dir_all(etc(&lab)).unwrap();
    lab.run(&command, "").unwrap();
    assert_eq!(
        (counts(&etc(&lab), NOW), counts(&etc(&lab), NOW + 600)),
        ("new".into(), String::new())
    );
    lab.run_at(NOW + 600, "policy revert --when-due", "").unwrap();
    assert_eq!(fs::read_dir(etc(&lab)).unwrap().count(), 0);
}

#[test]
fn a_policy_with_a_mistake_is_not_tried() {
    let (lab, command) = lab();
    let new = lab.dir.path().join("new.toml");
    fs::write(&new, "version = 1\nstore = \"both\"\n").unwrap();
    assert_eq!(lab.run(&command, "").unwrap_err().exit_code(), 3);
    let said =
        format!("{}:2:9: store: not auto, system or home; correct the file.\n", new.display());
    assert_eq!(*lab.said.borrow(), said);
    fs::remove_file(&new).unwrap();
    assert!(lab.refused(&command).contains("cannot be read"));
    let names: Vec<_> = fs::read_dir(etc(&lab)).unwrap().collect();
    assert_eq!((names.len(), counts(&etc(&lab), NOW)), (1, "old".into()));
    assert!(lab.log.borrow().is_empty());
}

#[test]
fn which_policy_counts() {
    let (lab, command) = lab();
    let file = |name: &str| etc(&lab).join(name).display().to_string();
    let status = |now| lab.run_at(now, "policy status", "").unwrap();
    assert_eq!(status(NOW), format!("{} counts.\n", file("policy.toml")));
    lab.run(&command, "").unwrap();
    let until = "2023-11-14T22:23:30Z";
    assert_eq!(status(NOW), format!("{} counts; on trial until {until}.\n", file("policy.toml")));
    assert_eq!(
        status(NOW + 600),
        format!(
            "{} counts; a trial ended at {until}, and `mfactl policy revert` tidies up.\n",
            file("policy.previous")
        )
    );
    let object =
        |command: &str| -> Value { serde_json::from_str(&lab.run(command, "").unwrap()).unwrap() };
    let expected = json!({"file": file("policy.toml"), "on_trial": true, "until": NOW + 600});
    assert_eq!(object("policy status --json"), expected);
    fs::remove_dir_all(etc(&lab)).unwrap();
    assert_eq!(status(NOW), format!("There is no policy in {}.\n", etc(&lab).display()));
}

/// A directory in which these steps have been taken, and what counts there in time and afterwards.
fn after(steps: &[Step]) -> (String, String) {
    let here = TempDir::new().unwrap();
    let [run, etc] = ["run", "etc"].map(|name| here.path().join(name));
    step::take(steps, &run, &etc).unwrap();
    (counts(&etc, NOW), counts(&etc, NOW + 600))
}

#[test]
fn a_crash_between_any_two_steps_leaves_one_policy_or_the_other() {
    for boot in [boot_id(), "another".to_owned()] {
        for old in [Some("old"), None] {
            let is_same_boot = boot == boot_id();
            let text = |name: &str| named(name).into_bytes();
            let trial = Trial {
                since: NOW,
                until: NOW + 600,
                boot: boot.clone(),
                session: 0,
                began: 0,
                has_previous: old.is_some(),
            };
            // What a trial long ago has left does not count.
            let mut taken = vec![Step::Write(PREVIOUS, text("ancient"))];
            taken.extend(old.map(|old| Step::Write(POLICY, text(old))));
            let name = old.unwrap_or_default().to_owned();
            let new = if is_same_boot { "new".to_owned() } else { name.clone() };

            let begin = step::begin(old.map(text), text("new"), &trial);
            for step in begin {
                assert_eq!(after(&taken), (name.clone(), name.clone()), "{boot} {taken:?}");
                taken.push(step);
            }
            assert_eq!(after(&taken), (new, name.clone()));

            let mut reverted = taken;
            for step in step::revert(old.map(text)) {
                reverted.push(step);
                assert_eq!(after(&reverted), (name.clone(), name.clone()), "{boot} {reverted:?}");
            }
            let mut confirmed = reverted.split_off(0);
            confirmed.truncate(confirmed.len() - 2);
            confirmed.extend(step::confirm());
            assert_eq!(after(&confirmed), ("new".into(), "new".into()));
        }
    }
}

#[test]
fn nobody_but_root() {
    let lab = Lab::new();
    lab.uid.set(1000);
    assert!(matches!(lab.run("policy confirm", ""), Err(Failure::NotRoot)));
}

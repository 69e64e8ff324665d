//! `mfa-enroll key` without a token: the mapping of whoever runs it.

use std::fs;

use crate::host::{Home, code_of, refused, stdout};

const KEY: &str = "Zm9v,BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=,eddsa,+presence";

#[test]
fn ones_own_mapping() {
    let home = Home::new();
    let file = home.path().join(".config/Yubico/u2f_keys");
    let output = home.line("key list", "");
    assert_eq!(code_of(&output), 0);
    let said = stdout(&output);
    assert!(said.ends_with(&format!(" has no keys in {}.\n", file.display())), "{said}");
    let user = said.split(' ').next().unwrap();

    fs::create_dir_all(file.parent().unwrap()).unwrap();
    Home::give(&home.path().join(".config"));
    Home::give(file.parent().unwrap());
    fs::write(&file, format!("other:{KEY}\n{user}:{KEY}\n")).unwrap();
    Home::give(&file);
    let output = home.line("key list", "");
    assert!(stdout(&output).starts_with("1. key, eddsa for pam://"), "{}", stdout(&output));
    assert!(stdout(&output).ends_with("; touch\n"), "{}", stdout(&output));
    assert_eq!(code_of(&home.line("key remove 1", "")), 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("other:{KEY}\n"));
}

#[test]
fn what_is_refused() {
    let home = Home::new();
    for (line, sentence) in [
        ("key remove 1", "there is no key \"1\", and no other"),
        ("key list --user daemon", "only root can enrol a user by name"),
        ("key add --ssh x.pub", "--user <USER>"),
    ] {
        let said = refused(&home.line(line, ""));
        assert!(said.contains(sentence), "{line}: {said}");
    }
}

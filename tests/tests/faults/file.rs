//! A google-authenticator file.

use std::fs;
use std::os::unix::fs::symlink;

use sandbox::{Machine, SECRET, Secret, User};

use crate::{Kept, Login};

struct File {
    alice: User,
    first: String,
}

impl Kept for File {
    const PATH: &str = ".google_authenticator";
    // The file, its name, and both on disk.
    const DURABLE: &[&str] = &["write", "fsync", "renameat", "fsync"];
    const SPARE: &str = "87654321";

    fn reset(&self) {
        self.alice.write_state(&self.first);
    }

    fn used(&self) -> String {
        self.alice.read_state()
    }

    fn is_spare_used(&self) -> bool {
        !self.alice.read_state().contains(Self::SPARE)
    }

    fn files(&self) -> Vec<String> {
        self.alice.files()
    }
}

fn login<'a>(machine: &'a Machine, options: &str, answer: &str) -> Login<'a, File> {
    let first = format!("{SECRET}\n{options}\n{}\n12345678\n", File::SPARE);
    Login::new(machine, File { alice: machine.user("alice"), first }, answer)
}

#[test]
fn a_code_by_counter() {
    let machine = Machine::new();
    login(&machine, "\" HOTP_COUNTER 1", &Secret::new(SECRET).counted(1)).suffers();
}

#[test]
fn a_wrong_code_that_moves_the_counter_on() {
    let machine = Machine::new();
    login(&machine, "\" HOTP_COUNTER 1", &Secret::new(SECRET).wrong_code()).suffers();
}

#[test]
fn a_code_by_time() {
    let machine = Machine::new();
    // Good for half an hour: longer than this takes.
    let options = "\" DISALLOW_REUSE\n\" TOTP_AUTH\n\" WINDOW_SIZE 100";
    login(&machine, options, &Secret::new(SECRET).code_beside(20)).suffers();
}

#[test]
fn a_scratch_code() {
    let machine = Machine::new();
    login(&machine, "\" TOTP_AUTH", "12345678").suffers();
}

#[test]
fn a_file_behind_a_link() {
    let machine = Machine::new();
    let login = login(&machine, "\" TOTP_AUTH", "12345678");
    login.reset();
    let alice = &login.kept.alice;
    fs::rename(alice.state(), alice.path("target")).expect("it is there");
    symlink("target", alice.state()).expect("its name is free");
    login.suffers();
    let link = fs::symlink_metadata(alice.state()).expect("still there");
    assert!(link.is_symlink(), "the link stays");
}

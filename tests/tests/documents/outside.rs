//! What is run on this machine itself: make, and a sandbox for each document.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;
use std::{env, thread};

use crate::markdown::{Document, project};

/// What all scenes have besides us.
const PACKAGES: &str = "openssh-server sudo oathtool libpam-google-authenticator libpam-oath libpam-u2f pamu2fcfg \
                        libfido2-1 systemd";

/// Runs a command in the tree, as whoever calls.
#[track_caller]
pub fn run(command: &str) {
    let mut shell = Command::new("bash");
    shell.args(["-c", command]);
    assert!(passes(command, &mut shell), "{command} fails");
}

/// Carries out these documents, as many at once as there are cores; those that failed.
pub fn sandboxes(documents: &[&Document]) -> Vec<String> {
    // What is to be downloaded is downloaded once.
    assert!(passes("the first sandbox", &mut sandbox(&["true"])), "there is no sandbox");
    let (queue, failed) = (Mutex::new(documents.iter()), Mutex::new(vec![]));
    let this = env::current_exe().expect("Linux knows").display().to_string();
    let at_once = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("nobody panics").next();
                    let Some(Document { path, .. }) = next else { break };
                    let document = format!("DOCUMENT={path}");
                    let test = ["--ignored", "--exact", "one_document", "--nocapture"];
                    if !passes(
                        path,
                        &mut sandbox(&[&["env", &document, &this], &test[..]].concat()),
                    ) {
                        failed.lock().expect("nobody panics").push(path.clone());
                    }
                }
            });
        }
    });
    failed.into_inner().expect("nobody panicked")
}

fn sandbox(command: &[&str]) -> Command {
    let mut sandbox = Command::new("tests/sandbox.sh");
    sandbox.args(["--packages", PACKAGES, "--"]).args(command);
    sandbox
}

/// Whether it succeeds; tells about it, and all that it said if not.
fn passes(name: &str, command: &mut Command) -> bool {
    let begun = Instant::now();
    let output = command.current_dir(project()).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}"));
    let passed = output.status.success();
    let says = if passed { "ok" } else { "FAILED" };
    println!("{name}: {says}, {} s", begun.elapsed().as_secs());
    if !passed || env::var_os("VERBOSE").is_some() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        println!("{}{}", text(&output.stdout), text(&output.stderr));
    }
    passed
}

//! A document's commands, carried out in the order in which they are read.

use std::collections::{BTreeSet, HashMap};

use crate::elsewhere::{is_elsewhere, is_outside};
use crate::markdown::{Block, Document};
use crate::person::Person;
use crate::phone::Phones;
use crate::picture;
use crate::scene::Scene;
use crate::stage::{DESK, Stage};
use crate::step::{self, Step};

/// The commands of a document, and who types them.
pub fn steps(document: &Document) -> Vec<(&'static str, Step)> {
    let mut all = vec![];
    for block in &document.blocks {
        let steps = match block.language.as_str() {
            "sh" => step::of_commands(&block.text, block.line),
            "console" => step::of_picture(&block.text, block.line),
            _ => continue,
        };
        let steps = steps.unwrap_or_else(|mistake| panic!("{}: {mistake}", document.path));
        let who = who(block);
        all.extend(steps.into_iter().map(|step| (who, step)));
    }
    all
}

/// Who needs sudo is the administrator; all else anybody can do.
fn who(block: &Block) -> &'static str {
    let is_admin = block.text.contains("sudo ")
        || block.text.lines().any(|line| line.starts_with("# ") && block.language == "console");
    if is_admin { "admin" } else { "alice" }
}

/// Whether there is anything to do on a machine of its own.
pub fn has_steps(document: &Document) -> bool {
    !inside(document).is_empty()
}

fn inside(document: &Document) -> Vec<(&'static str, Step)> {
    let is_inside = |command: &str| !is_elsewhere(command) && !is_outside(command);
    steps(document).into_iter().filter(|(_, step)| is_inside(&step.command)).collect()
}

/// Carries out those that a machine of its own is needed for.
pub fn document(document: &Document) {
    let scene = Scene::of(document);
    let steps = inside(document);
    let installs = steps.iter().any(|(_, step)| {
        let has = |words: &str| step.command.contains(words);
        has("make install") || (has("apt install") && has("libpam-mfa"))
    });
    let stage = Stage::new(scene, installs, &hosts(&steps));
    let mut people: HashMap<&str, Person> = [
        ("admin", Person::new(&stage.machine, &stage.admin, DESK)),
        ("alice", Person::new(&stage.machine, &stage.alice, "/home/alice")),
    ]
    .into();
    let mut phones = Phones::default();
    for (who, step) in &steps {
        stage.write_log();
        let about = about(&step.command, who);
        let mut command = step.command.clone();
        if command.contains("123456") {
            command = command.replace("123456", &phones.code_good_now(about));
        }
        println!("{}:{}: {who}$ {command}", document.path, step.line);
        let person = people.get_mut(who).expect("one of the two");
        let outcome = person.run(&command, about, &mut phones);
        let place = || format!("{}:{}: {}", document.path, step.line, step.command);
        let outcome =
            outcome.unwrap_or_else(|what| panic!("{}\n{what}\n{}", place(), stage.machine.log));
        print!("{}", outcome.screen);
        let usual = scene.codes.iter().find(|(known, _)| step.command.starts_with(known));
        let expected = usual.map_or(0, |&(_, code)| code);
        assert!(
            outcome.code == Some(expected),
            "{}\nends with exit code {:?}, not {expected}:\n{}\n{}",
            place(),
            outcome.code,
            outcome.screen,
            stage.machine.log
        );
        if let Some(printed) = &step.printed {
            picture::compare(printed, &outcome.screen)
                .unwrap_or_else(|what| panic!("{}\n{what}", place()));
        }
    }
}

/// Whose account a command is about: the first person that it names, else whoever types it.
fn about<'a>(command: &str, who: &'a str) -> &'a str {
    let is_name = |letter: char| letter.is_ascii_alphanumeric();
    let named = command.split(|letter| !is_name(letter)).find_map(|word| match word {
        "alice" => Some("alice"),
        "bob" => Some("bob"),
        _ => None,
    });
    named.unwrap_or(who)
}

/// The hosts that are named, with somebody's name before them or in an example's domain: all of them are this machine.
fn hosts(steps: &[(&str, Step)]) -> BTreeSet<String> {
    let is_part =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '@');
    let words = steps.iter().flat_map(|(_, step)| step.command.split(|letter| !is_part(letter)));
    let host = |word: &str| match word.split_once('@') {
        Some((_, host)) => Some(host.to_owned()),
        None => word.ends_with(".example.org").then(|| word.to_owned()),
    };
    words.filter_map(host).collect()
}

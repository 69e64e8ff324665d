//! What the documents show is true: their commands are carried out, by people at terminals of a machine that is thrown
//! away, and what they say of options, files and subcommands is compared with the programs.
//!
//! `make check-docs` (tests/documents.sh) carries the commands out; the rest is part of `make check`.

mod elsewhere;
mod files;
mod markdown;
mod outside;
mod person;
mod phone;
mod picture;
mod play;
mod scene;
mod stage;
mod step;
mod words;

use std::collections::BTreeSet;
use std::{env, fs};

use elsewhere::{ELSEWHERE, is_outside};
use markdown::{Document, documents, project};

/// What a fence may be called: commands, a picture of a terminal, TOML, and any other file.
const LANGUAGES: [&str; 5] = ["sh", "console", "toml", "text", ""];

/// All mistakes at once.
#[track_caller]
fn none(mistakes: &[String]) {
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

#[test]
fn blocks_say_what_they_are() {
    let mut mistakes = vec![];
    for Document { path, blocks, .. } in &documents() {
        for block in blocks.iter().filter(|block| !LANGUAGES.contains(&block.language.as_str())) {
            mistakes.push(format!("{path}:{}: nobody knows {:?}", block.line, block.language));
        }
    }
    none(&mistakes);
}

#[test]
fn commands_in_the_text_can_be_typed() {
    let mut mistakes = vec![];
    for Document { path, spans, .. } in &documents() {
        for span in spans {
            mistakes.extend(
                words::check(&span.text).err().map(|why| format!("{path}:{}: {why}", span.line)),
            );
        }
    }
    none(&mistakes);
}

#[test]
fn files_that_are_shown_can_be_read() {
    let mut mistakes = vec![];
    for Document { path, blocks, spans } in &documents() {
        for block in blocks {
            let checked = match block.language.as_str() {
                "toml" => files::toml(&block.text),
                "text" | "" => block.text.lines().try_for_each(files::pam_line),
                _ => Ok(()),
            };
            mistakes.extend(checked.err().map(|why| format!("{path}:{}: {why}", block.line)));
        }
        for span in spans {
            mistakes.extend(
                files::pam_line(&span.text).err().map(|why| format!("{path}:{}: {why}", span.line)),
            );
        }
    }
    none(&mistakes);
}

#[test]
fn what_is_not_run_here_is_shown_and_run_elsewhere() {
    let documents = documents();
    let shown: BTreeSet<String> = commands(&documents).collect();
    let mut mistakes = vec![];
    for entry in ELSEWHERE {
        if !shown.iter().any(|command| entry.is(command)) {
            mistakes.push(format!("no document shows {:?} any more", entry.command));
        }
        let (file, line) = entry.run_by;
        let text = fs::read_to_string(project().join(file)).expect("a file of the tree");
        if !text.lines().any(|found| found.split('#').next().unwrap_or_default().trim() == line) {
            mistakes.push(format!(
                "{:?} is not run here, since {}; but {file} has no line {line:?}, which is to do it",
                entry.command, entry.why
            ));
        }
    }
    for scene in scene::SCENES {
        let document = documents.iter().find(|document| document.path == scene.document);
        let Some(document) = document else {
            mistakes.push(format!("there is no {}, and there is a scene for it", scene.document));
            continue;
        };
        for (command, _) in scene.codes {
            if !play::steps(document).iter().any(|(_, step)| step.command.starts_with(command)) {
                mistakes.push(format!("{} does not show {command:?} any more", scene.document));
            }
        }
    }
    none(&mistakes);
}

fn commands(documents: &[Document]) -> impl Iterator<Item = String> {
    documents.iter().flat_map(play::steps).map(|(_, step)| step.command)
}

/// All of it: DOCUMENTS names those that are meant, otherwise all are.
#[test]
#[ignore = "make check-docs: it makes sandboxes of its own"]
fn commands_that_are_shown_do_what_they_should() {
    let meant = env::var("DOCUMENTS").unwrap_or_default();
    let is_meant = |document: &Document| {
        meant.is_empty() || meant.split_whitespace().any(|path| path == document.path)
    };
    let documents: Vec<_> = documents().into_iter().filter(is_meant).collect();
    assert!(!documents.is_empty(), "there is no document {meant}");

    for command in
        commands(&documents).filter(|command| is_outside(command)).collect::<BTreeSet<_>>()
    {
        if meant.is_empty() {
            outside::run(&command);
        } else {
            println!("{command}: left out, since only some documents are meant");
        }
    }
    let inside: Vec<_> = documents.iter().filter(|document| play::has_steps(document)).collect();
    none(&outside::sandboxes(&inside));
}

/// Each document has its own sandbox, and this is what runs in it.
#[test]
#[ignore = "the test above runs it, in a sandbox for each document"]
fn one_document() {
    let path = env::var("DOCUMENT").expect("the test above says which");
    let document = documents().into_iter().find(|document| document.path == path);
    play::document(&document.unwrap_or_else(|| panic!("there is no document {path}")));
}

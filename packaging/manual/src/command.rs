//! The pages of a command: one for itself, one for each of its subcommands, with what each of theirs takes.

use clap::Command;
use clap_mangen::Man;
use roff::{Roff, bold, roman};

use crate::entry::item;
use crate::file::File;
use crate::page::{path, title};
use crate::text::{sentence, usage};

macro_rules! written {
    ($($page:literal)*) => { &[$(($page, include_str!(concat!("../pages/", $page)))),*] };
}

/// What clap does not know: files, examples, other pages.
const WRITTEN: &[(&str, &str)] = written! {
    "mfa-enroll.1"
    "mfa-enroll-key.1"
    "mfactl.8"
    "mfactl-apply.8"
    "mfactl-bypass.8"
    "mfactl-bypass-code.8"
    "mfactl-check.8"
    "mfactl-codes.8"
    "mfactl-credential.8"
    "mfactl-doctor.8"
    "mfactl-explain.8"
    "mfactl-export.8"
    "mfactl-forget.8"
    "mfactl-import.8"
    "mfactl-log.8"
    "mfactl-policy.8"
    "mfactl-reset.8"
    "mfactl-seal.8"
    "mfactl-show.8"
    "mfactl-snippet.8"
    "mfactl-state.8"
    "mfactl-ticket.8"
    "mfactl-unlock.8"
    "mfactl-unseal.8"
    "mfactl-users.8"
    "mfactl-verify.8"
};

/// How the sentence on exit codes begins, in the help of a command.
const EXIT: &str = "Exit code";

/// The pages of a command and of its subcommands.
///
/// # Errors
/// One of them has nothing written by hand.
pub fn pages(command: Command, section: u8) -> Result<Vec<File>, String> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let whole = Page { command: &command, program: &command, section };
    let parts = command.get_subcommands().map(|part| Page { command: part, ..whole });
    [whole].into_iter().chain(parts).map(Page::file).collect()
}

#[derive(Clone, Copy)]
struct Page<'a> {
    command: &'a Command,
    /// What it is a part of, or itself.
    program: &'a Command,
    section: u8,
}

impl Page<'_> {
    fn file(self) -> Result<File, String> {
        let name = self.command.get_display_name().unwrap_or(self.command.get_name());
        let file = format!("{name}.{}", self.section);
        let written = WRITTEN.iter().find(|(page, _)| *page == file);
        let Some((_, written)) = written else {
            return Err(format!("packaging/manual/pages has no {file}"));
        };
        let mut text = title(name, self.section);
        let mut roff = Roff::new();
        roff.control("SH", ["NAME"]);
        roff.text([roman(format!("{name} - {}", uncapitalised(&about(self.command))))]);
        self.synopsis(&mut roff);
        roff.control("SH", ["DESCRIPTION"]);
        describe(&mut roff, self.command);
        text += &roff.to_roff();
        if !self.is_group() {
            text += &options(self.command);
        }
        text += &self.commands();
        text += &self.exit_status();
        text += written;
        Ok(File { path: path(name, self.section), text })
    }

    /// Whether it does nothing itself.
    fn is_group(self) -> bool {
        self.command.is_subcommand_required_set()
    }

    fn is_program(self) -> bool {
        self.command.get_name() == self.program.get_name()
    }

    fn synopsis(self, roff: &mut Roff) {
        roff.control("SH", ["SYNOPSIS"]);
        let parts = self.command.get_subcommands();
        let uses: Vec<_> = match (self.is_group(), self.is_program()) {
            (true, true) => vec![self.command],
            (true, false) => parts.collect(),
            (false, _) => [self.command].into_iter().chain(parts).collect(),
        };
        for (place, command) in uses.into_iter().enumerate() {
            if place > 0 {
                roff.control("br", []);
            }
            let line = command.clone().render_usage().to_string();
            roff.text(usage(line.trim_start_matches("Usage: ")));
        }
    }

    /// Those of a program have pages of their own; those of a group are in its page.
    fn commands(self) -> String {
        let mut parts = self.command.get_subcommands().peekable();
        if parts.peek().is_none() {
            return String::new();
        }
        let mut roff = Roff::new();
        roff.control("SH", ["COMMANDS"]);
        if self.is_program() {
            for part in parts {
                let name = part.get_display_name().unwrap_or(part.get_name());
                let tag = vec![bold(name), roman(format!("({})", self.section))];
                item(&mut roff, tag, sentence(&sentence_of(part)));
            }
            return roff.to_roff();
        }
        let mut text = roff.to_roff();
        for part in parts {
            let mut roff = Roff::new();
            roff.control("SS", [part.get_name()]);
            describe(&mut roff, part);
            text += &roff.to_roff();
            text += &options(part).replace(".SH OPTIONS\n", "");
        }
        text
    }

    /// Its own, or else what holds for all of the program.
    fn exit_status(self) -> String {
        let said = exit_codes(self.command).or_else(|| exit_codes(self.program));
        let Some(said) = said else { return String::new() };
        let mut roff = Roff::new();
        roff.control("SH", ["EXIT STATUS"]).text(sentence(&said));
        roff.to_roff()
    }
}

/// What clap_mangen makes of its arguments, without `--help`, which every command has.
fn options(command: &Command) -> String {
    let command = command.clone().mut_arg("help", |help| help.hide(true));
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = Man::new(command).render_options_section(&mut text);
    let text = String::from_utf8_lossy(&text);
    // The page has said already how an apostrophe is written.
    let text = text.trim_start_matches(&Roff::new().render());
    let bold = |(place, part): (usize, &str)| match place % 2 {
        0 => part.to_owned(),
        _ => format!("\\fB{part}\\fR"),
    };
    text.split('`').enumerate().map(bold).collect()
}

/// What it is for, and what its help says below the options.
fn describe(roff: &mut Roff, command: &Command) {
    roff.text(sentence(&sentence_of(command)));
    for said in paragraphs(command).filter(|said| !said.starts_with(EXIT)) {
        roff.control("PP", []).text(sentence(&said));
    }
}

fn exit_codes(command: &Command) -> Option<String> {
    let said = paragraphs(command).find(|said| said.starts_with(EXIT))?;
    Some(said.split_once(": ")?.1.to_owned())
}

fn paragraphs(command: &Command) -> impl Iterator<Item = String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let paragraphs: Vec<_> = help.split("\n\n").map(one_line).collect();
    paragraphs.into_iter().filter(|said| !said.is_empty())
}

fn about(command: &Command) -> String {
    one_line(&command.get_about().map(ToString::to_string).unwrap_or_default())
}

fn sentence_of(command: &Command) -> String {
    about(command) + "."
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As whatis(1) shows it.
fn uncapitalised(text: &str) -> String {
    let mut symbols = text.chars();
    symbols.next().map(|first| first.to_lowercase().chain(symbols).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands in the examples of a page, between `.EX` and `.EE`.
    fn examples(text: &str) -> Vec<String> {
        let blocks = text.split("\n.EX\n").skip(1).filter_map(|block| block.split("\n.EE").next());
        let lines = blocks.flat_map(str::lines).map(|line| line.replace("\\-", "-"));
        lines.map(|line| line.split("  #").next().unwrap_or_default().trim().to_owned()).collect()
    }

    #[test]
    fn the_examples_are_lines_that_the_commands_read() {
        let mut read = 0;
        for (page, text) in WRITTEN {
            for line in examples(text) {
                let words: Vec<_> = line.split(' ').collect();
                let commands = [mfactl::definition(), mfa_enroll::definition()];
                let begins =
                    |command: &Command| words.iter().position(|it| *it == command.get_name());
                let found = commands.into_iter().find_map(|it| begins(&it).map(|at| (it, at)));
                let (command, at) = found.unwrap_or_else(|| panic!("{page}: {line}"));
                if let Err(error) = command.try_get_matches_from(&words[at..]) {
                    panic!("{page}: {line}: {error}");
                }
                read += 1;
            }
        }
        assert!(read > WRITTEN.len(), "{read}");
    }

    #[test]
    fn a_group_shows_what_its_commands_take() {
        let pages = pages(mfactl::definition(), 8).unwrap();
        let bypass = pages.iter().find(|page| page.path == "man8/mfactl-bypass.8").unwrap();
        for part in ["list", "show", "add", "set", "remove"] {
            assert!(bypass.text.contains(&format!("\n.SS {part}\n")), "{part}");
        }
        assert!(bypass.text.contains("\\fB\\-\\-expires\\fR"), "{}", bypass.text);
    }
}

//! What was found, for people.

use std::fmt::Display;
use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::diagnosis::{Diagnosis, Severity};
use super::facts::Facts;
use super::line::{in_words, is_ours};
use crate::failure::Failure;
use crate::pam_d::{Line, Phase, Stack};
use crate::report::table;

/// The phases in the order of a login.
const PHASES: [Phase; 3] = [Phase::Auth, Phase::Account, Phase::Session];

/// Writes it, service by service.
///
/// # Errors
/// [`Failure::Output`].
pub fn show(
    facts: &Facts,
    found: &[Diagnosis],
    coloured: bool,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    let paint = Paint { coloured, output };
    paint.all(facts, found)
}

struct Paint<'a> {
    coloured: bool,
    output: &'a mut dyn Write,
}

impl Paint<'_> {
    fn all(mut self, facts: &Facts, found: &[Diagnosis]) -> Result<(), Failure> {
        for (name, stack) in &facts.services {
            let sshd = facts.sshd_of(name).map(|sshd| format!("  {}", sshd.in_words()));
            self.head(name, &sshd.unwrap_or_default()).map_err(Failure::Output)?;
            self.stack(stack)?;
            let of_service = |found: &&Diagnosis| found.service.as_deref() == Some(name);
            self.list(found.iter().filter(of_service)).map_err(Failure::Output)?;
            writeln!(self.output).map_err(Failure::Output)?;
        }
        let is_shown = |service: &str| facts.services.iter().any(|(name, _)| name == service);
        let others = |found: &&Diagnosis| !found.service.as_deref().is_some_and(is_shown);
        if found.iter().any(|found| others(&found)) {
            self.head("this machine", "").map_err(Failure::Output)?;
            self.list(found.iter().filter(others)).map_err(Failure::Output)?;
        }
        // How much there is, stderr says.
        if found.is_empty() {
            writeln!(self.output, "Nothing is wrong.").map_err(Failure::Output)?;
        }
        Ok(())
    }

    fn painted(&self, style: Style, text: impl Display) -> String {
        if self.coloured { format!("{style}{text}{style:#}") } else { text.to_string() }
    }

    fn head(&mut self, name: &str, more: &str) -> io::Result<()> {
        let name = self.painted(Style::new().bold(), name);
        writeln!(self.output, "{name}{more}")
    }

    /// What a login meets, in order.
    fn stack(&mut self, stack: &Stack) -> Result<(), Failure> {
        let lines: Vec<_> = PHASES.into_iter().flat_map(|phase| stack.of(phase)).collect();
        let rows: Vec<_> = lines.iter().map(|line| row(line)).collect();
        let mut text = Vec::new();
        table(&mut text, true, &rows)?;
        for (row, line) in String::from_utf8_lossy(&text).lines().zip(lines) {
            let style = if is_ours(line) { AnsiColor::Cyan.on_default() } else { Style::new() };
            let row = self.painted(style, row);
            writeln!(self.output, "  {row}").map_err(Failure::Output)?;
        }
        Ok(())
    }

    fn list<'d>(&mut self, found: impl Iterator<Item = &'d Diagnosis>) -> io::Result<()> {
        for Diagnosis { word, severity, finding, .. } in found {
            let (color, name) = match severity {
                Severity::Error => (AnsiColor::Red, "error"),
                Severity::Warning => (AnsiColor::Yellow, "warning"),
            };
            let name = self.painted(color.on_default().bold(), format_args!("{name:7}"));
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            writeln!(self.output, "  {name}  {}  {}{line}", word.text(), finding.file)?;
            writeln!(self.output, "           {}; {}.", finding.cause, finding.mend)?;
        }
        Ok(())
    }
}

fn row(line: &Line) -> [String; 5] {
    let file = line.file.file_name().unwrap_or_default().to_string_lossy();
    let what = if is_ours(line) { in_words(line) } else { String::new() };
    [
        line.phase.name().to_owned(),
        format!("{file}:{}", line.number),
        format!("{}{}", "  ".repeat(line.level), line.control.text),
        line.name().to_owned(),
        what,
    ]
}

/// How many there are; at least one.
pub fn sum(found: &[Diagnosis]) -> String {
    let count = |severity| found.iter().filter(|found| found.severity == severity).count();
    let number =
        |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    match (count(Severity::Error), count(Severity::Warning)) {
        (errors, 0) => number(errors, "error"),
        (0, warnings) => number(warnings, "warning"),
        (errors, warnings) => {
            format!("{}, {}", number(errors, "error"), number(warnings, "warning"))
        }
    }
}

//! What was found, for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::diagnosis::{Diagnosis, Severity};
use super::facts::Facts;
use super::line::{in_words, is_ours};
use crate::failure::Failure;
use crate::pam_d::{Line, Phase, Stack};
use crate::report::{painted, styled, table};

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
    let mut text = Vec::new();
    all(facts, found, &mut text)?;
    let text = painted(&String::from_utf8_lossy(&text), coloured);
    output.write_all(text.as_bytes()).map_err(Failure::Output)
}

fn all(facts: &Facts, found: &[Diagnosis], output: &mut dyn Write) -> Result<(), Failure> {
    for (name, stack) in &facts.services {
        let sshd = facts.sshd_of(name).map(|sshd| format!("  {}", sshd.in_words()));
        head(output, name, &sshd.unwrap_or_default()).map_err(Failure::Output)?;
        meets(output, stack)?;
        let of_service = |found: &&Diagnosis| found.service.as_deref() == Some(name);
        list(output, found.iter().filter(of_service)).map_err(Failure::Output)?;
        writeln!(output).map_err(Failure::Output)?;
    }
    let is_shown = |service: &str| facts.services.iter().any(|(name, _)| name == service);
    let others = |found: &&Diagnosis| !found.service.as_deref().is_some_and(is_shown);
    if found.iter().any(|found| others(&found)) {
        head(output, "this machine", "").map_err(Failure::Output)?;
        list(output, found.iter().filter(others)).map_err(Failure::Output)?;
    }
    // How much there is, stderr says.
    if found.is_empty() {
        writeln!(output, "Nothing is wrong.").map_err(Failure::Output)?;
    }
    Ok(())
}

fn head(output: &mut dyn Write, name: &str, more: &str) -> io::Result<()> {
    writeln!(output, "{}{more}", styled(name, Style::new().bold()))
}

/// What a login meets, in order.
fn meets(output: &mut dyn Write, stack: &Stack) -> Result<(), Failure> {
    let lines: Vec<_> = PHASES.into_iter().flat_map(|phase| stack.of(phase)).collect();
    let rows: Vec<_> = lines.iter().map(|line| row(line)).collect();
    let mut text = Vec::new();
    table(&mut text, true, &rows)?;
    for (row, line) in String::from_utf8_lossy(&text).lines().zip(lines) {
        let style = if is_ours(line) { AnsiColor::Cyan.on_default() } else { Style::new() };
        writeln!(output, "  {}", styled(row, style)).map_err(Failure::Output)?;
        if is_ours(line) {
            let what = styled(&in_words(line), style);
            writeln!(output, "           {what}").map_err(Failure::Output)?;
        }
    }
    Ok(())
}

fn list<'d>(output: &mut dyn Write, found: impl Iterator<Item = &'d Diagnosis>) -> io::Result<()> {
    for Diagnosis { word, severity, finding, .. } in found {
        let (colour, name) = match severity {
            Severity::Error => (AnsiColor::Red, "error  "),
            Severity::Warning => (AnsiColor::Yellow, "warning"),
        };
        let name = styled(name, colour.on_default().bold());
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        writeln!(output, "  {name}  {}  {}{line}", word.text(), finding.file)?;
        writeln!(output, "           {}; {}.", finding.cause, finding.mend)?;
    }
    Ok(())
}

/// The control comes last: it is the only one that may be long.
fn row(line: &Line) -> [String; 4] {
    let file = line.file.file_name().unwrap_or_default().to_string_lossy();
    [
        line.phase.name().to_owned(),
        format!("{file}:{}", line.number),
        format!("{}{}", "  ".repeat(line.level), line.name()),
        line.control.text.clone(),
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

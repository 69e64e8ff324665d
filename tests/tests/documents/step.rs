//! Commands of a block, one at a time.

use std::process::Command;

/// One command, with the lines that belong to it.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The line on which it begins, from 1.
    pub line: usize,
    /// As it is shown.
    pub command: String,
    /// What a terminal prints then, where the block is a picture of one.
    pub printed: Option<String>,
}

/// Those of a block of commands that begins at this line. Lines of comment alone are none.
///
/// # Errors
/// What bash says of a command that never ends, or is none.
pub fn of_commands(text: &str, line: usize) -> Result<Vec<Step>, String> {
    let mut steps = vec![];
    let mut lines = text.lines().zip(line..).peekable();
    while let Some((first, line)) = lines.next() {
        if first.trim().is_empty() || first.trim_start().starts_with('#') {
            continue;
        }
        let mut command = first.to_owned();
        while let Err(mistake) = is_whole(&command) {
            let (next, _) = lines.next().ok_or(format!("line {line}: {mistake}"))?;
            command.push('\n');
            command.push_str(next);
        }
        steps.push(Step { line, command, printed: None });
    }
    Ok(steps)
}

/// Those of a picture of a terminal: lines behind a prompt, `$ ` or `# `, and what is printed.
///
/// # Errors
/// Something is printed before the first prompt; or as [`of_commands`].
pub fn of_picture(text: &str, line: usize) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = vec![];
    let mut lines = text.lines().zip(line..);
    while let Some((first, line)) = lines.next() {
        let Some(command) = first.strip_prefix("$ ").or_else(|| first.strip_prefix("# ")) else {
            let step = steps.last_mut().ok_or(format!("line {line}: printed by nothing"))?;
            let printed = step.printed.get_or_insert_default();
            printed.push_str(first);
            printed.push('\n');
            continue;
        };
        let mut command = command.to_owned();
        while let Err(mistake) = is_whole(&command) {
            let (next, _) = lines.next().ok_or(format!("line {line}: {mistake}"))?;
            command.push('\n');
            command.push_str(next.strip_prefix("> ").unwrap_or(next));
        }
        if first.starts_with('#') {
            command = format!("sudo {command}");
        }
        steps.push(Step { line, command, printed: Some(String::new()) });
    }
    Ok(steps)
}

/// Whether bash takes it as it is; what it says if not.
fn is_whole(command: &str) -> Result<(), String> {
    if command.ends_with('\\') {
        return Err("a line is to follow".to_owned());
    }
    let output = Command::new("bash").args(["-n", "-c", command]).output();
    let output = output.expect("every Debian has bash");
    // A here-document without its end is only a warning.
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said.into_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(steps: &[Step]) -> Vec<(usize, &str)> {
        steps.iter().map(|step| (step.line, step.command.as_str())).collect()
    }

    #[test]
    fn continued_quoted_and_here() {
        let text =
            "# first\na | b  # c\n\nd \\\n  e\ncat <<END\nf\nEND\ng 'h\ni'\nif j; then\n  k\nfi\n";
        let steps = of_commands(text, 10).expect("whole");
        let all = [
            (11, "a | b  # c"),
            (13, "d \\\n  e"),
            (15, "cat <<END\nf\nEND"),
            (18, "g 'h\ni'"),
            (20, "if j; then\n  k\nfi"),
        ];
        assert_eq!(commands(&steps), all);
    }

    #[test]
    fn what_never_ends_is_said() {
        for text in ["a\nb 'c\n", "cat <<END\n", "a \\\n", "if a\n", ")\n"] {
            assert!(of_commands(text, 1).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_picture() {
        let steps = of_picture("$ a \\\n> b\nc\n# d\n$ e\n\nf\n", 1).expect("whole");
        assert_eq!(commands(&steps), [(1, "a \\\nb"), (4, "sudo d"), (5, "e")]);
        let printed: Vec<_> = steps.iter().map(|step| step.printed.as_deref()).collect();
        assert_eq!(printed, [Some("c\n"), Some(""), Some("\nf\n")]);
        assert!(of_picture("a\n$ b\n", 1).is_err());
    }
}

//! Writes the manual pages and what shells complete: `write-manual DIR` makes `man1`, `man5`, `man8` and
//! `completions` below DIR.
//!
//! Options and keys come from where they are read: the commands' definitions of their lines, the module's
//! table of options, the policy's table of keys. The rest of a page is a file in `pages`.

#![forbid(unsafe_code)]

mod command;
mod completion;
mod entry;
mod file;
mod frame;
mod page;
mod text;

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use file::File;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let (Some(dir), None) = (args.next(), args.next()) else {
        eprintln!("usage: write-manual DIR");
        return ExitCode::from(2);
    };
    match all().and_then(|files| write(Path::new(&dir), &files).map_err(|error| error.to_string()))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("write-manual: {cause}");
            ExitCode::FAILURE
        }
    }
}

/// Every page and every completion.
///
/// # Errors
/// What `pages` lacks, or has too much.
fn all() -> Result<Vec<File>, String> {
    let mut files = command::pages(mfa_enroll::definition(), 1)?;
    files.extend(command::pages(mfactl::definition(), 8)?);
    files.push(frame::module()?);
    files.push(frame::policy()?);
    files.extend(completion::of(mfa_enroll::definition()));
    files.extend(completion::of(mfactl::definition()));
    Ok(files)
}

/// What is there of an earlier run goes: a page of a command that is no more would stay.
fn write(dir: &Path, files: &[File]) -> io::Result<()> {
    for directory in ["man1", "man5", "man8", "completions"] {
        match fs::remove_dir_all(dir.join(directory)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    for File { path, text } in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap_or(dir))?;
        fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_what_the_packages_expect() {
        let files = all().unwrap();
        let paths: BTreeSet<_> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths.len(), files.len(), "nothing is written twice");
        for path in [
            "man1/mfa-enroll.1",
            "man1/mfa-enroll-key.1",
            "man5/pam_mfa.toml.5",
            "man8/pam_mfa.8",
            "man8/mfactl.8",
            "completions/bash/mfa-enroll",
            "completions/bash/mfactl",
            "completions/zsh/_mfa-enroll",
            "completions/zsh/_mfactl",
            "completions/fish/mfa-enroll.fish",
            "completions/fish/mfactl.fish",
        ] {
            assert!(paths.contains(path), "{path}");
        }
        for command in mfactl::definition().get_subcommands() {
            let page = format!("man8/mfactl-{}.8", command.get_name());
            assert!(paths.contains(page.as_str()), "{page}");
        }
    }

    /// What `\fBmfactl\-check\fR(8)` and `.BR mfactl\-check (8)` refer to.
    fn references(text: &str) -> BTreeSet<String> {
        let plain = text.replace("\\fB", "").replace("\\fR", "").replace("\\-", "-");
        let words = plain.replace(" (", "(");
        let words = words.split([' ', '\n', ',', '"']).filter_map(|word| word.split_once('('));
        let is_ours = |name: &str| name.starts_with("mfa") || name.starts_with("pam_mfa");
        words
            .filter(|(name, section)| {
                is_ours(name) && section.starts_with(|it: char| it.is_ascii_digit())
            })
            .map(|(name, section)| format!("{name}.{}", &section[..1]))
            .collect()
    }

    #[test]
    fn every_page_of_ours_that_another_names_is_there() {
        let files = all().unwrap();
        let pages: BTreeSet<_> = files
            .iter()
            .filter_map(|file| file.path.strip_prefix("man")?.split_once('/'))
            .map(|(_, name)| name.to_owned())
            .collect();
        let mut found = 0;
        for file in files.iter().filter(|file| file.path.starts_with("man")) {
            for page in references(&file.text) {
                assert!(pages.contains(&page), "{} names {page}", file.path);
                found += 1;
            }
        }
        assert!(found > pages.len(), "{found}");
    }

    #[test]
    fn every_page_has_what_a_good_page_has() {
        for file in all().unwrap().iter().filter(|file| file.path.starts_with("man")) {
            let sections = ["NAME", "SYNOPSIS", "DESCRIPTION", "EXAMPLES", "SEE ALSO"];
            let mut rest = file.text.as_str();
            for section in sections {
                let heading = format!("\n.SH {section}\n");
                let heading = heading.replace("SEE ALSO", "\"SEE ALSO\"");
                let Some((_, behind)) = rest.split_once(&heading) else {
                    panic!("{} has no {section} in its place", file.path)
                };
                rest = behind;
            }
        }
    }
}

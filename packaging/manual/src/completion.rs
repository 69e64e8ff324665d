//! What shells complete, by the shell.

use clap::Command;
use clap_complete::Shell;

use crate::file::File;

/// The completions of a command.
pub fn of(mut command: Command) -> Vec<File> {
    let name = command.get_name().to_owned();
    let shells = [
        (Shell::Bash, format!("bash/{name}")),
        (Shell::Zsh, format!("zsh/_{name}")),
        (Shell::Fish, format!("fish/{name}.fish")),
    ];
    shells
        .into_iter()
        .map(|(shell, path)| {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut command, &name, &mut text);
            // clap_complete 4.6.11 writes a program's hyphen in two ways in what it gives to bash (clap's issue 6421).
            let hyphen = |written| name.replace('-', written);
            let text = String::from_utf8_lossy(&text).replace(&hyphen("__subcmd__"), &hyphen("__"));
            File { path: format!("completions/{path}"), text }
        })
        .collect()
}

//! The manual pages and the completions, by the programs that read them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sandbox::run;

fn manual() -> PathBuf {
    let target = env::var("PAM_MFA_TARGET").expect("tests/sandbox.sh sets it");
    Path::new(&target).join("release/manual")
}

/// The files of a directory, by their names.
fn files(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(manual().join(directory));
    let entries = entries.unwrap_or_else(|error| panic!("{directory}: {error}"));
    let paths = entries.map(|entry| entry.expect("it is listed").path());
    let mut paths: Vec<_> = paths.map(|path| path.to_str().expect("ASCII").to_owned()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{directory}");
    paths
}

fn pages() -> Vec<String> {
    ["man1", "man5", "man8"].into_iter().flat_map(files).collect()
}

fn output(program: &str, options: &[&str], files: &[String]) -> Output {
    let mut command = Command::new(program);
    command.args(options).args(files).env("MANWIDTH", "80").env("MANROFFOPT", "-ww");
    command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

#[test]
fn pages_are_set_without_a_warning() {
    for (program, options) in
        [("man", &["--warnings=w", "--local-file"][..]), ("groff", &["-man", "-ww", "-z"])]
    {
        let said = output(program, options, &pages());
        assert!(said.status.success() && said.stderr.is_empty(), "{program}: {said:?}");
    }
}

#[test]
fn a_mistake_in_a_page_is_a_warning() {
    let page = env::temp_dir().join("mistake.8");
    fs::write(&page, ".TH X 8\n.SH NAME\nx \\- y\n.nosuchmacro\n").expect("a new file");
    let page = [page.to_str().expect("ASCII").to_owned()];
    for (program, options) in
        [("man", &["--warnings=w", "--local-file"][..]), ("groff", &["-man", "-ww", "-z"])]
    {
        assert!(!output(program, options, &page).stderr.is_empty(), "{program}");
    }
}

#[test]
fn whatis_finds_every_page() {
    let pages = pages();
    let said = output("lexgrog", &[], &pages);
    assert!(said.status.success(), "{said:?}");
    let lines = String::from_utf8(said.stdout).expect("UTF-8");
    assert_eq!(lines.lines().count(), pages.len());
    for (page, line) in pages.iter().zip(lines.lines()) {
        let name = Path::new(page).file_stem().and_then(|name| name.to_str()).expect("ASCII");
        assert!(line.starts_with(&format!("{page}: \"{name} - ")), "{line}");
    }
}

#[test]
fn bash_completes() {
    for file in files("completions/bash") {
        run(&["bash", "-n", &file]);
    }
    let complete = |words: &str| {
        let program = words.split(' ').next().expect("a word");
        let script = r#"
            source "$1"
            read -ra spec <<<"$(complete -p "$2")"
            for ((i = 0; i < ${#spec[@]}; i++)); do [[ ${spec[i]} != -F ]] || name=${spec[i + 1]}; done
            IFS=' ' read -ra COMP_WORDS <<<"$3"
            [[ $3 != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$3 COMP_POINT=${#3}
            "$name" "$2" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            printf '%s\n' "${COMPREPLY[@]}"
        "#;
        let file = manual().join("completions/bash").join(program);
        let said = run(&["bash", "-c", script, "-", file.to_str().expect("ASCII"), program, words]);
        let mut found: Vec<_> = said.lines().map(str::to_owned).collect();
        found.sort();
        found
    };
    assert_eq!(complete("mfactl by"), ["bypass", "bypass-code"]);
    assert_eq!(complete("mfactl bypass add --rea"), ["--reason"]);
    assert_eq!(complete("mfactl bypass-code --t"), ["--ttl"]);
    assert_eq!(complete("mfa-enroll k"), ["key"]);
    assert_eq!(complete("mfa-enroll --qr-f"), ["--qr-file"]);
    assert_eq!(complete("mfa-enroll key r"), ["remove"]);
    assert_eq!(complete("mfa-enroll key add --verify"), ["--verify-required"]);
}

#[test]
fn zsh_completes() {
    for file in files("completions/zsh") {
        run(&["zsh", "-n", &file]);
    }
    let script = r#"
        fpath=("$1" $fpath)
        autoload -Uz compinit
        compinit -D -u
        for program in mfactl mfa-enroll; do
            print $program $_comps[$program]
            autoload +X $_comps[$program]
        done
    "#;
    let directory = manual().join("completions/zsh");
    let said = run(&["zsh", "-f", "-c", script, "-", directory.to_str().expect("ASCII")]);
    assert_eq!(said, "mfactl _mfactl\nmfa-enroll _mfa-enroll");
}

#[test]
fn fish_completes() {
    for file in files("completions/fish") {
        run(&["fish", "--no-execute", &file]);
    }
    let complete = |words: &str| {
        let program = words.split(' ').next().expect("a word");
        let file = manual().join("completions/fish").join(format!("{program}.fish"));
        let script = format!("source {}; complete -C '{words}'", file.display());
        let said = run(&["fish", "--no-config", "-c", &script]);
        said.lines()
            .filter_map(|line| line.split('\t').next())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(complete("mfactl by"), ["bypass", "bypass-code"]);
    assert_eq!(complete("mfactl bypass add --rea"), ["--reason"]);
    assert_eq!(complete("mfa-enroll key r"), ["remove"]);
}

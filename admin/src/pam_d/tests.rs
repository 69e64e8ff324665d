//! Configurations of the test's own.

use tempfile::TempDir;

use super::*;

struct Etc {
    root: TempDir,
}

impl Etc {
    fn new(files: &[(&str, &str)]) -> Self {
        let root = TempDir::new().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text.replace("ROOT", root.path().to_str().unwrap())).unwrap();
        }
        Self { root }
    }

    fn survey(&self) -> Survey {
        let at = |name| self.root.path().join(name);
        survey(&Places { directories: vec![at("pam.d"), at("vendor")], file: at("pam.conf") })
    }

    /// Service, file, line and options of each use.
    fn uses(&self) -> Vec<String> {
        let survey = self.survey();
        assert!(survey.unread.is_empty(), "{:?}", survey.unread);
        let shown = |found: Use| {
            let file = found.file.strip_prefix(&self.root).unwrap().display().to_string();
            let options: Vec<_> = found.options.iter().map(|word| word.to_str().unwrap()).collect();
            format!("{} {file}:{} {}", found.service, found.line, options.join("|"))
        };
        survey.uses.into_iter().map(shown).collect()
    }
}

const INCLUDED: (&str, &str) =
    ("pam.d/inc", "account required pam_mfa.so no\nauth required pam_mfa.so yes\n");

#[test]
fn lines_that_load_the_module() {
    let text = "# auth required pam_mfa.so\n\
        auth required pam_unix.so nullok\n\
        auth required pam_mfa.so [secret=/a b] \\\n   nullok # why not\n\
        -AUTH [success=ok default=die]pam_google_authenticator.so\n\
        auth sufficient /lib/security/pam_mfa.so x\n\
        [auth] required [pam_mfa.so] y\n\
        account required pam_mfa.so\n\
        session optional pam_mfa.so\n\
        auth required pam_mfa z\n\
        auth required xpam_mfa.so\n\
        auth required\n\
        auth pam_mfa.so\n\
        bogus required pam_mfa.so\n\
        auth required pam_mfa.so last";
    let etc = Etc::new(&[("pam.d/sshd", text)]);
    let expected = [
        "sshd pam.d/sshd:3 secret=/a b|nullok",
        "sshd pam.d/sshd:5 ",
        "sshd pam.d/sshd:6 x",
        "sshd pam.d/sshd:7 y",
        "sshd pam.d/sshd:15 last",
    ];
    assert_eq!(etc.uses(), expected);
}

#[test]
fn every_way_to_include() {
    for line in [
        "@include inc",
        "@INCLUDE inc more # words",
        "-@include inc",
        "auth include inc",
        "-auth Include inc",
        "auth [substack] inc",
        "auth substack ../pam.d/inc",
        "auth include ROOT/pam.d/inc",
    ] {
        let uses = Etc::new(&[INCLUDED, ("pam.d/su", line)]).uses();
        let [_, by_su] = uses.as_slice() else { panic!("{line}: {uses:?}") };
        assert!(by_su.starts_with("su pam.d/") && by_su.ends_with("inc:2 yes"), "{line}: {by_su}");
    }
}

#[test]
fn what_includes_nothing_of_interest() {
    for line in [
        "account include inc",
        "password substack inc",
        "auth include INC",
        "auth @include inc",
        "auth include",
        "@include",
        "@include missing",
        "include inc",
    ] {
        assert_eq!(
            Etc::new(&[INCLUDED, ("pam.d/su", line)]).uses(),
            ["inc pam.d/inc:2 yes"],
            "{line}"
        );
    }
}

#[test]
fn loops_end_and_each_line_is_told_once() {
    let etc = Etc::new(&[
        ("pam.d/a", "@include b\nauth required pam_mfa.so a\n@include b"),
        ("pam.d/b", "auth include a\nauth substack b"),
        ("pam.d/c", "auth include c\nauth required pam_mfa.so c"),
    ]);
    assert_eq!(etc.uses(), ["a pam.d/a:2 a", "b pam.d/a:2 a", "c pam.d/c:2 c"]);
}

#[test]
fn an_earlier_directory_hides_a_later() {
    let line = |word: &str| format!("auth required pam_mfa.so {word}");
    let etc = Etc::new(&[
        ("pam.d/both", &line("ours")),
        ("vendor/both", &line("theirs")),
        ("vendor/only", &line("vendor")),
    ]);
    assert_eq!(etc.uses(), ["both pam.d/both:1 ours", "only vendor/only:1 vendor"]);
}

#[test]
fn files_that_are_no_service() {
    let line = "auth required pam_mfa.so";
    let names = ["sshd~", "sshd.before-mfa", "sshd.dpkg-old", "sshd.rpmsave", "SSHD", "a/b"];
    let files: Vec<_> = names.iter().map(|name| (format!("pam.d/{name}"), line)).collect();
    let files: Vec<_> = files.iter().map(|(name, line)| (name.as_str(), *line)).collect();
    let etc = Etc::new(&[&files[..], &[("pam.d/vsftpd.virtual", line)]].concat());
    assert_eq!(etc.uses(), ["vsftpd.virtual pam.d/vsftpd.virtual:1 "]);
}

#[test]
fn one_file_for_all_services_only_without_a_directory() {
    let conf = "# all\nSshd auth required pam_mfa.so secret=/x \\\n nullok\n\
        su @include ROOT/inc\nsu auth include ROOT/inc\nother auth required pam_mfa.so\nsu\n";
    let files = [("pam.conf", conf), ("inc", "auth required pam_mfa.so inc")];
    let expected = ["other pam.conf:6 ", "sshd pam.conf:2 secret=/x|nullok", "su inc:1 inc"];
    assert_eq!(Etc::new(&files).uses(), expected);
    let with_directory = [&files[..], &[("pam.d/login", "")]].concat();
    assert_eq!(Etc::new(&with_directory).uses(), Vec::<String>::new());
}

#[test]
fn nothing_is_configured() {
    assert_eq!(Etc::new(&[]).uses(), Vec::<String>::new());
}

#[test]
fn the_last_template_counts() {
    let text = "auth required pam_mfa.so secret=/a [secret=/b c] nullok\nauth required pam_mfa.so\n\
        auth required pam_mfa.so secret=";
    let templates: Vec<_> = Etc::new(&[("pam.d/su", text)])
        .survey()
        .uses
        .iter()
        .map(|found| found.secret().map(OsStr::to_owned))
        .collect();
    assert_eq!(templates, [Some("/b c".into()), None, Some("".into())]);
}

#[test]
fn what_cannot_be_read_is_told_once() {
    let etc =
        Etc::new(&[("pam.d/dir/x", ""), ("pam.d/a", "@include dir"), ("pam.d/b", "@include dir")]);
    let survey = etc.survey();
    assert_eq!(survey.uses, []);
    let paths: Vec<_> = survey.unread.iter().map(|(path, _)| path.clone()).collect();
    assert_eq!(paths, [etc.root.path().join("pam.d/dir")]);
}

#[test]
fn services_without_root() {
    assert_eq!(why_without_root("postgresql"), Some("PostgreSQL refuses to run as root"));
    for service in ["sshd", "sudo", "su", "login", "vlock", "vsftpd", "postgres"] {
        assert_eq!(why_without_root(service), None, "{service}");
    }
}

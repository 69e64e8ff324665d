use std::fs;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::lab::Lab;

use super::text::explained;

/// All that there is to print.
const ALL: [&str; 8] =
    ["sshd", "sshd --key", "sudo", "su", "login", "postgresql", "openvpn", "openvpn --challenge"];

const DISTROS: [&str; 4] = ["debian", "ubuntu", "fedora", "rhel"];

/// Every snippet, with the command line that prints it.
fn each(mut check: impl FnMut(&str, &str)) {
    let lab = Lab::new();
    lab.uid.set(1000);
    for (service, distro) in ALL.iter().flat_map(|service| DISTROS.map(|distro| (service, distro)))
    {
        let line = format!("snippet {service} --distro {distro}");
        check(&line, &lab.run(&line, "").unwrap());
    }
}

#[test]
fn what_is_not_for_a_file_is_a_comment() {
    each(|line, text| {
        let mut is_in_file = false;
        for row in text.lines() {
            let width = if row.starts_with("#     ") { 140 } else { 100 }; // commands are not broken
            assert!(row.chars().count() <= width && row == row.trim_end(), "{line}: {row}");
            is_in_file = !row.is_empty() && (is_in_file || row.starts_with("# ==> "));
            assert!(is_in_file || row.is_empty() || row.starts_with('#'), "{line}: {row}");
        }
        assert!(text.contains("\n# ==> ") && !text.contains("\n\n\n"), "{line}: {text}");
    });
}

#[test]
fn every_line_and_every_word_of_ours_is_explained() {
    each(|line, text| {
        let rows: Vec<_> = text.lines().collect();
        for pair in rows.windows(2).filter(|pair| !pair[1].is_empty() && !pair[1].starts_with('#'))
        {
            assert!(
                pair[0].starts_with("# ") && !pair[0].starts_with("# ==>"),
                "{line}: {}",
                pair[1]
            );
            if let Some((head, options)) = pair[1].split_once(" pam_mfa.so") {
                let words = head.split(' ').skip(1).chain(options.split_whitespace());
                let unexplained: Vec<_> = words.filter(|word| explained(word).is_none()).collect();
                assert!(unexplained.is_empty(), "{line}: {unexplained:?}");
            }
        }
        let files = text.matches("\n# ==> ").count();
        let ours = rows.iter().filter(|row| !row.starts_with('#') && row.contains("pam_mfa.so"));
        assert!(files > 0 && ours.count() > 0, "{line}");
    });
}

#[test]
fn what_is_changed_can_be_changed_back() {
    each(|line, text| {
        let (there, back) = text.split_once("\n# If it does not work, go back ").unwrap();
        for row in there.lines().filter_map(|row| row.strip_prefix("# ==> ")) {
            let (file, place) = row.split_once(", ").unwrap();
            let undone = match place {
                "a new file <==" => format!("#     rm {file}"),
                "anywhere, on each client <==" => continue,
                _ => format!("#     mv {file}.before-mfa {file}"),
            };
            let done = |row: &&str| row.trim_end_matches(" &&") == undone;
            assert_eq!(back.lines().filter(done).count(), 1, "{line}: {undone}");
        }
    });
}

#[test]
fn account_and_session_lines_are_for_sshd_and_sudo_alone() {
    each(|line, text| {
        let has =
            |start: &str| text.lines().any(|row| row == format!("{start} required pam_mfa.so"));
        assert_eq!(has("session"), line.contains("sshd"), "{line}");
        assert_eq!(has("account"), line.contains("sudo"), "{line}");
    });
}

#[test]
fn the_machine_says_what_it_is() {
    let lab = Lab::new();
    let os_release = lab.dir.path().join("os-release");
    let absent = lab.run("snippet su", "").unwrap_err();
    assert!(matches!(&absent, Failure::File(path, _) if *path == os_release), "{absent}");
    for (text, family) in [
        ("PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\n", "Debian and Ubuntu"),
        ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "Debian and Ubuntu"),
        ("VERSION_ID=42\nID=fedora\n", "Fedora and RHEL"),
        ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "Fedora and RHEL"),
    ] {
        fs::write(&os_release, text).unwrap();
        let said = lab.run("snippet su", "").unwrap();
        assert!(said.lines().next().unwrap().ends_with(&format!(" For {family}.")), "{said}");
    }
    fs::write(&os_release, "ID=arch\nID_LIKE=\n").unwrap();
    assert_eq!(
        lab.refused("snippet su"),
        "there are no lines for \"arch\"; --distro debian, ubuntu, fedora or rhel prints those of \
         another"
    );
    assert!(lab.run("snippet su --distro fedora", "").unwrap().contains("system-auth"));
}

#[test]
fn what_there_is_not_is_no_command_line() {
    for line in ["su --distro arch", "su --key", "sshd --challenge", "vsftpd", ""] {
        let words = ["mfactl", "snippet"].into_iter().chain(line.split_whitespace());
        let error = Cli::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    let error = Cli::try_parse_from(["mfactl", "snippet", "su", "--distro", "arch"]).unwrap_err();
    assert!(error.to_string().contains("debian, ubuntu, fedora, rhel"), "{error}");
}

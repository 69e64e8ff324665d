//! One run of the command, from its arguments to its exit code.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use anstream::{AutoStream, ColorChoice};
use clap::Parser;
use mfa_core::random;
use mfa_core::store::Base;
use mfa_enroll::log::{self, Invoker};
use mfa_enroll::token;
use nix::unistd::gethostname;
use terminal_size::{Width, terminal_size_of};

use crate::cli::{Cli, Command};
use crate::codes::{bypass as bypass_code, recovery};
use crate::failure::Failure;
use crate::policy::Login;
use crate::world::World;
use crate::{
    apply, bypass, check, credential, doctor, events, explain, export, forget, homes, import,
    policy, reset, seal, show, snippet, state, ticket, unlock, users, verify,
};

/// mfactl with the arguments and streams of this process. Exit codes are stable: 0 for done, 1 for
/// what could not be done, after a sentence on stderr, 2 for a command line that makes no sense, and
/// 3 where mistakes were found; the doctor's say how bad it is.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let run = Path::new("/run/pam_mfa");
    let world = World {
        base: Base::new(Path::new("/var/lib/pam_mfa"), run),
        pam_d: PathBuf::from("/etc/pam.d"),
        os_release: PathBuf::from("/etc/os-release"),
        etc: Path::new("/etc/pam_mfa"),
        run,
        host: gethostname().unwrap_or_else(|_| "localhost".into()),
        invoker: Invoker::of_process(),
        login: &Login::of_process,
        clock: &|| SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()),
        random: &random::system,
        keys: &token::start,
        log: &|line| log::write("mfactl", line),
        journal: &events::journal,
        logs: ["/var/log/auth.log", "/var/log/secure"].map(PathBuf::from).into(),
        everyone: &homes::everyone,
        columns: terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()),
        colour: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        has_terminal: io::stdin().is_terminal() && io::stdout().is_terminal(),
    };
    match run_here(&cli.command, &world) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // There is nobody left to tell if this cannot be written.
            let _ = writeln!(io::stderr(), "mfactl: {failure}.");
            ExitCode::from(failure.exit_code())
        }
    }
}

/// With the streams of this process. A File keeps no copy of what goes through it, as io::stdout()
/// would.
fn run_here(command: &Command, world: &World) -> Result<(), Failure> {
    let duplicate = |fd: BorrowedFd| fd.try_clone_to_owned().map(File::from);
    let mut output = duplicate(io::stdout().as_fd()).map_err(Failure::Output)?;
    let input = duplicate(io::stdin().as_fd()).map_err(Failure::Input)?;
    run(command, world, &mut BufReader::new(input), &mut output)
}

/// Runs one command.
///
/// # Errors
/// Why it was not done.
pub(crate) fn run(
    command: &Command,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    // Files can be checked by anybody, snippets are no secret, and the doctor has exit codes of its own.
    if !matches!(command, Command::Check(_) | Command::Doctor(_) | Command::Snippet(_)) {
        world.require_root()?;
    }
    match command {
        Command::Ticket(args) => ticket::ticket(args, world, output),
        Command::Credential(command) => credential::run(command, world, input, output),
        Command::Codes(args) => recovery::codes(args, world, output),
        Command::BypassCode(args) => bypass_code::bypass_code(args, world, output),
        Command::Bypass(command) => bypass::run(command, world, output),
        Command::Show(args) => show::show(args, world, output),
        Command::Unlock(args) => unlock::unlock(args, world, output),
        Command::Users(args) => users::users(args, world, output),
        Command::Reset(args) => reset::reset(args, world, input, output),
        Command::Verify(args) => verify::verify(args, world, input, output),
        Command::Log(args) => events::log(args, world, output),
        Command::State(command) => state::run(command, world, output),
        Command::Forget(args) => forget::forget(args, world, output),
        Command::Check(args) => check::check(args, world, output),
        Command::Explain(args) => explain::run(args, world, output),
        Command::Policy(command) => policy::run(command, world, output),
        Command::Doctor(args) => doctor::doctor(args, world, output),
        Command::Snippet(args) => snippet::snippet(args, world, output),
        Command::Apply(args) => apply::apply(args, world, input, output),
        Command::Import(args) => import::run(args, world, output),
        Command::Export(args) => export::run(args, world, output),
        Command::Seal(args) => seal::seal(args, world, output),
        Command::Unseal(args) => seal::unseal(args, world, output),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use mfa_core::notice::Kind;

    use crate::failure::Failure;
    use crate::lab::{Lab, NOW, totp};

    #[test]
    fn others_than_root_are_turned_away_before_anything_is_done() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone")]);
        let file = lab.dir.path().join("a.toml").display().to_string();
        fs::write(&file, "version = 1\n").unwrap();
        lab.uid.set(1000);
        for line in [
            "users",
            "credential list daemon",
            "credential add daemon --name spare --no-confirm",
            "credential rename daemon phone mobile",
            "credential remove daemon phone --last",
            "credential rebind daemon",
            "ticket daemon",
            "codes daemon",
            "codes daemon --new",
            "bypass-code daemon",
            "bypass list",
            "bypass show b7",
            "bypass add 192.0.2.0/24 --reason x",
            "bypass set b7 --reason y",
            "bypass remove b7",
            "show daemon",
            "show daemon phone",
            "reset daemon --yes",
            "unlock daemon",
            "verify daemon 123456",
            "verify daemon --key",
            "log",
            "state init daemon",
            "forget daemon",
            "check",
            "check daemon",
            "explain --user daemon --service sshd",
            &format!("policy try {file} --for 10m"),
            "policy confirm",
            "policy revert",
            "policy status",
            &format!("apply {file}"),
            "import daemon",
            "export daemon",
            "seal",
            "unseal",
        ] {
            let refused = lab.run(line, "").unwrap_err();
            assert!(matches!(refused, Failure::NotRoot), "{line}: {refused}");
            assert_eq!(*lab.said.borrow(), "", "{line}");
        }
        assert!(lab.log.borrow().is_empty());
        let said = lab.run(&format!("check --policy {file}"), "").unwrap();
        assert_eq!(said, "0 rules, no mistakes.\n");
        fs::write(&file, "").unwrap();
        assert!(matches!(lab.run(&format!("check {file}"), ""), Err(Failure::Mistakes(1))));
    }

    #[test]
    fn what_is_done_to_ones_factors_is_to_be_told() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let latest = |count: usize| -> Vec<_> {
            let (_, state) = record.read().unwrap();
            state
                .notices
                .iter()
                .rev()
                .take(count)
                .map(|notice| (notice.kind, notice.time))
                .collect()
        };
        let mut more = record.read().unwrap().0;
        more.credentials.extend([totp(2, "spare"), totp(3, "third")]);
        for (line, input, kind) in [
            ("credential add daemon --name spare --no-confirm", "", Kind::Enrolled),
            ("codes daemon --new", "", Kind::RecoveryCodes),
            ("bypass-code daemon", "", Kind::BypassCode),
            ("credential remove daemon spare", "", Kind::Removed),
            ("codes daemon --new", "", Kind::RecoveryCodes),
            ("reset daemon recovery --yes", "", Kind::Removed),
            ("apply -", &more.to_text(), Kind::Enrolled),
        ] {
            lab.run(line, input).unwrap();
            assert_eq!(latest(1), [(kind, NOW)], "{line}");
        }
        lab.run("reset daemon --yes", "").unwrap();
        lab.run("credential add daemon --name phone --no-confirm", "").unwrap();
        assert_eq!(latest(4), [(Kind::Enrolled, NOW), (Kind::Reset, NOW)]);
    }

    #[test]
    fn every_command_speaks_to_scripts() {
        let lab = Lab::new();
        lab.enrol("daemon", vec![totp(1, "phone")]);
        let [policy, file] = ["policy", "file"].map(|name| lab.dir.path().join(name));
        fs::write(&policy, "version = 1\n").unwrap();
        let [policy, file] = [policy, file].map(|path| path.display().to_string());
        for (line, key) in [
            ("users", "users"),
            ("credential list daemon", "credentials"),
            ("credential list daemon", "keys"),
            ("credential rename daemon phone mobile", "changed"),
            ("credential rebind daemon", "changed"),
            ("codes daemon --new", "new_codes"),
            ("bypass-code daemon", "code"),
            ("show daemon", "factors"),
            ("verify daemon 123456", "user"),
            ("state init --all", "users"),
            ("unlock daemon", "failures"),
            ("forget --all", "forgotten"),
            ("bypass add 192.0.2.0/24 --reason x", "id"),
            ("bypass list", "bypasses"),
            ("explain --user daemon --service sshd", "outcome"),
            ("check", "mistakes"),
            (&format!("policy try {policy} --for 10m"), "on_trial"),
            ("policy status", "on_trial"),
            ("policy revert", "on_trial"),
            ("seal", "changed"),
            ("unseal", "same"),
            (&format!("export daemon --lossy --output {file}"), "left_out"),
            ("import daemon", "users"),
            ("credential remove daemon mobile --last", "changed"),
            ("reset daemon --yes", "changed"),
            ("ticket daemon", "ticket"),
        ] {
            // Some fail, and say so in the object as well.
            let _ = lab.run(&format!("{line} --json"), "");
            let said = lab.said.borrow();
            let object: serde_json::Value = serde_json::from_str(&said).expect(line);
            assert!(!object[key].is_null(), "{line}: {said}");
            assert_eq!(said.lines().count(), 1, "{line}: {said}");
        }
    }
}

//! The policy and the bypass list of this machine: whether a login can trust them.

use std::path::Path;

use mfa_core::policy::trial::{TRIAL, boot_id};
use mfa_core::policy::{BYPASS, POLICY, files};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use nix::unistd::Uid;

use super::Report;
use crate::failure::Failure;
use crate::finding::Finding;
use crate::time::moment;
use crate::world::World;

impl Report {
    /// Looks at what there is in /etc/pam_mfa.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(super) fn installed(&mut self, world: &World) -> Result<(), Failure> {
        if matches!(world.etc.try_exists(), Ok(false)) {
            return Ok(());
        }
        let now = (world.clock)();
        for name in [POLICY, BYPASS] {
            let file = world.etc.join(name);
            match files::read(world.etc, name, Uid::effective()) {
                Ok(None) => {}
                Ok(Some(text)) if name == POLICY => self.policy(&file, &text, true),
                Ok(Some(text)) => self.bypass(&file, &text, now),
                Err(trouble) => self.untrusted(world.etc, &file, trouble)?,
            }
        }
        self.trial(world, now)
    }

    fn trial(&mut self, world: &World, now: u64) -> Result<(), Failure> {
        let file = world.etc.join(POLICY);
        match files::trial(world.etc, Uid::effective()) {
            Ok(None) => {}
            Ok(Some(trial)) => {
                let until = moment(trial.until);
                if trial.is_over(now, &boot_id()) {
                    let cause = format!("its trial is over (until {until}): it does not count");
                    self.mistakes.push(Finding::new(&file, cause, "run `mfactl policy revert`"));
                } else {
                    let mend = "run `mfactl policy confirm` from a new login";
                    self.warnings.push(Finding::new(
                        &file,
                        format!("on trial until {until}"),
                        mend,
                    ));
                }
            }
            Err(trouble) => self.untrusted(world.etc, &world.etc.join(TRIAL), trouble)?,
        }
        Ok(())
    }

    fn untrusted(&mut self, etc: &Path, file: &Path, trouble: Trouble) -> Result<(), Failure> {
        let finding = match trouble.reason {
            Reason::Unreadable | Reason::NeedsRoot => return Err(trouble.into()),
            Reason::UnsafePath => {
                let etc_shown = etc.display();
                let mend = format!("run `chown root {etc_shown}` and `chmod 0755 {etc_shown}`");
                Finding::new(etc, detail(&trouble, etc), mend)
            }
            _ => Finding::new(file, detail(&trouble, file), mend(file, trouble.reason)),
        };
        // All that the directory holds has the same mistake.
        if !self.mistakes.contains(&finding) {
            self.mistakes.push(finding);
        }
        Ok(())
    }
}

/// Without the file's name, which stands before it.
fn detail(trouble: &Trouble, file: &Path) -> String {
    let beginning = format!("{}: ", file.display());
    let detail = trouble.detail.strip_prefix(&beginning).unwrap_or(&trouble.detail);
    format!("{} ({detail})", trouble.reason)
}

fn mend(file: &Path, reason: Reason) -> String {
    let file = file.display();
    match reason {
        Reason::WrongMode => format!("run `chmod 0644 {file}`"),
        Reason::WrongOwner => format!("run `chown root {file}`"),
        Reason::NotRegular | Reason::SymlinkLoop => {
            "put a regular file of root's in its place".to_owned()
        }
        Reason::TooBig => "keep it below 1 MiB".to_owned(),
        _ => "correct the file, or restore it from a backup".to_owned(),
    }
}

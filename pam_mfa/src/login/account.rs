//! The account phase: what was confirmed in auth is written, for whoever is let in by then.

use std::ffi::CStr;

use mfa_core::audit::Decision;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use mfa_core::verify::Denied;
use nix::unistd::User;

use super::facts::Facts;
use super::{Outcome, words};
use crate::args::Args;
use crate::pam::{Host, Level};
use crate::pending::Pending;
use crate::person::look_up;

/// Makes a kept enrolment durable by `install`; without one there is nothing to say.
///
/// The host calls this only after the whole auth stack has succeeded. In between, other modules and
/// the host may have changed who logs in.
pub(crate) fn account(
    host: &mut impl Host,
    args: &[&CStr],
    install: impl FnOnce(&Pending) -> Result<(), Trouble>,
) -> Outcome {
    let pending = host.kept();
    if let Err((reason, option)) = Args::parse(args) {
        let user = host.user().unwrap_or_default();
        return Facts::gather(host, user).deny(host, Denied::finally(reason), &option, false);
    }
    let Some(pending) = pending else { return Outcome::Ignored };
    let typed = host.user().unwrap_or_default();
    let entry = look_up(&typed);
    let facts = Facts::gather(host, entry.as_ref().map_or(typed, |user| user.name.clone()));
    let written = entry.and_then(|user| is_still(&pending, &user)).and_then(|()| {
        install(&pending).map_err(|Trouble { reason, detail, .. }| (reason, detail))
    });
    match written {
        Ok(()) => {
            facts.log(host, Level::Info, Decision::Enrolled);
            Outcome::Accepted
        }
        Err((reason, detail)) => {
            words::not_enrolled(host);
            facts.deny(host, Denied::finally(reason), &detail, false)
        }
    }
}

/// Whether who is let in is the person who enrolled: by name and by number.
fn is_still(pending: &Pending, user: &User) -> Result<(), (Reason, String)> {
    if user.name == pending.user && user.uid.as_raw() == pending.uid {
        return Ok(());
    }
    let enrolled = format!("enrolled: {} ({})", pending.user, pending.uid);
    Err((Reason::OtherUser, enrolled))
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;

    use mfa_core::secret::Secret;

    use super::super::guarded;
    use super::super::tests::Stage;
    use super::*;

    fn pending(stage: &Stage) -> Pending {
        let entry = look_up(stage.user.as_deref().unwrap()).unwrap();
        Pending {
            user: entry.name,
            uid: entry.uid.as_raw(),
            secret: Secret::new(b"12345678901234567890".to_vec()),
            step: 7,
            ticket: None,
        }
    }

    /// What comes of it, and how often something was written.
    fn account_phase(stage: &mut Stage, line: &str, full: bool) -> (Outcome, u32) {
        let args: Vec<_> = line.split_whitespace().map(|arg| CString::new(arg).unwrap()).collect();
        let args: Vec<_> = args.iter().map(CString::as_c_str).collect();
        let mut written = 0;
        let install = |pending: &Pending| {
            assert_eq!(pending.step, 7);
            written += 1;
            let detail = "No space left on device".to_owned();
            let full = full.then_some(Trouble { reason: Reason::CannotWrite, detail, errno: None });
            full.map_or(Ok(()), Err)
        };
        let outcome = guarded(stage, |host| account(host, &args, install));
        (outcome, written)
    }

    #[test]
    fn nothing_kept_nothing_said() {
        let mut stage = Stage::new("");
        assert_eq!(account_phase(&mut stage, "nullok", false), (Outcome::Ignored, 0));
        stage.user = None;
        assert_eq!(account_phase(&mut stage, "", true), (Outcome::Ignored, 0));
        assert!(stage.log.borrow().is_empty() && stage.said.is_empty());
    }

    #[test]
    fn what_is_kept_is_written_once() {
        let mut stage = Stage::new("");
        stage.kept = Some(pending(&stage));
        assert_eq!(account_phase(&mut stage, "enroll account=yes", false), (Outcome::Accepted, 1));
        assert!(stage.last_log().starts_with("enrolled user="), "{}", stage.last_log());
        assert_eq!(account_phase(&mut stage, "enroll account=yes", false), (Outcome::Ignored, 0));
    }

    #[test]
    fn what_cannot_be_written_denies() {
        let mut stage = Stage::new("");
        stage.kept = Some(pending(&stage));
        assert_eq!(account_phase(&mut stage, "", true), (Outcome::Denied, 1));
        assert_eq!(stage.reason(), "cannot_write");
        assert_eq!(stage.said.len(), 1);
        assert!(stage.kept.is_none());
    }

    #[test]
    fn only_for_the_same_name_and_number() {
        let mut stage = Stage::new("");
        let own = stage.user.clone();
        for (prepare, reason) in [
            (
                (|stage, _| stage.user = Some("daemon".into())) as fn(&mut Stage, &mut Pending),
                "other_user",
            ),
            (|_, pending| pending.uid += 1, "other_user"),
            (|_, pending| pending.user = "daemon".into(), "other_user"),
            (|stage, _| stage.user = Some("no such user".into()), "unknown_user"),
            (|stage, _| stage.user = None, "unknown_user"),
        ] {
            stage.user.clone_from(&own);
            let mut pending = pending(&stage);
            prepare(&mut stage, &mut pending);
            stage.kept = Some(pending);
            assert_eq!(account_phase(&mut stage, "", false), (Outcome::Denied, 0));
            assert_eq!(stage.reason(), reason);
            assert!(stage.kept.is_none());
        }
    }

    #[test]
    fn a_mistake_on_the_line_denies() {
        for (line, reason) in
            [("colour", "unknown_option"), ("retry=9", "bad_option"), ("enroll", "bad_option")]
        {
            let mut stage = Stage::new("");
            stage.kept = Some(pending(&stage));
            assert_eq!(account_phase(&mut stage, line, false), (Outcome::Denied, 0));
            assert_eq!(stage.reason(), reason);
            assert!(stage.kept.is_none(), "a later call has nothing to write");
        }
    }
}

//! The account phase: what was confirmed in auth is written, for whoever is let in by then; and some
//! are asked again.

use std::ffi::CStr;

use mfa_core::audit::Decision;
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use nix::unistd::User;

use super::facts::Facts;
use super::recheck::recheck;
use super::{Outcome, words};
use crate::Paths;
use crate::args::Args;
use crate::pam::{Host, Level};
use crate::pending::Pending;
use crate::person::look_up;

/// Makes a kept enrolment the user's record; without one there is nothing to say.
///
/// The host calls this only after the whole auth stack has succeeded. In between, other modules and
/// the host may have changed who logs in.
pub(crate) fn account(host: &mut impl Host, args: &[&CStr], paths: Paths) -> Outcome {
    let pending = host.kept();
    let args = match Args::read(args, paths.owner) {
        Ok(args) => args,
        Err((reason, option)) => {
            let user = host.user().unwrap_or_default();
            return Facts::gather(host, user).refuse(host, reason, &option, false);
        }
    };
    let Some(pending) = pending else { return recheck(host, &args, paths) };
    let typed = host.user().unwrap_or_default();
    let entry = look_up(&typed);
    let facts = Facts::gather(host, entry.as_ref().map_or(typed, |user| user.name.clone()));
    let written = entry.and_then(|user| is_still(&pending, &user)).and_then(|()| {
        let installed = pending.install(paths, host.now());
        installed.map_err(|Trouble { reason, detail, .. }| (reason, detail))
    });
    match written {
        Ok(()) => {
            facts.log(host, Level::Info, Decision::Enrolled);
            words::enrolled(host);
            Outcome::Accepted
        }
        Err((reason, detail)) => {
            words::not_enrolled(host);
            facts.refuse(host, reason, &detail, false)
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
    use std::fs;

    use mfa_core::secret::Secret;
    use mfa_core::store::GauthFile;

    use super::super::tests::{STEP, Stage, code};
    use super::*;

    const LINE: &str = "enroll account=yes";

    fn pending(stage: &Stage) -> Pending {
        let entry = look_up(stage.user.as_deref().unwrap()).unwrap();
        Pending {
            user: entry.name,
            uid: entry.uid.as_raw(),
            secret: Secret::new(b"12345678901234567890".to_vec()),
            step: STEP,
            ticket: None,
            asked: Box::new(stage.place()),
        }
    }

    /// A host that keeps records, and an enrolment that was confirmed on it.
    fn stage() -> Stage {
        let mut stage = Stage::with_records();
        stage.kept = Some(pending(&stage));
        stage
    }

    #[test]
    fn nothing_kept_nothing_said() {
        let mut stage = Stage::with_records();
        assert_eq!(stage.account("nullok"), Outcome::Ignored);
        assert!(stage.record().is_none());
        stage.user = None;
        assert_eq!(stage.account(""), Outcome::Ignored);
        assert!(stage.log.borrow().is_empty() && stage.said.is_empty());
    }

    #[test]
    fn what_is_kept_is_written_once_and_counts() {
        let mut stage = stage();
        assert_eq!(stage.account(LINE), Outcome::Accepted);
        assert!(stage.last_log().starts_with("enrolled user="), "{}", stage.last_log());
        assert_eq!(stage.shown.len(), 1, "{:?}", stage.shown);
        let record = stage.record().unwrap();
        assert!(record.contains("name = \"phone\"\ntype = \"totp\"\n"), "{record}");
        assert_eq!(stage.account(LINE), Outcome::Ignored);
        assert_eq!(stage.record().unwrap(), record);

        let mut stage = stage.types(&[&code(STEP), &code(STEP + 1)]);
        assert_eq!(stage.login_with(""), Outcome::Denied);
        assert_eq!(stage.reason(), "reused", "it confirmed the enrolment");
        assert_eq!(stage.login_with(LINE), Outcome::Accepted);
        assert!(stage.last_log().contains(" credential=phone "), "{}", stage.last_log());
    }

    #[test]
    fn who_was_reset_is_told_at_the_next_login() {
        let mut stage = stage();
        stage.place().edit_vacant().unwrap().bury("reset").unwrap();
        assert_eq!(stage.account(LINE), Outcome::Accepted, "{}", stage.last_log());
        let mut stage = stage.types(&[&code(STEP + 1)]);
        assert_eq!(stage.login_with(LINE), Outcome::Accepted);
        assert_eq!(
            stage.shown,
            ["On 2023-11-14 your second factors were reset; if that is news to you, tell the \
              administrator"]
        );
    }

    #[test]
    fn what_cannot_be_written_denies() {
        let mut stage = stage();
        let record = stage.record_path();
        fs::create_dir(record.with_extension("toml~mfa")).unwrap();
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "cannot_write");
        assert_eq!((stage.said.len(), stage.shown.len()), (1, 0));
        assert!(stage.kept.is_none() && stage.record().is_none());
    }

    #[test]
    fn who_is_enrolled_by_then_is_denied() {
        let mut stage = stage();
        let second = pending(&stage);
        assert_eq!(stage.account(LINE), Outcome::Accepted);
        let record = stage.record();
        stage.kept = Some(second);
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "changed");
        assert_eq!(stage.record(), record);
    }

    #[test]
    fn who_has_enrolled_at_home_by_then_is_denied() {
        let mut stage = stage();
        let path = stage.record_path().with_extension("home");
        let file = || Box::new(GauthFile::of_caller(path.clone()));
        fs::write(&path, "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n").unwrap();
        stage.kept = Some(Pending { asked: file(), ..pending(&stage) });
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "changed");
        assert!(stage.record().is_none());
        fs::remove_file(&path).unwrap();
        stage.kept = Some(Pending { asked: file(), ..pending(&stage) });
        assert_eq!(stage.account(LINE), Outcome::Accepted);
    }

    #[test]
    fn a_ticket_is_spent() {
        let mut stage = stage();
        let typed = stage.ticket(60);
        let with = |stage: &Stage, typed: &str| {
            let ticket = Some(typed.as_bytes().to_vec().into());
            Some(Pending { ticket, ..pending(stage) })
        };
        stage.kept = with(&stage, "k7qf-2m9x-hw4d");
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "bad_ticket");
        assert!(stage.record().is_none());
        stage.kept = with(&stage, &typed);
        assert_eq!(stage.account(LINE), Outcome::Accepted);
        fs::remove_file(stage.record_path()).unwrap();
        stage.kept = with(&stage, &typed);
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "bad_ticket");

        let typed = stage.ticket(0);
        stage.kept = with(&stage, &typed);
        assert_eq!(stage.account(LINE), Outcome::Denied);
        assert_eq!(stage.reason(), "expired");
    }

    #[test]
    fn only_for_the_same_name_and_number() {
        let mut stage = Stage::with_records();
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
            assert_eq!(stage.account(""), Outcome::Denied);
            assert_eq!(stage.reason(), reason);
            stage.user.clone_from(&own);
            assert!(stage.kept.is_none() && stage.record().is_none());
        }
    }

    #[test]
    fn a_mistake_on_the_line_denies() {
        for (line, reason) in
            [("colour", "unknown_option"), ("retry=9", "bad_option"), ("enroll", "bad_option")]
        {
            let mut stage = stage();
            assert_eq!(stage.account(line), Outcome::Denied);
            assert_eq!(stage.reason(), reason);
            assert!(stage.kept.is_none(), "a later call has nothing to write");
            assert!(stage.record().is_none());
        }
    }
}

//! What the person is told, besides the prompt.

use mfa_core::document::Day;
use mfa_core::notice::{Kind, Notice};
use mfa_core::reason::Reason;
use mfa_core::store::Trouble;
use mfa_core::verify::Denied;
use nix::errno::Errno;

use crate::pam::Host;

/// Tells the person what waiting can mend; `false` if there is nothing of the kind.
///
/// Nothing is said of a code that belongs to another time: who guesses would learn a code that
/// will be good.
pub(super) fn explain(host: &mut impl Host, denied: Denied) -> bool {
    let text = match (denied.reason, denied.wait) {
        (Reason::Reused, Some(0)) => "That code has been used; enter the one shown now".to_owned(),
        (Reason::Reused, Some(wait)) => {
            format!("That code has been used; the next one comes in {wait} s")
        }
        (Reason::Reused, None) => "That code has been used; get a new one".to_owned(),
        (Reason::RateLimited, Some(wait)) => format!("Too many attempts; try again in {wait} s"),
        (Reason::TooManyFailures, Some(wait)) => {
            format!("Too many wrong answers; try again in {wait} s")
        }
        (Reason::SourceLimited, Some(wait)) => {
            format!("Too many wrong answers from your address; try again in {wait} s")
        }
        (
            Reason::Locked
            | Reason::CannotLock
            | Reason::Changed
            | Reason::NotDurable
            | Reason::CannotWrite,
            _,
        ) => "The code could not be checked; try again later, or ask the administrator".to_owned(),
        _ => return false,
    };
    host.tell(&text);
    true
}

/// So many recovery codes are few, and reason to say so.
const FEW: usize = 2;

/// Warns a person who has few recovery codes left; `None` has never had any.
pub(super) fn few_codes(host: &mut impl Host, left: Option<usize>) {
    let left = match left {
        Some(0) => "No recovery code is left".to_owned(),
        Some(1) => "1 recovery code is left".to_owned(),
        Some(left @ ..=FEW) => format!("{left} recovery codes are left"),
        Some(_) | None => return,
    };
    host.inform(&format!("{left}; ask the administrator for new ones"));
}

/// Tells a person what was changed about their factors since the last login: who did not ask for it has
/// to know.
pub(super) fn notices(host: &mut impl Host, notices: &[Notice]) {
    for Notice { kind, time } in notices {
        let what = match kind {
            Kind::Enrolled => "a second factor was enrolled for you",
            Kind::RecoveryCodes => "new recovery codes were made for you",
            Kind::BypassCode => "the help desk issued a bypass code for you",
            Kind::Reset => "your second factors were reset",
            Kind::Removed => "a second factor of yours was removed",
        };
        let day = Day(*time);
        host.inform(&format!("On {day} {what}; if that is news to you, tell the administrator"));
    }
}

/// Tells a person why they do not get in.
pub(super) fn requires(host: &mut impl Host, why: &str) {
    host.tell(&format!("access requires MFA: {why}"));
}

/// Tells a person by when, in seconds since 1970, they have to enrol.
pub(super) fn enrol_by(host: &mut impl Host, moment: u64) {
    host.inform(&format!(
        "From {} on access requires MFA: enrol with mfa-enroll, or ask the administrator",
        Day(moment)
    ));
}

/// Tells a person that the new secret counts from now on. Codes on paper are not given here: what is
/// said in this phase stays on the screen, and in the scrollback of a terminal.
pub(super) fn enrolled(host: &mut impl Host) {
    host.inform("You are enrolled. For a lost phone, have the administrator issue recovery codes");
}

/// Tells a person who confirmed a new secret that it counts for nothing.
pub(super) fn not_enrolled(host: &mut impl Host) {
    host.tell("The enrolment could not be kept: remove it from the app, and ask the administrator");
}

/// Tells the person of trouble that the administrator has to mend.
pub(super) fn unwritten(host: &mut impl Host, trouble: &Trouble) {
    if let Some(
        errno @ (Errno::EPERM
        | Errno::EACCES
        | Errno::ENOSPC
        | Errno::EROFS
        | Errno::EIO
        | Errno::EFBIG
        | Errno::EDQUOT),
    ) = trouble.errno
    {
        host.tell(&format!("Error \"{}\" while writing config", errno.desc()));
    }
}

#[cfg(test)]
mod tests {
    use mfa_core::codes::{self, Canonical};
    use mfa_core::otp::{Algorithm, Digits};
    use mfa_core::random;
    use mfa_core::record::{CodeKind, Codes, Credential, Kept, Method, Name, Record};
    use mfa_core::secret::Secret;
    use mfa_core::state::{State, Used};
    use mfa_core::store::Lost;
    use nix::unistd::User;

    use super::super::Outcome;
    use super::super::tests::{NOW, STEP, Stage, code};
    use super::*;
    use crate::pending::Pending;

    /// Gives the person, who has just enrolled, so many recovery codes.
    fn give_codes(stage: &Stage, count: usize) -> Vec<Canonical> {
        let place = stage.place();
        let mut edit = place.edit(Lost::Refuse).unwrap();
        let mut record: Record = edit.record().unwrap().clone();
        let mut used = edit.state().unwrap().clone();
        let drawn = codes::draw(&random::system, count).unwrap();
        let id = record.new_id(&random::system).unwrap();
        record.codes.push(Codes {
            id,
            kind: CodeKind::Recovery,
            salt: drawn.salt,
            hashes: drawn.hashes,
            created: Some(NOW),
            expires: None,
        });
        used.codes.insert(id, 0);
        edit.save(record, used).unwrap();
        drawn.codes
    }

    #[test]
    fn who_has_few_codes_left_is_warned() {
        let mut stage = Stage::with_records();
        let user = nix::unistd::User::from_name(stage.user.as_ref().unwrap()).unwrap().unwrap();
        let secret = mfa_core::secret::Secret::new(b"12345678901234567890".to_vec());
        let (uid, step) = (user.uid.as_raw(), STEP - 2);
        let asked = Box::new(stage.place());
        stage.kept = Some(Pending { user: user.name, uid, secret, step, ticket: None, asked });
        assert_eq!(stage.account(""), Outcome::Accepted);
        let by_phone = code(STEP - 1);
        let mut stage = stage.types(&[&by_phone]);
        assert_eq!(stage.login_with("store=system"), Outcome::Accepted);
        assert!(stage.shown.is_empty(), "there never were any: {:?}", stage.shown);

        let paper = give_codes(&stage, 4);
        let [one, two, three, four] = [0, 1, 2, 3].map(|place| paper[place].grouped().to_string());
        for (typed, said) in [
            (one, None),
            (two, Some("2 recovery codes are left")),
            (code(STEP + 3), Some("2 recovery codes are left")),
            (three, Some("1 recovery code is left")),
            (four, Some("No recovery code is left")),
        ] {
            // The rate limit has had its time.
            stage = stage.types(&[&typed]).later(31);
            assert_eq!(stage.login_with("store=system"), Outcome::Accepted, "{}", stage.last_log());
            let said: Vec<_> = said
                .iter()
                .map(|said| format!("{said}; ask the administrator for new ones"))
                .collect();
            assert_eq!(stage.shown, said);
        }
        let mut stage = stage.types(&["000000"]).later(31);
        assert_eq!(stage.login_with("store=system"), Outcome::Denied);
        assert!(stage.shown.is_empty(), "only who is let in hears of it");
    }

    #[test]
    fn what_was_done_to_ones_factors_is_told_once() {
        let stage = Stage::with_records();
        let place = stage.place();
        let person = User::from_name(stage.user.as_ref().unwrap()).unwrap().unwrap();
        let mut record = Record::new(&person.name, person.uid.as_raw());
        let id = record.new_id(&random::system).unwrap();
        record.credentials.push(Credential {
            id,
            name: Name::new("phone").unwrap(),
            method: Method::Totp { period: 30 },
            secret: Kept::Plain(Secret::new(b"12345678901234567890".to_vec())),
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            window: 3,
            created: None,
        });
        let mut told = State { credentials: [(id, Used::totp(0))].into(), ..State::default() };
        for kind in [Kind::Reset, Kind::Enrolled, Kind::RecoveryCodes, Kind::BypassCode] {
            told.notify(kind, NOW);
        }
        place.edit(Lost::Refuse).unwrap().save(record, told).unwrap();
        let mut stage = stage.types(&["000000", &code(STEP), &code(STEP + 1)]);
        assert_eq!(stage.login_with("store=system"), Outcome::Denied);
        assert!(stage.shown.is_empty(), "{:?}", stage.shown);
        assert_eq!(stage.login_with("store=system"), Outcome::Accepted);
        let told = [
            "your second factors were reset",
            "a second factor was enrolled for you",
            "new recovery codes were made for you",
            "the help desk issued a bypass code for you",
        ];
        let told = told.map(|what| {
            format!("On 2023-11-14 {what}; if that is news to you, tell the administrator")
        });
        assert_eq!(stage.shown, told);
        assert_eq!(stage.login_with("store=system"), Outcome::Accepted, "{}", stage.last_log());
        assert!(stage.shown.is_empty(), "{:?}", stage.shown);
    }
}

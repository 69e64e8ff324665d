//! Where an attempt comes from, for accounts that keep what is known of that.

use super::{Accepted, Denied, Terms};
use crate::account::{Account, Change};
use crate::limit::{Pauses, SourceKey, Sources, is_guess};
use crate::reason::Reason;

/// A source, and what becomes of all of them.
pub(super) struct Origin {
    source: SourceKey,
    is_known: bool,
    limits: Option<Pauses>,
    sources: Sources,
}

impl Origin {
    /// `None` if the account keeps no sources, or none is asked for.
    pub(super) fn of(account: &Account, terms: &Terms, now: u64) -> Option<Self> {
        let source = terms.source?;
        let sources = account.sources.clone()?;
        Some(Self { source, is_known: sources.knows(source, now), limits: terms.limits, sources })
    }

    /// The times of the attempts from known sources, if this is one of them.
    pub(super) fn familiar(&mut self) -> Option<&mut Vec<u64>> {
        self.is_known.then_some(&mut self.sources.familiar)
    }

    /// Whether a stranger may try now.
    pub(super) fn admits(&self, now: u64) -> Result<(), Denied> {
        let limits = self.limits.filter(|_| !self.is_known);
        match limits.and_then(|limits| self.sources.strangers_wait(limits, now)) {
            None => Ok(()),
            wait => Err(Denied { wait, ..Denied::finally(Reason::TooManyFailures) }),
        }
    }

    /// What the attempt changes about the account's sources.
    pub(super) fn change(
        mut self,
        account: &Account,
        judged: &Result<Accepted, Denied>,
        now: u64,
    ) -> Option<Change> {
        match judged {
            Ok(_) => self.sources.learn(self.source, now),
            Err(denied) if !self.is_known && self.limits.is_some() && is_guess(denied.reason) => {
                self.sources.strangers = self.sources.strangers.count(now);
            }
            Err(_) => {}
        }
        let is_new = account.sources.as_ref() != Some(&self.sources);
        is_new.then_some(Change::Sources(self.sources))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Answer, Reply, Verdict, admits, locked_until, verify};
    use super::*;
    use crate::gauth::parse;
    use crate::notice::{Kind, Notice};
    use crate::otp::{Algorithm, Digits, Otp};
    use crate::record::{self, Record};
    use crate::secret::Secret;
    use crate::state::{State, Used};

    const TEXT: &str = "version = 1
user = \"alice\"
uid = 1000
[[credential]]
id = \"00000001\"
name = \"phone\"
type = \"totp\"
secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"
";
    const NOW: u64 = 1_700_000_010;
    const HOME: Option<SourceKey> = Some(SourceKey::from_number(1));
    const CAFE: Option<SourceKey> = Some(SourceKey::from_number(2));
    const LIMITS: Option<Pauses> = Some(Pauses { failures: 5, max: 900 });

    /// A user's record, and a state that remembers what happened to it.
    struct Login {
        record: Record,
        state: State,
        now: u64,
        limits: Option<Pauses>,
    }

    impl Login {
        fn new() -> Self {
            let record = Record::read(TEXT.as_bytes()).unwrap();
            let id = record.credentials[0].id;
            let state = State { credentials: [(id, Used::totp(0))].into(), ..State::default() };
            Self { record, state, now: NOW, limits: LIMITS }
        }

        /// One whose user logs in from home every day.
        fn from_home() -> Self {
            let mut login = Self::new();
            assert_eq!(login.succeed(HOME), Ok(()));
            login.now += 86_400;
            login
        }

        fn account(&self) -> Account {
            record::account(&self.record, &self.state, &|_, _| Err(Reason::Sealed))
        }

        fn enter(&mut self, source: Option<SourceKey>, reply: &str) -> (Verdict, Vec<Change>) {
            let reply = Reply::Given(reply.as_bytes());
            let answer = Answer { first_pass: None, reply, combined: false };
            let terms = Terms {
                learn_skew: false,
                advance_hotp: false,
                grace: 0,
                host: None,
                source,
                limits: self.limits,
            };
            let account = self.account();
            let admitted = admits(&account, &terms, self.now);
            let (verdict, changes) = verify(&account, &answer, &terms, self.now);
            let limited = match &verdict {
                Verdict::Denied(denied) if denied.is_final && !is_guess(denied.reason) => {
                    Err(*denied)
                }
                _ => Ok(()),
            };
            assert_eq!(admitted, limited, "the look before the prompt says the same");
            for change in &changes {
                self.state.apply(&self.record, change);
            }
            assert_eq!(State::read(self.state.to_text().as_bytes()).as_ref(), Ok(&self.state));
            (verdict, changes)
        }

        fn fail(&mut self, source: Option<SourceKey>) -> (Reason, Option<u64>) {
            match self.enter(source, "000000").0 {
                Verdict::Denied(denied) => (denied.reason, denied.wait),
                Verdict::Accepted(accepted) => panic!("{accepted:?}"),
            }
        }

        fn succeed(&mut self, source: Option<SourceKey>) -> Result<(), Reason> {
            let secret = Secret::new(b"12345678901234567890".to_vec());
            let code = Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(self.now / 30);
            match self.enter(source, &code).0 {
                Verdict::Accepted(_) => Ok(()),
                Verdict::Denied(denied) => Err(denied.reason),
            }
        }
    }

    #[test]
    fn strangers_use_up_their_own_attempts_only() {
        let mut login = Login::from_home();
        for _ in 0..3 {
            assert_eq!(login.fail(CAFE), (Reason::WrongCode, None));
        }
        assert_eq!(login.fail(CAFE), (Reason::RateLimited, Some(31)));
        assert_eq!(login.fail(None), (Reason::RateLimited, Some(31)), "nor do those from nowhere");
        assert_eq!(login.succeed(HOME), Ok(()));

        let mut login = Login::from_home();
        for _ in 0..3 {
            assert_eq!(login.fail(HOME), (Reason::WrongCode, None));
        }
        assert_eq!(login.fail(HOME), (Reason::RateLimited, Some(31)));
        assert_eq!(login.succeed(CAFE), Ok(()));
    }

    #[test]
    fn a_source_is_known_after_a_success_and_for_thirty_days() {
        let mut login = Login::new();
        login.fail(HOME);
        assert!(login.state.sources.known.is_empty());
        assert_eq!(login.state.attempts, [NOW]);
        assert_eq!(login.succeed(HOME), Ok(()));
        login.fail(HOME);
        assert_eq!(
            (login.state.attempts.len(), &login.state.sources.familiar[..]),
            (2, &[NOW][..])
        );
        login.now += 31 * 86_400;
        login.fail(HOME);
        assert_eq!(login.state.attempts, [login.now], "a stranger again");
    }

    #[test]
    fn many_strangers_have_to_wait_and_the_known_ones_do_not() {
        let mut login = Login::from_home();
        for n in 0..50 {
            let from = Some(SourceKey::from_number(100 + n));
            assert_eq!(login.fail(from), (Reason::WrongCode, None), "{n}");
            login.now += 60;
        }
        login.now -= 60;
        assert_eq!(login.fail(CAFE), (Reason::TooManyFailures, Some(30)));
        assert_eq!(locked_until(&login.account(), LIMITS, login.now), Some(login.now + 30));
        assert_eq!(locked_until(&login.account(), None, login.now), None);
        login.now += 30;
        assert_eq!(login.fail(CAFE), (Reason::WrongCode, None));
        login.now += 31;
        assert_eq!(login.fail(CAFE), (Reason::TooManyFailures, Some(29)));
        assert_eq!(login.succeed(HOME), Ok(()), "and it ends with a success");
        assert_eq!(login.succeed(CAFE), Err(Reason::Reused));
        assert_eq!(login.state.sources.strangers.failures, 1);
    }

    #[test]
    fn failures_from_a_known_source_are_no_strangers() {
        let mut login = Login::from_home();
        assert_eq!(login.fail(HOME), (Reason::WrongCode, None));
        assert_eq!(login.state.sources.strangers.failures, 0);
        assert_eq!(login.fail(CAFE), (Reason::WrongCode, None));
        assert_eq!(login.state.sources.strangers.failures, 1);
    }

    #[test]
    fn what_is_no_guess_is_no_failure() {
        let mut login = Login::new();
        login.enter(CAFE, "");
        assert_eq!(login.state.sources, Sources::default());
        for _ in 0..5 {
            login.fail(CAFE);
        }
        assert_eq!(login.state.sources.strangers.failures, 2, "the others were rate limited");
    }

    #[test]
    fn without_a_policy_nothing_is_known() {
        let mut login = Login { limits: None, ..Login::new() };
        assert_eq!(login.succeed(None), Ok(()));
        let (_, changes) = login.enter(None, "000000");
        assert!(matches!(changes[..], [Change::Attempts(_)]), "{changes:?}");
        assert_eq!(login.state.sources, Sources::default());
        assert_eq!(login.succeed(HOME), Err(Reason::Reused));
        assert_eq!(login.state.sources, Sources::default(), "no failures are counted");
    }

    #[test]
    fn a_file_in_a_home_knows_no_sources() {
        let account = parse(b"GEZDGNBVGY3TQOJQ\n\" RATE_LIMIT 1 30 1700000000\n\" TOTP_AUTH\n");
        let terms = Terms {
            learn_skew: false,
            advance_hotp: false,
            grace: 0,
            host: None,
            source: HOME,
            limits: LIMITS,
        };
        let answer = Answer { first_pass: None, reply: Reply::Given(b"000000"), combined: false };
        let (verdict, changes) = verify(&account, &answer, &terms, NOW);
        assert!(matches!(verdict, Verdict::Denied(Denied { reason: Reason::RateLimited, .. })));
        assert!(matches!(changes[..], [Change::Attempts(_)]), "{changes:?}");
    }

    #[test]
    fn what_was_changed_is_told_once_to_who_is_let_in() {
        let mut login = Login::new();
        login.state.notify(Kind::BypassCode, 7);
        login.fail(HOME);
        assert_eq!(login.state.notices.len(), 1);
        let secret = Secret::new(b"12345678901234567890".to_vec());
        let otp = Otp::new(&secret, Algorithm::Sha1, Digits::SIX);
        for (step, expected) in
            [(NOW / 30, &[Notice { kind: Kind::BypassCode, time: 7 }][..]), (NOW / 30 + 1, &[])]
        {
            let (Verdict::Accepted(accepted), _) = login.enter(None, &otp.text(step)) else {
                panic!()
            };
            assert_eq!(accepted.notices, expected);
        }
    }
}

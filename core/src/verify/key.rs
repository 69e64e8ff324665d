//! A security key that has signed, or that sshd has verified.

use super::{Accepted, Denied, Factor, Input, recovery};
use crate::account::{Account, Change, Key, Port};
use crate::key::{self, Assertion, Message, Public};
use crate::reason::Reason;

/// What shows that somebody holds a key.
#[derive(Debug, Clone, Copy)]
pub enum Proof<'a> {
    /// The key signed what it was asked to.
    Signed {
        /// Which key it is said to be.
        held: Held<'a>,
        /// What came of it.
        assertion: &'a Assertion,
        /// What it was asked to sign.
        message: &'a Message,
    },
    /// sshd has verified it.
    BySshd {
        /// Which key.
        held: Held<'a>,
        /// sshd saw to it that it was touched.
        was_touched: bool,
    },
    /// sshd has verified a certificate of an authority that the policy trusts; it has this name.
    Certified(&'a str),
}

/// A key, as whoever holds it shows it.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// It is reached by ssh.
    pub by_ssh: bool,
    /// Its public half.
    pub public: &'a Public,
    /// What it was made for.
    pub application: &'a str,
}

impl Held<'_> {
    fn is(self, key: &Key) -> bool {
        *self.public == key.public
            && self.application == key.application
            && self.by_ssh == (key.port == Port::Ssh)
    }
}

pub(super) fn judge(
    account: &Account,
    proof: &Proof,
    changes: &mut Vec<Change>,
) -> Result<Accepted, Denied> {
    let (factor, credential) = check(account, proof, changes).map_err(Denied::finally)?;
    Ok(Accepted {
        factor,
        credential,
        drift: 0,
        reusable: false,
        codes_left: recovery::left(account),
        input: Input::Reply,
        prefix: 0,
        notices: account.notices.clone(),
    })
}

fn check(
    account: &Account,
    proof: &Proof,
    changes: &mut Vec<Change>,
) -> Result<(Factor, Option<String>), Reason> {
    let enrolled = |held: &Held| {
        let mut keys = account.keys.iter().enumerate();
        keys.find(|(_, key)| held.is(key)).ok_or(Reason::KeyUnknown)
    };
    match proof {
        Proof::Signed { held, assertion, message } => {
            let (place, key) = enrolled(held)?;
            let counter = key::verify(key, assertion, message)?;
            changes.extend(counter.map(|counter| Change::KeyUsed(place, counter)));
            Ok((Factor::Key, key.name.clone()))
        }
        Proof::BySshd { held, was_touched } => {
            let (_, key) = enrolled(held)?;
            // What sshd does not tell, nobody here knows.
            match (key.touch && !was_touched, key.verification) {
                (true, _) => Err(Reason::TouchUnverified),
                (false, true) => Err(Reason::KeyUnverified),
                (false, false) => Ok((Factor::SshKey, key.name.clone())),
            }
        }
        Proof::Certified(name) => Ok((Factor::SshKey, Some((*name).to_owned()))),
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::super::{Answer, Reply, Terms, Verdict, verify, verify_key};
    use super::*;
    use crate::codes::Hex;
    use crate::key::{Signature, hash};
    use crate::limit::{Pauses, SourceKey};
    use crate::otp::{Algorithm, Digits, Otp};
    use crate::record::{self, Id, Kept, Name, Record};
    use crate::secret::Secret;
    use crate::state::{State, Used};

    const NOW: u64 = 1_700_000_010;
    const MESSAGE: Message = [9; 32];
    const HOME: SourceKey = SourceKey::from_number(1);
    const CAFE: SourceKey = SourceKey::from_number(2);
    const TOUCHED: u8 = 1;

    /// A token of this number, and what it was made for.
    struct Token(u8, &'static str);

    const BLUE: Token = Token(1, "pam://host");
    const LAPTOP: Token = Token(2, "ssh:");
    const PASSIVE: Token = Token(3, "ssh:passive");
    const PINNED: Token = Token(4, "ssh:pinned");

    impl Token {
        fn pair(&self) -> Ed25519KeyPair {
            Ed25519KeyPair::from_seed_unchecked(&[self.0; 32]).unwrap()
        }

        fn public(&self) -> Public {
            Public::eddsa(self.pair().public_key().as_ref()).unwrap()
        }

        fn enrolled(&self, name: &str, port: Port) -> record::Key {
            record::Key {
                id: Id::new([0, 0, 1, self.0]),
                name: Name::new(name).unwrap(),
                port,
                public: self.public(),
                application: self.1.to_owned(),
                touch: true,
                verification: false,
                counts: true,
                created: None,
            }
        }

        fn sign(&self, flags: u8, counter: u32) -> Assertion {
            let rp_hash = hash(self.1.as_bytes());
            let signed = [&rp_hash[..], &[flags], &counter.to_be_bytes(), &MESSAGE].concat();
            let signature = self.pair().sign(&signed).as_ref().try_into().unwrap();
            Assertion { rp_hash, flags, counter, signature: Signature::Eddsa(signature) }
        }
    }

    /// A user with a phone and four keys, of whom it is remembered what they did.
    struct Login {
        record: Record,
        state: State,
        now: u64,
        source: SourceKey,
    }

    impl Login {
        fn new() -> Self {
            let mut record = Record::new("alice", 1000);
            record.credentials = vec![record::Credential {
                id: Id::new([0, 0, 0, 1]),
                name: Name::new("phone").unwrap(),
                method: record::Method::Totp { period: 30 },
                secret: Kept::Plain(Secret::new(vec![7; 20])),
                algorithm: Algorithm::Sha1,
                digits: Digits::SIX,
                window: 3,
                created: None,
            }];
            let usb = Port::Usb { handle: vec![1], pin: false };
            record.keys = vec![
                BLUE.enrolled("blue", usb),
                LAPTOP.enrolled("laptop", Port::Ssh),
                record::Key { touch: false, ..PASSIVE.enrolled("passive", Port::Ssh) },
                record::Key { verification: true, ..PINNED.enrolled("pinned", Port::Ssh) },
            ];
            let state = State {
                credentials: [(Id::new([0, 0, 0, 1]), Used::totp(0))].into(),
                keys: record.keys.iter().map(|key| (key.id, 41)).collect(),
                ..State::default()
            };
            Self { record, state, now: NOW, source: HOME }
        }

        fn account(&self) -> Account {
            record::account(&self.record, &self.state, &|_, _| Err(Reason::Sealed))
        }

        fn terms(&self) -> Terms<'static> {
            Terms {
                learn_skew: false,
                advance_hotp: false,
                grace: 0,
                host: None,
                source: Some(self.source),
                limits: Some(Pauses { failures: 5, max: 900 }),
            }
        }

        fn take(&mut self, outcome: (Verdict, Vec<Change>)) -> Result<Accepted, Denied> {
            let (verdict, changes) = outcome;
            for change in &changes {
                self.state.apply(&self.record, change);
            }
            assert_eq!(State::read(self.state.to_text().as_bytes()).as_ref(), Ok(&self.state));
            match verdict {
                Verdict::Accepted(accepted) => Ok(accepted),
                Verdict::Denied(denied) => Err(denied),
            }
        }

        fn show(&mut self, proof: &Proof) -> Result<Accepted, Denied> {
            let outcome = verify_key(&self.account(), proof, &self.terms(), self.now);
            self.take(outcome)
        }

        /// Shows a signature of a token; what is accepted by the name of its key.
        fn sign(&mut self, token: &Token, by_ssh: bool, counter: u32) -> Result<String, Reason> {
            let (public, assertion) = (token.public(), token.sign(TOUCHED, counter));
            let held = Held { by_ssh, public: &public, application: token.1 };
            let proof = Proof::Signed { held, assertion: &assertion, message: &MESSAGE };
            let accepted = self.show(&proof).map_err(|denied| denied.reason)?;
            assert_eq!(accepted.factor, Factor::Key);
            Ok(accepted.credential.unwrap())
        }

        fn by_sshd(&mut self, token: &Token, was_touched: bool) -> Result<String, Reason> {
            let public = token.public();
            let held = Held { by_ssh: true, public: &public, application: token.1 };
            let accepted = self.show(&Proof::BySshd { held, was_touched });
            let accepted = accepted.map_err(|denied| denied.reason)?;
            assert_eq!(accepted.factor, Factor::SshKey);
            Ok(accepted.credential.unwrap())
        }

        /// Types a code.
        fn enter(&mut self, code: &str) -> Result<Accepted, Denied> {
            let reply = Reply::Given(code.as_bytes());
            let answer = Answer { first_pass: None, reply, combined: false };
            let outcome = verify(&self.account(), &answer, &self.terms(), self.now);
            self.take(outcome)
        }

        fn code(&self) -> String {
            let secret = Secret::new(vec![7; 20]);
            Otp::new(&secret, Algorithm::Sha1, Digits::SIX).text(self.now / 30)
        }

        fn counter(&self, token: &Token) -> u32 {
            self.state.keys.get(&Id::new([0, 0, 1, token.0])).copied().unwrap()
        }
    }

    #[test]
    fn only_what_is_enrolled_counts_and_only_by_its_own_port() {
        let mut login = Login::new();
        assert_eq!(login.sign(&BLUE, false, 42), Ok("blue".to_owned()));
        assert_eq!(login.sign(&LAPTOP, true, 42), Ok("laptop".to_owned()));
        for (token, by_ssh) in [
            (BLUE, true),
            (LAPTOP, false),
            (Token(1, "pam://other"), false),
            (Token(9, "ssh:"), true),
        ] {
            let mut login = Login::new();
            assert_eq!(login.sign(&token, by_ssh, 42), Err(Reason::KeyUnknown), "{}", token.1);
        }
    }

    #[test]
    fn a_key_that_claims_to_be_another_is_found_out() {
        let mut login = Login::new();
        let (public, assertion) = (BLUE.public(), LAPTOP.sign(TOUCHED, 42));
        let held = Held { by_ssh: false, public: &public, application: BLUE.1 };
        let proof = Proof::Signed { held, assertion: &assertion, message: &MESSAGE };
        assert_eq!(login.show(&proof).unwrap_err().reason, Reason::KeyParty);
        let assertion = Token(2, BLUE.1).sign(TOUCHED, 42);
        let proof = Proof::Signed { held, assertion: &assertion, message: &MESSAGE };
        assert_eq!(login.show(&proof).unwrap_err().reason, Reason::KeySignature);
        assert_eq!(login.counter(&BLUE), 41);
    }

    #[test]
    fn what_was_enrolled_decides_about_touch() {
        for (flags, expected) in [(0, Err(Reason::KeyUntouched)), (TOUCHED, Ok(()))] {
            let (public, assertion) = (LAPTOP.public(), LAPTOP.sign(flags, 42));
            let held = Held { by_ssh: true, public: &public, application: LAPTOP.1 };
            let proof = Proof::Signed { held, assertion: &assertion, message: &MESSAGE };
            let shown = Login::new().show(&proof);
            assert_eq!(shown.map(|_| ()).map_err(|denied| denied.reason), expected);
        }
    }

    #[test]
    fn counters_are_kept_by_key_and_a_signature_counts_once() {
        let mut login = Login::new();
        assert_eq!(login.sign(&LAPTOP, true, 50), Ok("laptop".to_owned()));
        assert_eq!((login.counter(&BLUE), login.counter(&LAPTOP)), (41, 50));
        for counter in [50, 49, 0] {
            assert_eq!(login.sign(&LAPTOP, true, counter), Err(Reason::KeyCloned));
            login.now += 31;
        }
        assert_eq!(login.counter(&LAPTOP), 50, "what was refused is not kept");
        assert_eq!(login.sign(&BLUE, false, 42), Ok("blue".to_owned()));

        // Places are counted in the account, where a restriction leaves them.
        let mut account = login.account();
        crate::policy::Factors { otp: false, ..crate::policy::Factors::USUAL }
            .restrict(&mut account);
        let (public, assertion) = (LAPTOP.public(), LAPTOP.sign(TOUCHED, 51));
        let held = Held { by_ssh: true, public: &public, application: LAPTOP.1 };
        let proof = Proof::Signed { held, assertion: &assertion, message: &MESSAGE };
        let (_, changes) = verify_key(&account, &proof, &login.terms(), login.now);
        assert!(changes.contains(&Change::KeyUsed(1, 51)), "{changes:?}");
    }

    #[test]
    fn without_a_state_nobody_knows_the_counter() {
        let mut login = Login::new();
        login.state.keys = [].into();
        assert_eq!(login.sign(&BLUE, false, 42), Err(Reason::NoState));
        login.record.keys[0].counts = false;
        assert_eq!(login.sign(&BLUE, false, 42), Ok("blue".to_owned()));
        assert!(login.state.keys.is_empty());
    }

    #[test]
    fn what_sshd_has_verified() {
        let mut login = Login::new();
        assert_eq!(login.by_sshd(&LAPTOP, true), Ok("laptop".to_owned()));
        assert_eq!(login.by_sshd(&PASSIVE, false), Ok("passive".to_owned()));
        assert_eq!(login.counter(&LAPTOP), 41, "sshd tells no counter");
        for (token, was_touched, reason) in [
            (LAPTOP, false, Reason::TouchUnverified),
            (PINNED, false, Reason::TouchUnverified),
            (PINNED, true, Reason::KeyUnverified),
            (BLUE, true, Reason::KeyUnknown),
            (Token(9, "ssh:"), true, Reason::KeyUnknown),
        ] {
            assert_eq!(Login::new().by_sshd(&token, was_touched), Err(reason), "{}", token.1);
        }
        let accepted = login.show(&Proof::Certified("alice@ca")).unwrap();
        let shown = (accepted.factor, accepted.credential.as_deref());
        assert_eq!(shown, (Factor::SshKey, Some("alice@ca")));
        // Who has enrolled nothing may have a certificate.
        let (verdict, changes) =
            verify_key(&Account::default(), &Proof::Certified("bob"), &login.terms(), NOW);
        assert!(matches!(verdict, Verdict::Accepted(_)) && changes.is_empty());
    }

    #[test]
    fn what_is_accepted_uses_up_no_attempt() {
        let mut login = Login::new();
        for counter in 42..62 {
            assert_eq!(login.sign(&LAPTOP, true, counter), Ok("laptop".to_owned()));
            assert_eq!(login.by_sshd(&LAPTOP, true), Ok("laptop".to_owned()));
        }
        assert!(login.state.attempts.is_empty() && login.state.sources.familiar.is_empty());
        let code = login.code();
        assert_eq!(login.enter(&code).unwrap().factor, Factor::Totp);
    }

    #[test]
    fn what_is_refused_does() {
        for source in [HOME, CAFE] {
            let mut login = Login::new();
            login.by_sshd(&LAPTOP, true).unwrap();
            login.source = source;
            for _ in 0..3 {
                assert_eq!(login.sign(&LAPTOP, true, 1), Err(Reason::KeyCloned));
            }
            // Then nobody is let in by anything, whatever they hold.
            assert_eq!(login.sign(&LAPTOP, true, 42), Err(Reason::RateLimited));
            assert_eq!(login.by_sshd(&LAPTOP, true), Err(Reason::RateLimited));
            let denied = login.enter(&login.code()).unwrap_err();
            assert_eq!((denied.reason, denied.wait), (Reason::RateLimited, Some(31)));
            login.now += 31;
            assert_eq!(login.sign(&LAPTOP, true, 42), Ok("laptop".to_owned()));
        }
    }

    #[test]
    fn a_key_makes_its_source_known_and_keeps_it_so() {
        let mut login = Login::new();
        assert_eq!(login.sign(&BLUE, false, 42), Ok("blue".to_owned()));
        assert!(login.account().sources.unwrap().knows(HOME, login.now));
        login.now += 20 * 86_400;
        assert_eq!(login.by_sshd(&LAPTOP, true), Ok("laptop".to_owned()));
        login.now += 20 * 86_400;
        assert!(login.account().sources.unwrap().knows(HOME, login.now));
        // Attempts of strangers are none of it.
        login.source = CAFE;
        for _ in 0..3 {
            assert_eq!(login.sign(&BLUE, false, 1), Err(Reason::KeyCloned));
        }
        assert_eq!(login.state.sources.strangers.failures, 3);
        assert_eq!(login.sign(&BLUE, false, 50), Err(Reason::RateLimited));
        login.source = HOME;
        assert_eq!(login.sign(&BLUE, false, 50), Ok("blue".to_owned()));
    }

    #[test]
    fn what_nobody_could_guess_is_no_failure_of_a_stranger() {
        let mut login = Login { source: CAFE, ..Login::new() };
        assert_eq!(login.by_sshd(&Token(9, "ssh:"), true), Err(Reason::KeyUnknown));
        assert_eq!(login.by_sshd(&LAPTOP, false), Err(Reason::TouchUnverified));
        assert_eq!(login.state.sources.strangers.failures, 0);
    }

    #[test]
    fn a_login_by_key_says_what_one_by_code_does() {
        let mut login = Login::new();
        login.state.notify(crate::notice::Kind::BypassCode, 7);
        login.record.codes = vec![record::Codes {
            id: Id::new([9; 4]),
            kind: crate::account::CodeKind::Recovery,
            salt: Hex::new([0; 16]),
            hashes: vec![Hex::new([0; 32]); 10],
            created: None,
            expires: None,
        }];
        login.state.codes = [(Id::new([9; 4]), 0b11)].into();
        let accepted = login.show(&Proof::Certified("x")).unwrap();
        assert_eq!((accepted.notices.len(), accepted.codes_left), (1, Some(8)));
        assert!(login.state.notices.is_empty());
    }
}

//! A new credential: shown, confirmed, and only then written.

use std::io::{BufRead, Write};

use clap::value_parser;
use mfa_core::confirm::{judge, judge_counter};
use mfa_core::notice::Kind;
use mfa_core::otp::{Algorithm, Digits, Otp};
use mfa_core::otpauth;
use mfa_core::random;
use mfa_core::record::{Credential, Kept, MAX_CREDENTIALS, MAX_PERIOD, Method, Name, Record};
use mfa_core::secret::Secret;
use mfa_core::state::Used;
use mfa_enroll::app::FIRST_COUNTER;
use mfa_enroll::args::{algorithm, digits};
use mfa_enroll::confirm::{insist, used_up};
use mfa_enroll::qr::QrMode;
use mfa_enroll::talk::Talk;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::app::{Names, offer};
use crate::failure::Failure;
use crate::log::changed;
use crate::person::Person;
use crate::report::line;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[command(after_help = "Some apps ignore --algorithm, --digits and --period, and then show wrong \
                        codes: what confirms the credential also shows that the app does not.")]
pub struct Args {
    /// The login name
    pub user: String,

    /// What to call it: 1 to 32 printable characters
    #[arg(long, value_parser = super::name, default_value = "phone")]
    name: Name,

    /// Counter-based codes (HOTP) in place of time-based ones
    #[arg(long, conflicts_with = "period")]
    hotp: bool,

    /// The hash: SHA1, SHA256 or SHA512
    #[arg(long, value_name = "NAME", value_parser = algorithm, default_value = "SHA1")]
    algorithm: Algorithm,

    /// How many digits a code has, 6 to 8
    #[arg(long, value_name = "N", value_parser = digits, default_value = "6")]
    digits: Digits,

    /// How long a time-based code lasts, 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    #[arg(value_parser = value_parser!(u64).range(1..=MAX_PERIOD))]
    period: u64,

    /// How many codes are good at one moment, 1 to 100
    #[arg(long, value_name = "N", default_value = "3")]
    #[arg(value_parser = value_parser!(u8).range(1..=100))]
    window: u8,

    /// Ask for no code of the app
    #[arg(long)]
    no_confirm: bool,

    /// How to draw the QR code: NONE, ANSI, UTF8, ANSI_INVERSE, ... or UTF8_GREY
    #[arg(long, value_name = "MODE", ignore_case = true, hide_possible_values = true)]
    qr_mode: Option<QrMode>,

    /// Print what the QR code holds as well, an otpauth URI
    #[arg(long)]
    uri: bool,

    /// Print one JSON object and nothing else; with --no-confirm, as nothing is asked
    #[arg(long, requires = "no_confirm", conflicts_with_all = ["qr_mode", "uri"])]
    json: bool,

    #[command(flatten)]
    names: Names,
}

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Added<'a> {
    user: &'a str,
    name: &'a str,
    id: String,
    r#type: &'static str,
    secret: &'a str,
    uri: &'a str,
    algorithm: &'static str,
    digits: usize,
    period: Option<u64>,
    counter: Option<u64>,
    window: u8,
}

pub fn add(
    person: &Person,
    args: &Args,
    world: &World,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
) -> Result<(), Failure> {
    // Nobody should scan a code that cannot be saved.
    let record = existing(person)?;
    admit(&record, &args.name)?;
    let secret = random::secret(world.random)?;
    let credential = args.credential(&record, &secret, world)?;
    let uri = args.uri(world, &person.name, &secret);
    let mut talk = Talk::new(input, output);
    let used = if args.json {
        talk.put(&args.report(&person.name, &credential, &secret, &uri)?)?;
        None
    } else {
        offer(&mut talk, world, &uri, &secret, args.qr_mode)?;
        if args.uri {
            talk.say(&uri)?;
            talk.say("\n")?;
        }
        args.confirm(&mut talk, world, &secret)?
    };
    install(person, world, credential, used)?;
    if !args.json {
        let name = args.name.as_str();
        // It is done, whether or not anybody still listens.
        let _ = talk.say(&format!("{}: {name:?} is enrolled.\n", person.name));
        if let Some(used) = used {
            let now = (world.clock)();
            let next = if args.hotp { now } else { (used + 1).saturating_mul(args.period) };
            let _ = talk.say(&used_up(next, now));
        }
    }
    Ok(())
}

/// The record as it is, or a new one.
fn existing(person: &Person) -> Result<Record, Failure> {
    let uid = person.uid()?.as_raw();
    match person.read() {
        Err(Failure::NoRecord(_)) => Ok(Record::new(&person.name, uid)),
        Err(failure) => Err(failure),
        Ok(_) => Ok(person.record.read()?.0),
    }
}

/// Whether there is room for one more, and of this name.
fn admit(record: &Record, name: &Name) -> Result<(), Failure> {
    let user = &record.user;
    if record.names().count() >= MAX_CREDENTIALS {
        return Err(Failure::Refused(format!(
            "{user} has {MAX_CREDENTIALS} credentials and keys, and no more are possible; remove one first"
        )));
    }
    if record.names().any(|other| other == name) {
        return Err(Failure::Refused(format!(
            "{user} has a credential or key {:?} already; give this one another --name",
            name.as_str()
        )));
    }
    Ok(())
}

/// `used` is the step or counter of the code that confirmed it.
fn install(
    person: &Person,
    world: &World,
    credential: Credential,
    used: Option<u64>,
) -> Result<(), Failure> {
    let (mut edit, mut record) = person.edit_or_create(&world.base)?;
    admit(&record, &credential.name)?;
    let moved = |used: u64| i64::try_from(used).unwrap_or(i64::MAX);
    let used = match credential.method {
        // A secret that is new has not been used.
        Method::Totp { .. } => Used::totp(used.map_or(0, moved)),
        Method::Hotp => {
            Used::hotp(Some(moved(used.map_or(FIRST_COUNTER, |used| used.saturating_add(1)))))
        }
    };
    let mut state = edit.state().cloned().unwrap_or_default();
    let name = credential.name.clone();
    state.credentials.insert(credential.id, used);
    record.credentials.push(credential);
    let now = (world.clock)();
    if edit.record().is_none() && edit.is_buried()? {
        state.notify(Kind::Reset, now);
    }
    state.notify(Kind::Enrolled, now);
    edit.save(record, state)?;
    changed(world, ("user", &person.name), "credential", "", name.as_str());
    Ok(())
}

impl Args {
    fn credential(
        &self,
        record: &Record,
        secret: &Secret,
        world: &World,
    ) -> Result<Credential, Failure> {
        Ok(Credential {
            id: record.new_id(world.random)?,
            name: self.name.clone(),
            method: if self.hotp { Method::Hotp } else { Method::Totp { period: self.period } },
            secret: Kept::Plain(secret.clone()),
            algorithm: self.algorithm,
            digits: self.digits,
            window: self.window,
            created: Some((world.clock)()),
        })
    }

    fn uri(&self, world: &World, user: &str, secret: &Secret) -> Zeroizing<String> {
        let method = if self.hotp {
            otpauth::Method::Hotp { counter: FIRST_COUNTER }
        } else {
            otpauth::Method::Totp { period: self.period }
        };
        self.names.uri(world, user, secret, (method, self.algorithm, self.digits))
    }

    /// The step or counter of the code that confirmed it, if one did.
    fn confirm<R: BufRead, W: Write>(
        &self,
        talk: &mut Talk<R, W>,
        world: &World,
        secret: &Secret,
    ) -> Result<Option<u64>, Failure> {
        let otp = Otp::new(secret, self.algorithm, self.digits);
        if self.no_confirm {
            return Ok(None);
        }
        let judge = |typed: &str| {
            if self.hotp {
                judge_counter(typed, &otp, FIRST_COUNTER, self.window)
            } else {
                judge(typed, &otp, (world.clock)(), self.period, self.window)
            }
        };
        Ok(Some(insist(talk, &otp, &judge)?))
    }

    fn report(
        &self,
        user: &str,
        credential: &Credential,
        secret: &Secret,
        uri: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let (r#type, period, counter) = if self.hotp {
            ("hotp", None, Some(FIRST_COUNTER))
        } else {
            ("totp", Some(self.period), None)
        };
        line(&Added {
            user,
            name: self.name.as_str(),
            id: credential.id.to_string(),
            r#type,
            secret: &secret.to_base32(),
            uri,
            algorithm: self.algorithm.name(),
            digits: self.digits.count(),
            period,
            counter,
            window: self.window,
        })
    }
}

#[cfg(test)]
mod tests {
    use mfa_core::otp::{Algorithm, Digits, Otp};
    use mfa_core::record::{Id, Method};
    use mfa_core::state::Used;
    use mfa_core::store::{Presence, SystemRecord};
    use nix::unistd::Uid;

    use crate::failure::Failure;
    use crate::lab::{Lab, NOW, code, totp, uid_of};

    const STEP: u64 = NOW / 30;

    fn daemon(lab: &Lab) -> SystemRecord {
        SystemRecord::new(lab.base(), "daemon", Uid::from_raw(uid_of("daemon"))).unwrap()
    }

    #[test]
    fn confirming_uses_the_code_up() {
        let lab = Lab::new();
        let secret = lab.next_secret();
        let input = format!("12345\n000000\n{}\n", code(&secret, STEP));
        let said = lab.run("credential add daemon", &input).unwrap();
        let shown = format!("The secret key is: {}\nCode from the app", *secret.to_base32());
        assert!(said.starts_with(&shown), "{said}");
        let end = "The app has it right.\n\
                   daemon: \"phone\" is enrolled.\n\
                   The code that confirmed it is used up; the next one comes in 30 s.\n";
        assert!(said.ends_with(end), "{said}");
        let (record, state) = daemon(&lab).read().unwrap();
        assert_eq!((record.uid, record.credentials.len()), (uid_of("daemon"), 1));
        let phone = &record.credentials[0];
        assert_eq!((phone.name.as_str(), phone.window, phone.created), ("phone", 3, Some(NOW)));
        assert_eq!(
            *state.credentials.get(&phone.id).unwrap(),
            Used::totp(i64::try_from(STEP).unwrap())
        );
    }

    #[test]
    fn a_token_is_confirmed_too() {
        let lab = Lab::new();
        let otp = Otp::new(&lab.next_secret(), Algorithm::Sha512, Digits::new(8).unwrap());
        let line = "credential add daemon --name token --hotp --algorithm sha512 --digits 8 \
                    --window 5 --uri --label a --issuer b";
        let said = lab.run(line, &format!("{}\n{}\n", otp.text(6), otp.text(2))).unwrap();
        assert!(said.contains("&issuer=b&algorithm=SHA512&digits=8&counter=1\n"), "{said}");
        assert!(said.contains("That code is wrong."), "{said}");
        assert!(said.ends_with("used up; the next one is good now.\n"), "{said}");
        let (record, state) = daemon(&lab).read().unwrap();
        assert_eq!(record.credentials[0].method, Method::Hotp);
        assert_eq!(*state.credentials.get(&record.credentials[0].id).unwrap(), Used::hotp(Some(3)));
    }

    #[test]
    fn whoever_gives_up_leaves_nothing() {
        let lab = Lab::new();
        let failure = lab.run("credential add daemon --name phone", "000000\n").unwrap_err();
        assert!(matches!(failure, Failure::Dialogue(_)), "{failure}");
        assert!(failure.to_string().contains("nothing was written"), "{failure}");
        assert_eq!(daemon(&lab).look(), Ok(Presence::NoRecords));
    }

    #[test]
    fn nothing_is_asked_where_that_was_said() {
        let lab = Lab::new();
        let line = "credential add daemon --name phone --no-confirm --period 60 --qr-mode utf8";
        let said = lab.run(line, "").unwrap();
        assert!(said.starts_with("Scan this") && said.contains('\u{2580}'), "{said}");
        assert!(said.ends_with("\ndaemon: \"phone\" is enrolled.\n"), "{said}");
        lab.run("credential add daemon --name spare", "-1\n").unwrap_err();
        let (record, state) = daemon(&lab).read().unwrap();
        assert_eq!(record.credentials[0].method, Method::Totp { period: 60 });
        assert!(state.credentials.iter().all(|(_, used)| *used == Used::totp(0)));
        assert_eq!(state.credentials.len(), 1, "nothing is written that was not confirmed");
    }

    #[test]
    fn an_object_for_scripts() {
        let lab = Lab::new();
        let secret = lab.next_secret().to_base32();
        let line = "credential add daemon --name phone --json --no-confirm --issuer=";
        let said = lab.run(line, "").unwrap();
        let (record, _) = daemon(&lab).read().unwrap();
        let expected = serde_json::json!({
            "user": "daemon", "name": "phone", "id": record.credentials[0].id.to_string(),
            "type": "totp", "secret": *secret,
            "uri": format!("otpauth://totp/daemon@host?secret={}", *secret),
            "algorithm": "SHA1", "digits": 6, "period": 30, "counter": null, "window": 3,
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&said).unwrap(), expected);
        assert_eq!(said.lines().count(), 1);
    }

    #[test]
    fn what_cannot_be_saved_is_refused_before_anything_is_shown() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let sentence = lab.refused("credential add daemon --name phone");
        assert!(sentence.contains("another --name"), "{sentence}");
        let all = (0..16).map(|n| totp(n, &n.to_string())).collect();
        lab.enrol("daemon", all);
        let sentence = lab.refused("credential add daemon --name phone");
        assert!(sentence.contains("has 16 credentials"), "{sentence}");
        std::fs::remove_file(record.state_path()).unwrap();
        let sentence = lab.refused("credential add daemon --name phone");
        assert!(sentence.contains("mfactl state init daemon"), "{sentence}");
        assert_eq!(Id::new([0; 4]), record.read_record().unwrap().credentials[0].id);
    }
}

//! `mfactl show`: what a user has enrolled, and what an app needs to know of one credential.

use std::io::{self, BufRead, Write};

use mfa_core::account::{Account, Credential, Method};
use mfa_core::otpauth;
use mfa_core::qr::Mode;
use mfa_core::reason::Reason;
use mfa_core::record::Record;
use mfa_core::store::{Opened, Store};
use mfa_enroll::qr::QrMode;
use mfa_enroll::talk::Talk;

use crate::app::{Names, offer};
use crate::enrolment::Enrolment;
use crate::facts::Facts;
use crate::failure::Failure;
use crate::log::changed;
use crate::person::Person;
use crate::report::{json, table};
use crate::waiting::Waiting;
use crate::world::World;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "With a name, --qr, --qr-mode or --uri the secret is shown, and whoever sees it can \
                        make codes. A sealed secret is opened with the host's key."
)]
pub struct Args {
    /// The login name
    user: String,

    /// Show the secret of the credential of this name
    name: Option<String>,

    /// Print one JSON object, without a secret
    #[arg(long, conflicts_with_all = ["name", "qr", "qr_mode", "uri", "label", "issuer"])]
    json: bool,

    /// Show the secret, of the only credential unless one is named, and draw the QR code also where
    /// the output is no terminal
    #[arg(long)]
    qr: bool,

    /// How to draw it: NONE, ANSI, UTF8, ANSI_INVERSE, ... or UTF8_GREY
    #[arg(long, value_name = "MODE", ignore_case = true, hide_possible_values = true)]
    qr_mode: Option<QrMode>,

    /// Print the otpauth URI and nothing else
    #[arg(long, conflicts_with_all = ["qr", "qr_mode"])]
    uri: bool,

    #[command(flatten)]
    names: Names,
}

pub fn show(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    let person = Person::find(&world.base, &args.user)?;
    let picture = args.qr || args.qr_mode.is_some() || args.uri;
    if !picture && args.name.is_none() && !args.names.are_given() {
        let waiting = Waiting::read(world);
        let facts = Facts::of(Enrolment::find(&person, world), &waiting, (world.clock)());
        let shown = facts.rows();
        return if args.json { json(output, &facts) } else { table(output, world.colour, &shown) };
    }
    let record = person.read()?;
    let account = match person.record.open() {
        Opened::Enrolled(account) => account,
        Opened::NotEnrolled(trouble) | Opened::Broken(trouble) => return Err(trouble.into()),
    };
    let credential = pick(&account, &record, args.name.as_deref())?;
    let name = credential.name.as_deref().unwrap_or_default();
    let hidden = |reason: &Reason| {
        Failure::Refused(format!("the secret of {name:?} cannot be shown: {reason}"))
    };
    let secret = credential.secret.as_ref().map_err(hidden)?;
    let method = match &credential.method {
        Method::Totp(totp) => {
            otpauth::Method::Totp { period: *totp.period.as_ref().map_err(hidden)? }
        }
        Method::Hotp(hotp) => {
            let counter = hotp.counter.and_then(|counter| u64::try_from(counter).ok());
            let counter = counter.ok_or_else(|| {
                Failure::Refused(format!(
                    "the counter of {name:?} is not known; two consecutive codes at a login find \
                     it, then show it again"
                ))
            })?;
            otpauth::Method::Hotp { counter }
        }
        Method::None => return Err(hidden(&Reason::NoMethod)),
    };
    let algorithm = credential.algorithm.map_err(|reason| hidden(&reason))?;
    let digits = credential.digits.map_err(|reason| hidden(&reason))?;
    let uri = args.names.uri(world, &person.name, secret, (method, algorithm, digits));

    // Before anybody sees it.
    changed(world, ("user", &person.name), "show", name, "output");
    let mut talk = Talk::new(io::empty(), output);
    if !args.uri {
        let mode = args.qr_mode.or(if world.columns.is_none() && args.qr {
            Some(QrMode(Some(Mode::Utf8)))
        } else {
            None
        });
        offer(&mut talk, world, &uri, secret, mode)?;
        if let otpauth::Method::Hotp { counter } = method {
            talk.say(&format!("The counter of the next code is: {counter}\n"))?;
        }
    }
    say_line(&mut talk, &uri)
}

fn say_line<R: BufRead, W: Write>(talk: &mut Talk<R, W>, text: &str) -> Result<(), Failure> {
    talk.say(text)?;
    Ok(talk.say("\n")?)
}

/// The credential of this name, or the only one.
fn pick<'a>(
    account: &'a Account,
    record: &Record,
    name: Option<&str>,
) -> Result<&'a Credential, Failure> {
    match (name, &account.credentials[..]) {
        (None, [only]) => Ok(only),
        (None, _) => Err(Failure::several(record)),
        (Some(name), all) => all
            .iter()
            .find(|credential| credential.name.as_deref() == Some(name))
            .ok_or_else(|| Failure::no_credential(record, name)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use mfa_core::record::{Id, Kept};
    use mfa_core::seal::{HostKey, seal};
    use mfa_core::secret::Secret;
    use mfa_core::state::Used;
    use mfa_core::store::Lost;
    use zeroize::Zeroizing;

    use crate::lab::{Lab, hotp, ssh_key, totp, usb_key};

    #[test]
    fn secret_and_uri_of_the_only_one_or_one_by_name() {
        let lab = Lab::new();
        let secret = Secret::new(vec![1; 20]).to_base32();
        lab.enrol("daemon", vec![totp(1, "phone")]);
        let uri = format!("otpauth://totp/daemon@host?secret={}&issuer=host\n", *secret);
        let said = lab.run("show daemon phone", "").unwrap();
        assert_eq!(said, format!("The secret key is: {}\n{uri}", *secret));
        assert_eq!(lab.run("show daemon phone --uri", "").unwrap(), uri);
        let said = lab.run("show daemon --qr", "").unwrap();
        assert!(said.contains('\u{2580}') && said.ends_with(&uri), "{said}");
        let said = lab.run("show daemon --qr-mode none", "").unwrap();
        assert!(!said.contains('\u{2580}') && said.ends_with(&uri), "{said}");
        let line = "changed user=daemon what=show before=phone after=output uid=0 login_uid=1000";
        assert_eq!(*lab.log.borrow(), [line; 4]);

        lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        let sentence = lab.refused("show daemon --uri");
        assert!(sentence.contains("name one of \"phone\", \"token\""), "{sentence}");
        assert!(lab.refused("show daemon x").contains("no credential \"x\"; there is \"phone\""));
    }

    #[test]
    fn without_a_secret() {
        let lab = Lab::new();
        let said = lab.run("show daemon", "").unwrap();
        assert!(said.contains("stored        nowhere: not enrolled\n"), "{said}");
        lab.enrol("daemon", vec![totp(1, "phone"), hotp(2, "token")]);
        lab.run("codes daemon --new", "").unwrap();
        let said = lab.run("show daemon", "").unwrap();
        assert_eq!(
            said,
            "user          daemon\n\
             stored        in a system record\n\
             factors       phone (totp), token (hotp)\n\
             codes left    10\n\
             last used     -\n\
             locked until  -\n"
        );
        let said = lab.run("show daemon --json", "").unwrap();
        assert!(said.starts_with("{\"user\":\"daemon\",\"stored\":\"system\","), "{said}");
    }

    #[test]
    fn keys_have_no_secret() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        lab.add_keys("daemon", vec![usb_key(2, "blue"), ssh_key(3, "laptop")]);
        let said = lab.run("show daemon", "").unwrap();
        let factors = "factors       phone (totp), blue (key), laptop (ssh-key)\n";
        assert!(said.contains(factors), "{said}");
        assert!(lab.run("show daemon --uri", "").is_ok(), "there is one secret");
        assert!(lab.refused("show daemon blue").contains("is a security key, and has no secret"));
        assert!(lab.refused("show daemon x").contains("there is \"phone\", \"blue\", \"laptop\""));
        let (kept, mut state) = record.read().unwrap();
        state.keys.retain(|id| id == kept.keys[0].id);
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let said = lab.run("users", "").unwrap();
        assert!(said.contains("phone (totp), blue (key), laptop (ssh-key): no_state"), "{said}");
        let said = lab.run("users --json", "").unwrap();
        assert!(said.contains("{\"type\":\"key\",\"name\":\"blue\",\"unusable\":null}"), "{said}");
        lab.run("credential remove daemon phone", "").unwrap();
        assert!(lab.refused("show daemon --qr").contains("keys have no secret"));
    }

    #[test]
    fn a_token_has_its_counter() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![hotp(2, "token")]);
        let count = |counter| {
            let (kept, mut state) = record.read().unwrap();
            state.credentials.insert(Id::new([0, 0, 0, 2]), Used::hotp(counter));
            record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        };
        count(Some(17));
        let said = lab.run("show daemon token", "").unwrap();
        assert!(said.contains("The counter of the next code is: 17\n"), "{said}");
        assert!(said.ends_with("&algorithm=SHA256&digits=8&counter=17\n"), "{said}");
        count(None);
        assert!(lab.refused("show daemon token").contains("two consecutive codes"));
    }

    #[test]
    fn a_sealed_secret_needs_the_key() {
        let lab = Lab::new();
        let record = lab.enrol("daemon", vec![totp(1, "phone")]);
        let (mut kept, state) = record.read().unwrap();
        let key = HostKey::new(Zeroizing::new([9; 32]));
        let context = kept.seal_context(&kept.credentials[0]);
        let random = |bytes: &mut [u8]| {
            bytes.fill(3);
            Ok::<_, ()>(())
        };
        let sealed = seal(&Secret::new(vec![1; 20]), &key, context.as_bytes(), &random).unwrap();
        kept.credentials[0].secret = Kept::Sealed(sealed);
        record.edit(Lost::Refuse).unwrap().save(kept, state).unwrap();
        let said = lab.run("show daemon", "").unwrap();
        assert!(said.contains("factors       phone (totp): sealed\n"), "{said}");
        let sentence = lab.refused("show daemon phone");
        assert!(sentence.contains("this host has no key for it"), "{sentence}");

        let path = &lab.base().keys[1];
        let place = |byte| {
            fs::write(path, [byte; 32]).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        };
        place(8);
        assert!(lab.refused("show daemon phone").contains("does not open the sealed secret"));
        place(9);
        let said = lab.run("show daemon phone", "").unwrap();
        assert!(said.contains(&*Secret::new(vec![1; 20]).to_base32()), "{said}");
    }
}

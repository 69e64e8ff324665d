//! One key of a line: `HANDLE,PUBLIC,TYPE,ATTRIBUTES`, or `HANDLE,PUBLIC` in the format of pam_u2f before
//! 1.1.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};

use super::{Options, fields};
use crate::account::{Counter, Key, Port};
use crate::helper::MAX_HANDLE;
use crate::key::Public;

/// Stands for the handle of a key that the token keeps itself.
const RESIDENT: &[u8] = b"*";

/// What stands behind the type.
#[derive(Default)]
struct Attributes {
    presence: bool,
    verification: bool,
    pin: bool,
}

/// # Errors
/// What is wrong with it.
pub(super) fn read(text: &[u8], options: &Options) -> Result<Key, &'static str> {
    let mut fields = fields(text, b',');
    let handle = fields.next().ok_or("no key handle")?;
    let public = fields.next().ok_or("no public key")?;
    let Some(kind) = fields.next() else { return read_old(handle, public, options) };
    let handle = match handle {
        RESIDENT => Vec::new(),
        handle => bounded(BASE64.decode(handle).ok())?,
    };
    let public = BASE64.decode(public).map_err(|_| "its public key is not base64")?;
    let public = match kind.to_ascii_lowercase().as_slice() {
        b"es256" => Public::es256(&public),
        b"eddsa" => Public::eddsa(&public),
        b"rs256" => return Err("keys of the type rs256 are not supported"),
        _ => return Err("its type is neither es256 nor eddsa"),
    };
    let public = public.ok_or("its public key is none of its type")?;
    let attributes = attributes(fields.next().unwrap_or_default())?;
    Ok(key(handle, public, &attributes, &options.origin, options))
}

fn read_old(handle: &[u8], public: &[u8], options: &Options) -> Result<Key, &'static str> {
    let mut standard = handle.to_vec();
    for byte in &mut standard {
        *byte = match *byte {
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
    }
    let length = standard.iter().rposition(|&byte| byte != b'=').map_or(0, |last| last + 1);
    standard.resize(length.next_multiple_of(4), b'=');
    let handle = bounded(BASE64.decode(&standard).ok())?;
    let public = HEXLOWER_PERMISSIVE.decode(public).ok().filter(|point| point.len() == 65);
    let public = public.and_then(|point| Public::es256(&point));
    let public = public.ok_or("its public key is no point in hexadecimal digits")?;
    let touched = Attributes { presence: true, ..Attributes::default() };
    Ok(key(handle, public, &touched, &options.appid, options))
}

fn bounded(handle: Option<Vec<u8>>) -> Result<Vec<u8>, &'static str> {
    let handle = handle.ok_or("its key handle is not base64")?;
    if (1..=MAX_HANDLE).contains(&handle.len()) { Ok(handle) } else { Err(HANDLE_LENGTH) }
}

const HANDLE_LENGTH: &str = "its key handle is not 1 to 1023 bytes long";

/// A word that is not known is none that may be passed over: it may be the half of one that is.
fn attributes(text: &[u8]) -> Result<Attributes, &'static str> {
    let mut attributes = Attributes::default();
    for word in fields(text, b'+') {
        match word {
            b"presence" => attributes.presence = true,
            b"verification" => attributes.verification = true,
            b"pin" => attributes.pin = true,
            _ => return Err("its attributes are not of +presence, +verification and +pin"),
        }
    }
    Ok(attributes)
}

fn key(
    handle: Vec<u8>,
    public: Public,
    attributes: &Attributes,
    application: &str,
    options: &Options,
) -> Key {
    let pin = attributes.pin || options.pin;
    Key {
        name: None,
        port: Port::Usb { handle, pin },
        public,
        application: application.to_owned(),
        touch: attributes.presence || options.touch,
        // A token that was given the PIN says so.
        verification: pin || attributes.verification || options.verification,
        counter: Counter::Unchecked,
    }
}

/// The key as pamu2fcfg writes it; `None` for one that is no USB key.
pub(super) fn write(key: &Key) -> Option<String> {
    let Port::Usb { handle, pin } = &key.port else { return None };
    let handle = match handle.as_slice() {
        [] => "*".to_owned(),
        handle => BASE64.encode(handle),
    };
    let public = BASE64.encode(key.public.as_bytes());
    let mut text = format!("{handle},{public},{},", key.public.kind());
    let demands =
        [(key.touch, "+presence"), (key.verification && !pin, "+verification"), (*pin, "+pin")];
    for (_, attribute) in demands.iter().filter(|(is_demanded, _)| *is_demanded) {
        text.push_str(attribute);
    }
    Some(text)
}

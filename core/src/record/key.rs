//! A security key as a record keeps it.

use std::fmt::Write;

use data_encoding::BASE64;

use super::read::{id, name};
use super::write::time;
use super::{Id, Mistake, Name};
use crate::account::Port;
use crate::document::{Quoted, Table};
use crate::helper::MAX_HANDLE;
use crate::key::Public;
use crate::ssh::SkKey;

/// The longest relying party or application, in bytes.
const MAX_APPLICATION: usize = 255;
/// More than the text of a key takes, in bytes.
pub const MAX_KEY_TEXT: usize = 4096;

/// A security key, and what is demanded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What the state knows it by.
    pub id: Id,
    /// What people call it.
    pub name: Name,
    /// How it is reached.
    pub port: Port,
    /// What its signatures are verified with.
    pub public: Public,
    /// FIDO's relying party, or the application of an ssh key; 1 to 255 bytes.
    pub application: String,
    /// It counts only if it was touched.
    pub touch: bool,
    /// It counts only if it knows its user, by PIN or finger.
    pub verification: bool,
    /// Its counter is compared with the last one: it moves on unless somebody has a copy.
    pub counts: bool,
    /// When it was enrolled, in seconds since 1970, if that is known.
    pub created: Option<u64>,
}

impl Key {
    /// Whether it is reached by ssh.
    #[must_use]
    pub fn is_ssh(&self) -> bool {
        self.port == Port::Ssh
    }

    pub(super) fn write(&self, f: &mut String) -> std::fmt::Result {
        writeln!(f, "\n[[key]]\nid = \"{}\"\nname = {}", self.id, Quoted(self.name.as_str()))?;
        match &self.port {
            Port::Ssh => {
                let (public, application) = (self.public.clone(), self.application.clone());
                writeln!(f, "ssh = {}", Quoted(&SkKey { public, application }.to_line()))?;
            }
            Port::Usb { handle, pin } => {
                writeln!(f, "relying_party = {}", Quoted(&self.application))?;
                writeln!(f, "type = \"{}\"", self.public.kind())?;
                writeln!(f, "public = \"{}\"", BASE64.encode(self.public.as_bytes()))?;
                if !handle.is_empty() {
                    writeln!(f, "handle = \"{}\"", BASE64.encode(handle))?;
                }
                flag(f, "pin", *pin, false)?;
            }
        }
        flag(f, "touch", self.touch, true)?;
        flag(f, "verification", self.verification, false)?;
        flag(f, "counter", self.counts, true)?;
        time(f, "created", self.created)
    }
}

fn flag(f: &mut String, key: &str, value: bool, usual: bool) -> std::fmt::Result {
    if value == usual { Ok(()) } else { writeln!(f, "{key} = {value}") }
}

#[inline(never)]
pub(super) fn read(table: &mut Table) -> Result<Key, Mistake> {
    let (id, name) = (id(table)?, name(table)?);
    let (port, public, application) = match table.text("ssh")? {
        Some(line) => {
            let key = table.valid("ssh", SkKey::of_line(line).ok(), SSH)?;
            (Port::Ssh, key.public, key.application)
        }
        None => usb(table)?,
    };
    Ok(Key {
        id,
        name,
        port,
        public,
        application,
        touch: table.flag("touch")?.unwrap_or(true),
        verification: table.flag("verification")?.unwrap_or(false),
        counts: table.flag("counter")?.unwrap_or(true),
        created: table.natural("created")?,
    })
}

fn usb(table: &mut Table) -> Result<(Port, Public, String), Mistake> {
    let fits = |text: &&str| (1..=MAX_APPLICATION).contains(&text.len()) && !text.contains('\0');
    let application = table.text("relying_party")?.filter(fits);
    let application = table.valid("relying_party", application, "not 1 to 255 bytes")?;
    let kind = table.text("type")?.filter(|kind| matches!(*kind, "es256" | "eddsa"));
    let kind = table.valid("type", kind, "neither \"es256\" nor \"eddsa\"")?;
    let public = base64(table, "public")?.and_then(|bytes| Public::of(kind, &bytes));
    let public = table.valid("public", public, "not a public key of that type")?;
    let handle = match base64(table, "handle")? {
        Some(handle) => {
            let handle = Some(handle).filter(|it| (1..=MAX_HANDLE).contains(&it.len()));
            table.valid("handle", handle, "not 1 to 1023 bytes")?
        }
        None => Vec::new(),
    };
    let pin = table.flag("pin")?.unwrap_or(false);
    Ok((Port::Usb { handle, pin }, public, application.to_owned()))
}

fn base64(table: &mut Table, key: &'static str) -> Result<Option<Vec<u8>>, Mistake> {
    let Some(text) = table.text(key)? else { return Ok(None) };
    table.valid(key, BASE64.decode(text.as_bytes()).ok(), "not base64").map(Some)
}

const SSH: &str = "not an sk key of OpenSSH, such as \"sk-ssh-ed25519@openssh.com AAAA...\"";

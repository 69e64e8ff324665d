//! Shared secrets out of records, sealed or not.

use mfa_core::reason::Reason;
use mfa_core::record::{Credential, Kept, Record};
use mfa_core::seal;
use mfa_core::secret::Secret;
use mfa_core::store::{Base, Trouble};

/// The secret of one of the record's credentials.
///
/// # Errors
/// It is sealed, and there is no key, or not the one that opens it.
pub fn open(record: &Record, credential: &Credential, base: &Base) -> Result<Secret, Trouble> {
    let sealed = match &credential.secret {
        Kept::Plain(secret) => return Ok(secret.clone()),
        Kept::Sealed(sealed) => sealed,
    };
    let detail = format!("{:?} of {}", credential.name.as_str(), record.user);
    let trouble = |reason| Trouble { reason, detail: detail.clone(), errno: None };
    let key = base.host_key()?.ok_or_else(|| trouble(Reason::Sealed))?;
    seal::open(sealed, &key, record.seal_context(credential).as_bytes()).map_err(trouble)
}

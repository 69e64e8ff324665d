//! Who logs in: from the typed name to the account that speaks for that person.

use std::ffi::OsStr;
use std::path::Path;

use mfa_core::policy::Keep;
use mfa_core::reason::Reason;
use mfa_core::store::{GauthFile, Presence, Rights, Rules, Store, Trouble, Trust};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User};

use crate::Paths;
use crate::args::Args;
use crate::path::expand;

/// The identity of files that do not exist: what unknown users are given, so that this process is
/// asked for the same rights as for others.
const NOBODY: Rights = Rights { uid: Uid::from_raw(65534), gid: Gid::from_raw(65534) };

/// Where the file is unless the line says otherwise.
const USUAL_FILE: &str = "~/.google_authenticator";

/// A person, as far as the user database knows.
pub(crate) struct Person {
    /// The name that the user database has; the typed one if it has none.
    pub(crate) name: String,
    /// The entry there, or why there is none, and more about it.
    pub(crate) entry: Result<User, (Reason, String)>,
}

/// Why a login cannot succeed whatever is answered.
pub(crate) struct Unusable {
    /// The cause.
    pub(crate) trouble: Trouble,
    /// Ask for a code all the same, as known users are asked.
    pub(crate) ask: bool,
}

impl Person {
    /// Looks up who `typed` is.
    pub(crate) fn find(typed: Option<String>) -> Self {
        let typed = typed.unwrap_or_default();
        let entry = match typed.as_str() {
            "" => Err((Reason::NoUser, String::new())),
            name => look_up(name),
        };
        Self { name: entry.as_ref().map_or(typed, |user| user.name.clone()), entry }
    }

    /// Whether this is somebody whom an administrator can mean: the user database knows them, or is
    /// positively not who has to, as the line says by `user=`.
    ///
    /// # Errors
    /// Why not, and more about it.
    pub(crate) fn is_somebody(&self, args: &Args) -> Result<(), &(Reason, String)> {
        match &self.entry {
            Err((Reason::UnknownUser, _)) if args.user.is_some() => Ok(()),
            entry => entry.as_ref().map(|_| ()),
        }
    }

    /// Where the account is: the system record comes first, then the file in the home; `secret=` or
    /// `keep` pins one.
    ///
    /// # Errors
    /// Why there can be none.
    pub(crate) fn account(
        &self,
        args: &Args,
        keep: Keep,
        paths: Paths,
    ) -> Result<Box<dyn Store>, Unusable> {
        let mut overtaken_by = None;
        if let (Keep::Auto | Keep::System, None, Ok(user)) = (keep, &args.secret, &self.entry) {
            let unusable = |trouble| Unusable { trouble, ask: true };
            let record = paths.record(&user.name, user.uid).map_err(unusable)?;
            match record.look().map_err(unusable)? {
                Presence::NoRecords | Presence::Absent if keep == Keep::Auto => {
                    overtaken_by = Some(record);
                }
                _ => return Ok(Box::new(record)),
            }
        }
        let file = file(&self.name, self.entry.as_ref(), args, paths.run)?;
        Ok(Box::new(GauthFile { overtaken_by, ..file }))
    }
}

fn file(
    name: &str,
    entry: Result<&User, &(Reason, String)>,
    args: &Args,
    run_dir: &Path,
) -> Result<GauthFile, Unusable> {
    let fixed = match &args.user {
        None => None,
        Some(user) => Some(identity(user).map_err(|why| Unusable {
            trouble: trouble(Reason::BadOption, &format!("user={user}: {why}")),
            ask: false,
        })?),
    };
    let rights = fixed.or_else(|| entry.ok().map(Rights::from)).unwrap_or(NOBODY);
    // A process that may not act for others must not tell which others there are: it would be denied
    // their files without a question.
    let pretend = |reason, detail: &str| match rights.run(|| ()) {
        Ok(()) => Unusable { trouble: trouble(reason, detail), ask: true },
        Err(trouble) => Unusable { trouble, ask: false },
    };

    let home = match (&fixed, &entry) {
        // With `user=` a user may be unknown, but only one who positively is.
        (Some(_), Ok(_) | Err((Reason::UnknownUser, _))) => None,
        (None, Ok(user)) if user.dir.is_absolute() => Some(user.dir.as_path()),
        (None, Ok(_)) => return Err(pretend(Reason::NoDirectory, "the user has no home")),
        (_, Err((reason, why))) => return Err(pretend(*reason, why)),
    };
    let template = args.secret.as_deref().unwrap_or(OsStr::new(USUAL_FILE));
    let path = expand(template, name, home)
        .map_err(|reason| pretend(reason, &format!("secret={}", Path::new(template).display())))?;
    let is_login_user = entry.is_ok_and(|user| user.uid == rights.uid);
    Ok(GauthFile {
        path,
        rights,
        rules: Rules {
            strict_owner: args.strict_owner,
            allowed_mode: args.allowed_mode,
            path: if fixed.is_some() && !is_login_user { Trust::OwnPath } else { Trust::Anybody },
        },
        run_dir: run_dir.to_owned(),
        overtaken_by: None,
    })
}

fn trouble(reason: Reason, detail: &str) -> Trouble {
    Trouble { reason, detail: detail.to_owned(), errno: None }
}

/// The identity behind `user=`: a number is a user id, and must exist like a name.
fn identity(user: &str) -> Result<Rights, String> {
    let is_number = !user.is_empty() && user.bytes().all(|byte| byte.is_ascii_digit());
    let entry = if is_number {
        let uid = user.parse().map_err(|_| "no user id".to_owned())?;
        known(User::from_uid(Uid::from_raw(uid)))
    } else {
        look_up(user)
    };
    entry.as_ref().map(Rights::from).map_err(|(_, why)| why.clone())
}

/// The user that the database has by this name.
///
/// # Errors
/// [`Reason::UnknownUser`] or [`Reason::UserDatabase`], and more about it.
pub(crate) fn look_up(name: &str) -> Result<User, (Reason, String)> {
    known(User::from_name(name))
}

/// Only an answer of the user database makes a user unknown (getpwnam(3) has the errors that mean
/// so).
fn known(entry: nix::Result<Option<User>>) -> Result<User, (Reason, String)> {
    match entry {
        Ok(Some(user)) => Ok(user),
        Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => {
            Err((Reason::UnknownUser, "no such user".to_owned()))
        }
        Err(errno) => Err((Reason::UserDatabase, errno.desc().to_owned())),
    }
}

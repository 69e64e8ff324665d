//! Who logs in: from the typed name to the account that speaks for that person.

use std::ffi::OsStr;
use std::path::Path;

use mfa_core::policy::Keep;
use mfa_core::reason::Reason;
use mfa_core::store::{
    AuthorizedKeys, GauthFile, Keeper, KeyFile, Mapped, Mapping, Presence, Rights, Rules, Store,
    Trouble, Trust,
};
use nix::errno::Errno;
use nix::unistd::{Gid, Uid, User, gethostname};

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

    /// Where the account is at `now`, in seconds since 1970: its codes, and beside them the keys of a mapping
    /// if the line says `u2f`, and those of `authorized_keys=`.
    ///
    /// # Errors
    /// Why there can be none.
    pub(crate) fn account(
        &self,
        args: &Args,
        keep: Keep,
        paths: Paths,
        now: u64,
    ) -> Result<Box<dyn Store>, Unusable> {
        let codes = self.codes(args, keep, paths)?;
        let mapping = if args.keys.u2f { self.mapping(args, keep, paths)? } else { None };
        let authorized = self.authorized_keys(args, paths, now)?;
        let mapping = mapping.map(KeyFile::Mapping);
        let keys: Vec<_> =
            mapping.into_iter().chain(authorized.map(KeyFile::AuthorizedKeys)).collect();
        Ok(if keys.is_empty() { codes } else { Box::new(Mapped { codes, keys }) })
    }

    /// Where the codes are: the system record comes first, then the file in the home; `secret=` or `keep`
    /// pins one.
    fn codes(&self, args: &Args, keep: Keep, paths: Paths) -> Result<Box<dyn Store>, Unusable> {
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

    /// The mapping that pam_u2f would read: the administrator's, or the one in the home, where what is in
    /// the home counts at all.
    fn mapping(&self, args: &Args, keep: Keep, paths: Paths) -> Result<Option<Mapping>, Unusable> {
        let theirs = &args.keys.pam_u2f;
        let unusable = |trouble| Unusable { trouble, ask: true };
        let path = theirs
            .path(&self.name)
            .map_err(|reason| unusable(Trouble::new(reason, "authfile=")))?;
        let (path, keeper) = if path.is_absolute() {
            (path, Keeper::Owner(paths.owner))
        } else {
            match (&self.entry, &args.user) {
                _ if !self.home_counts(keep, paths).map_err(unusable)? => return Ok(None),
                (Ok(user), None) => (user.dir.join(path), Keeper::User(Rights::from(user))),
                _ => {
                    let detail = "beside user=, authfile= has to be an absolute path";
                    let trouble = Trouble::new(Reason::BadOption, detail);
                    return Err(Unusable { trouble, ask: false });
                }
            }
        };
        let host = gethostname().unwrap_or_default();
        let options = theirs.options(&host.to_string_lossy());
        Ok(Some(Mapping { path, keeper, user: self.name.clone(), options }))
    }

    /// The keys that the administrator keeps for ssh.
    fn authorized_keys(
        &self,
        args: &Args,
        paths: Paths,
        now: u64,
    ) -> Result<Option<AuthorizedKeys>, Unusable> {
        let Some(template) = &args.keys.authorized else { return Ok(None) };
        let path = expand(template, &self.name, None).map_err(|reason| Unusable {
            trouble: Trouble::new(reason, "authorized_keys="),
            ask: true,
        })?;
        Ok(Some(AuthorizedKeys { path, owner: paths.owner, now }))
    }

    /// Whether no system record takes the place of what is in the home, and the user was not reset.
    fn home_counts(&self, keep: Keep, paths: Paths) -> Result<bool, Trouble> {
        match (keep, &self.entry) {
            (Keep::System, _) => Ok(false),
            (Keep::Auto, Ok(user)) => {
                let presence = paths.record(&user.name, user.uid)?.look()?;
                Ok(matches!(presence, Presence::NoRecords | Presence::Absent))
            }
            (Keep::Auto | Keep::Home, _) => Ok(true),
        }
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
            trouble: Trouble::new(Reason::BadOption, format!("user={user}: {why}")),
            ask: false,
        })?),
    };
    let rights = fixed.or_else(|| entry.ok().map(Rights::from)).unwrap_or(NOBODY);
    // A process that may not act for others must not tell which others there are: it would be denied
    // their files without a question.
    let pretend = |reason, detail: &str| match rights.run(|| ()) {
        Ok(()) => Unusable { trouble: Trouble::new(reason, detail), ask: true },
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

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs;

    use mfa_core::store::{Base, Opened};
    use tempfile::TempDir;

    use super::*;

    struct Lab {
        dir: TempDir,
    }

    impl Lab {
        fn person(&self) -> Person {
            let entry = User {
                name: "alice".to_owned(),
                passwd: c"".to_owned(),
                uid: Uid::effective(),
                gid: Gid::effective(),
                gecos: c"".to_owned(),
                dir: self.dir.path().join("home"),
                shell: "/bin/sh".into(),
            };
            Person { name: entry.name.clone(), entry: Ok(entry) }
        }

        fn account(
            &self,
            person: &Person,
            line: &str,
            keep: Keep,
        ) -> Result<Box<dyn Store>, Unusable> {
            let args: Vec<_> =
                line.split_whitespace().map(|it| CString::new(it).unwrap()).collect();
            let args: Vec<_> = args.iter().map(CString::as_c_str).collect();
            let args = Args::read(&args, Uid::effective()).unwrap();
            let [run, records, etc] = ["run", "lib", "etc"].map(|name| self.dir.path().join(name));
            let owner = Uid::effective();
            let helper = Path::new("/nowhere");
            let paths = Paths { run: &run, records: &records, etc: &etc, helper, owner };
            person.account(&args, keep, paths, 0)
        }

        /// Where the keys are looked for, below the test's directory or else.
        fn keys(&self, line: &str, keep: Keep) -> Option<String> {
            let Ok(store) = self.account(&self.person(), line, keep) else { panic!("{line}") };
            let shown = store.shown();
            let (_, keys) = shown.split_once(", ")?;
            let dir = format!("{}/", self.dir.path().display());
            Some(keys.strip_prefix(&dir).unwrap_or(keys).to_owned())
        }

        /// Why there can be no account, and whether a code is asked for all the same.
        fn refused(&self, person: &Person, line: &str, keep: Keep) -> (Reason, bool) {
            match self.account(person, line, keep) {
                Ok(store) => panic!("{line}: {}", store.shown()),
                Err(Unusable { trouble, ask }) => (trouble.reason, ask),
            }
        }

        fn base(&self) -> Base {
            Base::new(&self.dir.path().join("lib"), &self.dir.path().join("run"))
        }
    }

    fn lab() -> Lab {
        Lab { dir: TempDir::new().unwrap() }
    }

    const USUAL: &str = "home/.config/Yubico/u2f_keys";

    #[test]
    fn where_keys_are_looked_for() {
        let lab = lab();
        for (line, expected) in [
            ("", None),
            ("ssh_agent", None),
            ("u2f", Some(USUAL)),
            ("u2f secret=/x/%u", Some(USUAL)),
            ("u2f authfile=keys/%u", Some("home/keys/%u")),
            ("u2f authfile=/etc/%u", Some("/etc/%u")),
            ("u2f authfile=/etc/%u expand openasuser", Some("/etc/alice")),
        ] {
            assert_eq!(lab.keys(line, Keep::Auto).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_home_that_does_not_count_has_no_keys() {
        let lab = lab();
        let [home, central] = ["u2f", "u2f authfile=/etc/u2f"].map(str::to_owned);
        let etc = Some("/etc/u2f".to_owned());
        let usual = Some(USUAL.to_owned());
        assert_eq!(lab.keys(&home, Keep::Auto), usual, "no records on this host");
        lab.base().create().unwrap();
        assert_eq!(lab.keys(&home, Keep::Auto), usual);
        assert_eq!(lab.keys(&home, Keep::System), None);
        assert_eq!(lab.keys("u2f secret=/x", Keep::System), None);
        assert_eq!(lab.keys(&central, Keep::System), etc);
        for file in ["alice.gone", "alice.toml"] {
            fs::write(lab.dir.path().join("lib/users").join(file), "x").unwrap();
            for line in [&home, "u2f secret=/x"] {
                assert_eq!(lab.keys(line, Keep::Auto), None, "{file} {line}");
                assert_eq!(lab.keys(line, Keep::Home), usual, "{file} {line}");
            }
            assert_eq!(lab.keys(&central, Keep::Auto), etc, "{file}");
        }
    }

    #[test]
    fn a_mapping_is_an_enrolment() {
        let lab = lab();
        let Ok(store) = lab.account(&lab.person(), "u2f", Keep::Auto) else { panic!("no account") };
        assert!(matches!(store.open(), Opened::NotEnrolled(_)));
        let path = lab.dir.path().join(USUAL);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "alice:cut,off").unwrap();
        let Opened::Broken(trouble) = store.open() else { panic!("who enrolled is in doubt") };
        assert_eq!(trouble.reason, Reason::BadMapping);
    }

    #[test]
    fn paths_that_cannot_be() {
        let lab = lab();
        let named = |name: &str| Person { name: name.to_owned(), ..lab.person() };
        let line = "u2f authfile=/etc/%u expand";
        let refused = lab.refused(&named(".."), line, Keep::Home);
        assert_eq!(refused, (Reason::BadUserName, true));

        let unknown = (Reason::UnknownUser, "no such user".to_owned());
        let role = Person { name: "role".to_owned(), entry: Err(unknown) };
        let line = format!("u2f secret=/x user={}", Uid::effective());
        for person in [&role, &lab.person()] {
            let refused = lab.refused(person, &line, Keep::Auto);
            assert_eq!(refused, (Reason::BadOption, false));
            let line = format!("{line} authfile=/etc/u2f");
            assert!(lab.account(person, &line, Keep::Auto).is_ok());
        }
        let reason = lab.refused(&role, "u2f", Keep::Auto).0;
        assert!(
            matches!(reason, Reason::UnknownUser | Reason::NoRights),
            "{reason}: who is not root"
        );
    }
}

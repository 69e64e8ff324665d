//! The options of pam_u2f 1.4, with the same meaning (its manual page).

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use mfa_core::options;
use mfa_core::reason::Reason;
use mfa_core::u2f::{MAX_DEVICES, Options, USUAL_FILE, usual_origin};

use super::{fitting, number, refusal, text};
use crate::path::expand_signs;

/// The longest relying party, in bytes.
const MAX_PARTY: usize = 255;

/// What the line says as pam_u2f's would, and the file in `conf=` before it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools)] // that is what the options of a line are
pub(crate) struct PamU2f {
    /// Whether there is any of them.
    pub(super) is_there: bool,
    /// `nouserok`, which is what `nullok` is.
    pub(super) nouserok: bool,
    authfile: Option<OsString>,
    /// `expand`: in `authfile=`, `%u` is the user and `%%` a percent sign.
    expand: bool,
    origin: Option<String>,
    appid: Option<String>,
    max_devices: usize,
    /// Without `userpresence=0`.
    touch: bool,
    /// `userverification=1`.
    verification: bool,
    /// `pinverification=1`.
    pin: bool,
    /// `cue`: whoever has to touch a key is told so.
    pub(crate) cue: bool,
    /// `cue_prompt=`: in these words.
    pub(crate) cue_prompt: Option<String>,
    /// `interactive`: a line is asked for before any key is.
    pub(crate) interactive: bool,
    /// `prompt=`: in these words.
    pub(crate) prompt: Option<String>,
}

impl Default for PamU2f {
    fn default() -> Self {
        Self {
            is_there: false,
            nouserok: false,
            authfile: None,
            expand: false,
            origin: None,
            appid: None,
            max_devices: MAX_DEVICES,
            touch: true,
            verification: false,
            pin: false,
            cue: false,
            cue_prompt: None,
            interactive: false,
            prompt: None,
        }
    }
}

impl PamU2f {
    /// # Errors
    /// [`Reason::UnknownOption`] or [`Reason::BadOption`].
    pub(super) fn take(&mut self, name: &str, value: Option<&[u8]>) -> Result<(), Reason> {
        let Some(option) = options::PamU2f::of_name(name) else {
            let is_refused = value.is_none() && refusal(name).is_some();
            return Err(if is_refused { Reason::BadOption } else { Reason::UnknownOption });
        };
        let value = fitting(option.form(), value)?.unwrap_or_default();
        match option {
            options::PamU2f::NoUserOk => self.nouserok = true,
            options::PamU2f::AuthFile if value.is_empty() => return Err(Reason::BadOption),
            options::PamU2f::AuthFile => self.authfile = Some(OsString::from_vec(value.to_vec())),
            options::PamU2f::Expand => self.expand = true,
            options::PamU2f::Origin => self.origin = Some(relying_party(value)?),
            options::PamU2f::AppId => self.appid = Some(relying_party(value)?),
            options::PamU2f::MaxDevices => {
                let count = number(text(value)?, 1..=u64::MAX)?;
                self.max_devices = usize::try_from(count).unwrap_or(usize::MAX);
            }
            options::PamU2f::UserPresence => self.touch = flag(value)?,
            options::PamU2f::UserVerification => self.verification = flag(value)?,
            options::PamU2f::PinVerification => self.pin = flag(value)?,
            options::PamU2f::Cue => self.cue = true,
            options::PamU2f::CuePrompt => self.cue_prompt = Some(lossy(value)),
            options::PamU2f::Interactive => self.interactive = true,
            options::PamU2f::Prompt => self.prompt = Some(lossy(value)),
            // What it names was read before.
            options::PamU2f::Conf if !value.starts_with(b"/") => return Err(Reason::BadOption),
            // A home is never read with other rights, no key is looked for in secret, nobody waits for a
            // touch without an end, and there is one log.
            options::PamU2f::Conf
            | options::PamU2f::OpenAsUser
            | options::PamU2f::NoDetect
            | options::PamU2f::AuthPendingFile
            | options::PamU2f::DebugFile => {}
        }
        self.is_there = true;
        Ok(())
    }

    /// # Errors
    /// What no option alone can show.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        self.path("alice").map(drop).map_err(|_| EXPAND)
    }

    /// Where the mapping is that has the keys of `user`: below the home, unless it is absolute.
    ///
    /// # Errors
    /// [`Reason::BadUserName`] if the path names a user who would change its directories.
    pub(crate) fn path(&self, user: &str) -> Result<PathBuf, Reason> {
        let path = self.authfile.as_deref().unwrap_or(OsStr::new(USUAL_FILE));
        if self.expand { expand_signs(path, user) } else { Ok(path.into()) }
    }

    /// What it says of the keys of a mapping on the machine of this name.
    pub(crate) fn options(&self, host: &str) -> Options {
        let origin = self.origin.clone().unwrap_or_else(|| usual_origin(host));
        Options {
            appid: self.appid.clone().unwrap_or_else(|| origin.clone()),
            origin,
            max_devices: self.max_devices,
            touch: self.touch,
            verification: self.verification,
            pin: self.pin,
        }
    }
}

/// What is wrong with anything else.
const EXPAND: &str = "with expand, % stands in authfile= for nothing but %u and %%";

fn relying_party(party: &[u8]) -> Result<String, Reason> {
    let party = text(party)?;
    if (1..=MAX_PARTY).contains(&party.len()) {
        Ok(party.to_owned())
    } else {
        Err(Reason::BadOption)
    }
}

fn flag(value: &[u8]) -> Result<bool, Reason> {
    match value {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(Reason::BadOption),
    }
}

fn lossy(words: &[u8]) -> String {
    String::from_utf8_lossy(words).into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{bad, parse, unknown};
    use super::*;

    fn theirs(line: &str) -> PamU2f {
        parse(&format!("u2f {line}")).unwrap().keys.pam_u2f
    }

    #[test]
    fn every_option() {
        let line = "authfile=/etc/%%/%u expand origin=pam://o appid=pam://a max_devices=3 \
                    userpresence=0 userverification=1 pinverification=1 cue cue_prompt=Touch! \
                    interactive prompt=Insert! nouserok openasuser nodetect authpending_file= \
                    debug_file=stderr";
        let expected = PamU2f {
            is_there: true,
            nouserok: true,
            authfile: Some("/etc/%%/%u".into()),
            expand: true,
            origin: Some("pam://o".to_owned()),
            appid: Some("pam://a".to_owned()),
            max_devices: 3,
            touch: false,
            verification: true,
            pin: true,
            cue: true,
            cue_prompt: Some("Touch!".to_owned()),
            interactive: true,
            prompt: Some("Insert!".to_owned()),
        };
        assert_eq!(theirs(line), expected);
        assert_eq!(theirs(""), PamU2f::default());
        assert!(parse(&format!("u2f {line}")).unwrap().nullok, "nouserok");
        assert!(!parse("u2f cue").unwrap().nullok);
    }

    #[test]
    fn what_they_come_to() {
        let options = theirs("").options("host");
        assert_eq!((options.origin.as_str(), options.appid.as_str()), ("pam://host", "pam://host"));
        assert_eq!((options.max_devices, options.touch), (24, true));
        assert!(!options.verification && !options.pin);
        let options = theirs("origin=x").options("host");
        assert_eq!((options.origin.as_str(), options.appid.as_str()), ("x", "x"));
        let options = theirs("appid=x userpresence=1 userverification=0").options("host");
        assert_eq!((options.origin.as_str(), options.appid.as_str()), ("pam://host", "x"));
        assert!(options.touch && !options.verification);
    }

    #[test]
    fn paths() {
        let path = |line: &str| theirs(line).path("bob").unwrap().into_os_string();
        assert_eq!(path(""), ".config/Yubico/u2f_keys");
        assert_eq!(path("authfile=x/%u"), "x/%u");
        assert_eq!(path("authfile=/x/%u.%% expand"), "/x/bob.%");
        assert_eq!(theirs("authfile=/x/%u expand").path(".."), Err(Reason::BadUserName));
        for path in ["%", "/x/%h", "%%%", "%U"] {
            let line = format!("u2f authfile={path} expand");
            assert_eq!(parse(&line), Err((Reason::BadOption, EXPAND.to_owned())), "{path}");
        }
    }

    #[test]
    fn what_pam_u2f_passes_over_is_a_mistake() {
        for option in ["cue=1", "authfile", "userpresense=0", "expand=", "conf", "sshformat=x"] {
            unknown(option);
        }
        for option in [
            "authfile=",
            "origin=",
            "appid=",
            "max_devices=",
            "max_devices=0",
            "max_devices=-1",
            "max_devices=many",
            "max_devices=99999999999999999999",
            "userpresence=",
            "userpresence=2",
            "userverification=yes",
            "pinverification=01",
        ] {
            bad(option);
        }
        let long = format!("origin={}", "x".repeat(256));
        bad(&long);
        assert!(parse(&format!("u2f {}", &long[..long.len() - 1])).is_ok());
    }

    #[test]
    fn what_is_refused_says_why() {
        for (option, why) in options::REFUSED {
            let expected = Err((Reason::BadOption, format!("{option}: {why}")));
            assert_eq!(parse(&format!("u2f {option}")), expected);
        }
    }
}

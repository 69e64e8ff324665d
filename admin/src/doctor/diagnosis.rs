//! What is found: a stable word, how bad it is, where, and what to do.

use std::path::Path;

use serde::{Serialize, Serializer};

use crate::finding::Finding;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It may be meant so.
    Warning,
    /// Somebody gets in who should not, or does not who should.
    Error,
}

macro_rules! words {
    ($($word:ident $text:literal $severity:ident,)*) => {
        /// What is found. The words are stable: monitoring goes by them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word {
            $(#[doc = $text] $word,)*
        }

        impl Word {
            /// All there are.
            #[cfg(test)]
            pub const ALL: &[Self] = &[$(Self::$word,)*];

            /// As it is shown.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)*
                }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$word => Severity::$severity,)*
                }
            }
        }
    };
}

words! {
    // The lines of PAM.
    Unreadable "unreadable" Error,
    NotLoaded "not_loaded" Error,
    NoInclude "no_include" Error,
    NoModule "no_module" Error,
    OtherModule "other_module" Warning,
    Twice "listed_twice" Error,
    BesideGoogle "beside_google" Error,
    UnknownOption "unknown_option" Error,
    BadOption "bad_option" Error,
    Nullok "nullok" Warning,
    NeedsRoot "needs_root" Error,
    NotReached "not_reached" Error,
    NotBinding "not_binding" Error,
    LetsIn "lets_in" Error,
    EnrolsStrangers "enrols_strangers" Warning,
    NoAccountLine "no_account_line" Error,
    NoSessionLine "no_session_line" Error,
    AfterUserEnvironment "after_user_environment" Warning,
    Misplaced "option_misplaced" Error,
    UserEnvironment "user_environment_trusted" Error,
    // Security keys.
    NotLocal "not_local" Warning,
    LocalFromAfar "local_from_afar" Warning,
    NoHelper "no_helper" Error,
    NoKeyFile "no_key_file" Error,
    AgentNotKept "agent_not_kept" Warning,
    KeyUnseen "ssh_key_unseen" Warning,
    TouchNotDemanded "touch_not_demanded" Error,
    TouchUnknown "touch_unknown" Warning,
    // Who calls PAM.
    WithoutPam "use_pam_off" Error,
    NobodyAsked "keyboard_interactive_off" Error,
    MethodsWithoutPam "methods_without_pam" Error,
    KeyAlone "key_alone" Warning,
    NoPasswd "nopasswd" Warning,
    NoPasswdRecheck "nopasswd_recheck" Warning,
    AccountOff "sudo_account_off" Error,
    // The machine.
    ClockUnkept "clock_unsynchronised" Warning,
    ClockOff "clock_off" Error,
    WrongOwner "wrong_owner" Error,
    WrongMode "wrong_mode" Error,
    NoDirectory "no_directory" Error,
    SecretReadable "secret_readable" Error,
    CopyOnWrite "copy_on_write" Warning,
    // Who is enrolled.
    NoAccount "record_without_account" Warning,
    UidChanged "uid_changed" Error,
    NoState "record_without_state" Error,
    BadRecord "bad_record" Error,
    HomeLeft "home_file_left" Warning,
    HomeIgnored "home_file_ignored" Warning,
    // What is laid down.
    BadPolicy "bad_policy" Error,
    BadBypass "bad_bypass" Error,
    Expired "bypass_expired" Warning,
    Loopback "bypass_loopback" Warning,
    RuleNotReached "rule_not_reached" Warning,
    NoGroup "no_such_group" Error,
    NoUser "no_such_user" Warning,
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// What.
    pub word: Word,
    /// How bad it is.
    pub severity: Severity,
    /// Whose logins it is about; `None` for those of the whole machine.
    pub service: Option<String>,
    /// Where, why, and what to do.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Diagnosis {
    /// One of a line of a file, or of a whole file.
    pub fn new(
        word: Word,
        (file, line): (&Path, Option<usize>),
        cause: impl Into<String>,
        mend: impl Into<String>,
    ) -> Self {
        Self::of_finding(word, Finding { line, ..Finding::new(file, cause, mend) })
    }

    /// What other commands find as well.
    pub fn of_finding(word: Word, finding: Finding) -> Self {
        Self { word, severity: word.severity(), service: None, finding }
    }

    /// The same of one service.
    pub fn of(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }
}

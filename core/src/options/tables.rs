//! The tables. Whoever reads a line goes through every variant, so none can lack on either side.

use super::Entry;
use super::Form::{self, Either, Value, Word};

/// Makes an enum and what is known of its variants from one table.
macro_rules! options {
    ($(#[$of_group:meta])* $group:ident
     $($variant:ident = $name:literal $(| $other:literal)?, $form:expr, $meaning:literal)*) => {
        $(#[$of_group])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $group {
            $(#[doc = $meaning] $variant,)*
        }

        impl $group {
            /// In the order of the table.
            pub const ENTRIES: &'static [Entry] =
                &[$(Entry { name: $name, form: $form, meaning: $meaning },)*];

            /// The option of this name.
            #[must_use]
            pub fn of_name(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $other)? => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// What stands behind its name.
            #[must_use]
            pub fn form(self) -> Form {
                match self { $(Self::$variant => $form,)* }
            }
        }
    };
}

options! {
    /// google-authenticator's, with the same meaning.
    Google

    Secret = "secret", Value("PATH"),
    "The file with the secret; `~/.google_authenticator` unless given. `~`, `${HOME}` and `%h` stand for the \
     home, `${USER}` and `%u` for the user. With it no record of root's is looked at."

    User = "user", Value("NAME"),
    "One identity, a name or a number, for all work with files. Only it and root may be able to write to the \
     directories on the path."

    Nullok = "nullok", Word,
    "Who has not enrolled is not asked, and the line returns PAM_IGNORE. With a policy it has no effect."

    TryFirstPass = "try_first_pass", Word,
    "Look for the code at the end of the password that was asked for before; ask if it is not there."

    UseFirstPass = "use_first_pass", Word,
    "The same, but never ask."

    ForwardPass = "forward_pass", Word,
    "Ask for password and code in one answer. The password goes on to the next module, which takes it by its \
     own `use_first_pass`."

    Prompt = "authtok_prompt", Value("TEXT"),
    "The prompt, in place of `Verification code:`. One with blanks needs brackets: `[authtok_prompt=Your code: ]`."

    Echo = "echo_verification_code" | "echo-verification-code", Word,
    "Show what is typed. `echo-verification-code` is the same."

    GracePeriod = "grace_period", Value("SECONDS"),
    "Ask for no code for so long after a login from the same host. With a policy, or a record that root keeps, \
     it has no effect."

    NoSkewAdj = "noskewadj", Word,
    "Do not learn from codes that a clock differs."

    NoIncrementHotp = "no_increment_hotp", Word,
    "A wrong code does not move a counter on."

    AllowedPerm = "allowed_perm", Value("0NNN"),
    "The rights, in octal, that the file may have at most; `0600` unless given."

    NoStrictOwner = "no_strict_owner", Word,
    "The file may belong to somebody else."

    AllowReadonly = "allow_readonly", Word,
    "Let people in although it cannot be written down that their code was used. The log says `reuse=possible`."

    Debug = "debug", Word,
    "One more line in the log: user, service and file."
}

options! {
    /// What google-authenticator does not have.
    Ours

    Retry = "retry", Value("N"),
    "Ask up to N times, 1 to 5; once unless given. Each answer is an attempt of its own."

    Store = "store", Value("auto|system|home"),
    "Where records are looked for: the system's, then the home's; the system's alone; the home's alone. What the \
     policy says, or else `auto`, unless given."

    Enroll = "enroll", Either("ticket"),
    "Who has not enrolled does so while logging in; with `ticket` only who has a one-time ticket from the \
     administrator. It needs `account=yes`, comes before `nullok`, and does not go with `secret=`, `store=home`, \
     `forward_pass` or `use_first_pass`."

    Account = "account", Value("yes"),
    "You confirm that there is a line `account required pam_mfa.so` as well: it writes what `enroll` brought."

    Skip = "skip", Value("success|ignore"),
    "What whoever need not give a code comes to: let in, which is so unless given, or left to the other modules \
     of the stack, one of which must say yes."

    PolicyError = "policy_error", Value("deny|require"),
    "With a mistake in `/etc/pam_mfa`: nobody gets in, which is so unless given, or everybody is asked for a code."
}

options! {
    /// Of security keys.
    Keys

    U2f = "u2f", Word,
    "Ask keys in a port of this machine, where the service is local."

    Local = "local", Word,
    "Whoever uses this service without a remote host sits at this machine. The policy's `local` says the same \
     for all lines."

    SshAgent = "ssh_agent", Word,
    "Ask keys in the agent that came with the person, which SSH_AUTH_SOCK names."

    AuthorizedKeys = "authorized_keys", Value("PATH"),
    "A file of root's in OpenSSH's format, whose security keys count as enrolled. `%u` stands for the user."

    TrustAuthInfo = "trust_auth_info", Word,
    "On sshd's session line: a key that sshd has verified counts there, too. Safe only if nobody else can write \
     the environment: no `user_readenv=1` of pam_env(8) in that service."

    KeyTimeout = "key_timeout", Value("SECONDS"),
    "How long a key is waited for, 1 to 300; 30 unless given."
}

options! {
    /// pam_u2f's, which count only beside `u2f`.
    PamU2f

    AuthFile = "authfile", Value("PATH"),
    "The file with the keys; `.config/Yubico/u2f_keys` unless given. An absolute path is root's, any other is \
     below the home."

    Expand = "expand", Word,
    "In `authfile=`, `%u` stands for the user and `%%` for a percent sign."

    Origin = "origin", Value("NAME"),
    "The relying party; `pam://HOSTNAME` unless given."

    AppId = "appid", Value("NAME"),
    "The application; what `origin=` says unless given."

    MaxDevices = "max_devices", Value("N"),
    "How many keys of a user are looked at; 24 unless given, and no more than 24 are asked."

    UserPresence = "userpresence", Value("0|1"),
    "1, which is so unless given: a key must be touched. 0 leaves it to the file."

    UserVerification = "userverification", Value("0|1"),
    "1: a key must know its user, by finger or PIN. 0 leaves it to the file."

    PinVerification = "pinverification", Value("0|1"),
    "1: the PIN of a key is asked for. 0 leaves it to the file."

    Cue = "cue", Word,
    "People are told to touch their key, as they always are."

    CuePrompt = "cue_prompt", Value("TEXT"),
    "What people are told who have to touch their key."

    Interactive = "interactive", Word,
    "Ask people to insert their key, and wait for Enter, before any key is asked."

    Prompt = "prompt", Value("TEXT"),
    "What `interactive` says."

    NoUserOk = "nouserok", Word,
    "As `nullok`."

    Conf = "conf", Value("PATH"),
    "A file of root's with defaults for these options, as in pam_u2f(8); none is read unless given."

    OpenAsUser = "openasuser", Word,
    "Taken, without effect: a home is always read with its user's rights."

    NoDetect = "nodetect", Word,
    "Taken, without effect."

    AuthPendingFile = "authpending_file", Value("PATH"),
    "Taken, without effect."

    DebugFile = "debug_file", Value("PATH"),
    "Taken, without effect: there is one log."
}

/// What pam_u2f has and we have not, and why.
pub const REFUSED: &[(&str, &str)] = &[
    ("alwaysok", "it lets everybody in"),
    ("manual", "keys at another machine are asked with ssh_agent"),
    ("sshformat", "a key of OpenSSH is enrolled with mfa-enroll key add --ssh"),
];

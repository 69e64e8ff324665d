//! What a user has enrolled and what of it has been used, whatever file it came from.
//!
//! A part that cannot be read holds its [`Reason`] and denies only what needs it: a file with a bad
//! window still lets its owner in with a scratch code.

use crate::codes::{Hash, Salt};
use crate::key::Public;
use crate::limit::Sources;
use crate::notice::Notice;
use crate::otp::{Algorithm, Digits};
use crate::reason::Reason;
use crate::secret::{ScratchCodes, Secret};

/// How many used time steps are remembered at least, the latest: clocks jump back, and then their
/// codes would be good again.
pub const REMEMBERED: usize = 32;

/// One user's second factors and their state.
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// The generators of one-time codes; a google-authenticator file has exactly one.
    pub credentials: Vec<Credential>,
    /// Unused scratch codes of a google-authenticator file.
    pub scratch_codes: ScratchCodes,
    /// Recovery and bypass codes of a system record, of which only hashes are kept.
    pub code_sets: Vec<CodeSet>,
    /// Security keys.
    pub keys: Vec<Key>,
    /// Why there may be more keys, of which none counts, and more about it.
    pub unread_keys: Option<(Reason, String)>,
    /// How often an answer may be given; `None` means as often as one likes.
    pub rate_limit: Option<Result<RateLimit, Reason>>,
    /// The last login from each of up to ten hosts; `None` where they are not kept.
    pub logins: Option<[LoginSlot; 10]>,
    /// Where the user logs in from; `None` where that is not kept.
    pub sources: Option<Sources>,
    /// What the user is to be told once let in.
    pub notices: Vec<Notice>,
}

/// A secret and how codes are made from it.
#[derive(Debug, Clone)]
pub struct Credential {
    /// What the person calls it; a google-authenticator file has no name for its one.
    pub name: Option<String>,
    /// The shared secret.
    pub secret: Result<Secret, Reason>,
    /// The hash.
    pub algorithm: Result<Algorithm, Reason>,
    /// The length of a code.
    pub digits: Result<Digits, Reason>,
    /// How many codes are good at one moment, 1 to 100.
    pub window: Result<i64, Reason>,
    /// What moves a code on.
    pub method: Method,
}

/// What moves a code on: an event, the time, or nothing.
#[derive(Debug, Clone)]
pub enum Method {
    /// RFC 4226.
    Hotp(Hotp),
    /// RFC 6238.
    Totp(Totp),
    /// Only scratch codes.
    None,
}

/// The event-based half of a credential and its state.
#[derive(Debug, Clone)]
pub struct Hotp {
    /// The next counter, at least 0; `None` where it is not known any more.
    pub counter: Option<i64>,
    /// What becomes of codes that are not among the next.
    pub others: Others,
}

/// What a code costs and teaches that is not among the next ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Others {
    /// A wrong code may move the counter on; nothing is learnt.
    Advance,
    /// Two consecutive codes further ahead move the counter there (RFC 4226 section 7.4); holds the
    /// counter of the code that came last.
    Resynchronise(Option<i64>),
}

/// The time-based half of a credential and its state. Steps count periods since 1970.
#[derive(Debug, Clone)]
pub struct Totp {
    /// Seconds a code lasts, at least 1.
    pub period: Result<u64, Reason>,
    /// How many steps the person's clock is ahead of ours, as learnt.
    pub skew: i64,
    /// Codes of another time that were entered while the skew is being learnt; newest last, at
    /// most three.
    pub sightings: Vec<Sighting>,
    /// Whose codes have been used; `None` where codes may be used again.
    pub used: Option<Result<UsedSteps, Reason>>,
}

/// A security key, and what is demanded of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What the person calls it; a mapping of pam_u2f has no names.
    pub name: Option<String>,
    /// How it is reached.
    pub port: Port,
    /// What its signatures are verified with.
    pub public: Public,
    /// What it was enrolled for: FIDO's relying party, or the application of an ssh key.
    pub application: String,
    /// It counts only if it was touched.
    pub touch: bool,
    /// It counts only if it knows its user, by PIN or finger.
    pub verification: bool,
    /// Whether a copy of it would be noticed.
    pub counter: Counter,
}

/// How a security key is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Port {
    /// In a port of this machine.
    Usb {
        /// What the token knows the key by; empty for one that it keeps itself.
        handle: Vec<u8>,
        /// Its user is asked for the PIN.
        pin: bool,
    },
    /// By ssh: in an agent that was forwarded, or sshd has verified it.
    Ssh,
}

/// How often a key has signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counter {
    /// Not compared: the key does not count, or nobody could remember.
    Unchecked,
    /// So often when it was last used; or why nobody knows.
    Last(Result<u32, Reason>),
}

/// The steps whose codes have been used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UsedSteps {
    /// These. Where as many as [`REMEMBERED`] are listed, all before them count as used, too.
    List(Vec<i64>),
    /// All up to this one.
    UpTo(i64),
}

/// At our `step` somebody entered the code of step + `skew`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// Our time step.
    pub step: i64,
    /// How many steps ahead the code was.
    pub skew: i64,
}

/// At most `attempts` answers within `interval` seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// 1 to 100.
    pub attempts: usize,
    /// Seconds, 1 to 3600.
    pub interval: u64,
    /// Seconds since 1970 of earlier attempts.
    pub times: Vec<u64>,
}

/// Codes on paper, each good once, and bypass codes from the help desk.
#[derive(Debug, Clone)]
pub struct CodeSet {
    /// What they are for.
    pub kind: CodeKind,
    /// Mixed into each hash.
    pub salt: Salt,
    /// One for each code.
    pub hashes: Vec<Hash>,
    /// Which have been used, a bit for each; or why none counts.
    pub used: Result<u32, Reason>,
    /// From when on they are good no more, in seconds since 1970.
    pub expires: Option<u64>,
}

impl CodeSet {
    /// How many codes are left, whether or not they are still good.
    #[must_use]
    pub fn left(&self) -> usize {
        let used = self.used.unwrap_or(u32::MAX);
        (0..self.hashes.len()).filter(|&code| !is_marked(used, code)).count()
    }

    /// Whether the code of that place has been used.
    pub(crate) fn is_used(&self, code: usize) -> bool {
        is_marked(self.used.unwrap_or(u32::MAX), code)
    }
}

/// Whether the bit of that place is set.
pub(crate) fn is_marked(used: u32, code: usize) -> bool {
    u32::try_from(code)
        .ok()
        .and_then(|code| used.checked_shr(code))
        .is_none_or(|bits| bits & 1 == 1)
}

/// What codes are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// For a lost phone.
    Recovery,
    /// From the help desk, for a while.
    Bypass,
}

/// One place for the record of a host's last login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginSlot {
    /// Free.
    Empty,
    /// Holds something else; left alone as long as there is another slot.
    Malformed,
    /// The last login from `host`.
    Login {
        /// `PAM_RHOST` of that login.
        host: String,
        /// Seconds since 1970.
        at: i64,
    },
}

/// One thing that a verdict costs; applied in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The attempts that still count.
    Attempts(RateLimit),
    /// What is known of where the user logs in from.
    Sources(Sources),
    /// The user has been told everything.
    Told,
    /// The credential of this place in the account moves on.
    Credential(usize, Progress),
    /// This scratch code has been used.
    ScratchUsed(u32),
    /// A code of a set has been used.
    CodeUsed {
        /// The set's place in the account.
        set: usize,
        /// The code's place in the set.
        code: usize,
    },
    /// The key of this place has signed so often.
    KeyUsed(usize, u32),
    /// A login to remember, in one of the ten slots.
    Login {
        /// 0 to 9.
        slot: usize,
        /// `PAM_RHOST`.
        host: String,
        /// Seconds since 1970.
        at: i64,
    },
}

/// What happened to one credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The next HOTP counter; what was further ahead is forgotten.
    Counter(i64),
    /// The HOTP code of this counter came, which is too far ahead to count alone.
    Ahead(i64),
    /// The code of `step` has been used. Of listed steps that are `window` or more away all but
    /// the latest [`REMEMBERED`] are forgotten, if all that is remembered is later.
    StepUsed {
        /// The time step.
        step: i64,
        /// How many codes are good at one moment.
        window: i64,
    },
    /// The person's clock is this many steps ahead.
    Skew(i64),
    /// What has been sighted of a clock that differs; empty once that is settled.
    Sightings(Vec<Sighting>),
}

//! What was changed about a user's enrolment, to be told to them at the next login.

/// The most that are kept of one user: the latest.
pub const MAX_NOTICES: usize = 4;

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// What.
    pub kind: Kind,
    /// When, in seconds since 1970.
    pub time: u64,
}

/// What was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A credential was enrolled.
    Enrolled = 1,
    /// There are new recovery codes.
    RecoveryCodes = 2,
    /// The help desk issued a bypass code.
    BypassCode = 3,
    /// The user was reset.
    Reset = 4,
    /// A credential was removed.
    Removed = 5,
}

impl Kind {
    /// All of them; each is its place, from 1 on, in a state.
    pub const ALL: [Self; 5] =
        [Self::Enrolled, Self::RecoveryCodes, Self::BypassCode, Self::Reset, Self::Removed];

    /// The kind that a state has this number for.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}

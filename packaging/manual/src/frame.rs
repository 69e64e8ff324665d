//! The pages that are written by hand, but for the tables in them.

use mfa_core::options::{Google, Keys, Ours, PamU2f};
use mfa_core::policy::keys;
use roff::Roff;

use crate::entry;
use crate::file::File;
use crate::page;

/// pam_mfa(8): the module.
pub fn module() -> Result<File, String> {
    page::framed(
        "pam_mfa",
        8,
        include_str!("../pages/pam_mfa.8"),
        &[
            ("google", entry::options(Google::ENTRIES)),
            ("ours", entry::options(Ours::ENTRIES)),
            ("keys", entry::options(Keys::ENTRIES)),
            ("pam_u2f", Roff::from_iter([entry::options(PamU2f::ENTRIES), entry::refused()])),
            ("reasons", entry::reasons()),
        ],
    )
}

/// pam_mfa.toml(5): the policy and the bypass list.
pub fn policy() -> Result<File, String> {
    page::framed(
        "pam_mfa.toml",
        5,
        include_str!("../pages/pam_mfa.toml.5"),
        &[
            ("policy", entry::keys(keys::POLICY)),
            ("limits", entry::keys(keys::LIMITS)),
            ("rule", entry::keys(keys::RULE)),
            ("list", entry::keys(keys::LIST)),
            ("entry", entry::keys(keys::ENTRY)),
        ],
    )
}

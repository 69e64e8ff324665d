//! A google-authenticator file of the caller's own.

use std::path::{Path, PathBuf};

use mfa_core::random::{self, NoRandomness, Random};
use mfa_core::reason::Reason;
use mfa_core::secret::ScratchCodes;
use mfa_core::store::{GauthFile, Opened, Presence, Store, SystemRecord};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};
use zeroize::Zeroizing;

use super::{Factor, Target};
use crate::failure::{Failure, RecordFailure};
use crate::plan::{Plan, USUAL_CODES};
use crate::world::World;

/// A path at which such a file can be written.
pub struct HomeFile {
    file: GauthFile,
    /// Whether there is a file already.
    exists: bool,
}

impl HomeFile {
    /// Looks at the place: nobody should scan a code that cannot be saved.
    ///
    /// # Errors
    /// Why no file can be written there.
    pub fn new(path: PathBuf) -> Result<Self, Failure> {
        let file = GauthFile::of_caller(path.clone());
        let exists = match file.open() {
            Opened::Enrolled(_) => true,
            Opened::NotEnrolled(trouble) if trouble.reason == Reason::NoFile => false,
            Opened::NotEnrolled(trouble) => return Err(Failure::File(trouble)),
            Opened::Broken(trouble) => match trouble.reason {
                Reason::NotRegular | Reason::SymlinkLoop | Reason::UnsafePath => {
                    return Err(Failure::File(trouble));
                }
                _ if trouble.errno == Some(Errno::ENAMETOOLONG) => {
                    return Err(Failure::NameTooLong);
                }
                _ => true,
            },
        };
        // Room for what is written beside it first.
        if path.file_name().is_some_and(|name| name.len() + "~mfa".len() > 255) {
            return Err(Failure::NameTooLong);
        }
        // Where a link leads that leads to nothing is found out when the file is written.
        if let Some(real) = path.canonicalize().ok().or((!path.is_symlink()).then_some(path)) {
            may_write_beside(&real)?;
        }
        Ok(Self { file, exists })
    }
}

impl Target for HomeFile {
    type Codes = ScratchCodes;

    /// As it was given.
    fn path(&self) -> &Path {
        &self.file.path
    }

    fn names(&self) -> Option<(&str, &str)> {
        None
    }

    fn question(&self) -> String {
        let file = self.path().display();
        if self.exists {
            format!("{file} exists; the codes of its old secret end with it.\nReplace it?")
        } else {
            format!("Write all this to {file}?")
        }
    }

    fn caution(&self) -> Option<String> {
        None
    }

    fn rate_limit(&self, plan: &Plan) -> Option<(u8, u16)> {
        plan.rate_limit()
    }

    fn draw(&self, plan: &Plan, random: &Random) -> Result<ScratchCodes, NoRandomness> {
        random::scratch_codes(random, plan.codes.unwrap_or(USUAL_CODES))
    }

    fn texts(codes: &ScratchCodes) -> Vec<Zeroizing<String>> {
        codes.iter().map(|code| Zeroizing::new(code.to_string())).collect()
    }

    fn heading(&self, _: &ScratchCodes) -> &'static str {
        "Your emergency scratch codes are:"
    }

    fn install(&self, factor: Factor<ScratchCodes>, _: &World) -> Result<(), Failure> {
        let Factor { plan, secret, codes, used } = factor;
        let file = plan.new_file(secret, codes, used);
        self.file.install(&file.to_bytes()).map_err(Failure::File)
    }
}

/// Lets a file into the home only where logins would look at it: not beside what root keeps of the
/// same person.
///
/// # Errors
/// [`RecordFailure::KeptByRoot`], [`RecordFailure::Reset`], or why nobody can tell.
pub fn make_way(record: &SystemRecord, user: &str) -> Result<(), RecordFailure> {
    match record.look()? {
        Presence::Here => Err(RecordFailure::KeptByRoot(user.to_owned())),
        Presence::Reset => Err(RecordFailure::Reset(user.to_owned())),
        Presence::Absent | Presence::NoRecords => Ok(()),
    }
}

fn may_write_beside(path: &Path) -> Result<(), Failure> {
    let named = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = named.unwrap_or(Path::new("."));
    // The dot refuses what is no directory.
    access(&directory.join("."), AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|errno| Failure::Directory(directory.to_owned(), errno))
}

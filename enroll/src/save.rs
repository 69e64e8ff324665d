//! Where the file goes.

use std::path::{Path, PathBuf};

use mfa_core::gauth::NewFile;
use mfa_core::reason::Reason;
use mfa_core::store::{GauthFile, Opened, Store};
use nix::errno::Errno;
use nix::unistd::{AccessFlags, access};

use crate::failure::Failure;

/// A place where a file can be written, as far as can be seen beforehand.
pub struct Target {
    file: GauthFile,
    /// Whether there is a file already.
    pub exists: bool,
}

impl Target {
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

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Puts the new file in the place of the old one.
    ///
    /// # Errors
    /// The old file is as it was.
    pub fn install(&self, file: &NewFile) -> Result<(), Failure> {
        self.file.install(&file.to_bytes()).map_err(Failure::File)
    }
}

fn may_write_beside(path: &Path) -> Result<(), Failure> {
    let named = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let directory = named.unwrap_or(Path::new("."));
    // The dot refuses what is no directory.
    access(&directory.join("."), AccessFlags::W_OK | AccessFlags::X_OK)
        .map_err(|errno| Failure::Directory(directory.to_owned(), errno))
}

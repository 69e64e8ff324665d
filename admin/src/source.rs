//! Records in files that somebody else wrote, not yet installed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use mfa_core::record::Record;
use nix::fcntl::OFlag;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::finding::Finding;

/// The largest file that is read, in bytes: many times what the largest record needs.
const MAX_SIZE: u64 = 64 * 1024;

/// What one file holds.
pub struct Source {
    /// Where it came from.
    pub file: PathBuf,
    /// The record, or the mistake in it.
    pub record: Result<Record, Finding>,
}

impl Source {
    /// Reads `text`, up to its end.
    ///
    /// # Errors
    /// [`Failure::File`].
    pub fn read(file: PathBuf, text: impl Read) -> Result<Self, Failure> {
        // Room for all at once, so that no shorter copy of a secret is left behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * 64 * 1024));
        if let Err(error) = text.take(MAX_SIZE + 1).read_to_end(&mut bytes) {
            return Err(Failure::File(file, error));
        }
        let record = if u64::try_from(bytes.len()).is_ok_and(|size| size > MAX_SIZE) {
            Err(Finding::new(&file, "larger than 64 KiB", "name a file that holds one record"))
        } else {
            Record::read(&bytes).map_err(|mistake| Finding::in_text(&file, &mistake))
        };
        Ok(Self { file, record })
    }
}

/// Reads the record in a file, or those in a directory: all names in it that end in `.toml`, in
/// order.
///
/// # Errors
/// [`Failure::File`] for what cannot be read.
pub fn all(path: &Path) -> Result<Vec<Source>, Failure> {
    let failed = |error| Failure::File(path.to_owned(), error);
    if !path.is_dir() {
        return Ok(vec![one(path.to_owned())?]);
    }
    let mut files = fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>())
        .map_err(failed)?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "toml"));
    files.sort();
    files.into_iter().map(one).collect()
}

fn one(file: PathBuf) -> Result<Source, Failure> {
    match open(&file) {
        Ok(text) => Source::read(file, text),
        Err(error) => Err(Failure::File(file, error)),
    }
}

/// The whole text of a file that holds no secret, of at most `most` bytes.
///
/// # Errors
/// [`Failure::File`] for what cannot be read, [`Failure::Refused`] for what is larger.
pub fn read(file: &Path, most: u64) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::File(file.to_owned(), error);
    let mut text = Vec::new();
    open(file).map_err(failed)?.take(most + 1).read_to_end(&mut text).map_err(failed)?;
    if u64::try_from(text.len()).is_ok_and(|size| size <= most) {
        return Ok(text);
    }
    Err(Failure::Refused(format!("{} is larger than {most} bytes", file.display())))
}

/// A FIFO would keep us waiting.
fn open(file: &Path) -> io::Result<File> {
    let opened = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(file)?;
    if opened.metadata()?.is_file() {
        return Ok(opened);
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"))
}

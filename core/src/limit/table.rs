//! The file that all counters are in, `/run/pam_mfa/failures`. It is root's, of one size, and gone
//! after a reboot.
//!
//! A block of the header, which is a magic number and a random key, and so many blocks of counters. A
//! source has its counters in one block, so that it is told there how many users failed at it; one
//! that is exempt from that may have any number, and has them in all blocks. Whoever opens the file
//! locks it until it is closed again: for some microseconds, since nothing is judged meanwhile.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{UnlinkatFlags, unlinkat};
use ring::hmac::{HMAC_SHA256, Key, sign};

use super::bucket::{Bucket, Tags};
use super::source::SourceKey;
use crate::random;
use crate::reason::Reason;
use crate::store::limit::check_limit;
use crate::store::lock::{self, Deadline, private_dir};
use crate::store::{Shown, Trouble};

const NAME: &str = "failures";

/// The size of a block in bytes.
pub(super) const BLOCK: usize = 1024;

/// How many blocks of counters there are.
const BUCKETS: usize = 1023;

/// The size of the file in bytes.
pub(super) const SIZE: usize = (1 + BUCKETS) * BLOCK;

const MAGIC: [u8; 16] = *b"mfa-failures v1\n";
const KEY: usize = 32;

/// The open file, locked.
pub(super) struct Table<'a> {
    run_dir: &'a Path,
    file: File,
    pub(super) hasher: Hasher,
}

/// Makes the keyed hashes by which the file knows users and sources: nobody outside can choose whose
/// counters share a bucket.
pub(super) struct Hasher(Key);

impl Hasher {
    pub(super) fn source(&self, source: SourceKey) -> u64 {
        self.hash(&source.number().to_le_bytes())
    }

    pub(super) fn user(&self, user: &str) -> u64 {
        self.hash(user.as_bytes())
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        sign(&self.0, bytes).as_ref().first_chunk().map_or(0, |hash| u64::from_le_bytes(*hash))
    }
}

impl<'a> Table<'a> {
    /// Opens the file; one that is not there, or not like this, is made anew.
    ///
    /// # Errors
    /// [`Reason::Locked`] when somebody else had it for too long, or what the system says.
    pub(super) fn open(run_dir: &'a Path) -> Result<Self, Trouble> {
        let failed =
            |reason| move |errno| Trouble::system(reason, Shown(&run_dir.join(NAME)), errno);
        let dir = private_dir(AT_FDCWD, run_dir).map_err(failed(Reason::Unreadable))?;
        let file = open_file(&dir).map_err(failed(Reason::Unreadable))?;
        lock::lock(&file, Deadline::from_now()).map_err(|errno| match errno {
            Errno::EWOULDBLOCK => failed(Reason::Locked)(errno),
            _ => failed(Reason::CannotLock)(errno),
        })?;
        let key = match read_key(&file) {
            Some(key) => Ok(key),
            None => renew(&file),
        };
        let key = key.map_err(|error| failed(Reason::CannotWrite)(errno(&error)))?;
        Ok(Self { run_dir, file, hasher: Hasher(Key::new(HMAC_SHA256, &key)) })
    }

    /// The offset of the bucket that the counter is in.
    pub(super) fn place(tags: Tags, exempt: bool) -> u64 {
        let spread = if exempt { tags.source ^ tags.user } else { tags.source };
        BLOCK as u64 * (1 + spread % BUCKETS as u64)
    }

    /// The bucket at an offset.
    pub(super) fn bucket(&self, place: u64) -> Result<Bucket, Trouble> {
        let mut bytes = [0; BLOCK];
        let read = self.file.read_exact_at(&mut bytes, place);
        read.map_err(|error| self.failed(Reason::Unreadable, &error))?;
        Ok(Bucket::read(&bytes))
    }

    /// All buckets, and their offsets.
    pub(super) fn buckets(&self) -> impl Iterator<Item = Result<(u64, Bucket), Trouble>> {
        let places = (BLOCK as u64..SIZE as u64).step_by(BLOCK);
        places.map(|place| Ok((place, self.bucket(place)?)))
    }

    /// Writes the bucket at an offset.
    pub(super) fn put(&self, place: u64, bucket: &Bucket) -> Result<(), Trouble> {
        let written =
            check_limit(SIZE).and_then(|()| self.file.write_all_at(&bucket.to_bytes(), place));
        written.map_err(|error| self.failed(Reason::CannotWrite, &error))
    }

    #[cold]
    fn failed(&self, reason: Reason, error: &io::Error) -> Trouble {
        Trouble::system(reason, Shown(&self.run_dir.join(NAME)), errno(error))
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

/// Opens the file, or makes it. What has its name and is no file goes: only root could put it there.
fn open_file(dir: &OwnedFd) -> Result<File, Errno> {
    let flags =
        OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let open = || openat(dir, NAME, flags, Mode::S_IRUSR | Mode::S_IWUSR);
    let is_file = |file: &OwnedFd| {
        fstat(file).is_ok_and(|stat| stat.st_mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits())
    };
    match open() {
        Ok(file) if is_file(&file) => Ok(file.into()),
        Ok(_) | Err(Errno::ELOOP | Errno::ENXIO) => {
            unlinkat(dir, NAME, UnlinkatFlags::NoRemoveDir)?;
            open().map(File::from)
        }
        Err(errno) => Err(errno),
    }
}

/// The key of a file that is as it should be.
fn read_key(file: &File) -> Option<[u8; KEY]> {
    if file.metadata().ok()?.len() != SIZE as u64 {
        return None;
    }
    let mut header = [0; MAGIC.len() + KEY];
    file.read_exact_at(&mut header, 0).ok()?;
    header.strip_prefix(&MAGIC)?.try_into().ok()
}

/// Makes the file anew. All of it is written, so that a disk that is full later does no harm; what is
/// shorter is made anew by the next.
fn renew(file: &File) -> io::Result<[u8; KEY]> {
    check_limit(SIZE)?;
    let mut key = [0; KEY];
    random::system(&mut key).map_err(|_| Errno::EIO)?;
    let mut whole = Vec::with_capacity(SIZE);
    whole.extend_from_slice(&MAGIC);
    whole.extend_from_slice(&key);
    whole.resize(SIZE, 0);
    file.set_len(0)?;
    file.write_all_at(&whole, 0)?;
    Ok(key)
}

//! What the two slots are kept on: a file, or in tests a disk whose power fails.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::SIZE;
use crate::store::limit::check_limit;

/// A file of [`SIZE`] bytes.
pub trait Device {
    /// The whole file, whatever its size, but no more than one byte more than [`SIZE`].
    ///
    /// # Errors
    /// What the system says.
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// What the system says. Any part may have been written then.
    fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable all that was written.
    ///
    /// # Errors
    /// What the system says. What was written since the last flush may be durable or not, in part
    /// too, and another flush may not change that.
    fn flush(&mut self) -> io::Result<()>;
}

/// Opened without `O_APPEND`, which would put every write at the end (pwrite(2)).
impl Device for File {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.metadata()?.len()).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size.min(SIZE + 1)];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        check_limit(offset + bytes.len())?;
        self.write_all_at(bytes, offset as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

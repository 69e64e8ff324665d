//! Who can read and write what only root should, and what it lies on.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use mfa_core::helper;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;
use super::keys;
use super::line::{has, is_ours, value};
use super::template::{self, hands};
use crate::pam_d::Line;

/// Directories of ours, with the mode that they should have.
const DIRECTORIES: [(&str, u32); 7] = [
    ("/etc/pam_mfa", 0o755),
    ("/var/lib/pam_mfa", 0o755),
    ("/var/lib/pam_mfa/users", 0o711),
    ("/var/lib/pam_mfa/state", 0o700),
    ("/run/pam_mfa", 0o700),
    ("/run/pam_mfa/fresh", 0o700),
    ("/run/pam_mfa/checks", 0o700),
];

/// File systems on which nothing is written in place, so that a full disk keeps everybody out:
/// btrfs, bcachefs, ZFS (statfs(2), and the headers of the last two).
const COPY_ON_WRITE: [(i64, &str); 3] =
    [(0x9123_683e, "btrfs"), (0xca45_1a4e, "bcachefs"), (0x2fc1_2fc1, "ZFS")];

/// A file or directory that is there.
struct Entry {
    path: PathBuf,
    uid: u32,
    mode: u32,
    /// The mode that it should have. Whoever has fewer rights by it is fine.
    wanted: u32,
}

/// All that is ours.
#[derive(Default)]
pub struct Rights {
    entries: Vec<Entry>,
    missing: Vec<PathBuf>,
    secrets: Vec<(PathBuf, u32)>,
    disk: Option<(PathBuf, &'static str)>,
}

impl Rights {
    /// Looks at our files, at those with the lines of services that load us, and at the `modules`
    /// themselves.
    pub fn look(host: &Host, lines: &[&Line], modules: &[PathBuf]) -> Self {
        let mut rights = Self::default();
        let mut add = |path: PathBuf, wanted| match fs::symlink_metadata(&path) {
            // Nobody has rights by a symbolic link.
            Ok(stat) if !stat.is_symlink() => {
                let (uid, mode) = (stat.uid(), stat.mode() & 0o7777);
                rights.entries.push(Entry { path, uid, mode, wanted });
            }
            _ => {}
        };
        for (path, mode) in DIRECTORIES {
            let path = host.at(path);
            // The bypass list and the policy may be read, all others are root's alone.
            let of_file = if path.ends_with("etc/pam_mfa") { 0o644 } else { 0o600 };
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            let files = entries.filter(|entry| entry.file_type().is_ok_and(|it| it.is_file()));
            let mut files: Vec<_> = files.map(|entry| entry.path()).collect();
            files.sort();
            add(path, mode);
            for file in files {
                add(file, of_file);
            }
        }
        let mut files: Vec<_> = lines.iter().map(|line| line.file.clone()).collect();
        files.sort();
        files.dedup();
        for file in files.iter().chain(modules) {
            add(file.clone(), 0o644);
        }
        let mut of_keys: Vec<_> = lines.iter().flat_map(|line| of_keys(host, line)).collect();
        of_keys.sort();
        of_keys.dedup();
        for path in of_keys {
            let mode = if path.is_dir() { 0o755 } else { 0o644 };
            add(path, mode);
        }
        let lib = host.at("/var/lib/pam_mfa");
        if lib.is_dir() {
            let parts = ["users", "state"].map(|part| lib.join(part));
            rights.missing.extend(parts.into_iter().filter(|part| is_absent(part)));
            let kind = (host.file_system)(&lib);
            let kind = COPY_ON_WRITE.iter().find(|(magic, _)| kind == Some(*magic));
            rights.disk = kind.map(|(_, name)| (lib, *name));
        }
        rights.secrets = lines.iter().flat_map(|line| secrets(host, line)).collect();
        rights.secrets.sort();
        rights.secrets.dedup();
        rights
    }

    /// What is wrong with it.
    pub fn judge(&self, owner: u32) -> Vec<Diagnosis> {
        let mut found: Vec<_> = self.entries.iter().flat_map(|entry| entry.judge(owner)).collect();
        found.extend(self.missing.iter().map(|path| {
            let cause = "the directory is missing, so every login by a system record is denied";
            let mode = if path.ends_with("users") { 711 } else { 700 };
            let mend = format!("run `install -d -m {mode} {}`", path.display());
            Diagnosis::new(Word::NoDirectory, (path, None), cause, mend)
        }));
        found.extend(self.secrets.iter().map(|(path, mode)| {
            let cause =
                format!("mode {mode:04o}: others than its owner can read or write the secret");
            let mend = format!("run `chmod go= {}`, and enrol again", path.display());
            Diagnosis::new(Word::SecretReadable, (path, None), cause, mend)
        }));
        found.extend(self.disk.iter().map(|(path, name)| {
            let cause = format!(
                "it is on {name}, which writes nothing in place: a full disk keeps everybody out"
            );
            let mend = "put it on ext4 or xfs, or reserve room";
            Diagnosis::new(Word::CopyOnWrite, (path, None), cause, mend)
        }));
        found
    }
}

impl Entry {
    fn judge(&self, owner: u32) -> Vec<Diagnosis> {
        let Self { path, uid, mode, wanted } = self;
        let place = (path.as_path(), None);
        let mut found = Vec::new();
        if *uid != owner {
            found.push(Diagnosis::new(
                Word::WrongOwner,
                place,
                format!("owned by uid {uid}"),
                format!("run `chown root {}`", path.display()),
            ));
        }
        // What everybody may read may also be run. Its owner's rights are nobody's business.
        let forbidden = if wanted & 0o044 != 0 { 0o022 } else { !wanted & 0o077 };
        if mode & forbidden != 0 {
            found.push(Diagnosis::new(
                Word::WrongMode,
                place,
                format!("mode {mode:04o} gives more rights than {wanted:04o}"),
                format!("run `chmod {wanted:04o} {}`", path.display()),
            ));
        }
        found
    }
}

fn is_absent(path: &Path) -> bool {
    fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// The files that `secret=` of a line may name and that others have rights to, with their modes.
fn secrets(host: &Host, line: &Line) -> Vec<(PathBuf, u32)> {
    let template = value(line, "secret").filter(|_| is_ours(line));
    let files = template.and_then(|template| template::files(host, template)).unwrap_or_default();
    let allowed = value(line, "allowed_perm").and_then(|mode| mode.to_str());
    let allowed = allowed.and_then(|mode| u32::from_str_radix(mode, 8).ok()).unwrap_or(0o600);
    let readable = files.into_iter().filter_map(|file| {
        let stat = fs::symlink_metadata(&file).ok().filter(fs::Metadata::is_file)?;
        let mode = stat.mode() & 0o7777;
        (mode & 0o077 & !allowed != 0).then_some((file, mode))
    });
    readable.collect()
}

/// What a line has its keys from or asks them by, which only root may change: the files that it names,
/// mfa-fido, and the directories that all these are in.
fn of_keys(host: &Host, line: &Line) -> Vec<PathBuf> {
    if !is_ours(line) {
        return Vec::new();
    }
    let helper = has(line, "u2f").then(|| host.at(helper::PATH));
    keys::files(host, line).chain(helper).flat_map(|file| hands(host, &file)).collect()
}

//! The files that a path with a place for the user in it may name.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::host::Host;

/// Those that there may be, also if it is not there where only one may be meant; `None` for what lies in
/// homes, which have a user each.
pub fn files(host: &Host, template: &OsStr) -> Option<Vec<PathBuf>> {
    let path = template.to_str()?;
    let (directory, name) = path.rsplit_once('/')?;
    let of_user = |part: &str| ["${USER}", "%u"].iter().any(|user| part.contains(user));
    let of_home = ["${HOME}", "%h"].iter().any(|home| path.contains(home));
    if !path.starts_with('/') || of_home || of_user(directory) {
        return None;
    }
    if !of_user(name) {
        return Some(vec![host.at(path)]);
    }
    let entries = fs::read_dir(host.at(directory)).into_iter().flatten().flatten();
    Some(entries.map(|entry| entry.path()).collect())
}

/// A file and the directories above it, as the path has them and where it leads: whoever can write one
/// of them says what is in the file. What is not there is left out.
pub fn hands(host: &Host, file: &Path) -> Vec<PathBuf> {
    let there = file.ancestors().find_map(|path| path.canonicalize().ok()).unwrap_or_default();
    let root = host.root.canonicalize().unwrap_or_else(|_| host.root.clone());
    let written = file.ancestors().take_while(|path| path.starts_with(&host.root));
    let led = there.ancestors().take_while(|path| path.starts_with(&root));
    let mut paths: Vec<_> =
        written.chain(led).filter(|it| it.exists()).map(Path::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Whether only root can change what a path leads to.
pub fn is_roots_alone(host: &Host, file: &Path) -> bool {
    hands(host, file).iter().all(|path| {
        fs::metadata(path).is_ok_and(|stat| stat.uid() == host.owner && stat.mode() & 0o022 == 0)
    })
}

//! What is on the disk.

use std::collections::BTreeSet;

use sandbox::run;

/// Every file, directory and link below a place: a line for what it is (path, mode, owner, where a link goes) and, outside
/// of /usr, one for what is in it (a hash); `dpkg --verify` looks into /usr.
pub struct Files(BTreeSet<String>);

impl Files {
    /// As it is now. What is in homes is no package's business.
    pub fn below(place: &str) -> Self {
        let find = |unseen: &str, what: &str| {
            let unseen = format!(
                "( -path /dev -o -path /proc -o -path /sys -o -path /home{unseen} ) -prune -o"
            );
            let words = unseen.split(' ').chain(what.split(' '));
            run(&["find", place].into_iter().chain(words).collect::<Vec<_>>())
        };
        let kinds = find("", "-printf %p|%M|%U:%G|%l\\n");
        let contents =
            find(" -o -path /usr -o -path /var/lib/apt/lists", "-type f -exec sha256sum {} +");
        let contents = contents.lines().filter_map(|line| line.split_once("  "));
        let contents = contents.map(|(hash, path)| format!("{path}|{hash}"));
        Self(kinds.lines().map(str::to_owned).chain(contents).collect())
    }

    /// The paths of what has come, gone or changed since `before`.
    pub fn changed_since(&self, before: &Self) -> BTreeSet<String> {
        let path = |line: &String| line.split('|').next().expect("a path").to_owned();
        self.0.symmetric_difference(&before.0).map(path).collect()
    }
}

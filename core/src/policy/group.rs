//! What the group database says.

use nix::errno::Errno;
use nix::unistd::{Group, User};

use crate::reason::Reason;

/// Whether somebody is in a group, by its list or as in their primary one; `user` is `None` for whom
/// the user database does not know. Unlike getgrouplist(3), getgrnam_r(3) tells a database that does
/// not answer from a person who is not in it.
///
/// # Errors
/// [`Reason::NoGroup`] or [`Reason::GroupDatabase`].
pub fn is_in(group: &str, name: &str, user: Option<&User>) -> Result<bool, Reason> {
    match Group::from_name(group) {
        Ok(Some(Group { gid, mem, .. })) => {
            Ok(user.is_some_and(|user| user.gid == gid) || mem.iter().any(|member| member == name))
        }
        Ok(None) | Err(Errno::ENOENT | Errno::ESRCH) => Err(Reason::NoGroup),
        Err(_) => Err(Reason::GroupDatabase),
    }
}

//! File work with another identity's rights (setfsuid(2)): a user cannot make root read or write
//! what the user could not.

use std::fmt;

use nix::unistd::{Gid, Uid, User, setfsgid, setfsuid};

use super::Trouble;
use crate::reason::Reason;

/// The identity that file work is done with. Only of the calling thread; supplementary groups stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rights {
    /// The user.
    pub uid: Uid,
    /// The user's primary group.
    pub gid: Gid,
}

impl Rights {
    /// The rights that this process has anyway.
    #[must_use]
    pub fn of_caller() -> Self {
        Self { uid: Uid::effective(), gid: Gid::effective() }
    }

    /// Does `work` with these rights and takes them off again, also if it panics.
    ///
    /// # Errors
    /// [`Reason::NoRights`] if they cannot be taken (only root can take another's), or not be
    /// taken off; what `work` returned is lost then.
    pub fn run<T>(self, work: impl FnOnce() -> T) -> Result<T, Trouble> {
        let rights = self.put_on()?;
        let result = work();
        rights.take_off()?;
        Ok(result)
    }

    fn put_on(self) -> Result<Worn, Trouble> {
        // The group first: without root's rights it could not be changed any more.
        let before = Self { gid: setfsgid(self.gid), uid: setfsuid(self.uid) };
        let worn = Worn(before);
        if Self::current() != self {
            return Err(Trouble::new(Reason::NoRights, format!("{self} not taken")));
        }
        Ok(worn)
    }

    fn current() -> Self {
        // The calls never fail but say what was; an identity that does not exist changes nothing.
        Self { uid: setfsuid(Uid::from_raw(u32::MAX)), gid: setfsgid(Gid::from_raw(u32::MAX)) }
    }
}

/// Puts the old rights back when it goes, in the other order.
struct Worn(Rights);

impl Worn {
    fn take_off(self) -> Result<(), Trouble> {
        let before = self.0;
        drop(self);
        if Rights::current() != before {
            return Err(Trouble::new(Reason::NoRights, format!("{before} not restored")));
        }
        Ok(())
    }
}

impl Drop for Worn {
    fn drop(&mut self) {
        setfsuid(self.0.uid);
        setfsgid(self.0.gid);
    }
}

impl From<&User> for Rights {
    fn from(user: &User) -> Self {
        Self { uid: user.uid, gid: user.gid }
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rights of uid {} gid {}", self.uid, self.gid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_rights_can_always_be_taken() {
        assert_eq!(Rights::of_caller().run(|| 7), Ok(7));
    }

    #[test]
    fn the_old_rights_are_back_after_a_panic_and_a_refusal() {
        let before = Rights::current();
        let other = Rights { uid: Uid::from_raw(54_321), gid: Gid::from_raw(54_321) };
        let outcome = std::panic::catch_unwind(|| {
            other.run(|| {
                assert_eq!(Rights::current(), other);
                panic!("while another")
            })
        });
        // Root sees the panic, others are refused before it.
        if Uid::effective().is_root() {
            assert!(outcome.is_err());
        } else {
            let refusal: Result<(), Trouble> = outcome.unwrap();
            assert_eq!(refusal.unwrap_err().reason, Reason::NoRights);
        }
        assert_eq!(Rights::current(), before);
    }
}

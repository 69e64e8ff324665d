//! The ticket by which a user without a record may enrol, `users/NAME.ticket`. It is made and spent
//! under the same lock as the record.

use std::path::PathBuf;

use nix::fcntl::OFlag;

use super::edit::unlink;
use super::{Edit, Places, RULES, SystemRecord};
use crate::reason::Reason;
use crate::store::{Place, Rights, Shown, Trouble, file};
use crate::ticket::Ticket;

impl SystemRecord {
    /// Whether `typed` is the user's ticket, and still good at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Ticket::judge`], or why the file cannot be used.
    pub fn check_ticket(&self, typed: &[u8], now: u64) -> Result<(), Trouble> {
        let Places { record, .. } = self.places()?;
        let place = Place { name: self.ticket().into(), ..record };
        let path = self.ticket_path();
        let shown = Shown(&path);
        let opened = file::open(&place, OFlag::O_RDONLY, Rights::of_caller(), RULES, shown)
            .map_err(|trouble| match trouble.reason {
                Reason::NoFile => Trouble { reason: Reason::BadTicket, ..trouble },
                _ => trouble,
            })?;
        let ticket = Ticket::read(&file::read(&opened, shown)?)
            .map_err(|mistake| Trouble::new(Reason::BadTicket, format!("{shown}: {mistake}")))?;
        ticket.judge(typed, now).map_err(|reason| Trouble::new(reason, shown.to_string()))
    }

    fn ticket_path(&self) -> PathBuf {
        self.base.dir.join("users").join(self.ticket())
    }
}

impl Edit<'_> {
    /// Puts `ticket` in the place of an older one; durable when this returns without an error.
    ///
    /// # Errors
    /// What could not be written.
    pub fn put_ticket(&self, ticket: &Ticket) -> Result<(), Trouble> {
        self.replace(&self.of.ticket(), ticket.to_text().as_bytes())
    }

    /// Removes the ticket, if there is one; durable when this returns without an error.
    pub(super) fn void_ticket(&self) -> Result<(), Trouble> {
        unlink(&self.beside_record(&self.of.ticket())?, &self.of.ticket_path())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::super::tests::{Lab, totp};
    use super::super::{Lost, Presence};
    use super::*;
    use crate::random::system;
    use crate::record::Record;
    use crate::state::{State, Used};

    const NOW: u64 = 1_700_000_000;

    fn reason(alice: &SystemRecord, typed: &[u8], now: u64) -> Result<(), Reason> {
        alice.check_ticket(typed, now).map_err(|trouble| trouble.reason)
    }

    /// Lays a new ticket down; what is typed.
    fn issue(alice: &SystemRecord) -> Vec<u8> {
        let (code, ticket) = Ticket::draw(&system, NOW, 60).unwrap();
        alice.edit_vacant().unwrap().put_ticket(&ticket).unwrap();
        code.as_bytes().to_vec()
    }

    #[test]
    fn the_latest_alone_counts_and_only_in_time() {
        let lab = Lab::new();
        let alice = lab.alice();
        assert_eq!(reason(&alice, b"k7qf-2m9x-hw4d", NOW), Err(Reason::BadTicket));
        let old = issue(&alice);
        assert_eq!(reason(&alice, &old, NOW), Ok(()));
        let new = issue(&alice);
        assert_eq!(reason(&alice, &old, NOW), Err(Reason::BadTicket));
        assert_eq!(reason(&alice, &new, NOW), Ok(()));
        assert_eq!(reason(&alice, &new, NOW + 60), Err(Reason::Expired));
        let mode = fs::metadata(alice.ticket_path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        assert_eq!(alice.look().unwrap(), Presence::Absent);
        assert!(lab.base().users().unwrap().is_empty());
    }

    #[test]
    fn a_first_record_voids_it() {
        let lab = Lab::new();
        let alice = lab.alice();
        let typed = issue(&alice);
        let mut edit = alice.edit_vacant().unwrap();
        let phone = totp(1, "phone");
        let state = State { credentials: [(phone.id, Used::totp(0))].into(), ..State::default() };
        let record = Record { credentials: vec![phone], ..Record::new("alice", 1000) };
        edit.save(record, state).unwrap();
        drop(edit);
        assert_eq!(reason(&alice, &typed, NOW), Err(Reason::BadTicket));
        assert!(!alice.ticket_path().exists());
        assert_eq!(alice.edit_vacant().err().unwrap().reason, Reason::Changed);
        assert_eq!(alice.check_vacant().unwrap_err().reason, Reason::Changed);
        alice.edit(Lost::Refuse).unwrap().remove().unwrap();
        assert_eq!(reason(&alice, &typed, NOW), Err(Reason::BadTicket), "nor does it come back");
    }

    #[test]
    fn what_others_could_have_written_does_not_count() {
        let lab = Lab::new();
        let alice = lab.alice();
        let typed = issue(&alice);
        let path = alice.ticket_path();
        fs::set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
        assert_eq!(reason(&alice, &typed, NOW), Err(Reason::WrongMode));
        let elsewhere = lab.dir.path().join("ticket");
        fs::rename(&path, &elsewhere).unwrap();
        symlink(&elsewhere, &path).unwrap();
        assert_eq!(reason(&alice, &typed, NOW), Err(Reason::SymlinkLoop));
        fs::remove_file(&path).unwrap();
        for (text, expected) in [("", Reason::EmptyFile), ("version = 2", Reason::BadTicket)] {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_eq!(reason(&alice, &typed, NOW), Err(expected));
        }
    }

    #[test]
    fn where_a_record_can_be_made() {
        let lab = Lab::new();
        assert_eq!(lab.alice().check_vacant(), Ok(()));
        assert!(!lab.alice().state_path().exists(), "nothing is written");
        let nowhere = tempfile::tempdir().unwrap();
        let base = crate::store::Base::new(&nowhere.path().join("lib"), nowhere.path());
        let alice = SystemRecord::new(base, "alice", nix::unistd::Uid::from_raw(1000)).unwrap();
        assert_eq!(alice.check_vacant().unwrap_err().reason, Reason::NoRecords);
    }
}

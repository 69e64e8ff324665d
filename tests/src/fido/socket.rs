//! hidraw.c's end of a token: a socket of packets in /run.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, bind, listen, socket,
};

use super::Report;
use super::bus::Bus;

/// Programs open it by connecting. As from a real one, what it says goes to all who have opened it.
pub(super) struct Socket {
    path: PathBuf,
    // Std has them for streams only, but minds no packets.
    listener: Option<UnixListener>,
    opened: Vec<UnixStream>,
}

impl Socket {
    /// The first of as many ports as hidraw.c looks at, if none is taken; not yet plugged in.
    pub(super) fn in_free_port() -> Option<Self> {
        let paths = (0..4).map(|port| PathBuf::from(format!("/run/hidraw{port}")));
        let take = |path: &PathBuf| File::create_new(path.with_extension("lock")).is_ok();
        let path = paths.into_iter().find(take)?;
        Some(Self { path, listener: None, opened: vec![] })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What is left goes with the machine.
        let _ = fs::remove_file(self.path.with_extension("lock"));
    }
}

impl Bus for Socket {
    fn plug(&mut self, plugged: bool) {
        if plugged == self.listener.is_some() {
            return;
        }
        if plugged {
            let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
            let listener = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)
                .expect("Linux has sockets of packets");
            let at = UnixAddr::new(&self.path).expect("a short path");
            bind(listener.as_raw_fd(), &at).expect("our own /run");
            // As udev lets whoever sits at the machine.
            fs::set_permissions(&self.path, Permissions::from_mode(0o666)).expect("just made");
            listen(&listener, Backlog::MAXCONN).expect("just bound");
            self.listener = Some(listener.into());
        } else {
            fs::remove_file(&self.path).expect("made when it was plugged in");
            self.listener = None;
            self.opened.clear();
        }
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let opened = self.opened.iter().map(UnixStream::as_fd);
        self.listener.iter().map(UnixListener::as_fd).chain(opened).collect()
    }

    fn receive(&mut self, nth: usize) -> Option<Report> {
        let Some(nth) = nth.checked_sub(1) else {
            let (program, _) = self.listener.as_ref()?.accept().ok()?;
            program.set_nonblocking(true).expect("a socket");
            self.opened.push(program);
            return None;
        };
        // The number of the report, 0, and the report.
        let mut packet = [0; 65];
        match self.opened[nth].read(&mut packet) {
            Ok(65) => packet.last_chunk().copied(),
            Ok(1..) => None,
            Ok(0) | Err(_) => {
                self.opened.remove(nth);
                None
            }
        }
    }

    fn send(&mut self, report: &Report) {
        for program in &mut self.opened {
            // The kernel, too, drops what nobody reads.
            let _ = program.write(report);
        }
    }
}

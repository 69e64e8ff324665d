//! Between a token and what carries its reports.

use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::Instant;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::Report;
use super::device::Device;

/// What carries a token's reports.
pub(super) trait Bus {
    /// From here on the token is there, or not.
    fn plug(&mut self, plugged: bool);

    /// What to wait on for reports.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// The report that waits at the one of [`Bus::descriptors`] with this number, if it is one.
    fn receive(&mut self, nth: usize) -> Option<Report>;

    /// Sends a report to whoever has opened the token.
    fn send(&mut self, report: &Report);
}

/// Lets the token work until the other end of `alarm` is closed. What comes through it says that the
/// token is another, and is sent back once it is.
pub(super) fn serve(mut bus: impl Bus, device: &Mutex<Device>, mut alarm: UnixStream) {
    let mut called = false;
    loop {
        let due = {
            let mut device = device.lock().expect("no test holds it");
            bus.plug(device.is_plugged());
            while let Some(report) = device.send(Instant::now()) {
                bus.send(&report);
            }
            bus.plug(device.is_plugged());
            device.due()
        };
        if called {
            alarm.write_all(&[0]).expect("whoever called waits");
        }
        let ready = ready(&bus, &alarm, due);
        called = ready.first() == Some(&0);
        if called && alarm.read_exact(&mut [0]).is_err() {
            return bus.plug(false);
        }
        // Backwards: whoever has gone leaves the others their numbers.
        for &nth in ready.iter().rev().filter(|&&nth| nth > 0) {
            if let Some(report) = bus.receive(nth - 1) {
                device.lock().expect("no test holds it").receive(&report, Instant::now());
            }
        }
    }
}

/// Which have something to say by then: 0 is the alarm, those after it are the bus's.
fn ready(bus: &impl Bus, alarm: &UnixStream, due: Option<Instant>) -> Vec<usize> {
    // A millisecond more: poll(2) rounds nothing up.
    let left = due.map(|due| due.saturating_duration_since(Instant::now()).as_millis() + 1);
    let left = left.map_or(PollTimeout::NONE, |left| left.try_into().unwrap_or(PollTimeout::MAX));
    let descriptors = [alarm.as_fd()].into_iter().chain(bus.descriptors());
    let mut polled: Vec<_> = descriptors.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    match poll(&mut polled, left) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(error) => panic!("poll: {error}"),
    }
    let polled = polled.iter().enumerate();
    polled.filter(|(_, fd)| fd.any() == Some(true)).map(|(nth, _)| nth).collect()
}

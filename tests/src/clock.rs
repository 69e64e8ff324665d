//! A clock that a test sets.

use std::fs;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::process::Command;

use crate::Machine;

/// Where libfaketime looks for the time, also in a process that has emptied its environment.
const TIME: &str = "/etc/faketimerc";

/// The clock of the servers that are started by it. It stands still from one [`Clock::set`] to the
/// next; the monotonic clock goes on.
pub struct Clock<'a> {
    libfaketime: PathBuf,
    _on: PhantomData<&'a Machine>,
}

impl<'a> Clock<'a> {
    /// A clock on this machine, stopped at `time`, s since 1970.
    pub fn stopped(_: &'a Machine, time: i64) -> Self {
        let architectures = fs::read_dir("/usr/lib").expect("every Debian has one");
        let libfaketime = architectures
            .map(|entry| entry.expect("readable").path().join("faketime/libfaketime.so.1"))
            .find(|library| library.exists())
            .expect("libfaketime is in the throw-away root");
        let clock = Self { libfaketime, _on: PhantomData };
        clock.set(time);
        clock
    }

    /// Sets it, also for what is running, s since 1970.
    pub fn set(&self, time: i64) {
        // In one step, since a server may be looking.
        let next = format!("{TIME}.next");
        fs::write(&next, time.to_string()).expect("our own /etc");
        fs::rename(next, TIME).expect("just written");
    }

    /// A command that goes by it.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("LD_PRELOAD", &self.libfaketime)
            .env("FAKETIME_FMT", "%s")
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        command
    }
}

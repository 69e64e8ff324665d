//! A server in the foreground.

use std::fs::{self, File};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use crate::{Machine, PATIENCE};

/// A server that listens, until this is dropped.
pub(crate) struct Server {
    process: Child,
    errors: String,
}

impl Server {
    /// Starts it; returns once it listens on this port of 127.0.0.1. What it writes to its standard
    /// error goes to the file `/run/NAME.stderr`.
    #[track_caller]
    pub(crate) fn start(machine: &Machine, name: &str, mut command: Command, port: u16) -> Self {
        let errors = format!("/run/{name}.stderr");
        command.stderr(File::create(&errors).expect("our own /run"));
        let process = command.spawn().unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut server = Self { process, errors };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().expect("our own child");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{name} does not listen: {}\n{}",
                server.errors(),
                machine.log
            );
            thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it wrote to its standard error.
    pub(crate) fn errors(&self) -> String {
        fs::read_to_string(&self.errors).expect("made at the start")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

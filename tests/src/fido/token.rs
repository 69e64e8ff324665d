//! A token as tests hold it.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::bus::{Bus, serve};
use super::device::Device;
use super::socket::Socket;
use super::uhid::Uhid;
use super::{Fault, Model, Seen};
use crate::program::compile;
use crate::{Machine, PATIENCE};

/// A security key in a port, until this is dropped.
///
/// ```ignore
/// let token = Token::plug_in(&machine, &Model::default());
/// token.set(&[Fault::Untouched]);
/// ```
pub struct Token {
    device: Arc<Mutex<Device>>,
    alarm: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

impl Token {
    /// Plugs one into the machine: the first that is there is /dev/hidraw0. All programs that are
    /// started from here on see it: sshd's, sudo's, and a helper's with an empty environment.
    pub fn plug_in(_machine: &Machine, model: &Model) -> Self {
        let shim = compile("hidraw.so", include_str!("../hidraw.c"), "-shared -fPIC");
        fs::write("/etc/ld.so.preload", shim + "\n").expect("our own /etc");
        Self::start(Socket::in_free_port().expect("there are four ports"), model)
    }

    /// Plugs one in by the kernel's /dev/uhid, which the module uhid makes: what a machine has that is
    /// all the test's own.
    pub fn of_kernel(model: &Model) -> Self {
        Self::start(Uhid::new(), model)
    }

    fn start(mut bus: impl Bus + Send + 'static, model: &Model) -> Self {
        let device = Arc::new(Mutex::new(Device::new(model.clone())));
        let (alarm, heard) = UnixStream::pair().expect("Linux has sockets");
        bus.plug(true);
        let thread = thread::spawn({
            let device = Arc::clone(&device);
            move || serve(bus, &device, heard)
        });
        Self { device, alarm: Some(alarm), thread: Some(thread) }
    }

    /// These faults, and no others, from here on; none: it is well, and touched as soon as it asks.
    pub fn set(&self, faults: &[Fault]) {
        self.device().set_faults(faults);
        let mut alarm = self.alarm.as_ref().expect("there until it is dropped");
        let done = alarm.write_all(&[0]).and_then(|()| alarm.read_exact(&mut [0]));
        done.expect("its thread listens");
    }

    /// What it was asked for so far.
    pub fn seen(&self) -> Seen {
        self.device().authenticator.seen
    }

    /// Waits until it has seen as much.
    #[track_caller]
    pub fn wait_until(&self, enough: impl Fn(Seen) -> bool) -> Seen {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.seen();
            if enough(seen) {
                return seen;
            }
            assert!(Instant::now() < deadline, "it has seen {seen:?}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn device(&self) -> MutexGuard<'_, Device> {
        self.device.lock().expect("its thread lives")
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        drop(self.alarm.take());
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(thread::panicking() || matches!(ended, Some(Ok(()))), "the token broke");
    }
}

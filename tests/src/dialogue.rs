//! A person at a terminal, and the program they talk to.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};

use crate::{Log, PATIENCE};

/// A program on a terminal of its own, and all it has shown there.
pub struct Dialogue {
    program: Child,
    keyboard: File,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    /// How much of the screen has been read: what was expected once is not found again.
    read: usize,
    log: Log,
}

#[derive(Default)]
struct Screen {
    text: String,
    over: bool,
}

impl Dialogue {
    /// Starts `command` on a new terminal; its environment, arguments and directory are kept.
    pub(crate) fn start(command: &Command, log: &Log) -> Self {
        let (keyboard, slave) = terminal().expect("the sandbox has terminals");
        // A controlling terminal, which ssh, sudo and su open to ask, is had without unsafe code
        // from setsid(1).
        let mut session = Command::new("setsid");
        session
            .args(["--ctty", "--wait", "--"])
            .arg(command.get_program())
            .args(command.get_args());
        session.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(directory) = command.get_current_dir() {
            session.current_dir(directory);
        }
        let terminal = || slave.try_clone().expect("descriptors enough");
        session.stdin(terminal()).stdout(terminal()).stderr(terminal());
        let program = session.spawn().expect("setsid is there");
        drop(session);
        drop(slave);

        let mut output = keyboard.try_clone().expect("descriptors enough");
        let screen = Arc::<(Mutex<Screen>, Condvar)>::default();
        let seen = Arc::clone(&screen);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            let mut unseen = Vec::new();
            // Linux ends a terminal that nobody holds any more with EIO.
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                unseen.extend_from_slice(&bytes[..length]);
                let text = take_text(&mut unseen);
                seen.0.lock().unwrap_or_else(PoisonError::into_inner).text.push_str(&text);
                seen.1.notify_all();
            }
            seen.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
            seen.1.notify_all();
        });
        Self { program, keyboard, screen, read: 0, log: log.clone() }
    }

    /// Waits until `text` is on the screen, after what was read before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let read = self.read;
        match self.wait(|screen| screen.text[read..].find(text)) {
            Some(at) => self.read = read + at + text.len(),
            None => self.fail(&format!("{text:?} did not appear")),
        }
    }

    /// Waits until one of these is on the screen, after what was read before; which.
    #[track_caller]
    pub fn expect_one_of(&mut self, texts: &[&str]) -> usize {
        let read = self.read;
        let first = |screen: &Screen| {
            let found = |text| screen.text[read..].find(text);
            texts.iter().enumerate().filter_map(|(which, text)| Some((found(text)?, which))).min()
        };
        let Some((at, which)) = self.wait(first) else {
            self.fail(&format!("none of {texts:?} appeared"))
        };
        self.read = read + at + texts[which].len();
        which
    }

    /// Types a line.
    #[track_caller]
    pub fn type_line(&mut self, line: &str) {
        self.press(line);
        self.press("\n");
    }

    /// The rest of the line that was read last, once it is there.
    #[track_caller]
    pub fn read_line(&mut self) -> String {
        let from = self.read;
        self.expect("\n");
        self.screen()[from..self.read].trim_end().to_owned()
    }

    /// Presses these keys.
    #[track_caller]
    pub fn press(&mut self, keys: &str) {
        if let Err(error) = self.keyboard.write_all(keys.as_bytes()) {
            self.fail(&format!("cannot press {keys:?}: {error}"));
        }
    }

    /// Presses Ctrl-C until the program ends, as people do: one that comes after the prompt and before
    /// the program reads is lost on most. Whether it reported success.
    #[track_caller]
    pub fn interrupt(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while self.program.try_wait().expect("our own child").is_none() && Instant::now() < deadline
        {
            self.press("\x03");
            thread::sleep(Duration::from_millis(100));
        }
        self.ends()
    }

    /// Waits for `prompt`, then types the answer.
    #[track_caller]
    pub fn answer(&mut self, prompt: &str, line: &str) {
        self.expect(prompt);
        self.type_line(line);
    }

    /// Waits for the program to end; whether it reported success.
    #[track_caller]
    pub fn ends(&mut self) -> bool {
        self.end().success()
    }

    /// Waits for the program to end; its exit code, `None` if a signal ended it.
    #[track_caller]
    pub fn exit_code(&mut self) -> Option<i32> {
        self.end().code()
    }

    /// All that is on the screen.
    pub fn screen(&self) -> String {
        self.screen.0.lock().unwrap_or_else(PoisonError::into_inner).text.clone()
    }

    /// Whether `text` is on the screen by now.
    pub fn shows(&self, text: &str) -> bool {
        self.screen().contains(text)
    }

    #[track_caller]
    fn end(&mut self) -> ExitStatus {
        self.wait(|screen| screen.over.then_some(0));
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.program.try_wait().expect("our own child") {
                return status;
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.fail("the program did not end")
    }

    /// Waits until `sought` finds something on the screen, the program is over, or patience is.
    fn wait<T>(&self, sought: impl Fn(&Screen) -> Option<T>) -> Option<T> {
        let (screen, news) = &*self.screen;
        let screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        let (screen, _) = news
            .wait_timeout_while(screen, PATIENCE, |screen| !screen.over && sought(screen).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        sought(&screen)
    }

    #[track_caller]
    fn fail(&self, what: &str) -> ! {
        panic!("{what}\n--- what was on the screen ---\n{}\n{}", self.screen(), self.log)
    }
}

/// The text in `bytes`; a character of which only a part has come stays there.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => bytes.len(),
    };
    String::from_utf8_lossy(&bytes.drain(..whole).collect::<Vec<_>>()).into_owned()
}

/// Both ends of a new terminal. Others who start programs at this moment do not pass them on.
fn terminal() -> io::Result<(File, File)> {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let slave = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&master)?)?;
    Ok((File::from(master.as_fd().try_clone_to_owned()?), slave))
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_comes_in_parts_is_one() {
        let (mut bytes, mut text) = (Vec::new(), String::new());
        for byte in "a▀█b".bytes() {
            bytes.push(byte);
            text += &take_text(&mut bytes);
        }
        assert_eq!((text.as_str(), bytes.len()), ("a▀█b", 0));
        bytes = b"\xff!".to_vec();
        assert_eq!(take_text(&mut bytes), "\u{fffd}!");
    }
}

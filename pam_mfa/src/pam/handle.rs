//! A real host, behind libpam's handle.

use std::cell::Cell;
use std::env;
use std::ffi::{CStr, CString, c_int};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use mfa_core::fresh::Leader;
use mfa_core::store::Trouble;
use nix::unistd::{Uid, gethostname, getsid};
use pam::constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON};
use pam::conv::Conv;
use pam::items::{AuthTok, RHost, RUser, Service, Tty, User};
use pam::module::PamHandle;
use zeroize::{Zeroize, Zeroizing};

use super::helper::Helper;
use super::{CannotAsk, Host, Item, Level, Token, Tokens, ffi};
use crate::pending::Pending;
use crate::terminal::Terminal;

/// An enrolment that libpam holds for us: libpam hands out no more than a look at it.
type Slot = Cell<Option<Pending>>;

/// The user of whom a code was right.
type Mark = String;

pub(crate) struct Handle<'a>(&'a mut PamHandle);

impl<'a> Handle<'a> {
    pub(crate) fn new(handle: &'a mut PamHandle) -> Self {
        Self(handle)
    }
}

impl Host for Handle<'_> {
    fn user(&mut self) -> Option<String> {
        let name = self.0.get_user(None).ok();
        // What is not UTF-8 is refused there; the log should show it all the same.
        name.or_else(|| Some(self.0.get_item::<User>().ok()??.to_string_lossy().into_owned()))
    }

    fn item(&self, item: Item) -> Option<String> {
        let copy = |text: &CStr| text.to_string_lossy().into_owned();
        match item {
            Item::Service => self.0.get_item::<Service>().ok()?.map(|text| copy(&text)),
            Item::Tty => self.0.get_item::<Tty>().ok()?.map(|text| copy(&text)),
            Item::RemoteHost => self.0.get_item::<RHost>().ok()?.map(|text| copy(&text)),
            Item::RemoteUser => self.0.get_item::<RUser>().ok()?.map(|text| copy(&text)),
        }
    }

    fn variable(&self, name: &CStr) -> Option<String> {
        ffi::variable(self.0, name)
    }

    fn put_variable(&mut self, name: &CStr, value: &str) -> bool {
        let text = [name.to_bytes(), b"=", value.as_bytes()].concat();
        CString::new(text).is_ok_and(|text| ffi::put_variable(self.0, &text))
    }

    fn remove_variable(&mut self, name: &CStr) {
        // It fails where there is none.
        ffi::put_variable(self.0, name);
    }

    fn first_pass(&self) -> Option<Token> {
        let token = self.0.get_item::<AuthTok>().ok()??;
        Some(Zeroizing::new(token.as_bytes().to_vec()))
    }

    fn set_first_pass(&mut self, password: &[u8]) -> bool {
        let Ok(password) = CString::new(password) else { return false };
        let set = ffi::set_authtok(self.0, &password);
        password.into_bytes_with_nul().zeroize();
        set
    }

    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Option<Token>, CannotAsk> {
        let style = if echo { PAM_PROMPT_ECHO_ON } else { PAM_PROMPT_ECHO_OFF };
        let conversation = self.0.get_item::<Conv>().ok().flatten().ok_or(CannotAsk)?;
        let answer = conversation.send(style, prompt).map_err(|_| CannotAsk)?;
        Ok(answer.map(|answer| Zeroizing::new(answer.as_bytes().to_vec())))
    }

    fn tell(&mut self, text: &str) {
        if let Ok(Some(conversation)) = self.0.get_item::<Conv>() {
            // A host that cannot show it can still log in.
            let _ = conversation.send(PAM_ERROR_MSG, text);
        }
    }

    fn inform(&mut self, text: &str) {
        ffi::inform(self.0, text);
    }

    fn keep(&mut self, pending: Pending) -> bool {
        let slot: Box<Slot> = Box::new(Cell::new(Some(pending)));
        self.0.set_data(&data_name("pending"), slot).is_ok()
    }

    fn kept(&mut self) -> Option<Pending> {
        // SAFETY: nobody else knows the name, and what is kept by it is always a Slot.
        let slot = unsafe { self.0.get_data::<Slot>(&data_name("pending")) };
        slot.ok()?.take()
    }

    fn mark_checked(&mut self, user: &str) -> bool {
        let mark: Box<Mark> = Box::new(user.to_owned());
        self.0.set_data(&data_name("checked"), mark).is_ok()
    }

    fn is_checked(&self, user: &str) -> bool {
        // SAFETY: nobody else knows the name, and what is kept by it is always a Mark.
        let mark = unsafe { self.0.get_data::<Mark>(&data_name("checked")) };
        mark.is_ok_and(|mark| mark == user)
    }

    fn session_leader(&self) -> Option<Leader> {
        let leader = getsid(None).ok()?;
        let stat = fs::read(format!("/proc/{leader}/stat")).ok()?;
        Leader::read(&String::from_utf8_lossy(&stat))
    }

    fn terminal(&self) -> Option<Terminal> {
        Terminal::of_process()
    }

    fn agent(&self) -> Option<PathBuf> {
        env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from)
    }

    fn tokens(&self, path: &Path, owner: Uid) -> Result<Box<dyn Tokens>, Trouble> {
        Ok(Box::new(Helper::start(path, owner)?))
    }

    fn node(&self) -> String {
        gethostname().unwrap_or_default().to_string_lossy().into_owned()
    }

    fn log(&self, level: Level, line: &str) {
        ffi::log(self.0, priority(level), line);
    }

    fn now(&self) -> u64 {
        // A clock before 1970 counts as 1970, at which no code is good.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

/// Data lie beside those of all modules in the stack. The address of something of ours tells this
/// module from another copy of it, which another compiler may have laid out differently.
fn data_name(what: &str) -> String {
    static OURS: u8 = 0;
    format!("pam_mfa {what} {:p}", &raw const OURS)
}

/// Priorities of syslog(3); pam_syslog(3) adds the facility.
fn priority(level: Level) -> c_int {
    match level {
        Level::Error => libc::LOG_ERR,
        Level::Warning => libc::LOG_WARNING,
        Level::Info => libc::LOG_INFO,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::{c_char, c_void};
    use std::ptr::null_mut;

    use tempfile::TempDir;

    use super::*;

    /// pam_conv(3), of a host that cannot ask.
    #[repr(C)]
    struct Mute {
        ask: Option<extern "C" fn()>,
        data: *mut c_void,
    }

    unsafe extern "C" {
        fn pam_start_confdir(
            service: *const c_char,
            user: *const c_char,
            conversation: *const Mute,
            dir: *const c_char,
            handle: *mut *mut PamHandle,
        ) -> c_int;
        fn pam_end(handle: *mut PamHandle, status: c_int) -> c_int;
    }

    /// With a handle of the libpam of this machine.
    fn with_handle(test: impl FnOnce(&mut Handle)) {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("x"), "auth required pam_deny.so\n").unwrap();
        let path = CString::new(dir.path().to_str().unwrap()).unwrap();
        let mute = Mute { ask: None, data: null_mut() };
        let mut handle = null_mut();
        // SAFETY: strings and a conversation that outlive the handle, and a place for it.
        let code = unsafe {
            pam_start_confdir(
                c"x".as_ptr(),
                c"root".as_ptr(),
                &raw const mute,
                path.as_ptr(),
                &raw mut handle,
            )
        };
        assert_eq!(code, 0);
        // SAFETY: libpam has just made it, and nobody else has it.
        test(&mut Handle::new(unsafe { &mut *handle }));
        // SAFETY: the same handle, which nobody uses any more.
        assert_eq!(unsafe { pam_end(handle, 0) }, 0);
    }

    #[test]
    fn variables() {
        with_handle(|host| {
            assert_eq!(host.variable(c"NAME"), None);
            host.remove_variable(c"NAME");
            for value in ["one", "another=1 ", ""] {
                assert!(host.put_variable(c"NAME", value));
                assert_eq!(host.variable(c"NAME").as_deref(), Some(value));
            }
            assert!(!host.put_variable(c"NAME", "a\0b") && !host.put_variable(c"", "x"));
            host.remove_variable(c"NAME");
            assert_eq!(host.variable(c"NAME"), None);
        });
    }

    #[test]
    fn the_session_is_that_of_this_process() {
        with_handle(|host| {
            let own = getsid(None).unwrap();
            // Whether it has a terminal depends on who runs the tests.
            assert!(host.session_leader().is_none_or(|it| it.pid == own.as_raw().unsigned_abs()));
            let node = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
            assert_eq!(host.node(), node.trim_end());
        });
    }
}

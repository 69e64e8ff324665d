//! A real host, behind libpam's handle.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_int};
use std::time::{SystemTime, UNIX_EPOCH};

use pam::constants::{PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON};
use pam::conv::Conv;
use pam::items::{AuthTok, RHost, RUser, Service, Tty, User};
use pam::module::PamHandle;
use zeroize::{Zeroize, Zeroizing};

use super::{CannotAsk, Host, Item, Level, Token, ffi};
use crate::pending::Pending;

/// What libpam holds for us: libpam hands out no more than a look at it.
type Slot = Cell<Option<Pending>>;

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
        self.0.set_data(&slot_name(), slot).is_ok()
    }

    fn kept(&mut self) -> Option<Pending> {
        // SAFETY: nobody else knows the name, and what is kept by it is always a Slot.
        let slot = unsafe { self.0.get_data::<Slot>(&slot_name()) };
        slot.ok()?.take()
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
fn slot_name() -> String {
    static OURS: u8 = 0;
    format!("pam_mfa pending {:p}", &raw const OURS)
}

/// Priorities of syslog(3); pam_syslog(3) adds the facility.
fn priority(level: Level) -> c_int {
    match level {
        Level::Error => libc::LOG_ERR,
        Level::Warning => libc::LOG_WARNING,
        Level::Info => libc::LOG_INFO,
    }
}

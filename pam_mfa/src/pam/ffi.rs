//! What pam-bindings lacks of libpam.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use pam::constants::{PAM_TEXT_INFO, PamResultCode};
use pam::items::ItemType;
use pam::module::PamHandle;
use zeroize::Zeroize;

unsafe extern "C" {
    fn pam_getenv(handle: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_prompt(
        handle: *mut PamHandle,
        style: c_int,
        response: *mut *mut c_char,
        format: *const c_char,
        ...
    ) -> c_int;
    fn pam_putenv(handle: *mut PamHandle, name_value: *const c_char) -> c_int;
    fn pam_set_item(handle: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_syslog(handle: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// A copy of a variable of the PAM environment.
pub(super) fn variable(handle: &PamHandle, name: &CStr) -> Option<String> {
    // SAFETY: libpam reads the handle and the name, and returns null or a string that lives until
    // the variable is next changed; it is copied before that.
    unsafe {
        let value = pam_getenv(std::ptr::from_ref(handle).cast_mut(), name.as_ptr());
        (!value.is_null()).then(|| CStr::from_ptr(value).to_string_lossy().into_owned())
    }
}

/// Sets a variable of the PAM environment by `NAME=VALUE`, or takes it out by `NAME`.
pub(super) fn put_variable(handle: &mut PamHandle, text: &CStr) -> bool {
    // SAFETY: a handle that libpam gave us, and a string that outlives the call: libpam copies it.
    let code = unsafe { pam_putenv(handle, text.as_ptr()) };
    code == PamResultCode::PAM_SUCCESS as c_int
}

/// Sets `PAM_AUTHTOK`; libpam copies the value, and wipes it when it is replaced.
pub(super) fn set_authtok(handle: &mut PamHandle, value: &CStr) -> bool {
    // SAFETY: a handle that libpam gave us, and a string that outlives the call.
    let code = unsafe { pam_set_item(handle, ItemType::AuthTok as c_int, value.as_ptr().cast()) };
    code == PamResultCode::PAM_SUCCESS as c_int
}

/// Shows text, which may hold a secret: libpam wipes its copy, and so is the one made here.
pub(super) fn inform(handle: &mut PamHandle, text: &str) {
    let Ok(text) = CString::new(text) else { return };
    // SAFETY: the format takes exactly the one string that follows; libpam only reads, and wants no
    // place for an answer where none is asked for.
    unsafe {
        pam_prompt(handle, PAM_TEXT_INFO, std::ptr::null_mut(), c"%s".as_ptr(), text.as_ptr());
    }
    text.into_bytes_with_nul().zeroize();
}

/// Writes one line under the host's ident, as `pam_mfa(SERVICE:PHASE): LINE`, facility authpriv.
pub(super) fn log(handle: &PamHandle, priority: c_int, line: &str) {
    // Lines hold no NUL: audit escapes what is not printable.
    let Ok(line) = CString::new(line) else { return };
    // SAFETY: the format takes exactly the one string that follows; libpam only reads.
    unsafe { pam_syslog(handle, priority, c"%s".as_ptr(), line.as_ptr()) }
}

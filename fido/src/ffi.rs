//! libfido2, as far as it is needed here. All unsafe code is in this file.
//!
//! Declared by hand after fido.h of version 1.12; version 1.15 has the same. Each function is described in its
//! own manual page.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_uchar, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// More tokens than anybody plugs in.
const MAX_TOKENS: usize = 64;

/// A number of fido/err.h other than that of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub c_int);

impl Code {
    pub const INVALID_CREDENTIAL: Self = Self(0x22);
    pub const CREDENTIAL_EXCLUDED: Self = Self(0x19);
    pub const UNSUPPORTED_ALGORITHM: Self = Self(0x26);
    pub const UNSUPPORTED_OPTION: Self = Self(0x2b);
    pub const INVALID_OPTION: Self = Self(0x2c);
    pub const KEEPALIVE_CANCEL: Self = Self(0x2d);
    pub const NO_CREDENTIALS: Self = Self(0x2e);
    pub const USER_ACTION_TIMEOUT: Self = Self(0x2f);
    pub const PIN_INVALID: Self = Self(0x31);
    pub const PIN_BLOCKED: Self = Self(0x32);
    pub const PIN_AUTH_INVALID: Self = Self(0x33);
    pub const PIN_AUTH_BLOCKED: Self = Self(0x34);
    pub const PIN_NOT_SET: Self = Self(0x35);
    pub const PIN_REQUIRED: Self = Self(0x36);
    pub const PIN_POLICY_VIOLATION: Self = Self(0x37);
    pub const ACTION_TIMEOUT: Self = Self(0x3a);
    pub const UV_BLOCKED: Self = Self(0x3c);
    pub const UV_INVALID: Self = Self(0x3f);
    pub const TX: Self = Self(-1);
    pub const RX: Self = Self(-2);
    pub const USER_PRESENCE_REQUIRED: Self = Self(-8);
    pub const INTERNAL: Self = Self(-9);
}

/// What libfido2 leaves to the token, or not (`fido_opt_t`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub enum Option3 {
    Omit = 0,
    False = 1,
    True = 2,
}

#[link(name = "fido2")]
unsafe extern "C" {
    fn fido_init(flags: c_int);

    fn fido_dev_info_new(count: usize) -> *mut c_void;
    fn fido_dev_info_free(list: *mut *mut c_void, count: usize);
    fn fido_dev_info_manifest(list: *mut c_void, count: usize, found: *mut usize) -> c_int;
    fn fido_dev_info_ptr(list: *const c_void, index: usize) -> *const c_void;
    fn fido_dev_info_path(info: *const c_void) -> *const c_char;

    fn fido_dev_new() -> *mut c_void;
    fn fido_dev_free(dev: *mut *mut c_void);
    fn fido_dev_set_timeout(dev: *mut c_void, milliseconds: c_int) -> c_int;
    fn fido_dev_open(dev: *mut c_void, path: *const c_char) -> c_int;
    fn fido_dev_close(dev: *mut c_void) -> c_int;
    fn fido_dev_cancel(dev: *mut c_void) -> c_int;
    fn fido_dev_is_fido2(dev: *const c_void) -> bool;
    fn fido_dev_has_pin(dev: *const c_void) -> bool;
    fn fido_dev_has_uv(dev: *const c_void) -> bool;
    fn fido_dev_get_retry_count(dev: *mut c_void, left: *mut c_int) -> c_int;
    fn fido_dev_get_assert(dev: *mut c_void, assert: *mut c_void, pin: *const c_char) -> c_int;
    fn fido_dev_make_cred(dev: *mut c_void, cred: *mut c_void, pin: *const c_char) -> c_int;

    fn fido_assert_new() -> *mut c_void;
    fn fido_assert_free(assert: *mut *mut c_void);
    fn fido_assert_set_rp(assert: *mut c_void, id: *const c_char) -> c_int;
    fn fido_assert_set_clientdata_hash(
        assert: *mut c_void,
        hash: *const c_uchar,
        length: usize,
    ) -> c_int;
    fn fido_assert_allow_cred(assert: *mut c_void, id: *const c_uchar, length: usize) -> c_int;
    fn fido_assert_set_up(assert: *mut c_void, up: Option3) -> c_int;
    fn fido_assert_set_uv(assert: *mut c_void, uv: Option3) -> c_int;
    fn fido_assert_count(assert: *const c_void) -> usize;
    fn fido_assert_authdata_ptr(assert: *const c_void, index: usize) -> *const c_uchar;
    fn fido_assert_authdata_len(assert: *const c_void, index: usize) -> usize;
    fn fido_assert_sig_ptr(assert: *const c_void, index: usize) -> *const c_uchar;
    fn fido_assert_sig_len(assert: *const c_void, index: usize) -> usize;

    fn fido_cred_new() -> *mut c_void;
    fn fido_cred_free(cred: *mut *mut c_void);
    fn fido_cred_set_type(cred: *mut c_void, algorithm: c_int) -> c_int;
    fn fido_cred_set_clientdata_hash(
        cred: *mut c_void,
        hash: *const c_uchar,
        length: usize,
    ) -> c_int;
    fn fido_cred_set_rp(cred: *mut c_void, id: *const c_char, name: *const c_char) -> c_int;
    fn fido_cred_set_user(
        cred: *mut c_void,
        id: *const c_uchar,
        length: usize,
        name: *const c_char,
        display_name: *const c_char,
        icon: *const c_char,
    ) -> c_int;
    fn fido_cred_set_rk(cred: *mut c_void, rk: Option3) -> c_int;
    fn fido_cred_set_uv(cred: *mut c_void, uv: Option3) -> c_int;
    fn fido_cred_exclude(cred: *mut c_void, id: *const c_uchar, length: usize) -> c_int;
    fn fido_cred_verify(cred: *const c_void) -> c_int;
    fn fido_cred_verify_self(cred: *const c_void) -> c_int;
    fn fido_cred_x5c_ptr(cred: *const c_void) -> *const c_uchar;
    fn fido_cred_id_ptr(cred: *const c_void) -> *const c_uchar;
    fn fido_cred_id_len(cred: *const c_void) -> usize;
    fn fido_cred_pubkey_ptr(cred: *const c_void) -> *const c_uchar;
    fn fido_cred_pubkey_len(cred: *const c_void) -> usize;
    fn fido_cred_flags(cred: *const c_void) -> u8;
    fn fido_cred_sigcount(cred: *const c_void) -> u32;
}

fn check(code: c_int) -> Result<(), Code> {
    if code == 0 { Ok(()) } else { Err(Code(code)) }
}

/// A copy of what libfido2 has at `start`; nothing where it has nothing.
///
/// # Safety
/// `start` is null, or `length` bytes are there.
unsafe fn copy(start: *const c_uchar, length: usize) -> Vec<u8> {
    if start.is_null() {
        return vec![];
    }
    // SAFETY: see above.
    unsafe { std::slice::from_raw_parts(start, length) }.to_vec()
}

/// Prepares a thread for what is below: libfido2 keeps its settings by thread.
pub fn prepare() {
    // SAFETY: no flags: it writes nothing to stderr.
    unsafe { fido_init(0) }
}

/// The paths of the tokens that are plugged in.
pub fn tokens() -> Vec<CString> {
    // SAFETY: it takes any count.
    let Some(list) = NonNull::new(unsafe { fido_dev_info_new(MAX_TOKENS) }) else { return vec![] };
    let mut list = list.as_ptr();
    let mut found = 0;
    // SAFETY: a list with as many places, and a place for how many are filled.
    let code = unsafe { fido_dev_info_manifest(list, MAX_TOKENS, &raw mut found) };
    let found = if code == 0 { found } else { 0 };
    let path = |index| {
        // SAFETY: the list is filled up to there.
        let path = unsafe { fido_dev_info_path(fido_dev_info_ptr(list, index)) };
        // SAFETY: a string that lives as long as the list, and is copied before.
        (!path.is_null()).then(|| unsafe { CStr::from_ptr(path) }.to_owned())
    };
    let paths = (0..found).filter_map(path).collect();
    // SAFETY: the same list and count; nobody has a pointer into it any more.
    unsafe { fido_dev_info_free(&raw mut list, MAX_TOKENS) };
    paths
}

/// Ends the process at once: what exit(3) does besides would pull OpenSSL from under the feet of threads
/// that wait for a token.
pub fn quit() -> ! {
    // SAFETY: it does not return, and needs nothing.
    unsafe { libc::_exit(0) }
}

/// A token that is held open.
pub struct Device(NonNull<c_void>);

// SAFETY: libfido2 binds a device to no thread.
unsafe impl Send for Device {}
// SAFETY: one thread at a time asks. Others do no more than cancel meanwhile: that writes one report to the
// token, and changes nothing of the device.
unsafe impl Sync for Device {}

impl Device {
    /// Opens a token; `patience` bounds this and each later call.
    pub fn open(path: &CStr, patience: Duration) -> Result<Self, Code> {
        // SAFETY: it takes nothing.
        let device = unsafe { fido_dev_new() };
        let device = Self(NonNull::new(device).ok_or(Code::INTERNAL)?);
        let patience = c_int::try_from(patience.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: a device that nobody else has yet.
        check(unsafe { fido_dev_set_timeout(device.0.as_ptr(), patience) })?;
        // SAFETY: the same, and a string that is copied.
        check(unsafe { fido_dev_open(device.0.as_ptr(), path.as_ptr()) })?;
        Ok(device)
    }

    /// Whether it speaks more than U2F.
    pub fn is_fido2(&self) -> bool {
        // SAFETY: an open device, which is only read.
        unsafe { fido_dev_is_fido2(self.0.as_ptr()) }
    }

    /// Whether it has a PIN.
    pub fn has_pin(&self) -> bool {
        // SAFETY: an open device, which is only read.
        unsafe { fido_dev_has_pin(self.0.as_ptr()) }
    }

    /// Whether it knows its user by itself.
    pub fn has_verification(&self) -> bool {
        // SAFETY: an open device, which is only read.
        unsafe { fido_dev_has_uv(self.0.as_ptr()) }
    }

    /// How many wrong PINs it takes before it locks itself.
    pub fn pins_left(&self) -> Result<c_int, Code> {
        let mut left = 0;
        // SAFETY: an open device, and a place for the number.
        check(unsafe { fido_dev_get_retry_count(self.0.as_ptr(), &raw mut left) })?;
        Ok(left)
    }

    /// Makes it give up what it waits for; `false` if it cannot, as with U2F.
    pub fn cancel(&self) -> bool {
        // SAFETY: an open device; see Sync.
        unsafe { fido_dev_cancel(self.0.as_ptr()) == 0 }
    }

    /// Has it sign.
    pub fn sign(&self, query: &mut Query, pin: Option<&CStr>) -> Result<(), Code> {
        let pin = pin.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: an open device, a query that nobody else has, and null or a string.
        check(unsafe { fido_dev_get_assert(self.0.as_ptr(), query.0.as_ptr(), pin) })
    }

    /// Has it make a key.
    pub fn make(&self, fresh: &mut Fresh, pin: Option<&CStr>) -> Result<(), Code> {
        let pin = pin.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: an open device, a credential that nobody else has, and null or a string.
        check(unsafe { fido_dev_make_cred(self.0.as_ptr(), fresh.0.as_ptr(), pin) })
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let mut device = self.0.as_ptr();
        // SAFETY: the device that open made, whose last owner this is. Closing one that was never opened is an
        // error that changes nothing.
        unsafe {
            fido_dev_close(device);
            fido_dev_free(&raw mut device);
        }
    }
}

/// What a token is asked to sign, and its answers.
pub struct Query(NonNull<c_void>);

impl Query {
    pub fn new(relying_party: &CStr, message: &[u8; 32]) -> Result<Self, Code> {
        // SAFETY: it takes nothing.
        let query = Self(NonNull::new(unsafe { fido_assert_new() }).ok_or(Code::INTERNAL)?);
        // SAFETY: a query of our own; the string and the bytes are copied.
        check(unsafe { fido_assert_set_rp(query.0.as_ptr(), relying_party.as_ptr()) })?;
        // SAFETY: likewise.
        check(unsafe {
            fido_assert_set_clientdata_hash(query.0.as_ptr(), message.as_ptr(), message.len())
        })?;
        Ok(query)
    }

    /// Allows the key of this handle; without one, those that the token keeps itself.
    pub fn allow(&mut self, handle: &[u8]) -> Result<(), Code> {
        // SAFETY: a query of our own; the bytes are copied.
        check(unsafe { fido_assert_allow_cred(self.0.as_ptr(), handle.as_ptr(), handle.len()) })
    }

    /// Whether it waits for a touch, and knows its user by itself.
    pub fn demand(&mut self, touch: Option3, verification: Option3) -> Result<(), Code> {
        // SAFETY: a query of our own.
        check(unsafe { fido_assert_set_up(self.0.as_ptr(), touch) })?;
        // SAFETY: likewise.
        check(unsafe { fido_assert_set_uv(self.0.as_ptr(), verification) })
    }

    /// What was signed, as authenticator data in a CBOR byte string, and the signature.
    pub fn answers(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        // SAFETY: a query of our own, which is only read.
        let count = unsafe { fido_assert_count(self.0.as_ptr()) };
        let query = self.0.as_ptr();
        let answer = |index| {
            // SAFETY: libfido2 tells where each is, and how long, or null.
            unsafe {
                (
                    copy(
                        fido_assert_authdata_ptr(query, index),
                        fido_assert_authdata_len(query, index),
                    ),
                    copy(fido_assert_sig_ptr(query, index), fido_assert_sig_len(query, index)),
                )
            }
        };
        (0..count).map(answer).collect()
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        let mut query = self.0.as_ptr();
        // SAFETY: the query that new made, whose last owner this is.
        unsafe { fido_assert_free(&raw mut query) }
    }
}

/// A key that a token is to make, and has made.
pub struct Fresh(NonNull<c_void>);

impl Fresh {
    /// `algorithm` is COSE's number.
    pub fn new(relying_party: &CStr, message: &[u8; 32], algorithm: c_int) -> Result<Self, Code> {
        // SAFETY: it takes nothing.
        let fresh = Self(NonNull::new(unsafe { fido_cred_new() }).ok_or(Code::INTERNAL)?);
        let credential = fresh.0.as_ptr();
        // SAFETY: a credential of our own.
        check(unsafe { fido_cred_set_type(credential, algorithm) })?;
        // SAFETY: likewise; the string is copied.
        check(unsafe {
            fido_cred_set_rp(credential, relying_party.as_ptr(), relying_party.as_ptr())
        })?;
        // SAFETY: likewise; the bytes are copied.
        check(unsafe {
            fido_cred_set_clientdata_hash(credential, message.as_ptr(), message.len())
        })?;
        Ok(fresh)
    }

    /// Whose it is.
    pub fn user(&mut self, id: &[u8], name: &CStr) -> Result<(), Code> {
        // SAFETY: a credential of our own; the bytes and strings are copied, and the icon may be null.
        check(unsafe {
            fido_cred_set_user(
                self.0.as_ptr(),
                id.as_ptr(),
                id.len(),
                name.as_ptr(),
                name.as_ptr(),
                ptr::null(),
            )
        })
    }

    /// Whether the token keeps it, and knows its user by itself.
    pub fn demand(&mut self, resident: Option3, verification: Option3) -> Result<(), Code> {
        // SAFETY: a credential of our own.
        check(unsafe { fido_cred_set_rk(self.0.as_ptr(), resident) })?;
        // SAFETY: likewise.
        check(unsafe { fido_cred_set_uv(self.0.as_ptr(), verification) })
    }

    /// A token that knows this handle makes none.
    pub fn exclude(&mut self, handle: &[u8]) -> Result<(), Code> {
        // SAFETY: a credential of our own; the bytes are copied.
        check(unsafe { fido_cred_exclude(self.0.as_ptr(), handle.as_ptr(), handle.len()) })
    }

    /// Whether the token's statement on it is signed: by the token's maker, or by the key itself.
    pub fn verify(&self) -> Result<(), Code> {
        let credential = self.0.as_ptr();
        // SAFETY: a credential of our own, which is only read.
        check(unsafe {
            if fido_cred_x5c_ptr(credential).is_null() {
                fido_cred_verify_self(credential)
            } else {
                fido_cred_verify(credential)
            }
        })
    }

    /// Its handle.
    pub fn handle(&self) -> Vec<u8> {
        // SAFETY: libfido2 tells where it is, and how long, or null.
        unsafe { copy(fido_cred_id_ptr(self.0.as_ptr()), fido_cred_id_len(self.0.as_ptr())) }
    }

    /// Its public half, X and Y or 32 bytes.
    pub fn public(&self) -> Vec<u8> {
        // SAFETY: libfido2 tells where it is, and how long, or null.
        unsafe {
            copy(fido_cred_pubkey_ptr(self.0.as_ptr()), fido_cred_pubkey_len(self.0.as_ptr()))
        }
    }

    /// What the token says of its user.
    pub fn flags(&self) -> u8 {
        // SAFETY: a credential of our own, which is only read.
        unsafe { fido_cred_flags(self.0.as_ptr()) }
    }

    /// How often the token has signed.
    pub fn counter(&self) -> u32 {
        // SAFETY: a credential of our own, which is only read.
        unsafe { fido_cred_sigcount(self.0.as_ptr()) }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let mut credential = self.0.as_ptr();
        // SAFETY: the credential that new made, whose last owner this is.
        unsafe { fido_cred_free(&raw mut credential) }
    }
}

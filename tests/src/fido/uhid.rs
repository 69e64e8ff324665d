//! The kernel's end of a token: /dev/uhid (uhid.h and Documentation/hid/uhid.rst of Linux).

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};

use super::Report;
use super::bus::Bus;

/// Events.
const DESTROY: u32 = 1;
const OUTPUT: u32 = 6;
const CREATE2: u32 = 11;
const INPUT2: u32 = 12;

/// The most that an OUTPUT holds.
const DATA: usize = 4096;

/// What kind of reports there are (CTAP 2.1, section 11.2.8.1): usage page 0xF1D0, 64 bytes in either
/// direction, without a number.
const DESCRIPTOR: [u8; 34] = [
    0x06, 0xd0, 0xf1, 0x09, 0x01, 0xa1, 0x01, 0x09, 0x20, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08,
    0x95, 0x40, 0x81, 0x02, 0x09, 0x21, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x40, 0x91,
    0x02, 0xc0,
];

/// The kernel makes a hidraw device of it.
pub(super) struct Uhid {
    file: File,
    plugged: bool,
}

impl Uhid {
    /// Not yet plugged in.
    pub(super) fn new() -> Self {
        let file = OpenOptions::new().read(true).write(true).open("/dev/uhid");
        Self { file: file.expect("/dev/uhid, of the module uhid"), plugged: false }
    }

    fn say(&mut self, event: u32, parts: &[&[u8]]) {
        let event = [&event.to_ne_bytes(), parts.concat().as_slice()].concat();
        self.file.write_all(&event).expect("the kernel takes what uhid.h says");
    }
}

impl Bus for Uhid {
    fn plug(&mut self, plugged: bool) {
        if plugged == self.plugged {
            return;
        }
        self.plugged = plugged;
        if !plugged {
            return self.say(DESTROY, &[]);
        }
        let mut name = [0; 128 + 64 + 64]; // and no place, and no serial number
        name[..22].copy_from_slice(b"pam_mfa software token");
        let length = u16::try_from(DESCRIPTOR.len()).expect("it is short").to_ne_bytes();
        let usb = 3_u16.to_ne_bytes();
        // Of pid.codes, for tests; no version and no country.
        let [vendor, product] = [0x1209_u32, 1].map(u32::to_ne_bytes);
        self.say(CREATE2, &[&name, &length, &usb, &vendor, &product, &[0; 8], &DESCRIPTOR]);
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        vec![self.file.as_fd()]
    }

    fn receive(&mut self, _nth: usize) -> Option<Report> {
        let mut event = [0; 4 + DATA + 3];
        let length = self.file.read(&mut event).expect("the kernel has an event");
        if length < event.len() || event[..4] != OUTPUT.to_ne_bytes() {
            return None;
        }
        // Programs begin with the number of the report, 0; not all kernels hand it on.
        let size = usize::from(u16::from_ne_bytes([event[4 + DATA], event[5 + DATA]]));
        event[4..][..size.min(DATA)].last_chunk().copied()
    }

    fn send(&mut self, report: &Report) {
        let length = u16::try_from(report.len()).expect("64").to_ne_bytes();
        self.say(INPUT2, &[&length, report]);
    }
}

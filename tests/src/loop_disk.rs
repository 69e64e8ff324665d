//! A file system of its own on a loop device.

use std::fs::{self, File};
use std::marker::PhantomData;
use std::path::Path;

use crate::Machine;
use crate::machine::run;

const IMAGE: &str = "/run/disk.img";

/// An ext4 on a loop device of the machine's kernel, mounted until this is dropped. The kernel
/// detaches the device when the last mount is gone, whatever ends the test.
pub struct LoopDisk<'a> {
    at: String,
    _on: PhantomData<&'a Machine>,
}

impl<'a> LoopDisk<'a> {
    /// An empty one of this many bytes, for small files, mounted at `at`, which is made. It takes only
    /// the memory that is written to.
    #[track_caller]
    pub fn new(_: &'a Machine, size: u64, at: &str) -> Self {
        File::create_new(IMAGE).and_then(|image| image.set_len(size)).expect("our own /run");
        run(&["mkfs.ext4", "-q", "-T", "small", "-m", "0", "-E", "lazy_itable_init=0", IMAGE]);
        fs::create_dir_all(at).expect("our own directories");
        let disk = Self { at: at.to_owned(), _on: PhantomData };
        disk.mount();
        disk
    }

    /// Unmounts it, which empties the kernel's caches of it, and mounts it again.
    #[track_caller]
    #[must_use]
    pub fn mount_again(self) -> Self {
        run(&["umount", &self.at]);
        self.mount();
        self
    }

    #[track_caller]
    fn mount(&self) {
        // The sandbox's /dev has no loop devices; these are their numbers (Linux's devices.txt).
        make_node("/dev/loop-control", "c", "10", "237");
        // Between finding a free one and taking it somebody else may.
        let mut attempts = 0..10;
        loop {
            let device = run(&["losetup", "--find"]);
            let number = device.strip_prefix("/dev/loop").expect("losetup names a loop device");
            make_node(&device, "b", "7", number);
            let options = format!("loop={device}");
            let argv = ["mount", "-t", "ext4", "-o", &options, IMAGE, &self.at];
            let output = std::process::Command::new(argv[0])
                .args(&argv[1..])
                .output()
                .expect("util-linux is there");
            if output.status.success() {
                return;
            }
            assert!(
                attempts.next().is_some(),
                "this kernel mounts no loop device, and this test needs one: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

impl Drop for LoopDisk<'_> {
    fn drop(&mut self) {
        // What is left goes with the machine's namespace.
        let _ = nix::mount::umount(self.at.as_str());
    }
}

#[track_caller]
fn make_node(path: &str, kind: &str, major: &str, minor: &str) {
    if !Path::new(path).exists() {
        run(&["mknod", "-m", "600", path, kind, major, minor]);
    }
}

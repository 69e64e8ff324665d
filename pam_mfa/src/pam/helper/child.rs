//! The two processes: a keeper, and mfa-fido below it.
//!
//! A child that executes something else sends SIGCHLD when it ends, whatever it was made with (execve(2)), and
//! is found by waitpid(-1): a host would take it for one of its own. So the host's child executes nothing, and
//! is made without a signal: it keeps mfa-fido, waits for its end, and takes it along when it is killed.
//!
//! Both are copies of a process that may have threads: until the end or execve(2) they make system calls and
//! nothing else, and these not through libc, whose state is another thread's.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{null, null_mut};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow};
use nix::unistd::{Gid, Pid, Uid};

/// What both need, made before.
struct Plan<'a> {
    path: &'a CStr,
    socket: c_long,
    host: Pid,
    uid: Uid,
    gid: Gid,
}

/// Starts the program at `path` with `socket` as its descriptor 0. What is returned stands for the keeper
/// (pidfd_open(2)).
///
/// # Errors
/// As fork(2); [`Errno::ENOSYS`] from kernels before 5.2.
pub(super) fn start(path: &CStr, socket: BorrowedFd) -> Result<OwnedFd, Errno> {
    let plan = Plan {
        path,
        socket: socket.as_raw_fd().into(),
        host: Pid::this(),
        uid: Uid::effective(),
        gid: Gid::effective(),
    };
    // The host's handlers must not run in a copy of the host.
    let mask = SigSet::all().thread_swap_mask(SigmaskHow::SIG_SETMASK)?;
    let mut keeper: c_int = -1;
    // SAFETY: a child with memory of its own, which goes no further than the line below; the kernel puts a
    // descriptor into `keeper`. Not clone3(2): where services are confined it is often missing.
    let child = unsafe { fork(libc::CLONE_PIDFD.into(), &raw mut keeper) };
    if child == 0 {
        // SAFETY: this is the child.
        unsafe { keep(&plan) }
    }
    let errno = Errno::last();
    let restored = mask.thread_set_mask();
    if child < 0 {
        return Err(errno);
    }
    // SAFETY: the kernel has just made it, and nobody else knows it.
    let keeper = unsafe { OwnedFd::from_raw_fd(keeper) };
    restored?;
    Ok(keeper)
}

/// Ends the keeper, and with it what it keeps.
pub(super) fn kill(keeper: BorrowedFd) {
    // SAFETY: it takes numbers and a null pointer. It fails for a process that has ended.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            keeper.as_fd().as_raw_fd(),
            libc::SIGKILL,
            null::<c_void>(),
            0,
        );
    }
}

/// fork(2), with flags; like it, returns 0 to the child.
///
/// # Safety
/// The child makes nothing but system calls. `pidfd` is a place if the flags ask for one.
unsafe fn fork(flags: c_long, pidfd: *mut c_int) -> c_long {
    let none: c_long = 0;
    // SAFETY: without a stack of its own the child goes on here, on its copy of this one.
    #[cfg(not(target_arch = "s390x"))]
    unsafe {
        libc::syscall(libc::SYS_clone, flags, none, pidfd, none, none)
    }
    // SAFETY: likewise; this processor has the first two the other way round (clone(2)).
    #[cfg(target_arch = "s390x")]
    unsafe {
        libc::syscall(libc::SYS_clone, none, flags, pidfd, none, none)
    }
}

/// A system call with numbers and pointers that the kernel does not keep.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => { libc::syscall($number $(, $argument)*) };
}

/// Keeps mfa-fido until its end, or until the host's.
///
/// # Safety
/// This is a child of `plan.host` that nobody needs to come back.
unsafe fn keep(plan: &Plan) -> ! {
    let none: c_long = 0;
    // SAFETY: system calls with numbers, and a child that does not go beyond its line.
    unsafe {
        die_with(plan.host.as_raw().into());
        let this = call!(libc::SYS_getpid);
        let child = fork(libc::SIGCHLD.into(), null_mut());
        if child == 0 {
            become_it(plan, this);
        }
        // Nothing of the host's stays open here, and not the other end of the socket either.
        if child < 0 || close_from(0) < 0 {
            exit();
        }
        call!(
            libc::SYS_waitid,
            c_long::from(libc::P_PID),
            child,
            none,
            c_long::from(libc::WEXITED),
            none
        );
        exit()
    }
}

/// Becomes mfa-fido.
///
/// # Safety
/// This is a child of the process `keeper` that nobody needs to come back.
unsafe fn become_it(plan: &Plan, keeper: c_long) -> ! {
    let (uid, gid) = (c_long::from(plan.uid.as_raw()), c_long::from(plan.gid.as_raw()));
    let nothing: [*const c_char; 1] = [null()];
    let arguments = [plan.path.as_ptr(), null()];
    // What signal(7) calls default, in the kernel's own form: a handler, flags and a mask, all 0.
    let default = [0_u64; 4];
    let no_signals = 0_u64;
    let no_core = libc::rlimit64 { rlim_cur: 0, rlim_max: 0 };
    let none: c_long = 0;
    let one: c_long = 1;
    let unused: c_long = 3; // no descriptor that anybody expects something of
    // SAFETY: system calls with numbers, and pointers to what lies above.
    unsafe {
        // Real, effective and saved: nobody is there to go back to.
        if plan.uid.is_root() && call!(libc::SYS_setgroups, none, none) < 0
            || call!(libc::SYS_setresgid, gid, gid, gid) < 0
            || call!(libc::SYS_setresuid, uid, uid, uid) < 0
            || call!(
                libc::SYS_prctl,
                c_long::from(libc::PR_SET_NO_NEW_PRIVS),
                one,
                none,
                none,
                none
            ) < 0
        {
            exit();
        }
        // Only now: what is above would undo it.
        die_with(keeper);

        // A host may have closed its first three.
        let duplicate = c_long::from(libc::F_DUPFD);
        let socket = call!(libc::SYS_fcntl, plan.socket, duplicate, unused);
        let at = c_long::from(libc::AT_FDCWD);
        let flags = c_long::from(libc::O_RDWR);
        let device = call!(libc::SYS_openat, at, c"/dev/null".as_ptr(), flags, none);
        let device = call!(libc::SYS_fcntl, device, duplicate, unused);
        if call!(libc::SYS_dup3, socket, none, none) < 0
            || call!(libc::SYS_dup3, device, one, none) < 0
            || call!(libc::SYS_dup3, device, c_long::from(libc::STDERR_FILENO), none) < 0
            || close_from(unused) < 0
        {
            exit();
        }

        // No terminal's keys, and no limits that a host has set for itself.
        call!(libc::SYS_setsid);
        call!(libc::SYS_chdir, c"/".as_ptr());
        call!(libc::SYS_umask, c_long::from(0o077_u8));
        let core = c_long::from(libc::RLIMIT_CORE);
        call!(libc::SYS_prlimit64, none, core, &raw const no_core, none);
        let mut signal: c_long = 1;
        while signal <= 64 {
            call!(libc::SYS_rt_sigaction, signal, default.as_ptr(), none, size_of::<u64>());
            signal += 1;
        }
        let set = c_long::from(libc::SIG_SETMASK);
        call!(libc::SYS_rt_sigprocmask, set, &raw const no_signals, none, size_of::<u64>());
        call!(libc::SYS_execve, plan.path.as_ptr(), arguments.as_ptr(), nothing.as_ptr());
        exit()
    }
}

/// From here on this process ends with its parent, which should be `parent`.
///
/// # Safety
/// Only for a child.
unsafe fn die_with(parent: c_long) {
    let none: c_long = 0;
    // SAFETY: system calls with numbers.
    unsafe {
        let (death, kill) = (c_long::from(libc::PR_SET_PDEATHSIG), c_long::from(libc::SIGKILL));
        if call!(libc::SYS_prctl, death, kill, none, none, none) < 0
            || call!(libc::SYS_getppid) != parent
        {
            exit();
        }
    }
}

/// Closes all descriptors from `first` on; kernels before 5.9 cannot.
///
/// # Safety
/// Only for a child.
unsafe fn close_from(first: c_long) -> c_long {
    // SAFETY: system calls with numbers.
    unsafe { call!(libc::SYS_close_range, first, c_long::from(u32::MAX), c_long::from(0_u8)) }
}

/// Ends this process, and nothing that it has in common with the host.
///
/// # Safety
/// Only for a child.
unsafe fn exit() -> ! {
    loop {
        // SAFETY: a system call with a number; it does not return.
        unsafe { call!(libc::SYS_exit_group, c_long::from(0_u8)) };
    }
}

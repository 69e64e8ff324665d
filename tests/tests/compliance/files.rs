//! What lies at the file's path, and what may be done there.

use crate::scenario::{HANGS, Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

const UNCHECKED: &str =
    "told \"The code could not be checked; try again later, or ask the administrator\"";
const DENIED: &str = "told \"Error \\\"Permission denied\\\" while writing config\"";

pub fn scenarios() -> Vec<Scenario> {
    // Every attempt is written.
    let hotp = "HOTP_COUNTER 5";
    let with = |name: &str, setup: &str| scenario(name, "", hotp).setup(setup);
    let disk = |options: &str| {
        let new = format!("mount -t tmpfs -o uid=1000,mode=755{options} t /mnt; cp -p $F /mnt");
        format!("{new}; mount --move /mnt .; cd /; cd /home/alice")
    };
    let read_only = &(disk("") + "; mount -o remount,ro .");
    let full = &disk(",nr_inodes=2");
    vec![
        // Modes. What is written has 0400.
        with("mode 0600", "chmod 600 $F").accepts("{hotp+5}"),
        with("mode 0400", "chmod 400 $F").accepts("{hotp+5}"),
        with("mode 0200", "chmod 200 $F").denies("{hotp+5}"),
        with("mode 0000", "chmod 0 $F").denies("{hotp+5}"),
        with("mode 0640", "chmod 640 $F").denies("{hotp+5}"),
        with("mode 0604", "chmod 604 $F").denies("{hotp+5}"),
        with("mode 0700", "chmod 700 $F").denies("{hotp+5}"),
        with("a sticky file", "chmod 1600 $F").denies("{hotp+5}"),
        with("a setgid file", "chmod 2600 $F").denies("{hotp+5}"),
        with("a setuid file", "chmod 4600 $F").accepts("{hotp+5}"),
        // Owners.
        with("root's file", "chown 0:0 $F").denies("{hotp+5}"),
        with("another's file", "chown 1 $F").denies("{hotp+5}"),
        with("another group's file", "chgrp 1 $F").accepts("{hotp+5}"),
        // Kinds.
        with("a directory", "rm $F; mkdir $F").denies("{hotp+5}"),
        with("a device", "rm $F; mknod $F c 1 3; chown alice $F").denies("{hotp+5}"),
        with("a socket", "ln -fs /run/log.sock $F").denies("{hotp+5}"),
        with("an empty file", ": >$F").denies("{hotp+5}"),
        with("the largest file", "yes '\" X' | head -c $((65536 - $(stat -c %s $F))) >>$F")
            .accepts("{hotp+5}"),
        with("too large a file", "yes '\" X' | head -c $((65537 - $(stat -c %s $F))) >>$F")
            .denies("{hotp+5}"),
        with("a NUL byte", "printf '\\0' >>$F").denies("{hotp+5}"),
        with("bytes", "head -c 100 /dev/zero | tr '\\0' '\\377' >$F").denies("{hotp+5}"),
        // Paths.
        with("a directory that nobody may enter", "chmod 0 .").denies("{hotp+5}"),
        with("no home", "cd /; rm -r /home/alice").denies("{hotp+5}"),
        with("the home is a file", "cd /; rm -r /home/alice; : >/home/alice").denies("{hotp+5}"),
        with("the home is a link", "mv /home/alice /home/moved; ln -s moved /home/alice")
            .accepts("{hotp+5}"),
        scenario("a path through a link", "secret=~/there/codes", hotp)
            .setup("mkdir real; chown alice real; mv $F real/codes; ln -s real there")
            .accepts("{hotp+5}"),
        with("a link to nothing", "rm $F; ln -s nothing $F").denies("{hotp+5}"),
        scenario("a link to nothing, with nullok", "nullok", hotp)
            .setup("rm $F; ln -s nothing $F")
            .ignores("{hotp+5}"),
        with("a link to itself", "rm $F; ln -s $F $F").denies("{hotp+5}"),
        scenario("a link to itself, with nullok", "nullok", hotp)
            .setup("rm $F; ln -s $F $F")
            .denies("{hotp+5}"),
        with("a link to a directory", "rm $F; mkdir d; ln -s d $F").denies("{hotp+5}"),
        with("a link to root's file", "chown root $F; mv $F /root/codes; ln -s /root/codes $F")
            .denies("{hotp+5}"),
        scenario("a link, and nothing to write", "", "TOTP_AUTH")
            .setup("mv $F real; ln -s real $F")
            .accepts("{totp}"),
        // Writing.
        with("files beside it stay", "echo x >$F~; echo y >other; echo z >$F.bak")
            .accepts("{hotp+5}"),
        with("a sticky directory", "chmod 1777 .").accepts("{hotp+5}"),
        with("a setgid directory", "chgrp 1 .; chmod 2755 .").accepts("{hotp+5}"),
        with("another name for the file", "ln $F other").accepts("{hotp+5}"),
        with("a directory that may only be written", "chmod 300 .").accepts("{hotp+5}"),
        with("a directory that may only be read", "chown root .").denies("{hotp+5}"),
        with("a directory that may only be read, and a wrong code", "chown root .")
            .denies("000000"),
        scenario("the same, and nothing to write", "", "TOTP_AUTH")
            .setup("chown root .")
            .accepts("{totp}"),
        scenario("the same, with allow_readonly", "allow_readonly", hotp)
            .setup("chown root .")
            .accepts("{hotp+5}")
            .accepts("{hotp+5}"),
        scenario("the same, with allow_readonly and a wrong code", "allow_readonly", hotp)
            .setup("chown root .")
            .denies("000000"),
        scenario(
            "the same, with allow_readonly and a limit",
            "allow_readonly",
            "TOTP_AUTH|RATE_LIMIT 1 30",
        )
        .setup("chown root .")
        .accepts("{totp}")
        .accepts("{totp}"),
        scenario("the same, with forward_pass", "allow_readonly forward_pass", hotp)
            .setup("chown root .")
            .accepts("pass{hotp+5}"),
        scenario("nothing is forwarded where nothing is written", "forward_pass", hotp)
            .setup("chown root .")
            .differs(
                "`forward_pass` and a file that cannot be written",
                "pass{hotp+5}",
                ["token \"pass\""],
                [DENIED, UNCHECKED],
            ),
        with("a file system that is read-only", read_only).denies("{hotp+5}"),
        scenario("a read-only one, with allow_readonly", "allow_readonly", hotp)
            .setup(read_only)
            .accepts("{hotp+5}"),
        with("a file system that is full", full).denies("{hotp+5}"),
        scenario("a full one, with allow_readonly", "allow_readonly", hotp)
            .setup(full)
            .accepts("{hotp+5}"),
        scenario("a user without an account", "", hotp).user("nobody-knows").denies("{hotp+5}"),
        scenario("a user without a name", "", hotp).user("").denies("{hotp+5}"),
        scenario("a user with a slash", "", hotp).user("../alice").denies("{hotp+5}"),
        // Differences.
        with("a FIFO", "rm $F; mkfifo $F; chown alice $F").differs(
            "a FIFO or device as file",
            "{hotp+5}",
            [HANGS],
            ["denied", "asked \"Verification code: \""],
        ),
        with("a link to a file", "mv $F real; ln -s real $F").differs(
            "a symbolic link as file",
            "{hotp+5}",
            [
                "alice/.google_authenticator 100400 1000 1000",
                "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
                "\" HOTP_COUNTER 5",
            ],
            ["alice/.google_authenticator 120777 0 0 -> real"],
        ),
        with("who cannot be let in is told", "chown root .").differs(
            "EACCES and a full file-size limit",
            "{hotp+5}",
            [],
            [DENIED, UNCHECKED],
        ),
    ]
}

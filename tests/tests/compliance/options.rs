//! Every option of the PAM line. Those about what an earlier module asked for are in `stacking`.

use crate::scenario::{Scenario, scenario};

#[test]
fn both_do_the_same() {
    crate::all_hold(&scenarios());
}

pub fn scenarios() -> Vec<Scenario> {
    // What is counted is written, with the right owner.
    let limited = "TOTP_AUTH|RATE_LIMIT 3 30";
    let shared = |name: &str, user: &str, file: &str, owner: &str| {
        let options = format!("secret=/home/codes/${{USER}} user={user}");
        let moved = format!("mv $f {file}; chown {owner}: {file} .");
        let setup = format!("f=$PWD/$F; mkdir -p /home/codes/a; cd /home/codes; {moved}");
        scenario(name, &options, limited).setup(&setup)
    };
    vec![
        scenario("no option: the file in the home", "", "TOTP_AUTH").accepts("{totp}"),
        scenario("no option: a wrong code", "", "TOTP_AUTH").denies("{totp+3}"),
        // An option that is none, or has no valid value, denies before anything is asked or read.
        scenario("an unknown option", "colour=blue", limited).denies("{totp}"),
        scenario("an unknown option behind a known one", "nullok colour", limited).denies("{totp}"),
        scenario("an option in capitals", "NULLOK", limited).denies("{totp}"),
        scenario("a value for an option that takes none", "nullok=1", limited).denies("{totp}"),
        scenario("no value for an option that takes one", "secret", limited).denies("{totp}"),
        // secret=
        scenario("secret= names a file", "secret=/home/alice/other", limited)
            .setup("mv $F other")
            .accepts("{totp}"),
        scenario("~ is the home at the start", "secret=~/other", limited)
            .setup("mv $F other")
            .accepts("{totp}"),
        scenario("~ is the home behind a slash", "secret=/~/other", limited)
            .setup("mv $F other")
            .accepts("{totp}"),
        scenario("~bob is not bob's home", "secret=~bob/codes", limited)
            .setup("mkdir /home/alicebob; mv $F /home/alicebob/codes; chown alice /home/alicebob")
            .accepts("{totp}"),
        scenario("${HOME} is the home", "secret=${HOME}/other", limited)
            .setup("mv $F other")
            .accepts("{totp}"),
        scenario("${USER} is the user", "secret=/home/${USER}/${USER}/${USER}", limited)
            .setup("mkdir -p /home/alice/alice; mv $F alice/alice; chown alice alice")
            .accepts("{totp}"),
        scenario("another $ stands for itself", "secret=~/$USER$", limited)
            .setup("mv $F '$USER$'")
            .accepts("{totp}"),
        scenario("${home} stands for itself", "secret=${home}/x", limited).denies("{totp}"),
        scenario(
            "a path from the current directory",
            "secret=home/alice/.google_authenticator",
            limited,
        )
        .accepts("{totp}"),
        scenario(
            "a path with dots",
            "secret=/home/./alice//../alice/.google_authenticator",
            limited,
        )
        .accepts("{totp}"),
        scenario("an empty path", "secret=", limited).denies("{totp}"),
        scenario("an empty path with nullok", "secret= nullok", limited).ignores("{totp}"),
        scenario(
            "the last secret= wins",
            "secret=/nowhere/x secret=~/.google_authenticator",
            limited,
        )
        .accepts("{totp}"),
        scenario(
            "a path that is longer than a path can be",
            &format!("secret=/{}", "x/".repeat(2200)),
            limited,
        )
        .denies("{totp}"),
        scenario(
            "a name that is longer than a name can be",
            &format!("secret=/{}", "x".repeat(300)),
            limited,
        )
        .denies("{totp}"),
        // user=
        shared("user= reads with another's rights", "root", "alice", "root").accepts("{totp}"),
        shared("user= by number", "0", "alice", "root").accepts("{totp}"),
        shared("user= by the number of another", "1", "alice", "daemon").accepts("{totp}"),
        shared("user= with zeros", "01", "alice", "daemon").accepts("{totp}"),
        shared("user= and somebody who has no account", "root", "nobody-knows", "root")
            .user("nobody-knows")
            .accepts("{totp}"),
        shared("user= and a file of the one who logs in", "root", "alice", "alice")
            .denies("{totp}"),
        shared("user= and nobody's file", "root", "bob", "root").denies("{totp}"),
        shared("user= and nobody's file, with nullok", "root nullok", "bob", "root")
            .ignores("{totp}"),
        scenario("user= of a name that is none", "user=nobody-knows secret=/home/x", limited)
            .denies("{totp}"),
        scenario("user= of a number that is none", "user=54321 secret=/home/x", limited)
            .denies("{totp}"),
        scenario("user= of a number that is too large", "user=99999999999 secret=/x", limited)
            .denies("{totp}"),
        scenario("user= of nothing", "user= secret=/home/x", limited).denies("{totp}"),
        scenario("user= and a home", "user=root secret=~/.google_authenticator", limited)
            .denies("{totp}"),
        scenario("user= and ${HOME}", "user=root secret=${HOME}/nothing nullok", limited)
            .denies("{totp}"),
        scenario("user= and no secret=", "user=root", limited).denies("{totp}"),
        shared("user= of a number and letters", "1abc", "alice", "daemon").differs(
            "`user=1abc`",
            "{totp}",
            ["accepted", PROMPT, COUNTED],
            ["denied", UNTOUCHED],
        ),
        shared("user= with a sign", "+1", "alice", "daemon").differs(
            SIGN,
            "{totp}",
            ["accepted", PROMPT, COUNTED],
            ["denied", UNTOUCHED],
        ),
        shared("a name that leads out of the directory", "root", "../stolen", "root")
            .user("../stolen")
            .differs(PATH, "{totp}", ["accepted", COUNTED], ["denied", UNTOUCHED]),
        shared("a name that is a path", "root", "a/b", "root").user("a/b").differs(
            PATH,
            "{totp}",
            ["accepted", COUNTED],
            ["denied", UNTOUCHED],
        ),
        shared("the name of the file beside alice's", "root", "alice~mfa", "root")
            .user("alice~mfa")
            .differs(
                "a user name that ends in `~mfa`, in `${USER}`",
                "{totp}",
                ["accepted", COUNTED],
                ["denied", UNTOUCHED],
            ),
        shared("a directory that others can write to", "root", "alice", "root")
            .setup(
                "mkdir -m 777 /home/codes; mv $F /home/codes/alice; chown root: /home/codes/alice",
            )
            .differs(
                "`user=` and a directory that others can write to",
                "{totp}",
                ["accepted", COUNTED],
                ["denied", UNTOUCHED],
            ),
        // nullok: only where there positively is no file.
        scenario("nobody's file", "", "").without_file().denies("{totp}"),
        scenario("nobody's file, with nullok", "nullok", "").without_file().ignores("{totp}"),
        scenario("nobody's directory, with nullok", "nullok secret=~/no/x", "").ignores("{totp}"),
        scenario("nullok and a file", "nullok", limited).accepts("{totp}").denies("000000"),
        scenario("nullok and an empty file", "nullok", "").raw("").denies("{totp}"),
        scenario("nullok and a file with the wrong mode", "nullok", limited)
            .setup("chmod 644 $F")
            .denies("{totp}"),
        scenario("nullok and an unknown user", "nullok", limited)
            .user("nobody-knows")
            .denies("{totp}"),
        scenario("nullok and a directory that cannot be entered", "nullok", limited)
            .setup("chown root /home/alice; chmod 700 /home/alice")
            .denies("{totp}"),
        scenario(
            "nullok and a file in the place of a directory",
            "nullok secret=~/.google_authenticator/x",
            limited,
        )
        .denies("{totp}"),
        // The prompt.
        scenario("a prompt of one's own", "authtok_prompt=Code:", limited).accepts("{totp}"),
        scenario("a prompt with blanks", "[authtok_prompt=Your code, please: ]", limited)
            .accepts("{totp}"),
        scenario("an empty prompt", "authtok_prompt=", limited).accepts("{totp}"),
        scenario("a prompt of one's own for both", "forward_pass authtok_prompt=Both:", limited)
            .accepts("pass{totp}"),
        scenario("a prompt beyond ASCII", "authtok_prompt=Prüfcode:", limited).accepts("{totp}"),
        scenario("the prompt for both", "forward_pass", limited).accepts("pass{totp}"),
        scenario("the answer may be seen", "echo_verification_code", limited).accepts("{totp}"),
        scenario("the answer may be seen, with hyphens", "echo-verification-code", limited)
            .accepts("{totp}"),
        scenario("both may be seen", "echo_verification_code forward_pass", limited)
            .accepts("pass{totp}"),
        scenario("a nobody's answer may be seen", "echo_verification_code", "")
            .without_file()
            .denies("{totp}"),
        scenario("debug changes nothing but the log", "debug", limited)
            .accepts("{totp}")
            .denies("{totp+3}"),
        // What files may be like; more of it in `files`.
        scenario("allowed_perm= allows more", "allowed_perm=0644", limited)
            .setup("chmod 644 $F")
            .accepts("{totp}"),
        scenario("allowed_perm= allows less", "allowed_perm=0400", limited)
            .setup("chmod 600 $F")
            .denies("{totp}"),
        scenario("allowed_perm= without a leading 0", "allowed_perm=644", limited)
            .setup("chmod 644 $F")
            .accepts("{totp}"),
        scenario("allowed_perm= that is not octal", "allowed_perm=0689", limited).denies("{totp}"),
        scenario("allowed_perm= of nothing", "allowed_perm=", limited).denies("{totp}"),
        scenario("allowed_perm= of 0", "allowed_perm=0", limited).denies("{totp}"),
        scenario("allowed_perm= with something behind", "allowed_perm=0600x", limited)
            .denies("{totp}"),
        scenario(
            "no_strict_owner accepts another owner",
            "no_strict_owner allowed_perm=0444",
            limited,
        )
        .setup("chown root $F; chmod 444 $F")
        .accepts("{totp}"),
        scenario("without no_strict_owner another owner is refused", "allowed_perm=0444", limited)
            .setup("chown root $F; chmod 444 $F")
            .denies("{totp}"),
        // grace_period= is in `grace`, but for its values.
        scenario("grace_period= of nothing", "grace_period=", limited).accepts("{totp}"),
        scenario("grace_period= that is no number", "grace_period=x", limited).denies("{totp}"),
        scenario("grace_period= with something behind", "grace_period=60s", limited)
            .denies("{totp}"),
        scenario("grace_period= below 0", "grace_period=-1", limited).denies("{totp}"),
        scenario("grace_period= with a sign", "grace_period=+60", "TOTP_AUTH").differs(
            SIGN,
            "{totp}",
            ["accepted", PROMPT],
            ["denied"],
        ),
        scenario("allowed_perm= with a sign", "allowed_perm=+600", "TOTP_AUTH").differs(
            SIGN,
            "{totp}",
            ["accepted", PROMPT],
            ["denied"],
        ),
        scenario("allowed_perm= behind a blank", "[allowed_perm= 600]", "TOTP_AUTH").differs(
            SIGN,
            "{totp}",
            ["accepted", PROMPT],
            ["denied"],
        ),
        scenario("allowed_perm= below 0", "allowed_perm=-1", "TOTP_AUTH").differs(
            SIGN,
            "{totp}",
            ["accepted", PROMPT],
            ["denied"],
        ),
    ]
}

const SIGN: &str = "a sign or blank before an option's number";
const PATH: &str = "`${USER}` with `/` or `..`";
const COUNTED: &str = "\" RATE_LIMIT 3 30 {now}";
const UNTOUCHED: &str = "\" RATE_LIMIT 3 30";
const PROMPT: &str = "asked \"Verification code: \"";

//! Keys of ssh-keygen's, whose token is OpenSSH's test provider.

use std::fs;
use std::path::PathBuf;

use crate::User;

/// OpenSSH's stand-in for a token. It is touched at once wherever a touch is wanted, and its counter
/// stands still.
pub const PROVIDER: &str = "/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so";

/// A key in a home.
pub struct KeyFile {
    /// The file of the private half.
    pub path: PathBuf,
    /// The public half, as in its `.pub` file.
    pub line: String,
}

impl KeyFile {
    /// The file of the private half, as an argument.
    pub fn file(&self) -> &str {
        self.path.to_str().expect("homes have plain names")
    }
}

impl User {
    /// Has ssh-keygen make the key `name` of this type (`ed25519-sk`, `ecdsa-sk`, or one without a token),
    /// with more of its options.
    #[track_caller]
    pub fn keygen(&self, name: &str, kind: &str, options: &[&str]) -> KeyFile {
        let path = self.path(name);
        let file = path.to_str().expect("homes have plain names");
        let usual = ["ssh-keygen", "-q", "-N", "", "-C", name, "-w", PROVIDER, "-t", kind];
        let output = self.command(&[&usual[..], &["-f", file], options].concat()).output();
        let output = output.expect("setpriv is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let line = fs::read_to_string(path.with_extension("pub")).expect("just made");
        KeyFile { path, line: line.trim_end().to_owned() }
    }
}

//! X.509 certificates of an authority that nobody else trusts.

use std::fs;

use crate::machine::run;

/// Makes an authority and, signed by it, a certificate for each of these names (CN). Returns the
/// directory: `ca.crt`, and for each name NAME`.crt` and NAME`.key`, all of them `owner`'s.
pub fn certificate(names: &[&str], owner: &str) -> String {
    let directory = "/var/lib/certificates";
    fs::create_dir(directory).expect("our own /var/lib");
    let make = |name: &str, signed: &[&str]| {
        let [key, certificate] = ["key", "crt"].map(|end| format!("{directory}/{name}.{end}"));
        let new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"];
        let subject = format!("/CN={name}");
        let files = ["-days", "2", "-subj", &subject, "-keyout", &key, "-out", &certificate];
        run(&[&["openssl", "req", "-x509"], &new[..], &files, signed].concat());
    };
    make("ca", &[]);
    let [certificate, key] = ["crt", "key"].map(|end| format!("{directory}/ca.{end}"));
    for name in names {
        make(name, &["-CA", &certificate, "-CAkey", &key]);
    }
    run(&["chown", "--recursive", owner, directory]);
    directory.to_owned()
}

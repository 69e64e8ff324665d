//! What the stories of documents presuppose.

use crate::markdown::Document;

/// What only this document presupposes.
pub struct Scene {
    /// Its path.
    pub document: &'static str,
    /// What is done before, by root, in the administrator's directory.
    pub setup: &'static str,
    /// Commands that end with another exit code than 0, as they begin, and which.
    pub codes: &'static [(&'static str, i32)],
}

/// A document that is not here has the usual scene.
pub const SCENES: &[Scene] = &[
    Scene { document: "README.md", setup: "", codes: &[("sudo mfactl doctor", 1)] },
    Scene {
        document: "docs/import.md",
        setup: r"
            enrol alice bob
            useradd --create-home carol
            echo 'HOTP/T30 carol - 3132333435363738393031323334353637383930' >/etc/users.oath
            pamu2fcfg --username=alice >/etc/u2f_keys
            echo 'otpauth://totp/carol?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' >list
            ",
        codes: &[],
    },
    Scene {
        document: "docs/install.md",
        setup: r#"
            cd /home/alice
            cp "$OLDPWD"/target/deb/*.deb .
            sha256sum *.deb >SHA256SUMS
            ssh-keygen -q -t ed25519 -N '' -f key
            ssh-keygen -q -Y sign -f key -n pam-mfa-release SHA256SUMS
            echo "release namespaces=\"pam-mfa-release\" $(cat key.pub)" >allowed_signers
            "#,
        codes: &[],
    },
    Scene {
        document: "docs/mfactl.md",
        setup: r#"
            sshd_asks pam_mfa.so
            printf 'version = 1\n[[rule]]\nname = "all"\nrequire = ["otp"]\n' >new.toml
            mkdir records
            cat >records/bob.toml <<END
version = 1
user = "bob"
uid = $(id -u bob)
[[credential]]
id = "1f0c9a7e"
name = "phone"
type = "totp"
secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
END
            "#,
        codes: &[("sudo mfactl doctor", 1)],
    },
    Scene {
        document: "docs/migrating-from-google-authenticator.md",
        setup: r"
            enrol alice bob
            sshd_asks 'pam_google_authenticator.so nullok'
            ",
        codes: &[("sudo mfactl doctor --service sshd", 1)],
    },
    Scene {
        document: "docs/migrating-from-pam_oath.md",
        setup: r"
            echo 'HOTP/T30 alice - 3132333435363738393031323334353637383930' >/etc/users.oath
            echo 'otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' >/run/phones/alice
            echo 'HOTP bob - 3132333435363738393031323334353637383931 4' >>/etc/users.oath
            sshd_asks 'pam_oath.so usersfile=/etc/users.oath window=5'
            ",
        codes: &[("sudo mfactl doctor --service sshd", 1)],
    },
    Scene {
        document: "docs/migrating-from-pam_u2f.md",
        setup: r"
            install -d -o alice /home/alice/.config /home/alice/.config/Yubico
            pamu2fcfg --username=alice >/home/alice/.config/Yubico/u2f_keys
            chown alice /home/alice/.config/Yubico/u2f_keys
            echo 'auth required pam_u2f.so cue' >>/etc/pam.d/login
            ",
        codes: &[],
    },
    Scene {
        document: "docs/other-programs.md",
        setup: "getent passwd postgres || useradd --system --create-home --home-dir /var/lib/postgresql postgres",
        codes: &[],
    },
    Scene {
        document: "docs/policy.md",
        setup: r#"printf 'version = 1\n[[rule]]\nname = "all"\nrequire = ["otp"]\n' >new.toml"#,
        codes: &[],
    },
    Scene {
        document: "docs/recovery.md",
        setup: r#"
            mfactl credential add alice --no-confirm >/run/phones/alice
            sshd_asks pam_mfa.so
            install -d /etc/pam_mfa
            printf 'version = 1\n[[rule]]\nname = "all"\nrequire = ["otp", "recovery"]\n' >/etc/pam_mfa/policy.toml
            "#,
        codes: &[],
    },
    Scene {
        document: "docs/roll-out.md",
        setup: r"
            groupadd ops && groupadd machines
            gpasswd --add alice ops && gpasswd --add bob ops
            enrol alice
            sed '1,/^```toml$/d; /^```$/,$d' docs/roll-out.md >policy.toml
            sshd_asks 'pam_mfa.so policy_error=require'
            sed -i '/^@include common-session/i session required pam_mfa.so' /etc/pam.d/sshd
            ",
        codes: &[],
    },
    Scene {
        document: "docs/sealing.md",
        setup: "mfactl credential add alice --json --no-confirm && mkdir /media/stick",
        codes: &[],
    },
];

const USUAL: Scene = Scene { document: "", setup: "", codes: &[] };

/// What they are told in.
pub const HELPERS: &str = r#"
# These have enrolled with the original.
enrol() {
    for name; do
        setpriv --reuid "$name" --regid "$name" --init-groups \
            env HOME="/home/$name" USER="$name" google-authenticator -tdfCu -w 3 -q
    done
}

# Below the password sshd asks by this module, with these options.
sshd_asks() {
    sed -i "/^@include common-auth/a auth required $*" /etc/pam.d/sshd
    echo 'KbdInteractiveAuthentication yes' >/etc/ssh/sshd_config.d/asks.conf
    systemctl reload ssh
}
"#;

impl Scene {
    /// That of this document.
    pub fn of(document: &Document) -> &'static Self {
        SCENES.iter().find(|scene| scene.document == document.path).unwrap_or(&USUAL)
    }
}

//! PostgreSQL: it has one password box, and is not root.

use super::distro::Distro;
use super::text::{Line, Place, Snippet, Step};

/// Where pg_hba.conf is, the server says.
const HBA: &str = "\"$hba\"";

/// A client certificate and a code, for the roles of one group.
pub fn snippet(distro: Distro) -> Snippet {
    let (code, directory, enrol) = if distro.is_debian() {
        (
            "auth required pam_mfa.so user=postgres secret=/var/lib/postgresql/mfa/${USER}",
            "install --directory --owner=postgres --mode=700 /var/lib/postgresql/mfa",
            "sudo -u postgres mfa-enroll --secret /var/lib/postgresql/mfa/reports --label reports",
        )
    } else {
        (
            "auth required pam_mfa.so user=postgres secret=/var/lib/pgsql/mfa/${USER}",
            "install --directory --owner=postgres --mode=700 /var/lib/pgsql/mfa",
            "sudo -u postgres mfa-enroll --secret /var/lib/pgsql/mfa/reports --label reports",
        )
    };
    let reload = "sudo -u postgres psql -c 'SELECT pg_reload_conf()'";
    Snippet {
        title: format!("PostgreSQL: a client certificate and a code. For {}.", distro.family()),
        notes: vec![
            "For the roles that belong to the role mfa, here reports; programs and all other \
             roles log in as before. psql asks for a password, and the code is what is typed.",
            "If /etc/pam.d/postgresql is there already, lines of pg_hba.conf use it: take another \
             name for the file, and the same behind pamservice=.",
            "The server needs ssl = on, and ssl_ca_file with the authority that has signed the \
             certificates; each names its role (CN).",
        ],
        steps: vec![
            Step::Run("hba=$(sudo -u postgres psql -Atc 'SHOW hba_file')"),
            Step::Put {
                file: "/etc/pam.d/postgresql",
                place: Place::New,
                lines: vec![
                    Line(code, "Asks for a code."),
                    Line(
                        "account required pam_permit.so",
                        "Roles need no account on this machine.",
                    ),
                ],
            },
            Step::Run(directory),
            Step::Run(enrol),
            Step::Run("sudo -u postgres psql -c 'CREATE ROLE mfa NOLOGIN'"),
            Step::Run("sudo -u postgres psql -c 'GRANT mfa TO reports'"),
            Step::Put {
                file: HBA,
                place: Place::Top,
                lines: vec![
                    Line(
                        "hostssl all +mfa all pam pamservice=postgresql clientcert=verify-full",
                        "All databases, the roles of mfa, from everywhere: a certificate for the \
                         role (clientcert), and what /etc/pam.d/postgresql asks for. The first \
                         line that fits a connection counts.",
                    ),
                    Line(
                        "host all +mfa all reject",
                        "They get in no other way: a connection without TLS does not fit the line \
                         above, and one further down might let it in.",
                    ),
                    Line("local all +mfa reject", "Nor on this machine itself."),
                ],
            },
            Step::Run(reload),
        ],
        reload: Some(reload),
        trial: "Look at it with `mfactl doctor --service postgresql`, then log in as reports: \
                psql 'host=HOST dbname=postgres user=reports sslcert=reports.crt \
                sslkey=reports.key'",
    }
}

//! A real PostgreSQL and its clients.

use std::fs;
use std::path::{Path, PathBuf};

use crate::machine::run;
use crate::{Dialogue, Machine, Secret, User};

/// The home of the account `postgres`, where all of this is.
const HOME: &str = "/var/lib/postgresql";
const DATA: &str = "/var/lib/postgresql/data";

/// Where the PAM line is to look for the file of each role.
const FILES: &str = "/var/lib/postgresql/mfa";

/// Whoever comes over the network is PAM's business.
const ACCESS: &str = "
local all postgres              peer
host  all all      127.0.0.1/32 pam pamservice=postgresql
";

/// No host but this one, no disk: what is stored is gone with the machine.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -k /var/lib/postgresql -F";

/// A running PostgreSQL on port 5432 of the machine's own network. It, and with it every PAM module,
/// runs as `postgres`.
pub struct Postgres<'a> {
    machine: &'a Machine,
    programs: PathBuf,
}

impl<'a> Postgres<'a> {
    /// Makes a cluster and starts it; returns once it listens.
    pub fn start(machine: &'a Machine) -> Self {
        let versions =
            fs::read_dir("/usr/lib/postgresql").expect("postgresql is in the throw-away root");
        let programs = versions
            .map(|version| version.expect("readable").path().join("bin"))
            .find(|programs| programs.join("initdb").exists())
            .expect("postgresql is in the throw-away root");
        run(&["install", "--directory", "--owner=postgres", "--mode=700", HOME, FILES]);
        let postgres = Self { machine, programs };
        postgres.run("initdb", &["--no-sync", "--no-locale", "--auth=peer", DATA]);
        fs::write(Path::new(DATA).join("pg_hba.conf"), ACCESS).expect("just made");
        let log = Path::new(HOME).join("log").display().to_string();
        postgres.run("pg_ctl", &["-D", DATA, "-s", "-w", "-l", &log, "-o", SETTINGS, "start"]);
        postgres
    }

    /// Adds a role that may log in.
    pub fn add_role(&self, name: &str) {
        let create = format!("CREATE ROLE {name} LOGIN");
        let psql = ["--no-psqlrc", "--quiet", "--host", HOME, "--dbname=postgres"];
        self.run("psql", &[&psql[..], &["--command", &create]].concat());
    }

    /// Enrols a role with these flags of mfa-enroll, which must leave no question. `postgres` does
    /// so, in `/var/lib/postgresql/mfa`.
    pub fn enrol(&self, role: &str, flags: &[&str]) -> Secret {
        let file = Self::file(role).display().to_string();
        run_as_postgres(&[&["mfa-enroll", "--secret", &file], flags].concat());
        Secret::new(Self::read_state(role).lines().next().expect("a first line"))
    }

    /// The file of a role.
    pub fn file(role: &str) -> PathBuf {
        Path::new(FILES).join(role)
    }

    /// The file of a role as it is now.
    pub fn read_state(role: &str) -> String {
        fs::read_to_string(Self::file(role)).expect("enrolled")
    }

    /// Gives it another pg_hba.conf and more settings.
    pub fn configure(&self, access: &str, settings: &str) {
        fs::write(Path::new(DATA).join("pg_hba.conf"), access).expect("our own");
        fs::write(Path::new(DATA).join("postgresql.auto.conf"), settings).expect("our own");
        self.run("pg_ctl", &["-D", DATA, "-s", "reload"]);
    }

    /// `person` at a terminal, who runs psql as this role and is asked for a password once.
    pub fn login(&self, person: &User, role: &str) -> Dialogue {
        self.login_with(person, role, "")
    }

    /// The same with more parameters of the connection.
    pub fn login_with(&self, person: &User, role: &str, parameters: &str) -> Dialogue {
        let psql = self.program("psql");
        let connection = format!("host=127.0.0.1 dbname=postgres user={role} {parameters}");
        let server = ["--no-psqlrc", "--pset=pager=off", "--dbname", &connection];
        let query = ["--command", "SELECT 'in as ' || current_user"];
        self.machine.terminal(&person.command(&[&[psql.as_str()], &server[..], &query].concat()))
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        run_as_postgres(&[&[self.program(program).as_str()], arguments].concat());
    }

    fn program(&self, name: &str) -> String {
        self.programs.join(name).display().to_string()
    }
}

impl Drop for Postgres<'_> {
    fn drop(&mut self) {
        self.run("pg_ctl", &["-D", DATA, "-s", "-m", "immediate", "stop"]);
    }
}

fn run_as_postgres(argv: &[&str]) {
    let setpriv = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"];
    run(&[&setpriv, argv].concat());
}

//! Scenarios as data: a file, a PAM line, and the logins that follow each other.

use std::fmt;

use sandbox::SECRET;

use crate::template::Meaning;

/// The moment of the first login, Unix time, s: 10 s after a step of 30 s began.
pub const START: u64 = 1_700_000_020;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The options behind the module's name.
    pub options: String,
    /// The file's text, a template; `None` if there is no file.
    pub file: Option<String>,
    /// What a shell does in the home before the first login; `$F` is the file.
    pub setup: String,
    /// The secret in the app, in base32.
    pub secret: String,
    /// The app's time step, s.
    pub period: u64,
    /// In their order.
    pub logins: Vec<Login>,
    next: Login,
}

/// One login.
#[derive(Clone, Debug)]
pub struct Login {
    /// Seconds after the first.
    pub later: u64,
    /// The login name.
    pub user: String,
    /// `PAM_RHOST`, a template.
    pub from: Option<String>,
    /// `PAM_AUTHTOK` before, a template.
    pub token: Option<String>,
    /// The answers, templates; `null`, `none` and `error` are those of [`sandbox::Answer`]. The
    /// last is given again.
    pub replies: Vec<String>,
    /// What comes of it.
    pub expected: Expected,
}

/// What comes of a login.
#[derive(Clone, Debug)]
pub enum Expected {
    /// The same with both, or what [`crate::known`] recognizes; then nothing is compared after it.
    Same,
    /// This with both, one of the words of [`crate::lab::Seen`].
    Both(&'static str),
    /// A row of docs/decisions.md, and the lines of [`crate::lab::Seen`] that only the original and
    /// only ours has, templates.
    Differs(&'static str, Vec<&'static str>, Vec<&'static str>),
}

/// A row of the table. `file` is what stands below the secret, with `|` between the lines: option
/// lines (in capitals, what stands before them is added here), scratch codes, anything.
pub fn scenario(name: &str, options: &str, file: &str) -> Scenario {
    let lines = file.split('|').filter(|line| !line.is_empty()).map(|line| {
        let is_option = line.starts_with(|first: char| first.is_ascii_uppercase());
        format!("{}{line}\n", if is_option { "\" " } else { "" })
    });
    let file = Some(format!("{SECRET}\n{}", lines.collect::<String>()));
    let next = Login {
        later: 0,
        user: "alice".to_owned(),
        from: Some("192.0.2.7".to_owned()),
        token: None,
        replies: Vec::new(),
        expected: Expected::Same,
    };
    Scenario {
        name: name.to_owned(),
        options: options.to_owned(),
        file,
        setup: String::new(),
        secret: SECRET.to_owned(),
        period: 30,
        logins: Vec::new(),
        next,
    }
}

impl Scenario {
    /// The whole file is this.
    pub fn raw(self, file: &str) -> Self {
        Self { file: Some(file.to_owned()), ..self }
    }

    /// There is no file.
    pub fn without_file(self) -> Self {
        Self { file: None, ..self }
    }

    /// A shell does this in the home before the first login.
    pub fn setup(self, commands: &str) -> Self {
        Self { setup: commands.to_owned(), ..self }
    }

    /// The app has another secret than usual.
    pub fn secret(self, base32: &str) -> Self {
        Self { secret: base32.to_owned(), ..self }
    }

    /// The app has another time step than usual, s.
    pub fn period(self, period: u64) -> Self {
        Self { period, ..self }
    }

    /// The next logins come so many seconds after the last.
    pub fn later(mut self, seconds: u64) -> Self {
        self.next.later += seconds;
        self
    }

    /// The next logins are of another user than alice.
    pub fn user(mut self, name: &str) -> Self {
        name.clone_into(&mut self.next.user);
        self
    }

    /// The next logins come from this host, or from none that is known.
    pub fn from<'a>(mut self, host: impl Into<Option<&'a str>>) -> Self {
        self.next.from = host.into().map(str::to_owned);
        self
    }

    /// An earlier module has asked for this in the next logins, or for nothing.
    pub fn token<'a>(mut self, token: impl Into<Option<&'a str>>) -> Self {
        self.next.token = token.into().map(str::to_owned);
        self
    }

    /// A login with these answers lets in.
    pub fn accepts(self, replies: impl Replies) -> Self {
        self.login(replies, Expected::Both("accepted"))
    }

    /// A login with these answers does not let in.
    pub fn denies(self, replies: impl Replies) -> Self {
        self.login(replies, Expected::Both("denied"))
    }

    /// The module says that it has nothing to say.
    pub fn ignores(self, replies: impl Replies) -> Self {
        self.login(replies, Expected::Both("ignored"))
    }

    /// A login with these answers, of which both modules show the same.
    pub fn shows_the_same(self, replies: impl Replies) -> Self {
        self.login(replies, Expected::Same)
    }

    /// A login with these answers, of which the original shows `theirs` where ours shows `ours`,
    /// because of this row of docs/decisions.md.
    pub fn differs<const T: usize, const O: usize>(
        self,
        row: &'static str,
        replies: impl Replies,
        theirs: [&'static str; T],
        ours: [&'static str; O],
    ) -> Self {
        self.login(replies, Expected::Differs(row, theirs.to_vec(), ours.to_vec()))
    }

    fn login(mut self, replies: impl Replies, expected: Expected) -> Self {
        let replies = replies.templates();
        self.logins.push(Login { replies, expected, ..self.next.clone() });
        self
    }

    /// What marks mean in the file and, at a login, in everything else.
    pub fn meaning(&self, later: u64) -> Meaning<'_> {
        Meaning { now: START + later, period: self.period, secret: &self.secret }
    }
}

/// Answers to one prompt or more.
pub trait Replies {
    /// Each of them.
    fn templates(self) -> Vec<String>;
}

impl Replies for &str {
    fn templates(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl<const N: usize> Replies for [&str; N] {
    fn templates(self) -> Vec<String> {
        self.map(str::to_owned).to_vec()
    }
}

impl Replies for Vec<String> {
    fn templates(self) -> Vec<String> {
        self
    }
}

/// How the original shows that it hangs.
pub const HANGS: &str = "host: exit status: 124";

impl Login {
    /// Whether the original is known to hang.
    pub fn hangs_the_original(&self) -> bool {
        matches!(&self.expected, Expected::Differs(_, theirs, _) if theirs.contains(&HANGS))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meant = |text: &str, later| self.meaning(later).of(text).escape_ascii().to_string();
        writeln!(f, "{}\n  options: {}\n  setup: {}", self.name, self.options, self.setup)?;
        for line in self.file.iter().flat_map(|text| text.split_inclusive('\n')) {
            writeln!(f, "  file: {line:?} = {}", meant(line, 0))?;
        }
        for Login { later, user, from, token, replies, .. } in &self.logins {
            writeln!(f, "  after {later} s {user} from {from:?}")?;
            if let Some(text) = token {
                writeln!(f, "    token: {text:?} = {}", meant(text, *later))?;
            }
            for text in replies {
                writeln!(f, "    reply: {text:?} = {}", meant(text, *later))?;
            }
        }
        Ok(())
    }
}

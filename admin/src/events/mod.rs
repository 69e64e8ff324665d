//! `mfactl log`: what happened lately.

mod line;
mod source;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write;

use clap::value_parser;
use jiff::tz::TimeZone;
use mfa_core::audit::Value;
use serde::Serialize;

pub use source::journal;

use self::line::Line;
use self::source::Entry;
use crate::failure::Failure;
use crate::report::{head, json, table};
use crate::time::{length, moment};
use crate::world::World;

const YEAR: u64 = 366 * 24 * 60 * 60;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
    The events are read from the journal, else from /var/log/auth.log or /var/log/secure. \
    Other programs write there, too: a line that root did not log is marked, where the \
    journal tells.")]
pub struct Args {
    /// Only of this user
    #[arg(long, value_name = "USER")]
    user: Option<String>,

    /// Only of the time since then, such as 1h or 7d
    #[arg(long, value_name = "TIME", value_parser = length(1, YEAR))]
    since: Option<u64>,

    /// Sum up what rules with enforce = false would have done
    #[arg(long)]
    would: bool,

    /// How many at most, the latest
    #[arg(short = 'n', long = "lines", value_name = "N", default_value = "50")]
    #[arg(value_parser = value_parser!(u32).range(1..), conflicts_with = "would")]
    lines: u32,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A line of ours, and when and by whom it was logged.
struct Event {
    time: Option<u64>,
    sender: Option<u32>,
    line: Line,
}

/// Every key is always there; what does not apply is null.
#[derive(Serialize)]
struct Shown<'a> {
    /// In seconds since 1970.
    time: Option<u64>,
    service: &'a str,
    event: &'a str,
    fields: BTreeMap<&'a str, &'a str>,
    /// The user id of whoever logged it.
    sender: Option<u32>,
}

#[derive(Serialize)]
struct Events<'a> {
    events: Vec<Shown<'a>>,
}

/// What one rule would have done.
#[derive(Serialize)]
struct DryRun {
    rule: String,
    would: String,
    /// How many logins.
    logins: usize,
    /// Of how many users.
    people: usize,
    /// The user id of whoever logged them, if that was not root: anybody can.
    sender: Option<u32>,
}

#[derive(Serialize)]
struct DryRuns {
    dry_runs: Vec<DryRun>,
}

/// Runs the command.
///
/// # Errors
/// There is no log that can be read; [`Failure::Output`].
pub fn log(args: &Args, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
    if args.would {
        let mut runs: BTreeMap<_, (usize, BTreeSet<String>)> = BTreeMap::new();
        each(args, world, &mut |event| {
            let (sender, line) = (event.stranger(), &event.line);
            if let (Some(would), Some(user)) = (line.value("would"), line.value("user")) {
                let rule = line.value("rule").unwrap_or_default().to_owned();
                let (logins, people) = runs.entry((rule, would.to_owned(), sender)).or_default();
                *logins += 1;
                people.insert(user.to_owned());
            }
        })?;
        let dry_run =
            |((rule, would, sender), (logins, people)): ((_, _, _), (usize, BTreeSet<_>))| DryRun {
                rule,
                would,
                logins,
                people: people.len(),
                sender,
            };
        let dry_runs = DryRuns { dry_runs: runs.into_iter().map(dry_run).collect() };
        return if args.json { json(output, &dry_runs) } else { dry_runs.show(world, output) };
    }
    let most = usize::try_from(args.lines).unwrap_or(usize::MAX);
    let mut events = VecDeque::new();
    each(args, world, &mut |event| {
        if events.len() == most {
            events.pop_front();
        }
        events.push_back(event);
    })?;
    if args.json {
        return json(output, &Events { events: events.iter().map(Event::shown).collect() });
    }
    let head = head(["time", "service", "event", "user", "details"]);
    let rows: Vec<_> = std::iter::once(head).chain(events.iter().map(Event::row)).collect();
    table(output, world.colour, &rows)
}

/// Gives each event that is asked for to `take`, in the log's order.
fn each(args: &Args, world: &World, take: &mut dyn FnMut(Event)) -> Result<(), Failure> {
    let now = (world.clock)();
    let since = args.since.map(|length| now.saturating_sub(length));
    let any = Cell::new(false);
    let mut one = |entry: Option<Entry>| {
        let Some(Entry { time, program, sender, message }) = entry else { return };
        any.set(true);
        let is_recent = since.is_none_or(|since| time.is_some_and(|time| time >= since));
        let Some(line) = Line::read(&program, &message).filter(|_| is_recent) else { return };
        if args.user.as_deref().is_none_or(|user| line.value("user") == Some(user)) {
            take(Event { time, sender, line });
        }
    };
    let in_journal = (world.journal)(since, &mut |line| one(Entry::of_journal(line))).is_ok();
    if any.get() {
        return Ok(());
    }
    let zone = TimeZone::system();
    let mut found = in_journal;
    for path in &world.logs {
        found |= source::file(path, &mut |line| one(Entry::of_file(line, now, &zone))).is_ok();
    }
    if found {
        return Ok(());
    }
    let paths: Vec<_> = world.logs.iter().map(|path| path.display().to_string()).collect();
    Err(Failure::Refused(format!(
        "there is no log that can be read: no journal, nor {}",
        paths.join(" or ")
    )))
}

impl DryRuns {
    fn show(&self, world: &World, output: &mut dyn Write) -> Result<(), Failure> {
        let row = |run: &DryRun| {
            let DryRun { rule, would, logins, people, sender } = run;
            let who = sender.map_or(String::new(), |uid| format!(" (logged by uid {uid})"));
            [shown(rule), shown(would), logins.to_string(), format!("{people}{who}")]
        };
        let head = head(["rule", "would", "logins", "people"]);
        let rows: Vec<_> = std::iter::once(head).chain(self.dry_runs.iter().map(row)).collect();
        table(output, world.colour, &rows)
    }
}

impl Event {
    /// Who logged it, if that was not root: the module of a service that is not, or anybody else.
    fn stranger(&self) -> Option<u32> {
        self.sender.filter(|&uid| uid != 0)
    }

    fn shown(&self) -> Shown<'_> {
        let fields = self.line.fields.iter();
        Shown {
            time: self.time,
            service: &self.line.service,
            event: &self.line.event,
            fields: fields.map(|(key, value)| (key.as_str(), value.as_str())).collect(),
            sender: self.sender,
        }
    }

    fn row(&self) -> [String; 5] {
        let details = self.line.fields.iter().filter(|(key, _)| key != "user");
        let mut details: Vec<_> =
            details.map(|(key, value)| format!("{key}={}", shown(value))).collect();
        details.extend(self.stranger().map(|uid| format!("(logged by uid {uid})")));
        [
            self.time.map_or("-".to_owned(), moment),
            shown(&self.line.service),
            self.line.event.clone(),
            shown(self.line.value("user").unwrap_or("-")),
            details.join(" "),
        ]
    }
}

/// What others chose may hold what a terminal obeys.
fn shown(text: &str) -> String {
    Value(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use crate::lab::Lab;

    const LINES: &str = "\
2023-11-14T20:13:20Z h sshd[1]: pam_mfa(sshd:auth): denied user=bob reason=reused source=192.0.2.7
2023-11-14T22:13:18Z h sudo[2]: pam_unix(sudo:auth): authentication failure
2023-11-14T22:13:19Z h sshd[1]: pam_mfa(sshd:auth): accepted user=alice factor=totp drift=+0 would=require \
rule=\"wave 2\" source=192.0.2.7 Accepted google_authenticator for alice
2023-11-14T22:13:19Z h sshd[1]: pam_mfa(sshd:auth): ignored user=alice would=require rule=\"wave 2\"
2023-11-14T22:13:20Z h sshd[1]: pam_mfa(sshd:auth): ignored user=bob would=require rule=\"wave 2\"
2023-11-14T22:13:20Z h sshd[1]: pam_mfa(sshd:auth): ignored user=carol would=deny rule=\"a\\x1b[2J\"
2023-11-14T22:13:21Z h mfactl[3]: changed user=\"x\\ny\" what=uid before=1 after=2 uid=0
";

    fn lab() -> Lab {
        let lab = Lab::new();
        fs::write(lab.dir.path().join("auth.log"), LINES).unwrap();
        lab
    }

    #[test]
    fn what_happened_lately() {
        let lab = lab();
        let said = lab.run("log", "").unwrap();
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 7, "{said}");
        assert!(lines[0].starts_with("time                  service  event     user"), "{said}");
        assert_eq!(
            lines[1],
            "2023-11-14T20:13:20Z  sshd     denied    bob     reason=reused source=192.0.2.7"
        );
        assert!(lines[6].contains(r#"mfactl   changed   "x\ny"  what=uid"#), "{said}");
        assert!(said.is_ascii() && !said.contains('\x1b'), "{said:?}");

        let said = lab.run("log --user bob --since 1h", "").unwrap();
        assert_eq!(said.lines().count(), 2, "{said}");
        let said = lab.run("log -n 1 --json", "").unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        let expected = serde_json::json!({"events": [{
            "time": 1_700_000_001, "service": "mfactl", "event": "changed", "sender": null,
            "fields": {"user": "x\ny", "what": "uid", "before": "1", "after": "2", "uid": "0"},
        }]});
        assert_eq!(said, expected);
    }

    #[test]
    fn what_dry_runs_would_have_done() {
        let said = lab().run("log --would", "").unwrap();
        let expected = "rule        would    logins  people\n\
                        \"a\\x1b[2J\"  deny     1       1\n\
                        \"wave 2\"    require  3       2\n";
        assert_eq!(said, expected);
        let said = lab().run("log --would --json --user alice", "").unwrap();
        let expected = serde_json::json!({"dry_runs": [
            {"rule": "wave 2", "would": "require", "logins": 2, "people": 1, "sender": null},
        ]});
        assert_eq!(serde_json::from_str::<Value>(&said).unwrap(), expected);
    }

    #[test]
    fn what_others_say_of_dry_runs_is_summed_up_apart() {
        let lab = lab();
        let entry = |uid: u32| {
            serde_json::json!({
                "__REALTIME_TIMESTAMP": "1700000000000000", "_UID": uid.to_string(),
                "SYSLOG_IDENTIFIER": "sshd",
                "MESSAGE": "pam_mfa(sshd:auth): skipped user=alice would=deny rule=\"wave 2\"",
            })
        };
        lab.journal.replace(Some(format!("{}\n{1}\n{1}\n", entry(0), entry(1000))));
        let said = lab.run("log --would", "").unwrap();
        let expected = "rule      would  logins  people\n\
                        \"wave 2\"  deny   1       1\n\
                        \"wave 2\"  deny   2       1 (logged by uid 1000)\n";
        assert_eq!(said, expected);
    }

    #[test]
    fn the_journal_comes_first_and_knows_who_logged() {
        let lab = lab();
        let entry = |uid: u32| {
            serde_json::json!({
                "__REALTIME_TIMESTAMP": "1700000000000000", "_UID": uid.to_string(),
                "SYSLOG_IDENTIFIER": "mfactl", "MESSAGE": "changed user=alice what=uid",
            })
        };
        lab.journal.replace(Some(format!("{}\n{}\n", entry(0), entry(1000))));
        let said = lab.run("log", "").unwrap();
        let lines: Vec<_> = said.lines().collect();
        assert_eq!(lines.len(), 3, "{said}");
        assert!(lines[1].ends_with(" what=uid") && lines[2].ends_with("(logged by uid 1000)"));
    }

    #[test]
    fn where_there_is_no_log() {
        let sentence = Lab::new().refused("log");
        assert!(sentence.contains("no journal, nor "), "{sentence}");
    }
}

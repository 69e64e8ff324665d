//! Whether the clock is right, as far as this machine can know: codes by time depend on it.

use std::path::PathBuf;

use super::diagnosis::{Diagnosis, Word};
use super::host::Host;

/// How far off it may be, s: a code more than a step away is denied.
const MAX_OFF: f64 = 30.0;

/// Programs that keep the clock and cannot be asked in a word, by what they leave while they run.
const KEEPERS: [&str; 4] =
    ["/run/ntpd.pid", "/run/ntpd-rs/observe", "/run/openntpd/ntpd.sock", "/run/ptp4l"];

/// What is known of it.
pub enum Clock {
    /// Somebody keeps it, or it is the host's of this container.
    Kept,
    /// A program sees to it, which says by how many seconds it is off.
    Off(PathBuf, f64),
    /// The program of this file has not found the time yet.
    Unsynchronised(PathBuf),
    /// Nobody does.
    Unkept(PathBuf),
}

impl Clock {
    /// Asks chrony, then looks for what systemd-timesyncd leaves.
    pub fn look(host: &Host) -> Self {
        let at = |path: &str| host.at(path);
        if at("/run/chrony").exists() {
            let tracking = (host.run)(&["chronyc", "-c", "-n", "tracking"]);
            if let Some(clock) = tracking.and_then(|text| chrony(&text, at("/run/chrony"))) {
                return clock;
            }
        }
        // What the container's host keeps, nobody keeps here.
        if at("/run/systemd/container").exists()
            || at("/run/systemd/timesync/synchronized").exists()
        {
            return Self::Kept;
        }
        let timesync = at("/run/systemd/timesync");
        if timesync.exists() {
            return Self::Unsynchronised(timesync);
        }
        if KEEPERS.iter().any(|keeper| at(keeper).exists()) {
            Self::Kept
        } else {
            Self::Unkept(at("/run"))
        }
    }

    /// What is wrong with it.
    pub fn judge(&self) -> Option<Diagnosis> {
        match self {
            Self::Kept => None,
            Self::Off(path, seconds) => Some(Diagnosis::new(
                Word::ClockOff,
                (path, None),
                format!("the clock is off by {seconds:.0} s: codes by time are denied"),
                "run `chronyc makestep`",
            )),
            Self::Unsynchronised(path) => Some(Diagnosis::new(
                Word::ClockUnkept,
                (path, None),
                "the clock is not synchronised yet",
                "see that time servers can be reached",
            )),
            Self::Unkept(path) => Some(Diagnosis::new(
                Word::ClockUnkept,
                (path, None),
                "no program that is known keeps the clock: once it is off, codes by time are denied",
                "install systemd-timesyncd or chrony",
            )),
        }
    }
}

/// What `chronyc -c tracking` says: fields separated by commas, the fifth by how many seconds the clock
/// is off, the last whether it is synchronised (chronyc(1)).
fn chrony(tracking: &str, path: PathBuf) -> Option<Clock> {
    let fields: Vec<_> = tracking.trim_end().split(',').collect();
    let off = fields.get(4)?.parse::<f64>().ok()?.abs();
    Some(match *fields.last()? {
        "Not synchronised" => Clock::Unsynchronised(path),
        _ if off > MAX_OFF => Clock::Off(path, off),
        _ => Clock::Kept,
    })
}

//! How long things take.

use std::path::PathBuf;

use crate::machine::run;
use crate::program::program;

/// Something to be timed.
#[derive(Clone, Debug)]
pub enum Work {
    /// A login in a process that has seen such logins before. Not to be mixed with the next two:
    /// their processes would find the modules loaded.
    Inside(Login),
    /// A process of its own for one login, from its start to its end.
    Fresh(Login),
    /// Loading this file, dlopen(3).
    Load(PathBuf),
    /// Making a rename in this directory durable.
    Sync(PathBuf),
}

/// One login.
#[derive(Clone, Debug)]
pub struct Login {
    /// The PAM service.
    pub service: &'static str,
    /// The user.
    pub user: &'static str,
    /// What is answered, in turn; the last one again and again.
    pub answers: Vec<String>,
    /// What PAM has to return, see pam(3).
    pub result: i32,
}

/// Does all of the work in each of `rounds` rounds; returns the median of each, in nanoseconds.
#[track_caller]
pub fn medians(rounds: usize, work: &[Work]) -> Vec<u64> {
    let timer = program("timer", include_str!("timer.c"), "");
    let rounds = rounds.to_string();
    let work: Vec<_> = work.iter().map(Work::argument).collect();
    let argv = [timer.as_str(), &rounds].into_iter().chain(work.iter().map(String::as_str));
    let said = run(&argv.collect::<Vec<_>>());
    let rounds: Vec<Vec<u64>> = said.lines().map(numbers).collect();
    (0..work.len()).map(|nth| median(rounds.iter().map(|round| round[nth]).collect())).collect()
}

fn numbers(line: &str) -> Vec<u64> {
    line.split_whitespace().map(|word| word.parse().expect("timer.c prints numbers")).collect()
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

impl Work {
    fn argument(&self) -> String {
        match self {
            Self::Inside(login) => format!("inside:{}", login.argument()),
            Self::Fresh(login) => format!("fresh:{}", login.argument()),
            Self::Load(file) => format!("load:{}", file.display()),
            Self::Sync(directory) => format!("sync:{}", directory.display()),
        }
    }
}

impl Login {
    fn argument(&self) -> String {
        let Self { service, user, answers, result } = self;
        format!("{service}:{user}:{result}:{}", answers.join(","))
    }
}

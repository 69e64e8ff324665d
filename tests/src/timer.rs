//! How long things take.

use std::path::PathBuf;

use crate::machine::run;
use crate::program::program;

/// Something to be timed.
#[derive(Clone, Debug)]
pub enum Work {
    /// A login in a process that has seen such logins before. Not to be mixed with
    /// [`Work::Fresh`] and [`Work::Load`]: their processes would find the modules loaded.
    Inside(Login),
    /// The same with this root directory.
    There(PathBuf, Login),
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
    medians_of_batches(1, rounds, work, || ())
}

/// The same, so many times over, each time after `prepare`.
#[track_caller]
pub fn medians_of_batches(
    batches: usize,
    rounds: usize,
    work: &[Work],
    prepare: impl Fn(),
) -> Vec<u64> {
    let timer = program("timer", include_str!("timer.c"), "");
    let count = rounds.to_string();
    let arguments: Vec<_> = work.iter().map(Work::argument).collect();
    let argv = [timer.as_str(), &count].into_iter().chain(arguments.iter().map(String::as_str));
    let argv: Vec<_> = argv.collect();
    let mut rounds: Vec<Vec<u64>> = Vec::new();
    for _ in 0..batches {
        prepare();
        rounds.extend(run(&argv).lines().map(numbers));
    }
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
            Self::There(root, login) => {
                format!("there:{}:{}", root.display(), login.argument())
            }
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

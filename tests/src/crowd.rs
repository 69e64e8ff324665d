//! Many logins at one moment.

use crate::machine::run;
use crate::program::program;

/// Logs `user` in through `service` as often as there are answers, each in a process of its own and
/// all at the same moment. Returns how many were let in.
///
/// No client of sshd or sudo can do this: what starts a process each spreads them.
#[track_caller]
pub fn rush(service: &str, user: &str, answers: &[String]) -> usize {
    let crowd = program("crowd", include_str!("crowd.c"), "");
    let argv = ["timeout", "60", &crowd, service, user];
    let answers = answers.iter().map(String::as_str);
    let accepted = run(&argv.into_iter().chain(answers).collect::<Vec<_>>());
    accepted.parse().expect("crowd.c prints a number")
}

/// A thread's login, again and again: who, with what answer, and what PAM has to return.
pub type Client<'a> = (&'a str, &'a str, i32);

/// Logs all `clients` in through `service`, each in a thread of one process, `rounds` times over.
/// Fails the test if one of them is answered otherwise, or finds its thread changed.
#[track_caller]
pub fn serve_in_threads(service: &str, rounds: usize, clients: &[Client]) {
    let threads = program("threads", include_str!("threads.c"), "");
    let (rounds, results): (_, Vec<_>) =
        (rounds.to_string(), clients.iter().map(|(_, _, result)| result.to_string()).collect());
    let words = clients.iter().zip(&results);
    let words = words.flat_map(|((user, answer, _), result)| [*user, *answer, result.as_str()]);
    let argv = ["timeout", "60", &threads, service, &rounds];
    run(&argv.into_iter().chain(words).collect::<Vec<_>>());
}

//! What is shown and cannot be run on a machine of a document's own.

/// A command that is run elsewhere.
pub struct Elsewhere {
    /// As it is shown, without a comment.
    pub command: &'static str,
    /// Why not here.
    pub why: &'static str,
    /// Where it is run: a file of the tree, and a line in it.
    pub run_by: (&'static str, &'static str),
}

/// Few, and each has to occur.
pub const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        command: "make check",
        why: "it runs the tests of which this is one",
        run_by: (".ci/run", "make check"),
    },
    Elsewhere {
        command: "make deb",
        why: "what it makes is installed here",
        run_by: ("Makefile", "check-docs: build deb"),
    },
];

impl Elsewhere {
    /// Whether it is this command.
    pub fn is(&self, command: &str) -> bool {
        let command = command.split('#').next().unwrap_or_default().trim();
        command == self.command
    }
}

/// Whether it is on the list.
pub fn is_elsewhere(command: &str) -> bool {
    ELSEWHERE.iter().any(|entry| entry.is(command))
}

/// Whether it makes sandboxes of its own, or none is needed: it is run in the tree, by whoever calls.
pub fn is_outside(command: &str) -> bool {
    command.starts_with("make ") && !is_elsewhere(command)
}

//! The parser's complaints, each as one sentence that says what to do.

use clap::Command;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};

/// The sentence for `error`, without a full stop.
pub fn sentence(command: &Command, error: &Error) -> String {
    let option = option_name(error);
    match error.kind() {
        ErrorKind::UnknownArgument => unknown(command, &option),
        ErrorKind::ArgumentConflict => format!("{option} is there twice; give it once"),
        ErrorKind::TooManyValues => format!("{option} takes no value; leave out what follows ="),
        ErrorKind::ValueValidation => {
            let wanted = std::error::Error::source(error).map(ToString::to_string);
            let wanted = wanted.unwrap_or_else(|| "another value".to_owned());
            format!("{option} takes {wanted}, not {:?}", text(error, ContextKind::InvalidValue))
        }
        ErrorKind::InvalidValue => {
            let given = text(error, ContextKind::InvalidValue);
            let possible = text(error, ContextKind::ValidValue);
            match (given.is_empty(), possible.is_empty()) {
                (true, true) => format!("{option} needs a value; add it"),
                (true, false) => format!("{option} needs a value, one of {possible}"),
                (false, _) => format!("{option} takes one of {possible}, not {given:?}"),
            }
        }
        ErrorKind::InvalidUtf8 => "an option's value is not UTF-8; give it in UTF-8".to_owned(),
        // None of the others can arise from this definition; clap's own first line serves them.
        _ => {
            let whole = error.to_string();
            let line = whole.lines().next().unwrap_or_default();
            format!("{}; see mfa-enroll --help", line.trim_start_matches("error: "))
        }
    }
}

fn unknown(command: &Command, option: &str) -> String {
    let stem = option.trim_start_matches('-');
    let longs = command.get_arguments().filter_map(|arg| arg.get_long());
    let meant: Vec<String> =
        longs.filter(|long| long.starts_with(stem)).map(|long| format!("--{long}")).collect();
    if option.starts_with("--") && meant.len() > 1 {
        format!("{option} may mean {}; write it out", meant.join(" or "))
    } else {
        format!("there is no option {option}; see mfa-enroll --help for those there are")
    }
}

/// `--label` out of clap's `--label <LABEL>`.
fn option_name(error: &Error) -> String {
    let shown = text(error, ContextKind::InvalidArg);
    shown.split(' ').next().unwrap_or_default().to_owned()
}

fn text(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    }
}

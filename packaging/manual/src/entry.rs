//! An option or a key and what it means, as one item of a list.

use mfa_core::options::{Entry, Form, REFUSED};
use mfa_core::policy::keys::Key;
use mfa_core::reason::Reason;
use roff::{Inline, Roff, bold, roman};

use crate::text::{sentence, typed};

/// The options of one table.
pub fn options(entries: &[Entry]) -> Roff {
    let mut roff = Roff::new();
    for Entry { name, form, meaning } in entries {
        let tag = match form {
            Form::Word => vec![bold(*name)],
            Form::Value(value) => with_value(name, "=", value),
            Form::Either(value) => {
                [vec![bold(*name), roman(", ")], with_value(name, "=", value)].concat()
            }
        };
        item(&mut roff, tag, sentence(meaning));
    }
    roff
}

/// What pam_u2f has and we refuse.
pub fn refused() -> Roff {
    let mut roff = Roff::new();
    for (name, why) in REFUSED {
        item(&mut roff, vec![bold(*name)], vec![roman(format!("Refused: {why}."))]);
    }
    roff
}

/// The keys of one table.
pub fn keys(keys: &[Key]) -> Roff {
    let mut roff = Roff::new();
    for Key { name, value, meaning } in keys {
        let tag = if value.is_empty() {
            vec![bold(format!("[[{name}]]"))]
        } else {
            with_value(name, " = ", value)
        };
        item(&mut roff, tag, sentence(meaning));
    }
    roff
}

/// Why a login was denied, by the word in the log.
pub fn reasons() -> Roff {
    let mut roff = Roff::new();
    for reason in Reason::ALL {
        item(&mut roff, vec![bold(reason.code())], vec![roman(reason.to_string())]);
    }
    roff
}

/// One item: its tag, and what is said of it.
pub fn item(roff: &mut Roff, tag: Vec<Inline>, said: Vec<Inline>) {
    roff.control("TP", []).text(tag).text(said);
}

fn with_value(name: &str, sign: &str, value: &str) -> Vec<Inline> {
    let mut tag = vec![bold(format!("{name}{sign}"))];
    for (place, one) in value.split('|').enumerate() {
        if place > 0 {
            tag.push(roman("|"));
        }
        tag.extend(typed(one));
    }
    tag
}

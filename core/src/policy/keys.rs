//! The keys of policy.toml and bypass.toml, in words: what the manual says of them.
//!
//! A test compares them with those that the reader asks for, the sample that is shipped and the documents.

/// A key, and what people read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// As it is written in the file.
    pub name: &'static str,
    /// What it is set to, such as `"TEXT"`, or `[...]` for a list.
    pub value: &'static str,
    /// What it does. What is to be typed stands between backticks.
    pub meaning: &'static str,
}

const fn key(name: &'static str, value: &'static str, meaning: &'static str) -> Key {
    Key { name, value, meaning }
}

/// Those of policy.toml itself.
pub const POLICY: &[Key] = &[
    key("version", "1", "The version of the file. It comes first and must be there."),
    key(
        "store",
        "\"auto|system|home\"",
        "Whose records count where the PAM line does not say: the system's, then the home's, which is so \
         unless given; the system's alone; the home's alone.",
    ),
    key(
        "recheck",
        "[\"SERVICE\", ...]",
        "Services whose account line (`account required pam_mfa.so`) asks again once a check is no longer \
         fresh.",
    ),
    key(
        "local",
        "[\"SERVICE\", ...]",
        "Services that only people at this machine can reach: they may be asked for a key in one of its \
         ports. Not sudo and su where people come by ssh.",
    ),
    key(
        "ssh_ca",
        "[\"KEY\", ...]",
        "Authorities, each as in its `.pub` file, whose certificates count as `ssh-key`.",
    ),
    key("limits", "{ ... }", "What becomes of failures, by the keys below."),
    key("rule", "", "A rule, written as `[[rule]]` with its keys below. Their order counts."),
];

/// Those of `limits`.
pub const LIMITS: &[Key] = &[
    key(
        "failures",
        "N",
        "How many failures there may be before a pause of 30 seconds, 1 to 100; 5 unless given. Each further \
         one doubles it.",
    ),
    key("pause_max", "\"TIME\"", "The longest pause; `15m` unless given, `1d` at most."),
    key(
        "source_exempt",
        "[\"NETWORK\", ...]",
        "Addresses and networks that many people share: any number of them may fail there.",
    ),
];

/// Those of a rule: its name, conditions, and what becomes of whom they hold for.
pub const RULE: &[Key] = &[
    key("name", "\"TEXT\"", "What the log calls the rule, one of its kind. It must be there."),
    key("users", "[\"NAME\", ...]", "Condition: login names, as the user database has them."),
    key(
        "groups",
        "[\"NAME\", ...]",
        "Condition: groups, primary ones too. They are looked up last, if all else holds. A group that does \
         not exist, or a database that does not answer, denies: put rules for local users above.",
    ),
    key("services", "[\"SERVICE\", ...]", "Condition: PAM services, such as `sshd` or `sudo`."),
    key(
        "hosts",
        "[\"NAME\", ...]",
        "Condition: this machine's name (`uname -n`) or the first part of it. `*` stands for any text, `?` \
         for one character.",
    ),
    key(
        "from",
        "[\"NETWORK\", ...]",
        "Condition: numeric addresses and networks that the login comes from. A login without a numeric \
         address comes from none; names are never looked up.",
    ),
    key("skip", "\"WHY\"", "Effect: no second factor. The reason goes to the log."),
    key("deny", "\"WHY\"", "Effect: not let in. The person reads `access requires MFA: WHY`."),
    key(
        "require",
        "[\"FACTOR\", ...]",
        "Effect: any one of these factors: `otp`, a code of an app or a token; `recovery`, a scratch or \
         recovery code, or one of the help desk; `key`, a security key in a port of this machine or in an \
         agent; `ssh-key`, a key or certificate that sshd has verified.",
    ),
    key(
        "fresh",
        "\"TIME\"",
        "With `require`: a check counts again for so long, `30d` at most, for the same person, service and \
         place. Without it, for one login.",
    ),
    key(
        "touch",
        "\"sshd|unverified\"",
        "With `ssh-key`: why an enrolled key counts as touched. `sshd`: sshd sees to it; `unverified`: it \
         does not matter. Without it only those count that need not be touched, and certificates that say \
         so themselves.",
    ),
    key(
        "enrolled_by",
        "DATE",
        "With `require`: until 00:00 UTC of that day who has not enrolled gets in, and is told to enrol. \
         From then on they do not.",
    ),
    key(
        "enforce",
        "true|false",
        "With `false`, a dry run: the rule decides, but asks nobody and lets everybody in. The log says what \
         it would have done, such as `would=require`. Not beside `skip`; `true` unless given.",
    ),
];

/// Those of bypass.toml itself.
pub const LIST: &[Key] = &[
    key("version", "1", "The version of the file. It may be left out."),
    key("bypass", "", "An entry, written as `[[bypass]]` with its keys below."),
];

/// Those of an entry of bypass.toml.
pub const ENTRY: &[Key] = &[
    key(
        "id",
        "\"ID\"",
        "What the log calls it: 1 to 16 letters, digits and hyphens, one of its kind. It must be there.",
    ),
    key(
        "network",
        "\"NETWORK\"",
        "The address or network that logins come from; never a name. It must be there.",
    ),
    key("services", "[\"SERVICE\", ...]", "The PAM services that it is for; all unless given."),
    key("reason", "\"WHY\"", "Why, for whoever reads the list. It must be there."),
    key("owner", "\"WHO\"", "Who answers for it."),
    key("created", "DATE", "When it was made."),
    key("expires", "DATE", "From when on it counts for nothing; never unless given."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use toml::de::{DeTable, DeValue};

    use super::*;
    use crate::docs;
    use crate::policy::{Policy, bypass};

    type Names = BTreeSet<String>;

    fn names(keys: &[&[Key]]) -> Names {
        keys.iter().flat_map(|keys| keys.iter()).map(|key| key.name.to_owned()).collect()
    }

    /// What the reader says that there is, asked for a key that there is not.
    fn asked_for(mistake: impl std::fmt::Display) -> Names {
        let said = mistake.to_string();
        let (_, list) = said.split_once("no key zzz here; there are ").expect(&said);
        list.split(", ").map(str::to_owned).collect()
    }

    /// What is set in a text, by the table that it is set in; of all tables in a list together.
    fn set(text: &str, table: Option<&str>) -> Names {
        let whole = DeTable::parse(text).unwrap().into_inner();
        let keys = |table: &DeTable| table.keys().map(|key| key.get_ref().to_string()).collect();
        let Some(name) = table else { return keys(&whole) };
        match whole.get(name).unwrap().get_ref() {
            DeValue::Table(table) => keys(table),
            DeValue::Array(tables) => {
                let tables = tables.iter().map(|table| match table.get_ref() {
                    DeValue::Table(table) => keys(table),
                    other => panic!("{name}: {other:?}"),
                });
                tables.reduce(|one, other: Names| &one | &other).unwrap()
            }
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn they_are_those_of_the_reader() {
        let rule = "[[rule]]\nname = \"a\"\nzzz = 1\nrequire = [\"otp\"]";
        for (text, keys) in [
            ("zzz = 1", POLICY),
            ("limits = { zzz = 1 }", LIMITS),
            (rule, RULE),
            (&rule.replace("require = [\"otp\"]", "skip = \"x\""), RULE),
        ] {
            let text = format!("version = 1\n{text}");
            let mistake = Policy::read(text.as_bytes()).unwrap_err();
            assert_eq!(asked_for(mistake), names(&[keys]), "{text}");
        }
        let entry = "[[bypass]]\nid = \"a\"\nnetwork = \"::1\"\nreason = \"x\"\nzzz = 1";
        for (text, keys) in [("zzz = 1", LIST), (entry, ENTRY)] {
            let mistake = bypass::read(text.as_bytes()).unwrap_err();
            assert_eq!(asked_for(mistake), names(&[keys]), "{text}");
        }
    }

    #[test]
    fn the_sample_that_is_shipped_has_them_all() {
        let sample = include_str!("../../../packaging/policy.toml.sample");
        let nothing = Policy::read(sample.as_bytes()).unwrap();
        let empty = Policy::read(b"version = 1").unwrap();
        assert_eq!(nothing, empty, "nothing of it counts until somebody wants it");
        // What is said of the keys has a blank behind its mark.
        let bare = |line: &str| match line.strip_prefix('#') {
            Some(key) if !key.starts_with(' ') => key.to_owned(),
            _ => line.to_owned(),
        };
        let whole = sample.lines().map(bare).collect::<Vec<_>>().join("\n");
        let limits = Policy::read(whole.as_bytes()).unwrap().limits;
        assert_eq!((limits.failures, limits.pause_max), (5, 900), "what is so unless given");
        for (table, keys) in [(None, POLICY), (Some("limits"), LIMITS), (Some("rule"), RULE)] {
            assert_eq!(set(&whole, table), names(&[keys]), "{table:?}");
        }
    }

    #[test]
    fn the_document_has_them_all() {
        let document = include_str!("../../../docs/policy.md");
        for (column, keys) in [("key", POLICY), ("key of `limits`", LIMITS)] {
            assert_eq!(docs::names(document, column), names(&[keys]), "{column}");
        }
        let columns = ["condition", "effect, exactly one", "beside an effect"];
        let of_rules = columns.map(|column| docs::names(document, column));
        assert_eq!(of_rules.iter().flatten().cloned().collect::<Names>(), names(&[RULE]));

        let blocks: Vec<_> = document.split("```toml\n").skip(1).collect();
        let list = blocks.iter().find(|block| block.contains("[[bypass]]")).unwrap();
        let list = list.split("```").next().unwrap();
        assert_eq!(bypass::read(list.as_bytes()).unwrap().len(), 1);
        assert_eq!(set(list, None), names(&[LIST]));
        assert_eq!(set(list, Some("bypass")), names(&[ENTRY]));
    }

    #[test]
    fn what_is_to_be_typed_ends() {
        for key in [POLICY, LIMITS, RULE, LIST, ENTRY].into_iter().flatten() {
            assert!(key.meaning.matches('`').count() % 2 == 0, "{key:?}");
        }
    }
}

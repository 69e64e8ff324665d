//! What people hold in their hands: an app with the secrets that they have scanned.

use std::collections::{HashMap, HashSet};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, thread, time::Duration};

use sandbox::Secret;

/// Everybody's apps.
#[derive(Default)]
pub struct Phones {
    accounts: HashMap<String, Account>,
    /// Codes that have been typed, which count once.
    typed: HashSet<String>,
}

/// What was scanned last.
struct Account {
    secret: Secret,
    /// The counter of the next code; `None` where codes go by the time.
    counter: Option<u64>,
}

impl Phones {
    /// `person` scans what is on the screen, if there is a secret: as an otpauth URI, or behind the word
    /// key. `by_counter` where the app is told so.
    pub fn scan(&mut self, person: &str, screen: &str, by_counter: bool) {
        let of_uri = |line: &str| {
            let uri = &line[line.find("otpauth://")?..];
            let secret =
                uri.split(['?', '&', '"']).find_map(|word| word.strip_prefix("secret="))?;
            Some((secret.split_whitespace().next()?.to_owned(), uri.starts_with("otpauth://hotp")))
        };
        let of_text = |line: &str| {
            let (_, secret) = line.split_once("key is: ").or_else(|| line.split_once("Key: "))?;
            let secret = secret.split_whitespace().collect::<String>();
            let is_base32 = |byte: u8| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte);
            (secret.len() >= 16 && secret.bytes().all(is_base32)).then_some((secret, by_counter))
        };
        if let Some((secret, by_counter)) =
            screen.lines().rev().find_map(|line| of_uri(line).or_else(|| of_text(line)))
        {
            let account =
                Account { secret: Secret::new(&secret), counter: by_counter.then_some(1) };
            self.accounts.insert(person.to_owned(), account);
        }
    }

    /// The code that `person` types next: none that has been typed before. Waits for it.
    ///
    /// # Panics
    /// If they have enrolled nothing.
    pub fn code(&mut self, person: &str) -> String {
        let code = self.code_good_now(person);
        if let Some(counter) =
            self.accounts.get_mut(person).and_then(|account| account.counter.as_mut())
        {
            *counter += 1;
        }
        self.typed.insert(code.clone());
        code
    }

    /// A code of `person` that is good now; it is not used up by being known.
    ///
    /// # Panics
    /// If they have enrolled nothing.
    pub fn code_good_now(&mut self, person: &str) -> String {
        if !self.accounts.contains_key(person) {
            self.remember(person);
        }
        let account = &self.accounts[person];
        if let Some(counter) = account.counter {
            return account.secret.counted(counter);
        }
        // Like everybody who has just used one: they wait for the next.
        loop {
            let code = account.secret.code();
            if !self.typed.contains(&code) {
                return code;
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
            thread::sleep(Duration::from_secs(30 - now % 30));
        }
    }

    /// What `person` scanned before the story begins: what the scene says, or what is in their home.
    fn remember(&mut self, person: &str) {
        if let Ok(screen) = fs::read_to_string(format!("/run/phones/{person}")) {
            self.scan(person, &screen, false);
        } else if let Ok(file) = fs::read_to_string(format!("/home/{person}/.google_authenticator"))
        {
            let secret = file.lines().next().unwrap_or_default();
            self.scan(person, &format!("key is: {secret}"), file.contains("HOTP_COUNTER"));
        }
        let knows = self.accounts.contains_key(person);
        assert!(knows, "{person} is asked for a code and has enrolled nothing");
    }
}

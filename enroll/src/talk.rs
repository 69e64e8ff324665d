//! Asking and telling, on a terminal or through pipes.

use std::io::{BufRead, Read, Write};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The longest line that is read in one go, in bytes.
const LINE: u64 = 1_024;

/// The two ends of a conversation.
pub struct Talk<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Talk<R, W> {
    /// A conversation with whoever types into `input` and reads `output`.
    pub fn new(input: R, output: W) -> Self {
        Self { input, output }
    }

    /// Writes `text` as it is.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.put(text.as_bytes())
    }

    /// Writes `bytes` as they are.
    ///
    /// # Errors
    /// [`Failure::Output`].
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.output.write_all(bytes).and_then(|()| self.output.flush()).map_err(Failure::Output)
    }

    /// Asks for a line.
    ///
    /// # Errors
    /// [`Failure::InputEnded`] when there is none any more; [`Failure::Input`], [`Failure::Output`].
    pub fn ask(&mut self, prompt: &str) -> Result<Zeroizing<String>, Failure> {
        self.say(prompt)?;
        let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(LINE).unwrap_or(0)));
        let mut limited = (&mut self.input).take(LINE);
        limited.read_until(b'\n', &mut line).map_err(Failure::Input)?;
        if line.is_empty() {
            self.say("\n")?;
            return Err(Failure::InputEnded);
        }
        // Anything that is no text is no answer either.
        Ok(Zeroizing::new(std::str::from_utf8(&line).unwrap_or_default().to_owned()))
    }

    /// Asks until the first letter of the answer is a y or an n.
    ///
    /// # Errors
    /// As [`Talk::ask`].
    pub fn ask_whether(&mut self, question: &str) -> Result<bool, Failure> {
        self.say("\n")?;
        loop {
            match self.ask(&format!("{question} (y/n) "))?.bytes().next() {
                Some(b'y' | b'Y') => return Ok(true),
                Some(b'n' | b'N') => return Ok(false),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(input: &str) -> (Option<bool>, String) {
        let mut output = vec![];
        let answer = Talk::new(input.as_bytes(), &mut output).ask_whether("Well?").ok();
        (answer, String::from_utf8(output).unwrap())
    }

    #[test]
    fn the_first_letter_decides() {
        for (input, answer) in [
            ("y\n", true),
            ("Yes", true),
            ("no\n", false),
            ("N", false),
            ("\ny\n", true),
            (" n\ny\n", true),
            ("x y\n1\nn\n", false),
        ] {
            assert_eq!(answered(input).0, Some(answer), "{input:?}");
        }
    }

    #[test]
    fn asked_again_until_the_input_ends() {
        let (answer, output) = answered("maybe\n\n");
        assert_eq!(answer, None);
        assert_eq!(output, "\nWell? (y/n) Well? (y/n) Well? (y/n) \n");
    }

    #[test]
    fn what_is_no_text_is_asked_again() {
        let mut output = vec![];
        let mut talk = Talk::new(&b"\xff\xfey\ny\n"[..], &mut output);
        assert!(talk.ask_whether("Well?").unwrap());
    }
}

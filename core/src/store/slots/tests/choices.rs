//! What is left to chance: tried one way after the other, or as random bytes say.

/// Answers to questions that have a few answers each, 0 being the ordinary one.
pub enum Choices {
    /// Answer and number of answers of each question that was asked; 0 to all further ones.
    Each { answers: Vec<(usize, usize)>, asked: usize },
    /// A byte for each question; 0 when there are none left.
    Random(std::vec::IntoIter<u8>),
}

impl Choices {
    /// 0 to every question.
    pub fn none() -> Self {
        Self::Each { answers: vec![], asked: 0 }
    }

    /// Runs `trial` once for every series of answers there is.
    pub fn each<E>(mut trial: impl FnMut(&mut Self) -> Result<(), E>) -> Result<(), E> {
        let mut answers = vec![];
        loop {
            let mut choices = Self::Each { answers, asked: 0 };
            trial(&mut choices)?;
            let Self::Each { answers: given, .. } = choices else { unreachable!() };
            answers = given;
            // The next one: the last answer that can be another is, and all behind it are open again.
            while answers.last().is_some_and(|(answer, of)| answer + 1 == *of) {
                answers.pop();
            }
            let Some((answer, _)) = answers.last_mut() else { return Ok(()) };
            *answer += 1;
        }
    }

    /// One of `of` answers, from 0 on.
    pub fn pick(&mut self, of: usize) -> usize {
        match self {
            Self::Each { answers, asked } => {
                if *asked == answers.len() {
                    answers.push((0, of));
                }
                *asked += 1;
                answers[*asked - 1].0
            }
            Self::Random(bytes) => usize::from(bytes.next().unwrap_or(0)) % of,
        }
    }

    pub fn are_left(&self) -> bool {
        matches!(self, Self::Random(bytes) if !bytes.as_slice().is_empty())
    }
}

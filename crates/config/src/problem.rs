//! What is wrong with a configuration, all of it at once.

use std::fmt;

use crate::value::Position;

/// One thing that is wrong, or that deserves a warning.
///
/// `Display` is `file.yaml:12:3: processors::batch::timeout: message (advice)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where, when it has a place.
    pub position: Option<Position>,
    /// The key, with its parents: `processors::batch::timeout`. Empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Problem {
    /// A problem with a place.
    pub fn at(position: &Position, path: impl Into<String>, message: impl Into<String>) -> Self {
        let (path, message) = (path.into(), message.into());
        Self { position: Some(position.clone()), path, message, advice: None }
    }

    /// A problem of the whole.
    pub fn general(message: impl Into<String>) -> Self {
        Self { position: None, path: String::new(), message: message.into(), advice: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The same with advice to write a known word, when one was probably meant.
    #[must_use]
    pub fn suggest(self, meant: Option<&str>) -> Self {
        match meant {
            Some(meant) => self.advise(format!("did you mean `{meant}`?")),
            None => self,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(position) = &self.position {
            write!(f, "{position}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)?;
        match &self.advice {
            Some(advice) => write!(f, " ({advice})"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong, in the order of the files' lines; never empty as an error. `Display` has one line each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Sorts by place, and says each thing once.
    pub fn new(mut problems: Vec<Problem>) -> Self {
        // A stable sort: what has the same place stays in the order in which it was found.
        problems.sort_by(|a, b| a.position.cmp(&b.position));
        problems.dedup();
        Self(problems)
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

//! Everything that is wrong, or looks wrong, with a text, with its place: for editors.

use crate::error::{ParseError, ValidateError};
use crate::lenient::broken_conditions;
use crate::lexer::{MAX_ERRORS, lex_all};
use crate::parser::{MAX_QUERY_BYTES, Notes, Warning, note, note_tokens};
use crate::token::Position;
use crate::validate::validate;

/// One thing to mark in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What to mark; `start` and `end` are bytes of the text.
    pub position: Position,
    /// What is wrong.
    pub message: String,
    /// What could stand there instead; empty when there are too many possibilities to be of use.
    pub expected: Vec<&'static str>,
    /// What the author probably meant.
    pub suggestion: Option<String>,
}

/// How bad a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The text is no valid query.
    Error,
    /// The query is valid and hardly what was meant.
    Warning,
}

/// What is wrong with `text`, in the order of the text, at most a few dozen things; nothing when it
/// is a valid query that looks as it was meant.
///
/// Behind the first mistake in the syntax only conditions are looked at.
#[must_use]
pub fn diagnose(text: &str) -> Vec<Diagnostic> {
    let (parsed, notes) = note(text);
    let mut found = Vec::new();
    match parsed {
        Ok(query) => {
            found.extend(of_notes(notes));
            let is_valid = || validate(&query).map_err(|error| located(error, text));
            // What is only seen in the whole.
            if !found.iter().any(|d| d.severity == Severity::Error)
                && let Err(error) = is_valid()
            {
                found.push(Diagnostic::of_mistake(error));
            }
        }
        Err(error) => {
            let first = error.position;
            found.push(error.into());
            if text.len() <= MAX_QUERY_BYTES {
                found.extend(behind_the_first_mistake(text, first));
            }
        }
    }
    found.sort_by_key(|diagnostic| diagnostic.position.start);
    found.truncate(MAX_ERRORS);
    found
}

/// Mistakes of a text that does not parse because of the one at `first`.
fn behind_the_first_mistake(text: &str, first: Position) -> Vec<Diagnostic> {
    let lexed = lex_all(text);
    let conditions = broken_conditions(&lexed.tokens);
    // What reaches over the first mistake depends on how that is mended.
    let notes = of_notes(note_tokens(conditions.tokens));
    let mut found: Vec<Diagnostic> = notes.filter(|note| !touches(note.position, first)).collect();
    let mut marked = Vec::new();
    for error in lexed.errors {
        marked.push(error.position);
        if error.position.start != first.start {
            found.push(error.into());
        }
    }
    for position in conditions.broken {
        // One that begins before the first mistake is why that is one.
        let told = position.start <= first.end;
        if !told && !marked.iter().any(|other| touches(*other, position)) {
            found.push(Diagnostic {
                severity: Severity::Error,
                position,
                message: "the condition is not complete".to_owned(),
                expected: Vec::new(),
                suggestion: None,
            });
        }
    }
    found
}

fn touches(a: Position, b: Position) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn of_notes(notes: Notes) -> impl Iterator<Item = Diagnostic> {
    let mistakes = notes.mistakes.into_iter().map(Diagnostic::of_mistake);
    mistakes.chain(notes.warnings.into_iter().map(Diagnostic::of_warning))
}

/// `error` with its place in the text it is about.
pub(crate) fn located(error: ValidateError, text: &str) -> ValidateError {
    let (_, notes) = note(text);
    let places = notes.mistakes.iter().filter(|mistake| mistake.is_same(&error));
    let place = places.filter_map(ValidateError::position).next();
    let trimmed = text.trim_end().len();
    error.at(place.unwrap_or(Position { line: 1, column: 1, start: 0, end: trimmed }))
}

impl From<ParseError> for Diagnostic {
    fn from(error: ParseError) -> Self {
        let ParseError { position, message, expected, suggestion } = error;
        Self { severity: Severity::Error, position, message, expected, suggestion }
    }
}

impl Diagnostic {
    /// Of an error whose place is known.
    fn of_mistake(error: ValidateError) -> Self {
        let unknown = Position { line: 1, column: 1, start: 0, end: 0 };
        let position = error.position().unwrap_or(unknown);
        let (message, suggestion) = match error {
            ValidateError::Invalid { reason, suggestion, .. } => (reason, suggestion),
            ValidateError::Unsupported { what, .. } => (format!("{what} not yet supported"), None),
        };
        let (severity, expected) = (Severity::Error, Vec::new());
        Self { severity, position, message, expected, suggestion }
    }

    fn of_warning(warning: Warning) -> Self {
        let Warning { position, message, suggestion } = warning;
        Self {
            severity: Severity::Warning,
            position,
            message: message.to_owned(),
            expected: Vec::new(),
            suggestion: Some(suggestion),
        }
    }
}

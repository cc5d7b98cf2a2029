//! Substitution: `${env:NAME}`, `${NAME:-default}`, `${file:part.yaml}`, `$$`.
//!
//! A value that is exactly one `${...}` takes the YAML type of what it stands for and remembers the text; inside a
//! text it is always text. What it stands for is expanded again. Depth, the number of substitutions and the size of
//! the result are bounded, so that values that contain themselves end.

mod template;

use std::sync::Arc;

use crate::expand::template::{Piece, pieces};
use crate::problem::Problem;
use crate::section::join;
use crate::source::{Environment, Failure, Retrieved, is_variable, retrieve, split_scheme};
use crate::value::{Position, Value, ValueKind};
use crate::yaml::{Budget, DEPTH_MAX};

/// How many substitutions one may need for another.
const CHAIN_MAX: usize = 100;
/// How many substitutions a configuration may have.
const SUBSTITUTIONS_MAX: usize = 10_000;

/// Expands the values of a configuration.
pub(crate) struct Expander<'a> {
    pub(crate) environment: Environment<'a>,
    pub(crate) budget: Budget,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    pub(crate) substitutions: usize,
}

/// Where the value stands that is being expanded.
#[derive(Clone, Copy)]
struct Place<'p> {
    at: &'p Position,
    path: &'p str,
    /// Lists and maps around it.
    level: usize,
    /// Substitutions around it.
    chain: usize,
}

impl Expander<'_> {
    /// Expands a value and everything in it; what fails becomes null, with a problem.
    pub(crate) fn expand(&mut self, value: Value) -> Value {
        self.value(value, "", 0, 0)
    }

    fn value(&mut self, value: Value, path: &str, level: usize, chain: usize) -> Value {
        let Value { kind, position, raw } = value;
        if level > DEPTH_MAX {
            let message = format!("is nested deeper than {DEPTH_MAX} levels");
            self.problem(Problem::at(&position, path, message));
            return Value::new(ValueKind::Null, position);
        }
        let kind = match kind {
            ValueKind::String(text) => {
                let place = Place { at: &position, path, level, chain };
                let expanded = self.text(&text, place).unwrap_or_else(|failure| {
                    self.problem(failure.at(&position, path));
                    Value::new(ValueKind::Null, position.clone())
                });
                return Value { raw: expanded.raw.or(raw), ..expanded };
            }
            ValueKind::List(values) => {
                let element =
                    |(i, value)| self.value(value, &format!("{path}[{i}]"), level + 1, chain);
                ValueKind::List(values.into_iter().enumerate().map(element).collect())
            }
            ValueKind::Map(entries) => {
                let mut expanded = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let value = self.value(value, &join(path, &key.text), level + 1, chain);
                    expanded.push((key, value));
                }
                ValueKind::Map(expanded)
            }
            kind => kind,
        };
        Value { kind, position, raw }
    }

    /// What contains itself fails in many places below one.
    fn problem(&mut self, problem: Problem) {
        let same =
            |last: &Problem| last.position == problem.position && last.message == problem.message;
        if !self.problems.last().is_some_and(same) {
            self.problems.push(problem);
        }
    }

    /// The value of a text.
    fn text(&mut self, text: &str, place: Place<'_>) -> Result<Value, Failure> {
        let pieces = pieces(text);
        if let [Piece::Uri(uri)] = pieces.as_slice() {
            return self.whole(uri, place);
        }
        let substitutes = pieces.iter().any(|piece| matches!(piece, Piece::Uri(_)));
        let text = self.join(&pieces, place)?;
        let raw = substitutes.then(|| Arc::from(text.as_str()));
        Ok(Value { kind: ValueKind::String(text), position: place.at.clone(), raw })
    }

    /// The value of a text that is one `${...}`.
    fn whole(&mut self, uri: &str, place: Place<'_>) -> Result<Value, Failure> {
        let Retrieved { mut value, text, .. } = self.retrieve(uri, place)?;
        if &*value.position.file == "env:" || &*value.position.file == "yaml:" {
            belongs_to(&mut value, place.at);
        }
        let deeper = Place { chain: place.chain + 1, ..place };
        if let ValueKind::String(text) = &value.kind {
            let mut expanded = self.text(text, deeper)?;
            if let (None, ValueKind::String(text)) = (&expanded.raw, &expanded.kind) {
                expanded.raw = Some(text.as_str().into());
            }
            return Ok(expanded);
        }
        let mut expanded = self.value(value, place.path, place.level, deeper.chain);
        // The text only matters where a text is wanted; a text that cannot be expanded is none.
        expanded.raw = self.flat(&text, deeper).ok().map(Arc::from);
        if !matches!(expanded.kind, ValueKind::List(_) | ValueKind::Map(_)) {
            expanded.position = place.at.clone();
        }
        Ok(expanded)
    }

    /// A text with its substitutions as text.
    fn flat(&mut self, text: &str, place: Place<'_>) -> Result<String, Failure> {
        self.join(&pieces(text), place)
    }

    fn join(&mut self, pieces: &[Piece<'_>], place: Place<'_>) -> Result<String, Failure> {
        let mut joined = String::new();
        for piece in pieces {
            let before = joined.len();
            match piece {
                Piece::Text(text) => joined.push_str(text),
                Piece::Uri(uri) => {
                    let retrieved = self.retrieve(uri, place)?;
                    let deeper = Place { chain: place.chain + 1, ..place };
                    joined.push_str(&self.flat(&retrieved.text, deeper)?);
                }
            }
            self.budget.take(0, joined.len() - before).map_err(Failure::new)?;
        }
        Ok(joined)
    }

    /// What stands behind the inside of a `${...}`, whose own substitutions come first.
    fn retrieve(&mut self, uri: &str, place: Place<'_>) -> Result<Retrieved, Failure> {
        self.substitutions += 1;
        if place.chain > CHAIN_MAX || self.substitutions > SUBSTITUTIONS_MAX {
            return Err(Failure::new("needs too many substitutions: does it contain itself?"));
        }
        let inside = pieces(uri);
        let plain = |piece: &Piece<'_>| match piece {
            Piece::Text(text) => !text.contains('$'),
            Piece::Uri(_) => true,
        };
        let deeper = Place { chain: place.chain + 1, ..place };
        let resolved = self.join(&inside, deeper)?;
        if !inside.iter().all(plain) || resolved.contains('$') {
            // Without the text, which may have come out of a variable.
            return Err(Failure::new("there must be no `$` between `${` and `}`"));
        }
        let (scheme, rest) = scheme_of(&resolved);
        let retrieved = retrieve(scheme, rest, self.environment, &mut self.budget)?;
        if let Some(warning) = &retrieved.warning {
            let warning = Problem::at(place.at, place.path, warning.as_str());
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(retrieved)
    }
}

/// Without a scheme it is an environment variable, which also may have a default: `NAME:-default`.
fn scheme_of(uri: &str) -> (&str, &str) {
    let name = uri.split_once(":-").map_or(uri, |(name, _)| name);
    match split_scheme(uri) {
        Some(_) if is_variable(name) => ("env", uri),
        Some((scheme, rest)) => (scheme, rest),
        None => ("env", uri),
    }
}

/// What came out of a variable has the place of the substitution, and may be secret.
fn belongs_to(value: &mut Value, at: &Position) {
    value.position = at.clone();
    match &mut value.kind {
        ValueKind::String(text) => value.raw = Some(text.as_str().into()),
        ValueKind::List(values) => values.iter_mut().for_each(|value| belongs_to(value, at)),
        ValueKind::Map(entries) => {
            for (key, value) in entries {
                key.position = at.clone();
                belongs_to(value, at);
            }
        }
        _ => {}
    }
}

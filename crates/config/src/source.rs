//! Where configurations come from: files, environment variables, and text on the command line.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::merge::{DELIMITER, nest, wrap};
use crate::problem::Problem;
use crate::value::{Position, Value, ValueKind};
use crate::yaml::{Budget, TEXT_BYTES_MAX, compose};

/// Looks an environment variable up.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a source gave.
pub(crate) struct Retrieved {
    /// As YAML; a text when it is none.
    pub(crate) value: Value,
    /// As text.
    pub(crate) text: Arc<str>,
    /// What deserves a warning.
    pub(crate) warning: Option<String>,
}

/// What is wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) advice: Option<String>,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: None }
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    pub(crate) fn at(self, position: &Position, path: &str) -> Problem {
        Problem { advice: self.advice, ..Problem::at(position, path, self.message) }
    }
}

/// The scheme of `scheme:rest`: a letter and at least one more character, so that `C:` is none.
pub(crate) fn split_scheme(uri: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = uri.split_once(':')?;
    let mut chars = scheme.chars();
    let first = chars.next().is_some_and(|c| c.is_ascii_alphabetic());
    let others = chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-'));
    (first && others && scheme.len() > 1).then_some((scheme, rest))
}

/// The configuration that `--config` names: a URI, or the path of a file.
pub(crate) fn read_source(
    uri: &str,
    environment: Environment<'_>,
    budget: &mut Budget,
) -> Result<Value, Problem> {
    let (scheme, rest) = split_scheme(uri).unwrap_or(("file", uri));
    let name = match scheme {
        "file" => rest.to_owned(),
        "yaml" => "yaml:".to_owned(),
        _ => uri.to_owned(),
    };
    let start = Position::start(&name);
    let failed = |failure: Failure| failure.at(&start, "");
    let text = match scheme {
        "file" => read_file(rest).map_err(failed)?,
        "yaml" => rest.to_owned(),
        "env" => {
            let variable = variable(rest, environment).map_err(failed)?;
            variable.text
        }
        _ => return Err(failed(no_such_scheme(scheme))),
    };
    let value = nest(compose(&text, &start.file, budget)?)?;
    match value.kind {
        ValueKind::Map(_) | ValueKind::Null => Ok(value),
        _ => {
            let message = format!("a configuration must be a map, not {}", value.describe());
            Err(Problem::at(&value.position, "", message))
        }
    }
}

/// The configuration of `--set key=value`, where the key's parts are separated by dots.
pub(crate) fn read_set(set: &str, budget: &mut Budget) -> Result<Value, Problem> {
    let position = Position::start("--set");
    let Some((key, text)) = set.split_once('=') else {
        return Err(Problem::at(&position, "", "must be `key=value`"));
    };
    let key = key.trim().replace('.', DELIMITER);
    let parts: Vec<&str> = key.split(DELIMITER).collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Problem::at(&position, key.as_str(), "a part of the key is empty"));
    }
    let value = nest(compose(text.trim(), &position.file, budget)?)?;
    // Through `nest`, so that the depth is checked.
    nest(wrap(&parts, &position, value))
}

/// What `${scheme:rest}` stands for.
pub(crate) fn retrieve(
    scheme: &str,
    rest: &str,
    environment: Environment<'_>,
    budget: &mut Budget,
) -> Result<Retrieved, Failure> {
    match scheme {
        "file" => {
            let text = read_file(rest)?;
            // The line end of a file that has one line is not part of its value.
            let text = text.strip_suffix('\n').unwrap_or(&text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            let is_yaml = [".yaml", ".yml", ".json"].iter().any(|end| rest.ends_with(end));
            match parse(text, rest, budget) {
                Err(problem) if is_yaml => Err(Failure::new(problem.to_string())),
                parsed => Ok(retrieved(parsed.ok(), text, rest)),
            }
        }
        "yaml" => Ok(retrieved(parse(rest, "yaml:", budget).ok(), rest, "yaml:")),
        "env" => {
            let Variable { text, warning } = variable(rest, environment)?;
            let parsed = parse(&text, "env:", budget).ok();
            Ok(Retrieved { warning, ..retrieved(parsed, &text, "env:") })
        }
        _ => Err(no_such_scheme(scheme)),
    }
}

fn parse(text: &str, file: &str, budget: &mut Budget) -> Result<Value, Problem> {
    nest(compose(text, &Arc::from(file), budget)?)
}

/// A text is taken as it is, with quotes if it has some.
fn retrieved(parsed: Option<Value>, text: &str, file: &str) -> Retrieved {
    let whole = || Value::new(ValueKind::String(text.to_owned()), Position::start(file));
    let value = match parsed {
        Some(Value { kind: ValueKind::String(_), .. }) | None => whole(),
        Some(value) => value,
    };
    Retrieved { value, text: text.into(), warning: None }
}

struct Variable {
    text: String,
    warning: Option<String>,
}

/// The environment variable of `NAME` or `NAME:-default`; empty, with a warning, when it is not set.
fn variable(rest: &str, environment: Environment<'_>) -> Result<Variable, Failure> {
    let (name, default) = match rest.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (rest, None),
    };
    if !is_variable(name) {
        let failure = Failure::new(format!("`{name}` is no name of an environment variable"));
        return Err(failure.advise("write `$${` where the text `${` is meant"));
    }
    Ok(match (environment(name), default) {
        (Some(text), _) => Variable { text, warning: None },
        (None, Some(default)) => Variable { text: default.to_owned(), warning: None },
        (None, None) => {
            let warning = format!("the environment variable `{name}` is not set");
            Variable { text: String::new(), warning: Some(warning) }
        }
    })
}

/// `^[a-zA-Z_][a-zA-Z0-9_]*$`
pub(crate) fn is_variable(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(begins) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn no_such_scheme(scheme: &str) -> Failure {
    match scheme {
        "http" | "https" => Failure::new(format!("reading `{scheme}:` is not supported"))
            .advise("download it, and name the file"),
        _ => Failure::new(format!("the scheme `{scheme}:` is not known"))
            .advise("known are env:, file: and yaml:"),
    }
}

fn read_file(path: &str) -> Result<String, Failure> {
    let failed =
        |error: io::Error| Failure::new(format!("the file `{path}` cannot be read: {error}"));
    let limit = TEXT_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(failed)?;
    if bytes.len() > TEXT_BYTES_MAX {
        let limit = TEXT_BYTES_MAX >> 20;
        return Err(Failure::new(format!("the file `{path}` is larger than {limit} MiB")));
    }
    String::from_utf8(bytes).map_err(|_| Failure::new(format!("the file `{path}` is not UTF-8")))
}

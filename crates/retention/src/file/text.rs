//! A policy file as it is written: keys, lists and texts with their places.

use spandrel_config::{Key, Position, Value, ValueKind, nearest, yaml};

use crate::PolicyError;

/// What the reader of YAML calls a file; places are told by line and column alone.
const FILE: &str = "policy";

/// Something, and where it begins.
pub(super) struct Spanned<T> {
    pub(super) value: T,
    pub(super) at: Position,
}

pub(super) struct FileText {
    pub(super) decision_wait: Option<Spanned<String>>,
    pub(super) default: Option<Spanned<Vec<RuleText>>>,
    /// In the order of the file.
    pub(super) tenants: Vec<(String, Spanned<Vec<RuleText>>)>,
}

pub(super) struct RuleText {
    pub(super) name: Spanned<String>,
    pub(super) filter: Spanned<String>,
    pub(super) keep: Spanned<String>,
    pub(super) fraction: Option<Spanned<String>>,
    pub(super) at: Position,
}

impl FileText {
    pub(super) fn read(text: &str) -> Result<Self, PolicyError> {
        one_document(text)?;
        let document = yaml::parse(text, FILE).map_err(|problem| {
            let (line, column) = problem.position.map_or((0, 0), |at| (at.line, at.column));
            structure(line, column, problem.message)
        })?;
        let mut file = Self { decision_wait: None, default: None, tenants: Vec::new() };
        for (key, value) in entries(&document)? {
            match &*key.text {
                "decision_wait" => file.decision_wait = Some(string(value, text)?),
                "default" => file.default = Some(rules(value, text)?),
                "tenants" => {
                    for (name, list) in entries(value)? {
                        file.tenants.push((name.text.to_string(), rules(list, text)?));
                    }
                }
                _ => return Err(unknown(key, &["decision_wait", "default", "tenants"])),
            }
        }
        Ok(file)
    }
}

/// What follows another `---` would not be read.
fn one_document(text: &str) -> Result<(), PolicyError> {
    let mut has_content = false;
    for (number, line) in (1..).zip(text.lines()) {
        let is_start = line == "---" || line.starts_with("--- ");
        if is_start && has_content {
            return Err(structure(number, 1, "a second document, expected one".to_owned()));
        }
        has_content |= is_start || !(line.trim().is_empty() || line.starts_with(['#', '%']));
    }
    Ok(())
}

fn rules(value: &Value, text: &str) -> Result<Spanned<Vec<RuleText>>, PolicyError> {
    let ValueKind::List(list) = &value.kind else {
        return Err(at(&value.position, "expected a list"));
    };
    let rules = list.iter().map(|value| rule(value, text)).collect::<Result<_, _>>()?;
    Ok(Spanned { value: rules, at: value.position.clone() })
}

fn rule(value: &Value, text: &str) -> Result<RuleText, PolicyError> {
    const KEYS: [&str; 4] = ["name", "match", "keep", "fraction"];
    let mut found = [const { None }; KEYS.len()];
    for (key, value) in entries(value)? {
        match KEYS.iter().position(|known| *known == &*key.text) {
            Some(index) => found[index] = Some(string(value, text)?),
            None => return Err(unknown(key, &KEYS)),
        }
    }
    let [name, filter, keep, fraction] = found;
    let required = |found: Option<_>, key: &str| {
        found.ok_or_else(|| at(&value.position, &format!("the key `{key}` is missing")))
    };
    Ok(RuleText {
        name: required(name, "name")?,
        filter: required(filter, "match")?,
        keep: required(keep, "keep")?,
        fraction,
        at: value.position.clone(),
    })
}

/// A map; nothing is an empty one.
fn entries(value: &Value) -> Result<&[(Key, Value)], PolicyError> {
    match &value.kind {
        ValueKind::Null => Ok(&[]),
        _ => value.entries().ok_or_else(|| at(&value.position, "expected keys with values")),
    }
}

/// A text, or what could be one.
fn string(value: &Value, text: &str) -> Result<Spanned<String>, PolicyError> {
    let found = match &value.kind {
        ValueKind::String(text) => text.clone(),
        ValueKind::Int(number) => number.to_string(),
        ValueKind::Float(number) => number.to_string(),
        ValueKind::Bool(truth) => truth.to_string(),
        ValueKind::Null | ValueKind::List(_) | ValueKind::Map(_) => {
            return Err(in_braces(at(&value.position, "expected a text"), &value.position, text));
        }
    };
    Ok(Spanned { value: found, at: value.position.clone() })
}

/// With advice, where a filter stands without quotes.
fn in_braces(error: PolicyError, position: &Position, text: &str) -> PolicyError {
    let line =
        usize::try_from(position.line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    let filter = line.and_then(|line| line.split_once("match:")).map(|(_, filter)| filter.trim());
    match filter {
        Some(filter) if filter.starts_with('{') => {
            error.suggesting(format!("braces mean something in YAML, write match: '{filter}'"))
        }
        _ => error,
    }
}

fn unknown(key: &Key, expected: &[&str]) -> PolicyError {
    let message = format!("there is no key `{}`, expected {}", key.text, expected.join(", "));
    let error = at(&key.position, &message);
    match nearest(&key.text, expected.iter().copied()) {
        Some(known) => error.suggesting(format!("did you mean `{known}`?")),
        None => error,
    }
}

fn at(position: &Position, message: &str) -> PolicyError {
    structure(position.line, position.column, message.to_owned())
}

fn structure(line: u32, column: u32, message: String) -> PolicyError {
    let (line, column) = (u64::from(line), u64::from(column));
    PolicyError::Structure { line, column, message, suggestion: None }
}

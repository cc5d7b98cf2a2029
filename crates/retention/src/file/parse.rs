//! From text to policies, with the place of everything that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashSet;
use serde::Deserialize;
use serde_saphyr::{Error as YamlError, Location, Spanned};
use spandrel_model::TenantId;

use crate::duration::{parse_keep, parse_nanos};
use crate::suggest::nearest;
use crate::warning::without_effect;
use crate::{Policy, PolicyError, PolicyFile, Rule, Threshold, Warning};

/// Larger files are no policies.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Every trace is asked about every rule.
const RULES_MAX: usize = 1_000;
/// Most of what belongs to a trace has arrived by then.
const DECISION_WAIT: &str = "1h";

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    decision_wait: Option<Spanned<String>>,
    default: Option<Spanned<Vec<Spanned<RuleText>>>>,
    #[serde(default)]
    tenants: BTreeMap<String, Spanned<Vec<Spanned<RuleText>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: Spanned<String>,
    r#match: Spanned<String>,
    keep: Spanned<String>,
    fraction: Option<Spanned<String>>,
}

/// Where something stands, for messages.
struct Place<'a> {
    list: &'a str,
    rule: Option<String>,
}

impl Place<'_> {
    fn error<T>(&self, at: &Spanned<T>, problem: String, expected: &'static str) -> PolicyError {
        let rule = self.rule.as_ref().map(|rule| format!(", rule {rule}")).unwrap_or_default();
        PolicyError::Value {
            line: at.referenced.line(),
            place: format!("{}{rule}", self.list),
            problem,
            expected,
            suggestion: None,
        }
    }
}

fn suggest(mut error: PolicyError, text: impl Into<String>) -> PolicyError {
    if let PolicyError::Value { suggestion, .. } | PolicyError::Structure { suggestion, .. } =
        &mut error
    {
        *suggestion = Some(text.into());
    }
    error
}

pub(super) fn parse(text: &str) -> Result<PolicyFile, PolicyError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(PolicyError::TooLarge { bytes: text.len(), max: FILE_BYTES_MAX });
    }
    let file: FileText =
        serde_saphyr::from_str(text).map_err(|error| structure_error(&error, text))?;
    let wait = match &file.decision_wait {
        Some(wait) => parse_nanos(&wait.value).ok_or_else(|| {
            let place = Place { list: "decision_wait", rule: None };
            place.error(wait, format!("`{}` is no duration", wait.value), "a duration such as 1h")
        })?,
        None => parse_nanos(DECISION_WAIT).expect("the constant is a duration"),
    };
    let mut lists = Vec::new();
    if let Some(rules) = &file.default {
        lists.push((None, "default".to_owned(), rules));
    }
    for (name, rules) in &file.tenants {
        let list = format!("tenant `{name}`");
        let tenant = TenantId::new(name).map_err(|_| {
            let place = Place { list: "tenants", rule: None };
            let allowed = "1 to 150 characters of A-Z a-z 0-9 ! - _ . * ' ( )";
            place.error(rules, format!("`{name}` cannot be a tenant"), allowed)
        })?;
        lists.push((Some(tenant), list, rules));
    }
    if lists.is_empty() {
        let message = "there are no rules, expected `default` or `tenants`".to_owned();
        return Err(PolicyError::Structure { line: 1, column: 1, message, suggestion: None });
    }
    lists.sort_by_key(|(_, _, rules)| rules.referenced.line());
    let mut found = PolicyFile { default: None, tenants: BTreeMap::new(), warnings: Vec::new() };
    for (tenant, list, rules) in lists {
        let policy = Arc::new(policy(&list, rules, wait)?);
        found.warnings.extend(without_effect(&policy).into_iter().map(|(i, reason)| Warning {
            line: rules.value.get(i).map_or(0, |rule| rule.referenced.line()),
            list: list.clone(),
            rule: policy.rules()[i].name.clone(),
            reason,
        }));
        match tenant {
            Some(tenant) => drop(found.tenants.insert(tenant, policy)),
            None => found.default = Some(policy),
        }
    }
    Ok(found)
}

fn policy(
    list: &str,
    texts: &Spanned<Vec<Spanned<RuleText>>>,
    decision_wait_nanos: i64,
) -> Result<Policy, PolicyError> {
    let place = Place { list, rule: None };
    if texts.value.is_empty() {
        let error = place.error(texts, "the list is empty".to_owned(), "at least one rule");
        return Err(suggest(error, "`match: \"{}\"` with `keep: forever` keeps everything"));
    }
    if texts.value.len() > RULES_MAX {
        let problem = format!("there are {} rules", texts.value.len());
        return Err(place.error(texts, problem, "at most 1000"));
    }
    let mut names = HashSet::new();
    let mut rules = Vec::with_capacity(texts.value.len());
    for (i, text) in texts.value.iter().enumerate() {
        let name = &text.value.name;
        let number = Place { list, rule: Some((i + 1).to_string()) };
        if name.value.trim().is_empty() {
            return Err(number.error(name, "the name is empty".to_owned(), "a name"));
        }
        if !names.insert(name.value.as_str()) {
            let problem = format!("another rule is called `{}`", name.value);
            return Err(number.error(name, problem, "a name of its own"));
        }
        rules.push(rule(list, &text.value)?);
    }
    Ok(Policy::new(rules, decision_wait_nanos))
}

fn rule(list: &str, text: &RuleText) -> Result<Rule, PolicyError> {
    let name = text.name.value.clone();
    let place = Place { list, rule: Some(format!("`{name}`")) };
    let filter = {
        let expected = "a TraceQL spanset filter such as \"{ status = error }\"";
        let query = spandrel_traceql::compile(&text.r#match.value)
            .map_err(|error| place.error(&text.r#match, error.to_string(), expected))?;
        let filter = query.spanset_filter().cloned();
        filter.ok_or_else(|| {
            let what = query.first_unexecuted().unwrap_or("queries of this form");
            place.error(&text.r#match, format!("{what} cannot be rules"), expected)
        })?
    };
    let keep_nanos = parse_keep(&text.keep.value).ok_or_else(|| {
        let problem = format!("`{}` is no time to keep something", text.keep.value);
        let expected = "a duration of whole numbers with units (w, d, h, m, s), or forever";
        let error = place.error(&text.keep, problem, expected);
        let trimmed = text.keep.value.trim();
        let number = trimmed.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
        match number.parse::<u32>() {
            Ok(number) if number > 0 => suggest(error, format!("days are written {number}d")),
            _ => error,
        }
    })?;
    let fraction = text.fraction.as_ref().map_or(Ok(1.0), |text| fraction(&place, text))?;
    let threshold = Threshold::of_fraction(fraction);
    Ok(Rule { name, filter, keep_nanos, fraction, threshold })
}

fn fraction(place: &Place<'_>, text: &Spanned<String>) -> Result<f64, PolicyError> {
    let number = text.value.parse::<f64>();
    if let Ok(number) = number
        && number > 0.0
        && number <= 1.0
    {
        return Ok(number);
    }
    let problem = format!("`{}` is no fraction", text.value);
    let error = place.error(text, problem, "a number above 0 and at most 1, such as 0.01 for 1 %");
    let percent = text.value.trim_end_matches('%').trim().parse::<f64>();
    Err(match (number, percent) {
        (Ok(0.0), _) => suggest(error, "a rule that keeps nothing can be left out"),
        (_, Ok(percent)) if percent > 0.0 && percent <= 100.0 => {
            suggest(error, format!("{percent} % is written {}", percent / 100.0))
        }
        _ => error,
    })
}

/// What the YAML reader has to say, in our words where they are better.
fn structure_error(error: &YamlError, text: &str) -> PolicyError {
    let error = error.without_snippet();
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let (line, column) = (location.line(), location.column());
    let message = match error {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            format!("there is no key `{field}`, expected {}", expected.join(", "))
        }
        YamlError::SerdeMissingField { field, .. } => format!("the key `{field}` is missing"),
        YamlError::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{key}` stands here a second time")
        }
        YamlError::MultipleDocuments { .. } => "a second document, expected one".to_owned(),
        YamlError::Unexpected { expected: "string scalar", .. } => "expected a text".to_owned(),
        YamlError::Unexpected { expected: "sequence start", .. } => "expected a list".to_owned(),
        YamlError::Unexpected { expected: "mapping start", .. } => {
            "expected keys with values".to_owned()
        }
        other => first_line(&other.to_string(), line, column),
    };
    let found = PolicyError::Structure { line, column, message, suggestion: None };
    if let YamlError::SerdeUnknownField { field, expected, .. } = error {
        return match nearest(field, expected) {
            Some(known) => suggest(found, format!("did you mean `{known}`?")),
            None => found,
        };
    }
    let source = usize::try_from(line).ok().and_then(|line| text.lines().nth(line.checked_sub(1)?));
    let filter = source.and_then(|line| line.split_once("match:")).map(|(_, filter)| filter.trim());
    match filter {
        Some(filter) if filter.starts_with('{') => {
            suggest(found, format!("braces mean something in YAML, write match: '{filter}'"))
        }
        _ => found,
    }
}

/// The reader's message without its own account of the place.
fn first_line(message: &str, line: u64, column: u64) -> String {
    let place =
        [format!(" at line {line}, column {column}"), format!("line {line} column {column}: ")];
    let message = message.lines().next().unwrap_or_default();
    place.iter().fold(message.to_owned(), |message, place| message.replace(place, ""))
}

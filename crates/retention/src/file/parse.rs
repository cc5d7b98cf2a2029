//! From text to policies, with the place of everything that is wrong.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashSet;
use spandrel_config::Position;
use spandrel_model::TenantId;

use super::text::{FileText, RuleText, Spanned};
use crate::duration::{parse_keep, parse_nanos};
use crate::warning::without_effect;
use crate::{Policy, PolicyError, PolicyFile, Rule, Threshold, Warning};

/// Larger files are no policies.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Every trace is asked about every rule.
const RULES_MAX: usize = 1_000;
/// Most of what belongs to a trace has arrived by then.
const DECISION_WAIT: &str = "1h";

/// Where something stands, for messages.
struct Place<'a> {
    list: &'a str,
    rule: Option<String>,
}

impl Place<'_> {
    fn error(&self, at: &Position, problem: String, expected: &'static str) -> PolicyError {
        let rule = self.rule.as_ref().map(|rule| format!(", rule {rule}")).unwrap_or_default();
        PolicyError::Value {
            line: u64::from(at.line),
            place: format!("{}{rule}", self.list),
            problem,
            expected,
            suggestion: None,
        }
    }
}

pub(super) fn parse(text: &str) -> Result<PolicyFile, PolicyError> {
    if text.len() > FILE_BYTES_MAX {
        return Err(PolicyError::TooLarge { bytes: text.len(), max: FILE_BYTES_MAX });
    }
    let file = FileText::read(text)?;
    let wait = match &file.decision_wait {
        Some(wait) => parse_nanos(&wait.value).ok_or_else(|| {
            let place = Place { list: "decision_wait", rule: None };
            place.error(
                &wait.at,
                format!("`{}` is no duration", wait.value),
                "a duration such as 1h",
            )
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
            place.error(&rules.at, format!("`{name}` cannot be a tenant"), allowed)
        })?;
        lists.push((Some(tenant), list, rules));
    }
    if lists.is_empty() {
        let message = "there are no rules, expected `default` or `tenants`".to_owned();
        return Err(PolicyError::Structure { line: 1, column: 1, message, suggestion: None });
    }
    lists.sort_by_key(|(_, _, rules)| rules.at.line);
    let mut found = PolicyFile { default: None, tenants: BTreeMap::new(), warnings: Vec::new() };
    for (tenant, list, rules) in lists {
        let policy = Arc::new(policy(&list, rules, wait)?);
        found.warnings.extend(without_effect(&policy).into_iter().map(|(i, reason)| Warning {
            line: rules.value.get(i).map_or(0, |rule| u64::from(rule.at.line)),
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
    texts: &Spanned<Vec<RuleText>>,
    decision_wait_nanos: i64,
) -> Result<Policy, PolicyError> {
    let place = Place { list, rule: None };
    if texts.value.is_empty() {
        let error = place.error(&texts.at, "the list is empty".to_owned(), "at least one rule");
        return Err(error.suggesting("`match: \"{}\"` with `keep: forever` keeps everything"));
    }
    if texts.value.len() > RULES_MAX {
        let problem = format!("there are {} rules", texts.value.len());
        return Err(place.error(&texts.at, problem, "at most 1000"));
    }
    let mut names = HashSet::new();
    let mut rules = Vec::with_capacity(texts.value.len());
    for (i, text) in texts.value.iter().enumerate() {
        let name = &text.name;
        let number = Place { list, rule: Some((i + 1).to_string()) };
        if name.value.trim().is_empty() {
            return Err(number.error(&name.at, "the name is empty".to_owned(), "a name"));
        }
        if !names.insert(name.value.as_str()) {
            let problem = format!("another rule is called `{}`", name.value);
            return Err(number.error(&name.at, problem, "a name of its own"));
        }
        rules.push(rule(list, text)?);
    }
    Ok(Policy::new(rules, decision_wait_nanos))
}

fn rule(list: &str, text: &RuleText) -> Result<Rule, PolicyError> {
    let name = text.name.value.clone();
    let place = Place { list, rule: Some(format!("`{name}`")) };
    let filter = {
        let expected = "a TraceQL spanset filter such as \"{ status = error }\"";
        let query = spandrel_traceql::compile(&text.filter.value)
            .map_err(|error| place.error(&text.filter.at, error.to_string(), expected))?;
        let filter = query.spanset_filter().cloned();
        filter.ok_or_else(|| {
            let what = query.first_unexecuted().unwrap_or("queries of this form");
            place.error(&text.filter.at, format!("{what} cannot be rules"), expected)
        })?
    };
    let keep_nanos = parse_keep(&text.keep.value).ok_or_else(|| {
        let problem = format!("`{}` is no time to keep something", text.keep.value);
        let expected = "a duration of whole numbers with units (w, d, h, m, s), or forever";
        let error = place.error(&text.keep.at, problem, expected);
        let trimmed = text.keep.value.trim();
        let number = trimmed.trim_end_matches(|c: char| c.is_alphabetic() || c == ' ');
        match number.parse::<u32>() {
            Ok(number) if number > 0 => error.suggesting(format!("days are written {number}d")),
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
    let error =
        place.error(&text.at, problem, "a number above 0 and at most 1, such as 0.01 for 1 %");
    let percent = text.value.trim_end_matches('%').trim().parse::<f64>();
    Err(match (number, percent) {
        (Ok(0.0), _) => error.suggesting("a rule that keeps nothing can be left out"),
        (_, Ok(percent)) if percent > 0.0 && percent <= 100.0 => {
            error.suggesting(format!("{percent} % is written {}", percent / 100.0))
        }
        _ => error,
    })
}

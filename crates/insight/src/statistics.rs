//! The table of a trace: how often, how long, and how much of it the spans' own work.

use hashbrown::HashMap;
use spandrel_model::{Attribute, AttributeValue, Span};

use crate::{SpanTree, self_nanos};

/// What spans are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// The name of the service.
    Service,
    /// The name of the span.
    Operation,
    /// The value of an attribute, of the span or else of its resource.
    Attribute(String),
}

/// Figures of some spans. Durations are nanoseconds, at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// How many there are.
    pub count: u64,
    /// Sum of their durations.
    pub total_nanos: u128,
    /// The shortest.
    pub min_nanos: u64,
    /// The longest.
    pub max_nanos: u64,
    /// Sum of their self times.
    pub self_total_nanos: u128,
    /// The shortest self time.
    pub self_min_nanos: u64,
    /// The longest self time.
    pub self_max_nanos: u64,
    /// Self time in percent of the duration of the trace; more than 100 where spans run side by side.
    pub self_percent: f64,
}

/// Spans with one value.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The value; `None` for spans that have none.
    pub name: Option<String>,
    /// Their figures.
    pub figures: Figures,
    /// The same spans grouped further, if that was asked for; none for spans without the first value.
    pub details: Vec<Group>,
}

/// Groups the spans, in depth-first order of the first span of each group; those without a value are last.
pub fn statistics(
    spans: &[Span],
    tree: &SpanTree,
    by: &GroupBy,
    then_by: Option<&GroupBy>,
) -> Vec<Group> {
    let own = self_nanos(spans, tree);
    let start = spans.iter().map(|span| span.start_unix_nanos).min().unwrap_or(0);
    let end = spans.iter().map(|span| span.end_unix_nanos).max().unwrap_or(0);
    let table = Table { spans, own: &own, trace_nanos: end.saturating_sub(start) };
    let mut groups = Vec::new();
    for (name, members) in table.split(tree.order(), by) {
        let details = then_by.filter(|_| name.is_some()).map(|by| table.split(&members, by));
        let details = details.into_iter().flatten().map(|(name, members)| Group {
            name,
            figures: table.figures(&members),
            details: Vec::new(),
        });
        let details = details.collect();
        groups.push(Group { name, figures: table.figures(&members), details });
    }
    groups
}

struct Table<'a> {
    spans: &'a [Span],
    own: &'a [u64],
    trace_nanos: u64,
}

impl Table<'_> {
    /// The spans by value, in order of appearance; those without one last.
    fn split(&self, members: &[usize], by: &GroupBy) -> Vec<(Option<String>, Vec<usize>)> {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut groups: Vec<(Option<String>, Vec<usize>)> = Vec::new();
        let mut without = Vec::new();
        for &member in members {
            let Some(name) = value_of(&self.spans[member], by) else {
                without.push(member);
                continue;
            };
            let place = *places.entry_ref(name.as_str()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some((_, members)) => members.push(member),
                None => groups.push((Some(name), vec![member])),
            }
        }
        if !without.is_empty() {
            groups.push((None, without));
        }
        groups
    }

    fn figures(&self, members: &[usize]) -> Figures {
        let mut figures =
            Figures { min_nanos: u64::MAX, self_min_nanos: u64::MAX, ..Figures::default() };
        for &member in members {
            let span = &self.spans[member];
            let nanos = span.end_unix_nanos.saturating_sub(span.start_unix_nanos);
            let own = self.own[member];
            figures.count += 1;
            figures.total_nanos += u128::from(nanos);
            figures.min_nanos = figures.min_nanos.min(nanos);
            figures.max_nanos = figures.max_nanos.max(nanos);
            figures.self_total_nanos += u128::from(own);
            figures.self_min_nanos = figures.self_min_nanos.min(own);
            figures.self_max_nanos = figures.self_max_nanos.max(own);
        }
        if self.trace_nanos > 0 {
            figures.self_percent =
                figures.self_total_nanos as f64 * 100.0 / self.trace_nanos as f64;
        }
        figures
    }
}

/// An empty value is none.
fn value_of(span: &Span, by: &GroupBy) -> Option<String> {
    let value = match by {
        GroupBy::Service => span.resource.service_name().map(str::to_owned),
        GroupBy::Operation => Some(span.name.clone()),
        GroupBy::Attribute(key) => {
            let named = |attribute: &&Attribute| attribute.key == *key;
            let of_resource = || span.resource.attributes.iter().rfind(named);
            let attribute = span.attributes.iter().rfind(named).or_else(of_resource);
            attribute.map(|attribute| text(&attribute.value))
        }
    };
    value.filter(|value| !value.is_empty())
}

/// A value as people write it.
fn text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::Empty => String::new(),
        AttributeValue::String(text) => text.clone(),
        AttributeValue::Bool(truth) => truth.to_string(),
        AttributeValue::Int(number) => number.to_string(),
        AttributeValue::Double(number) => number.to_string(),
        AttributeValue::Bytes(bytes) => format!("{} bytes", bytes.len()),
        // Nested values are told apart, not shown.
        AttributeValue::Array(_) | AttributeValue::KeyValueList(_) => format!("{value:?}"),
    }
}

//! Times that cannot be true, because the clocks of two hosts differ.
//!
//! A child on another host than its parent, or on an unknown one, that does not lie within the parent is moved there:
//! to the middle of the parent, or to the parent's start if it is longer. What ran on the child's host below it moves
//! along.

use std::time::Duration;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_model::{AttributeValue, Resource, Span, SpanId};

use crate::go_duration::go_duration;

/// What a span hands down to its children: whose clock it had, and how wrong that was.
#[derive(Debug, Clone, Copy)]
struct Skew {
    /// The span whose host it is.
    host_of: usize,
    delta: i128,
}

/// Moves times by at most `max` and says so in the warnings, which are by span.
pub(super) fn correct(spans: &mut [Span], max: Duration, warnings: &mut [Vec<String>]) {
    let max = i128::try_from(max.as_nanos()).unwrap_or(i128::MAX);
    let mut by_id: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
    let mut is_copy = vec![false; spans.len()];
    for (place, span) in spans.iter().enumerate() {
        match by_id.entry(span.span_id) {
            Entry::Vacant(free) => {
                free.insert(place);
            }
            Entry::Occupied(_) => {
                is_copy[place] = true;
                warnings[place]
                    .push("duplicate span IDs; skipping clock skew adjustment".to_owned());
            }
        }
    }
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut open = Vec::new();
    for (place, span) in spans.iter().enumerate().filter(|(place, _)| !is_copy[*place]) {
        let skew = Skew { host_of: place, delta: 0 };
        match span.parent_span_id.filter(|id| !id.is_zero()) {
            None => open.push((place, None, skew)),
            Some(id) => match by_id.get(&id) {
                Some(parent) => children.entry(*parent).or_default().push(place),
                None => {
                    warnings[place].push(format!(
                        "parent span ID={id} is not in the trace; skipping clock skew adjustment"
                    ));
                    open.push((place, None, skew));
                }
            },
        }
    }
    // Parents are moved before their children are looked at; what is in a cycle is never reached.
    while let Some((place, parent, mut skew)) = open.pop() {
        if let Some(parent) = parent {
            let host = host(&spans[place].resource);
            if host.is_empty() || host != self::host(&spans[skew.host_of].resource) {
                skew = Skew {
                    host_of: place,
                    delta: within_range(&spans[place], delta(&spans[place], &spans[parent])),
                };
            }
        }
        if let Some(warning) = shift(&mut spans[place], skew.delta, max) {
            warnings[place].push(warning);
        }
        let children = children.remove(&place).into_iter().flatten();
        open.extend(children.map(|child| (child, Some(place), skew)));
    }
}

/// What tells whose clock a span had; empty when nothing does.
fn host(resource: &Resource) -> &str {
    let text = |key| {
        let attribute = resource.attributes.iter().rfind(|attribute| attribute.key == key);
        let value = match &attribute?.value {
            AttributeValue::Array(list) => list.first()?,
            value => value,
        };
        match value {
            AttributeValue::String(text) => Some(text.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        }
    };
    ["host.id", "host.ip", "host.name"].into_iter().find_map(text).unwrap_or_default()
}

/// How far the child has to move.
fn delta(child: &Span, parent: &Span) -> i128 {
    let duration =
        |span: &Span| i128::from(span.end_unix_nanos) - i128::from(span.start_unix_nanos);
    let (start, parent_start) =
        (i128::from(child.start_unix_nanos), i128::from(parent.start_unix_nanos));
    if duration(child) > duration(parent) {
        return (parent_start - start).max(0);
    }
    if start >= parent_start && child.end_unix_nanos <= parent.end_unix_nanos {
        return 0;
    }
    parent_start + (duration(parent) - duration(child)) / 2 - start
}

/// As much of `delta` as there is room for: start and end move together, so that no duration changes.
fn within_range(span: &Span, delta: i128) -> i128 {
    let first = i128::from(span.start_unix_nanos.min(span.end_unix_nanos));
    let last = i128::from(span.start_unix_nanos.max(span.end_unix_nanos));
    delta.clamp(-first, i128::from(u64::MAX) - last)
}

/// Moves the span unless that is too far; returns what there is to say about it.
fn shift(span: &mut Span, delta: i128, max: i128) -> Option<String> {
    if delta == 0 {
        return None;
    }
    let text = go_duration(delta);
    if max == 0 {
        let warning = "clock skew adjustment disabled; not applying calculated delta of";
        return Some(format!("{warning} {text}"));
    }
    if delta.abs() > max {
        return Some(format!(
            "max clock skew adjustment delta of {} exceeded; not applying calculated delta of {text}",
            go_duration(max)
        ));
    }
    let delta = within_range(span, delta);
    let moved = |nanos: u64| {
        let sum = (i128::from(nanos) + delta).clamp(0, i128::from(u64::MAX));
        u64::try_from(sum).unwrap_or(u64::MAX)
    };
    span.start_unix_nanos = moved(span.start_unix_nanos);
    span.end_unix_nanos = moved(span.end_unix_nanos);
    for event in &mut span.events {
        event.time_unix_nanos = moved(event.time_unix_nanos);
    }
    Some(format!("This span's timestamps were adjusted by {text}"))
}

//! The spans that are added, removed or changed.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::PATCH;
use super::side::{Identity, Side, SpanOfSide, Warning};
use super::values::{attribute_changed, duration_changed};

/// What turns one trace into the other.
pub(super) struct Patch<'s> {
    pub(super) n_matched: usize,
    pub(super) modified: Vec<Modified<'s>>,
    pub(super) added: Vec<&'s SpanOfSide>,
    pub(super) removed: Vec<&'s SpanOfSide>,
    pub(super) warnings: Vec<Warning>,
}

/// A span that both traces have.
pub(super) struct Modified<'s> {
    pub(super) base: &'s SpanOfSide,
    pub(super) compare: &'s SpanOfSide,
    fields: Vec<Value>,
    attributes: Vec<Value>,
}

impl<'s> Patch<'s> {
    pub(super) fn between(base: &'s Side, compare: &'s Side) -> Self {
        let partners = partners(base, compare);
        let mut is_matched = vec![false; base.spans.len()];
        let (mut modified, mut added) = (Vec::new(), Vec::new());
        for (span, partner) in compare.spans.iter().zip(&partners) {
            let Some(partner) = *partner else {
                added.push(span);
                continue;
            };
            is_matched[partner] = true;
            let change = Modified::between(&base.spans[partner], span);
            if !change.fields.is_empty() || !change.attributes.is_empty() {
                modified.push(change);
            }
        }
        let removed = base.spans.iter().zip(&is_matched).filter(|(_, matched)| !**matched);
        let mut warnings = base.warnings.clone();
        for warning in &compare.warnings {
            // One about names is enough; the others say which trace they are about.
            let is_told = warnings.iter().any(|known| {
                let is_about_names = known.code == "high_cardinality_span_name";
                known == warning || (known.code == warning.code && is_about_names)
            });
            if !is_told {
                warnings.push(warning.clone());
            }
        }
        Self {
            n_matched: partners.iter().flatten().count(),
            modified,
            added,
            removed: removed.map(|(span, _)| span).collect(),
            warnings,
        }
    }

    pub(super) fn n_field_changes(&self) -> usize {
        self.modified.iter().map(|span| span.fields.len()).sum()
    }

    pub(super) fn n_attribute_changes(&self) -> usize {
        self.modified.iter().map(|span| span.attributes.len()).sum()
    }

    pub(super) fn to_json(&self, base: &Side, compare: &Side) -> Value {
        let modified = self.modified.iter().map(Modified::to_json);
        let added = self.added.iter().map(|span| {
            let (index, above) = match span.path.split_last() {
                Some((index, above)) => (*index, above),
                None => (0, &[][..]),
            };
            let mut target = json!({ "type": "span", "index": index });
            if !above.is_empty() {
                target["parentPath"] = json!(above);
            }
            json!({ "target": target, "span": snapshot(span) })
        });
        let removed = self.removed.iter().map(|span| {
            json!({ "target": { "type": "span", "path": span.path }, "span": snapshot(span) })
        });
        json!({
            "version": PATCH,
            "base": base.to_json(),
            "compare": compare.to_json(),
            "stats": {
                "spanCountA": base.n_spans,
                "spanCountB": compare.n_spans,
                "matchedSpans": self.n_matched,
                "modifiedSpans": self.modified.len(),
                "addedSpans": self.added.len(),
                "removedSpans": self.removed.len(),
                "fieldChanges": self.n_field_changes(),
                "attributeChanges": self.n_attribute_changes(),
                "eventChanges": 0,
                "truncated": false,
            },
            "modified": modified.collect::<Vec<_>>(),
            "added": added.collect::<Vec<_>>(),
            "removed": removed.collect::<Vec<_>>(),
            "warnings": self.warnings.iter().map(Warning::to_json).collect::<Vec<_>>(),
        })
    }
}

/// For each span of `compare` the span of `base` that is the same: one of the same identity, whose parent is the same if
/// there is one, each at most once.
fn partners(base: &Side, compare: &Side) -> Vec<Option<usize>> {
    let mut free: HashMap<&Identity, Vec<usize>> = HashMap::new();
    for (index, span) in base.spans.iter().enumerate() {
        free.entry(&span.identity).or_default().push(index);
    }
    let partner = |span: &SpanOfSide| {
        let candidates = free.get_mut(&span.identity)?;
        let has_same_parent =
            |index: &usize| span.parent.is_some() && base.spans[*index].parent == span.parent;
        let at = candidates.iter().position(has_same_parent).unwrap_or(0);
        (at < candidates.len()).then(|| candidates.remove(at))
    };
    compare.spans.iter().map(partner).collect()
}

impl<'s> Modified<'s> {
    fn between(base: &'s SpanOfSide, compare: &'s SpanOfSide) -> Self {
        let mut fields = Vec::new();
        if duration_changed(base.duration_nanos, compare.duration_nanos) {
            let (before, after) = (base.duration_nanos, compare.duration_nanos);
            fields.push(field("duration_nanos", json!(before), json!(after)));
        }
        if base.status != compare.status {
            fields.push(field("status", base.status.into(), compare.status.into()));
        }
        let mut keys: Vec<&String> =
            base.attributes.keys().chain(compare.attributes.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let attribute = |key: &String| {
            let (before, after) = (base.attributes.get(key), compare.attributes.get(key));
            let op = match (before, after) {
                (None, _) => "add",
                (_, None) => "remove",
                (Some(before), Some(after)) if attribute_changed(key, before, after) => "modify",
                _ => return None,
            };
            let target = json!({ "type": "attribute", "scope": "span", "key": key });
            Some(json!({ "op": op, "target": target, "before": before, "after": after }))
        };
        let attributes = keys.into_iter().filter_map(attribute).collect();
        Self { base, compare, fields, attributes }
    }

    fn to_json(&self) -> Value {
        let SpanOfSide { path, identity, .. } = self.compare;
        let changes: Vec<&Value> = self.fields.iter().chain(&self.attributes).collect();
        json!({
            "span": {
                "path": path,
                "service": identity.service,
                "name": identity.name,
                "kind": identity.kind,
            },
            "changes": changes,
        })
    }
}

fn field(name: &str, before: Value, after: Value) -> Value {
    let target = json!({ "type": "field", "name": name });
    json!({ "op": "modify", "target": target, "before": before, "after": after })
}

/// What is told of a span that only one trace has.
fn snapshot(span: &SpanOfSide) -> Value {
    json!({
        "path": span.path,
        "service": span.identity.service,
        "name": span.identity.name,
        "kind": span.identity.kind,
        "duration_nanos": span.duration_nanos.unwrap_or(0),
        "status": span.status,
    })
}

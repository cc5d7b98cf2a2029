//! One of two traces that are compared: its spans as a tree, in an order that does not depend on how they came.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value, json};
use spandrel_model::{AttributeValue, Span, SpanId, Trace};

use super::values::plain_map;

/// Steps of the paths of all spans of a trace together.
const PATH_STEPS_MAX: usize = 4_000_000;

/// What a span is, whichever trace it is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) service: String,
    pub(super) name: String,
    pub(super) kind: &'static str,
}

/// A span of a side.
pub(super) struct SpanOfSide {
    pub(super) identity: Identity,
    /// Of the span above; `None` for a root.
    pub(super) parent: Option<Identity>,
    /// From the root: the place among the siblings, in each generation.
    pub(super) path: Vec<usize>,
    pub(super) start: u64,
    pub(super) end: u64,
    /// `None` when the clock of the sender makes no sense.
    pub(super) duration_nanos: Option<i64>,
    pub(super) status: &'static str,
    pub(super) attributes: Map<String, Value>,
}

impl SpanOfSide {
    pub(super) fn is_error(&self) -> bool {
        self.status == "error"
    }
}

/// A trace, ready to be compared.
pub(super) struct Side {
    pub(super) trace_id: String,
    /// Spans that came, before those that share an id were left out.
    pub(super) n_spans: usize,
    /// Depth first, siblings by start.
    pub(super) spans: Vec<SpanOfSide>,
    pub(super) warnings: Vec<Warning>,
}

/// Something that makes the comparison less certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Warning {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Warning {
    pub(super) fn to_json(&self) -> Value {
        json!({ "code": self.code, "message": self.message })
    }
}

impl Side {
    /// `name` is what warnings call it. `None` when the trace is too deep: the paths of its spans would not fit into
    /// memory.
    pub(super) fn new(name: &str, trace: &Trace) -> Option<Self> {
        let mut order: Vec<&Span> = trace.spans.iter().collect();
        order.sort_by_key(|span| (span.start_unix_nanos, span.span_id));
        let ids: HashSet<SpanId> = order.iter().map(|span| span.span_id).collect();
        let mut children: HashMap<Option<SpanId>, Vec<&Span>> = HashMap::new();
        for span in &order {
            // A span whose parent is missing is a root like others.
            let parent = span.parent_span_id.filter(|parent| ids.contains(parent));
            children.entry(parent).or_default().push(span);
        }
        let mut walk = Walk { children, seen: HashSet::new(), spans: Vec::new(), n_path_steps: 0 };
        if !walk.all(&order) {
            return None;
        }
        let spans = walk.spans;
        let mut warnings = Vec::new();
        warnings.extend(of_names(&spans));
        warnings.extend(of_durations(name, &spans));
        if spans.len() < trace.spans.len() {
            let n_dropped = trace.spans.len() - spans.len();
            let message = format!(
                "{name} trace: {n_dropped} span(s) share the id of another span and are left out"
            );
            warnings.push(Warning { code: "duplicate_span_id", message });
        }
        let trace_id = trace.trace_id.to_string();
        Some(Self { trace_id, n_spans: trace.spans.len(), spans, warnings })
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "traceId": self.trace_id, "spanCount": self.n_spans })
    }

    /// Spans by service, whose name may be missing.
    pub(super) fn by_service(&self) -> BTreeMap<&str, Vec<&SpanOfSide>> {
        let mut services: BTreeMap<&str, Vec<&SpanOfSide>> = BTreeMap::new();
        for span in &self.spans {
            services.entry(service_name(&span.identity)).or_default().push(span);
        }
        services
    }
}

/// How a service without a name is called.
pub(super) fn service_name(identity: &Identity) -> &str {
    match identity.service.as_str() {
        "" => "<unknown>",
        name => name,
    }
}

struct Walk<'t> {
    children: HashMap<Option<SpanId>, Vec<&'t Span>>,
    seen: HashSet<SpanId>,
    spans: Vec<SpanOfSide>,
    n_path_steps: usize,
}

/// A span that is to be visited.
struct Visit<'t> {
    span: &'t Span,
    path: Vec<usize>,
    parent: Option<Identity>,
}

impl<'t> Walk<'t> {
    /// Visits the roots and what is below them, then spans that are below no root: those of a cycle. Returns whether
    /// all paths together have a bearable length.
    fn all(&mut self, spans: &[&'t Span]) -> bool {
        let mut n_roots = 0;
        let roots = self.children.get(&None).cloned().unwrap_or_default();
        for span in roots.iter().chain(spans) {
            if self.seen.contains(&span.span_id) {
                continue;
            }
            if !self.tree(Visit { span, path: vec![n_roots], parent: None }) {
                return false;
            }
            n_roots += 1;
        }
        true
    }

    /// Visits a span and what is below it. A trace may be too deep for recursion.
    fn tree(&mut self, root: Visit<'t>) -> bool {
        let mut to_visit = vec![root];
        while let Some(Visit { span, path, parent }) = to_visit.pop() {
            if !self.seen.insert(span.span_id) {
                continue;
            }
            let own = span_of_side(span, path, parent);
            let below = self.children.get(&Some(span.span_id)).into_iter().flatten();
            let below: Vec<&&Span> = below.filter(|s| !self.seen.contains(&s.span_id)).collect();
            self.n_path_steps += below.len() * (own.path.len() + 1);
            if self.n_path_steps > PATH_STEPS_MAX {
                return false;
            }
            for (index, span) in below.into_iter().enumerate().rev() {
                let path = own.path.iter().copied().chain([index]).collect();
                to_visit.push(Visit { span, path, parent: Some(own.identity.clone()) });
            }
            self.spans.push(own);
        }
        true
    }
}

fn span_of_side(span: &Span, path: Vec<usize>, parent: Option<Identity>) -> SpanOfSide {
    let own = span.attributes.iter().find_map(|attribute| match &attribute.value {
        AttributeValue::String(name) if attribute.key == "service.name" && !name.is_empty() => {
            Some(name.as_str())
        }
        _ => None,
    });
    let service = own.or_else(|| span.resource.service_name()).unwrap_or_default().to_owned();
    let (start, end) = (span.start_unix_nanos, span.end_unix_nanos);
    let duration = end.checked_sub(start).filter(|_| start > 0);
    SpanOfSide {
        identity: Identity { service, name: span.name.clone(), kind: kind_name(span) },
        parent,
        path,
        start,
        end,
        duration_nanos: duration.and_then(|nanos| i64::try_from(nanos).ok()),
        status: status_name(span),
        attributes: plain_map(&span.attributes),
    }
}

fn kind_name(span: &Span) -> &'static str {
    use spandrel_model::SpanKind;
    match span.kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

fn status_name(span: &Span) -> &'static str {
    use spandrel_model::StatusCode;
    match span.status_code {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    }
}

/// Names with an id in them, which cannot be matched.
fn of_names(spans: &[SpanOfSide]) -> Option<Warning> {
    let found = spans.iter().find(|span| has_id(&span.identity.name))?;
    let Identity { service, name, kind } = &found.identity;
    let message = format!(
        "span name '{name}' (service '{service}', kind '{kind}') seems to hold an id: spans are \
         matched by their names, so the same operation may be told as removed and added; put ids \
         into attributes"
    );
    Some(Warning { code: "high_cardinality_span_name", message })
}

/// Whether a word of the name is a long number, or long and hexadecimal like a UUID.
fn has_id(name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_').any(|word| {
        let is_number = |part: &str| part.len() >= 6 && part.bytes().all(|b| b.is_ascii_digit());
        let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        word.split('-').any(is_number) || (is_hex && word.len() >= 8 && !word.starts_with('-'))
    })
}

fn of_durations(name: &str, spans: &[SpanOfSide]) -> Option<Warning> {
    let invalid: Vec<&SpanOfSide> = spans.iter().filter(|s| s.duration_nanos.is_none()).collect();
    let first = invalid.iter().map(|span| &span.identity).min()?;
    let message = format!(
        "{name} trace: {} span(s) have no valid duration, which is told as null; one is '{}' of \
         service '{}'",
        invalid.len(),
        first.name,
        first.service,
    );
    Some(Warning { code: "invalid_duration", message })
}

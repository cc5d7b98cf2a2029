//! The answers by definition: every trace is put together whole, and every span is asked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use spandrel_model::{
    Attribute as Pair, AttributeScope, AttributeValue, Span, StatusCode, TraceId,
};
use spandrel_query::{
    MatchedSpan, Search, SearchOrder, ServiceStats, Spanset, TimeRange, TraceMatch,
};
use spandrel_traceql::{
    Attribute, EvalError, FieldExpr, Intrinsic, Kind, Query, Scope, SpanValues, Static, Status,
};

use crate::naive_pipeline::{self, Found};
use crate::naive_tree::{Numbers, content, tree};

/// A whole trace.
pub(crate) struct NaiveTrace {
    pub(crate) trace_id: TraceId,
    /// Each once, depth first.
    pub(crate) spans: Vec<Span>,
    numbers: Vec<Numbers>,
}

/// All traces of the spans that were sent.
pub(crate) fn traces(batches: &[Vec<Span>]) -> Vec<NaiveTrace> {
    let mut by_id: BTreeMap<TraceId, BTreeMap<String, Span>> = BTreeMap::new();
    for span in batches.iter().flatten() {
        by_id.entry(span.trace_id).or_default().insert(content(span), span.clone());
    }
    let traces = by_id.into_iter().map(|(trace_id, spans)| {
        let (spans, numbers) = tree(spans.into_values().collect());
        NaiveTrace { trace_id, spans, numbers }
    });
    traces.collect()
}

/// What a search must answer.
pub(crate) fn search(traces: &[NaiveTrace], search: &Search) -> Result<Vec<TraceMatch>, EvalError> {
    let mut found = Vec::new();
    for trace in traces {
        if trace.overlaps(search.range) {
            found.extend(trace.search(&search.query, search.spans_per_spanset)?);
        }
    }
    let rank = |found: &TraceMatch| match search.order {
        SearchOrder::NewestFirst => -i128::from(found.start_unix_nanos),
        SearchOrder::LongestFirst => -i128::from(found.duration_nanos),
    };
    found.sort_by_key(|found| (rank(found), found.trace_id));
    if let Some(cursor) = search.after {
        found.retain(|found| {
            (rank(found), found.trace_id) > (-i128::from(cursor.nanos), cursor.trace_id)
        });
    }
    found.truncate(search.traces_max);
    Ok(found)
}

impl NaiveTrace {
    pub(crate) fn overlaps(&self, range: TimeRange) -> bool {
        self.start() <= range.end_unix_nanos && self.end() >= range.start_unix_nanos
    }

    pub(crate) fn start(&self) -> i64 {
        self.spans.iter().map(|span| span.start_unix_nanos as i64).min().unwrap()
    }

    pub(crate) fn end(&self) -> i64 {
        self.spans.iter().map(|span| span.end_unix_nanos as i64).max().unwrap()
    }

    fn root(&self) -> Option<&Span> {
        self.spans.iter().find(|span| span.parent_span_id.is_none())
    }

    fn search(&self, query: &Query, spans_max: usize) -> Result<Option<TraceMatch>, EvalError> {
        let spansets = naive_pipeline::query(self, &query.root)?;
        if spansets.is_empty() {
            return Ok(None);
        }
        let mut services: BTreeMap<String, ServiceStats> = BTreeMap::new();
        for span in &self.spans {
            let name = span.resource.service_name().unwrap_or("");
            let stats = services.entry(name.to_owned()).or_default();
            stats.n_spans += 1;
            stats.n_errors += (span.status_code == StatusCode::Error) as u32;
        }
        let root = self.root();
        let spanset = |found: Found| {
            let mut spans = found.spans.clone();
            spans.sort_by_key(|&index| self.spans[index].start_unix_nanos);
            spans.truncate(spans_max);
            let attributes = found.attributes.into_iter();
            Spanset {
                spans: spans.into_iter().map(|index| self.matched(query, index)).collect(),
                matched: found.spans.len() as u32,
                attributes: attributes.map(|(name, value)| (name.into(), value)).collect(),
            }
        };
        Ok(Some(TraceMatch {
            trace_id: self.trace_id,
            root_service: root.and_then(|root| root.resource.service_name()).map(str::to_owned),
            root_name: root.map(|root| root.name.clone()),
            start_unix_nanos: self.start(),
            duration_nanos: self.end() - self.start(),
            spansets: spansets.into_iter().map(spanset).collect(),
            services,
        }))
    }

    fn matched(&self, query: &Query, index: usize) -> MatchedSpan {
        let span = &self.spans[index];
        let mut attributes: Vec<(Attribute, Static)> = Vec::new();
        for attribute in query.attributes() {
            let value = self.span(index).get(attribute);
            if value != Static::Nil {
                attributes.push((attribute.clone(), value));
            }
        }
        MatchedSpan {
            span_id: span.span_id,
            name: span.name.clone(),
            start_unix_nanos: span.start_unix_nanos as i64,
            duration_nanos: span.duration_nanos(),
            attributes,
        }
    }

    pub(crate) fn span(&self, index: usize) -> NaiveSpan<'_> {
        NaiveSpan { trace: self, index }
    }

    pub(crate) fn parent(&self, index: usize) -> Option<usize> {
        self.numbers[index].parent_index
    }
}

/// Distinct values of an attribute over all spans, arrays by their elements.
pub(crate) fn values(
    traces: &[NaiveTrace],
    attribute: &Attribute,
    filter: Option<&FieldExpr>,
) -> BTreeSet<String> {
    fn add(value: Static, into: &mut BTreeSet<String>) {
        match value {
            Static::Nil => {}
            value
                if value.elements().is_empty()
                    && !matches!(value, Static::Several(_))
                    && !value.is_array() =>
            {
                into.insert(value.to_string());
            }
            value => value.elements().into_iter().for_each(|element| add(element, into)),
        }
    }
    let mut found = BTreeSet::new();
    for trace in traces {
        for index in 0..trace.spans.len() {
            let span = NaiveSpan { trace, index };
            let passes =
                filter.is_none_or(|f| spandrel_traceql::matches(f, &span).unwrap_or(false));
            if passes {
                add(span.get(attribute), &mut found);
            }
        }
    }
    // Intrinsics are empty where there is nothing.
    if matches!(attribute, Attribute::Intrinsic(_)) {
        found.remove(&Static::String(String::new()).to_string());
    }
    found
}

/// Keys of all attributes of spans that pass, by scope.
pub(crate) fn keys_of(
    traces: &[NaiveTrace],
    filter: &FieldExpr,
) -> BTreeMap<AttributeScope, BTreeSet<String>> {
    let spans =
        traces.iter().flat_map(|trace| (0..trace.spans.len()).map(move |index| (trace, index)));
    let passing = spans.filter(|(trace, index)| {
        let span = NaiveSpan { trace, index: *index };
        spandrel_traceql::matches(filter, &span).unwrap_or(false)
    });
    keys_of_spans(passing.map(|(trace, index)| &trace.spans[index]))
}

/// Keys of all attributes by scope.
pub(crate) fn keys(traces: &[NaiveTrace]) -> BTreeMap<AttributeScope, BTreeSet<String>> {
    keys_of_spans(traces.iter().flat_map(|trace| &trace.spans))
}

fn keys_of_spans<'a>(
    spans: impl Iterator<Item = &'a Span>,
) -> BTreeMap<AttributeScope, BTreeSet<String>> {
    let mut keys: BTreeMap<AttributeScope, BTreeSet<String>> = BTreeMap::new();
    let mut add = |scope, attributes: &[Pair]| {
        for attribute in attributes {
            keys.entry(scope).or_default().insert(attribute.key.clone());
        }
    };
    for span in spans {
        add(AttributeScope::Span, &span.attributes);
        add(AttributeScope::Resource, &span.resource.attributes);
        add(AttributeScope::Instrumentation, &span.scope.attributes);
        span.events.iter().for_each(|event| add(AttributeScope::Event, &event.attributes));
        span.links.iter().for_each(|link| add(AttributeScope::Link, &link.attributes));
    }
    keys
}

/// One of its spans.
pub(crate) struct NaiveSpan<'a> {
    pub(crate) trace: &'a NaiveTrace,
    pub(crate) index: usize,
}

impl SpanValues for NaiveSpan<'_> {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        Cow::Owned(self.get(attribute))
    }
}

impl NaiveSpan<'_> {
    pub(crate) fn get(&self, attribute: &Attribute) -> Static {
        let span = &self.trace.spans[self.index];
        let Attribute::Scoped { scope, name, parent } = attribute else {
            let Attribute::Intrinsic(intrinsic) = attribute else { unreachable!() };
            return self.intrinsic(*intrinsic);
        };
        if *parent {
            let own = Attribute::scoped(*scope, name.clone());
            let parent = self.trace.parent(self.index);
            return parent.map_or(Static::Nil, |parent| self.trace.span(parent).get(&own));
        }
        match scope {
            Scope::None => match lookup(&span.attributes, name) {
                Static::Nil => lookup(&span.resource.attributes, name),
                own => own,
            },
            Scope::Span => lookup(&span.attributes, name),
            Scope::Resource => lookup(&span.resource.attributes, name),
            Scope::Instrumentation => lookup(&span.scope.attributes, name),
            Scope::Event => {
                several(span.events.iter().map(|event| lookup(&event.attributes, name)))
            }
            Scope::Link => several(span.links.iter().map(|link| lookup(&link.attributes, name))),
        }
    }

    fn intrinsic(&self, intrinsic: Intrinsic) -> Static {
        let (trace, numbers) = (self.trace, self.trace.numbers[self.index]);
        let span = &trace.spans[self.index];
        let text = |text: &str| Static::String(text.to_owned());
        let root = trace.root();
        match intrinsic {
            Intrinsic::Duration => Static::Duration(span.duration_nanos()),
            Intrinsic::Name => text(&span.name),
            Intrinsic::Status => Static::Status(match span.status_code {
                StatusCode::Unset => Status::Unset,
                StatusCode::Ok => Status::Ok,
                StatusCode::Error => Status::Error,
            }),
            Intrinsic::StatusMessage => text(&span.status_message),
            Intrinsic::Kind => {
                let kinds = [
                    Kind::Unspecified,
                    Kind::Internal,
                    Kind::Server,
                    Kind::Client,
                    Kind::Producer,
                    Kind::Consumer,
                ];
                Static::Kind(kinds[span.kind as usize])
            }
            Intrinsic::SpanId => text(&span.span_id.to_string()),
            Intrinsic::SpanParentId => match span.parent_span_id {
                Some(id) => text(&id.to_string()),
                None => text(""),
            },
            Intrinsic::ChildCount => Static::Int(numbers.child_count),
            Intrinsic::NestedSetLeft => Static::Int(numbers.left),
            Intrinsic::NestedSetRight => Static::Int(numbers.right),
            Intrinsic::NestedSetParent => Static::Int(numbers.parent),
            Intrinsic::RootName => text(root.map_or("", |root| &root.name)),
            Intrinsic::RootServiceName => {
                text(root.and_then(|root| root.resource.service_name()).unwrap_or(""))
            }
            Intrinsic::TraceDuration => Static::Duration(trace.end() - trace.start()),
            Intrinsic::TraceId => text(trace.trace_id.to_string().trim_start_matches('0')),
            Intrinsic::EventName => several(span.events.iter().map(|event| text(&event.name))),
            Intrinsic::EventTimeSinceStart => several(span.events.iter().map(|event| {
                let nanos = i128::from(event.time_unix_nanos) - i128::from(span.start_unix_nanos);
                Static::Duration(nanos as i64)
            })),
            Intrinsic::LinkTraceId => {
                several(span.links.iter().map(|link| text(&link.trace_id.to_string())))
            }
            Intrinsic::LinkSpanId => {
                several(span.links.iter().map(|link| text(&link.span_id.to_string())))
            }
            Intrinsic::InstrumentationName => text(&span.scope.name),
            Intrinsic::InstrumentationVersion => text(&span.scope.version),
            Intrinsic::Parent => Static::Nil,
        }
    }
}

fn several(values: impl Iterator<Item = Static>) -> Static {
    Static::Several(values.collect())
}

fn lookup(attributes: &[Pair], key: &str) -> Static {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    found.map_or(Static::Nil, |attribute| value_of(&attribute.value))
}

fn value_of(value: &AttributeValue) -> Static {
    match value {
        AttributeValue::String(text) => Static::String(text.clone()),
        AttributeValue::Bool(truth) => Static::Bool(*truth),
        AttributeValue::Int(number) => Static::Int(*number),
        AttributeValue::Double(number) => Static::Float(*number),
        AttributeValue::Array(elements)
            if elements.iter().any(|element| matches!(element, AttributeValue::Array(_))) =>
        {
            Static::Nil
        }
        AttributeValue::Array(elements) => array_of(elements.iter().map(value_of).collect()),
        AttributeValue::Empty | AttributeValue::Bytes(_) | AttributeValue::KeyValueList(_) => {
            Static::Nil
        }
    }
}

/// Arrays of one are their element; arrays of nothing, of arrays and of several types are nil.
fn array_of(mut elements: Vec<Static>) -> Static {
    if elements.len() == 1 {
        return elements.remove(0);
    }
    let texts = elements.iter().map(|e| match e {
        Static::String(s) => Some(s.clone()),
        _ => None,
    });
    let ints = elements.iter().map(|e| match e {
        Static::Int(n) => Some(*n),
        _ => None,
    });
    let floats = elements.iter().map(|e| match e {
        Static::Float(x) => Some(*x),
        _ => None,
    });
    let truths = elements.iter().map(|e| match e {
        Static::Bool(b) => Some(*b),
        _ => None,
    });
    let array = texts.collect::<Option<Vec<_>>>().map(Static::StringArray);
    let array = array.or_else(|| Some(Static::IntArray(ints.collect::<Option<_>>()?)));
    let array = array.or_else(|| Some(Static::FloatArray(floats.collect::<Option<_>>()?)));
    let array = array.or_else(|| Some(Static::BoolArray(truths.collect::<Option<_>>()?)));
    array.filter(|array| !array.elements().is_empty()).unwrap_or(Static::Nil)
}

//! The values of the spans of one whole trace.
//!
//! What is evaluated over them decides every candidate of a search, so a columnar scan may only ever leave
//! out spans that would not be accepted here; tests hold the two against each other.

use std::borrow::Cow;
use std::sync::OnceLock;

use hashbrown::HashMap;
use spandrel_model::{Span, Trace};
use spandrel_traceql::{Attribute, EvalError, FieldExpr, Intrinsic, Scope, SpanValues, Static};

use crate::filter::passes;
use crate::forest::Forest;
use crate::trace_tree::{shape_numbers, tree_of};
use crate::value::text_attribute;
use crate::{find_attribute, kind_word, needs_shape, status_word};

/// A whole trace, ready to be asked.
pub struct TraceValues<'a> {
    trace: &'a Trace,
    /// Start of the earliest span, in Unix nanoseconds.
    pub start: i64,
    /// End of the span that ends last, in Unix nanoseconds.
    pub end: i64,
    /// Index of the root span.
    pub root: Option<usize>,
    /// Numbers that follow from the tree, by span.
    shape: HashMap<Intrinsic, Vec<i64>>,
    /// Made when a relation between spans is asked for.
    tree: OnceLock<Forest>,
}

impl<'a> TraceValues<'a> {
    /// Prepares a trace, whose spans are in depth-first order, for these attributes.
    pub fn new<'q>(trace: &'a Trace, attributes: impl Iterator<Item = &'q Attribute>) -> Self {
        let (start, end) = extent(trace);
        // Roots come first, the earliest one before the others.
        let root = trace.spans.first().filter(|span| span.parent_span_id.is_none()).map(|_| 0);
        let mut values =
            Self { trace, start, end, root, shape: HashMap::new(), tree: OnceLock::new() };
        for attribute in attributes {
            if let Attribute::Intrinsic(intrinsic) = attribute
                && needs_shape(attribute)
                && !values.shape.contains_key(intrinsic)
            {
                let numbers = shape_numbers(trace, values.tree(), *intrinsic);
                values.shape.insert(*intrinsic, numbers);
            }
        }
        values
    }

    /// How many spans there are.
    pub fn n_spans(&self) -> usize {
        self.trace.spans.len()
    }

    /// Who is whose parent; spans are known by index.
    pub fn tree(&self) -> &Forest {
        self.tree.get_or_init(|| tree_of(self.trace))
    }

    /// The spans that pass, by index.
    ///
    /// # Errors
    /// [`EvalError`] when the filter has no value for a span although its types fit.
    pub fn matching(&self, filter: &FieldExpr) -> Result<Vec<usize>, EvalError> {
        let mut matching = Vec::new();
        for index in 0..self.trace.spans.len() {
            if passes(filter, &self.span(index))? {
                matching.push(index);
            }
        }
        Ok(matching)
    }

    /// The values of one span.
    ///
    /// # Panics
    /// When there is no such span.
    pub fn span(&self, index: usize) -> SpanOfTrace<'_> {
        SpanOfTrace { trace: self, index, span: &self.trace.spans[index] }
    }

    /// The root span.
    pub fn root_span(&self) -> Option<&'a Span> {
        self.root.map(|root| &self.trace.spans[root])
    }
}

/// Start of the earliest span of a trace and end of the one that ends last; an end beyond the year 2262
/// counts as that.
pub fn extent(trace: &Trace) -> (i64, i64) {
    let start_of = |span: &Span| span.start_unix_nanos.cast_signed();
    let end_of = |span: &Span| start_of(span).saturating_add(span.duration_nanos());
    let starts = trace.spans.iter().map(start_of);
    let ends = trace.spans.iter().map(end_of);
    (starts.min().unwrap_or_default(), ends.max().unwrap_or_default())
}

/// One span of a whole trace.
pub struct SpanOfTrace<'a> {
    trace: &'a TraceValues<'a>,
    index: usize,
    span: &'a Span,
}

impl SpanValues for SpanOfTrace<'_> {
    fn value(&self, attribute: &Attribute) -> Cow<'_, Static> {
        Cow::Owned(match attribute {
            Attribute::Intrinsic(intrinsic) => self.intrinsic(*intrinsic),
            Attribute::Scoped { parent: false, scope, name } => self.scoped(*scope, name),
            Attribute::Scoped { parent: true, scope, name } => {
                let parent = self.trace.tree().parent(self.index);
                parent.map_or(Static::Nil, |parent| self.trace.span(parent).scoped(*scope, name))
            }
        })
    }
}

impl SpanOfTrace<'_> {
    /// The value where it is a text that need not be copied.
    pub(crate) fn text(&self, attribute: &Attribute) -> Option<&str> {
        let span = self.span;
        match attribute {
            Attribute::Intrinsic(Intrinsic::Name) => Some(&span.name),
            Attribute::Intrinsic(Intrinsic::StatusMessage) => Some(&span.status_message),
            Attribute::Scoped { parent: false, scope, name } => {
                let own = || text_attribute(&span.attributes, name);
                let resource = || text_attribute(&span.resource.attributes, name);
                match scope {
                    Scope::Span => own(),
                    Scope::Resource => resource(),
                    // A value of another type hides the resource's, unless the language has none for it.
                    Scope::None if !span.attributes.iter().any(|own| own.key == *name) => {
                        resource()
                    }
                    Scope::None => own(),
                    Scope::Event | Scope::Link | Scope::Instrumentation => None,
                }
            }
            _ => None,
        }
    }

    fn scoped(&self, scope: Scope, name: &str) -> Static {
        let span = self.span;
        let own = || find_attribute(&span.attributes, name);
        let resource = || find_attribute(&span.resource.attributes, name);
        match scope {
            Scope::None => match own() {
                Static::Nil => resource(),
                value => value,
            },
            Scope::Span => own(),
            Scope::Resource => resource(),
            Scope::Instrumentation => find_attribute(&span.scope.attributes, name),
            Scope::Event => {
                let events = span.events.iter();
                Static::Several(
                    events.map(|event| find_attribute(&event.attributes, name)).collect(),
                )
            }
            Scope::Link => {
                let links = span.links.iter();
                Static::Several(links.map(|link| find_attribute(&link.attributes, name)).collect())
            }
        }
    }

    fn intrinsic(&self, intrinsic: Intrinsic) -> Static {
        let span = self.span;
        let text = |text: &str| Static::String(text.to_owned());
        let root = self.trace.root_span();
        match intrinsic {
            Intrinsic::Duration => Static::Duration(span.duration_nanos()),
            Intrinsic::Name => text(&span.name),
            Intrinsic::Status => Static::Status(status_word(span.status_code)),
            Intrinsic::StatusMessage => text(&span.status_message),
            Intrinsic::Kind => Static::Kind(kind_word(span.kind)),
            Intrinsic::SpanId => Static::String(span.span_id.to_string()),
            Intrinsic::SpanParentId => {
                Static::String(span.parent_span_id.map(|id| id.to_string()).unwrap_or_default())
            }
            Intrinsic::RootName => text(root.map_or("", |root| &root.name)),
            Intrinsic::RootServiceName => {
                text(root.and_then(|root| root.resource.service_name()).unwrap_or_default())
            }
            Intrinsic::TraceDuration => {
                Static::Duration(self.trace.end.saturating_sub(self.trace.start))
            }
            Intrinsic::TraceId => {
                Static::String(span.trace_id.to_string().trim_start_matches('0').to_owned())
            }
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => {
                self.trace.shape.get(&intrinsic).map_or(Static::Nil, |n| Static::Int(n[self.index]))
            }
            Intrinsic::EventName => {
                Static::Several(span.events.iter().map(|event| text(&event.name)).collect())
            }
            Intrinsic::EventTimeSinceStart => {
                let since = |time: u64| time.wrapping_sub(span.start_unix_nanos).cast_signed();
                let times = span.events.iter().map(|event| since(event.time_unix_nanos));
                Static::Several(times.map(Static::Duration).collect())
            }
            Intrinsic::LinkTraceId => {
                let ids = span.links.iter().map(|link| Static::String(link.trace_id.to_string()));
                Static::Several(ids.collect())
            }
            Intrinsic::LinkSpanId => {
                let ids = span.links.iter().map(|link| Static::String(link.span_id.to_string()));
                Static::Several(ids.collect())
            }
            Intrinsic::InstrumentationName => text(&span.scope.name),
            Intrinsic::InstrumentationVersion => text(&span.scope.version),
            Intrinsic::Parent => Static::Nil,
        }
    }
}

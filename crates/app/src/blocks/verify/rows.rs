//! The rows of a file: every span assembled, and index and catalogue held against them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use spandrel_block::index::{KeyHasher, OperationDirectory, TokenFilters, TokenValue, TraceTable};
use spandrel_model::{Attribute, AttributeScope, AttributeValue, Span, StatusCode};

use super::{Fault, Found, Outcome, root_cause};
use crate::storage::{RowRun, StoredBlock};

/// Longer texts may have no token.
const TOKEN_TEXT_BYTES_MAX: usize = 256;

/// Reads the row groups of which no page is damaged.
pub(super) async fn check(
    block: &StoredBlock,
    damaged_row_groups: &BTreeSet<usize>,
    outcome: &mut Outcome,
    found: &mut Found,
) {
    let index = block.file.index();
    // Damage in any of these has been reported.
    let (Ok(traces), Ok(tokens), Ok(operations)) =
        (index.traces(), index.token_filters(), index.operations())
    else {
        return;
    };
    check_catalogue(block, &traces, found);
    check_trace_filter(block, &traces, found);
    let runs = match block.runs(&traces) {
        Ok(runs) => runs,
        Err(error) => return found.push("index", error.to_string()),
    };
    let mut services = Services::default();
    for run in runs.into_iter().filter(|run| !damaged_row_groups.contains(&run.row_group)) {
        match block.spans(&run).await {
            Ok(spans) => {
                outcome.rows += spans.len() as u64;
                services.add(&spans);
                check_traces(&spans, &run, &traces, found);
                check_tokens(&spans, &run, &tokens, found);
            }
            Err(error) => found.place(in_rows(&run, root_cause(&error))),
        }
    }
    if damaged_row_groups.is_empty() && services != Services::listed(&operations) {
        let message = "the operation directory has other counts than the rows";
        found.push("index", message);
    }
}

fn in_rows(run: &RowRun, message: String) -> Fault {
    let message = format!("rows {} to {}: {message}", run.rows.start, run.rows.end);
    Fault { part: "rows", row_group: Some(run.row_group), message, ..Fault::default() }
}

/// What the catalogue says about the block, against the trace table.
fn check_catalogue(block: &StoredBlock, traces: &TraceTable, found: &mut Found) {
    let entry = &block.entry;
    let latest = |times: &[i64]| times.iter().copied().max().unwrap_or(0).max(0).cast_unsigned();
    let earliest = traces.starts().iter().copied().min().unwrap_or(0).max(0).cast_unsigned();
    let ids: HashSet<_> = traces.ids().iter().collect();
    let facts = [
        ("spans", entry.n_spans, u64::from(traces.n_rows())),
        ("traces", entry.n_traces, ids.len() as u64),
        ("the earliest start", entry.min_start_unix_nanos, earliest),
        ("the latest start of a trace", entry.max_trace_start_unix_nanos, latest(traces.starts())),
    ];
    for (name, listed, actual) in facts {
        if listed != actual {
            let message = format!("says {listed} for {name}, the block has {actual}");
            found.push("catalogue", message);
        }
    }
    // An end before its start counts with the start there, so it may be later than the index's.
    if entry.max_end_unix_nanos < latest(traces.ends()) {
        let message = format!("says that the block ends at {}", entry.max_end_unix_nanos);
        found.push("catalogue", format!("{message}, a trace ends at {}", latest(traces.ends())));
    }
}

fn check_trace_filter(block: &StoredBlock, traces: &TraceTable, found: &mut Found) {
    let Ok(filter) = block.file.index().trace_filter() else { return };
    if let Some(id) = traces.ids().iter().find(|id| !filter.may_contain(**id)) {
        found
            .push("index", format!("the trace filter rules out trace {id}, which is in the block"));
    }
}

/// The rows of each trace against the trace table.
fn check_traces(spans: &[Span], run: &RowRun, traces: &TraceTable, found: &mut Found) {
    let mut row = run.rows.start;
    let mut rest = spans;
    while row < run.rows.end {
        let Some(trace) = traces.trace_of_row(row).and_then(|ordinal| traces.get(ordinal)) else {
            break;
        };
        let n_rows = (trace.facts.n_rows as usize).min(rest.len());
        let (mine, behind) = rest.split_at(n_rows);
        let id = trace.facts.trace_id;
        let start = mine.iter().map(|span| span.start_unix_nanos.cast_signed()).min();
        let n_errors = mine.iter().filter(|span| span.status_code == StatusCode::Error).count();
        if mine.len() < trace.facts.n_rows as usize
            || mine.iter().any(|span| span.trace_id != id)
            || start != Some(trace.facts.start_unix_nanos)
            || n_errors != trace.facts.n_errors as usize
        {
            let message = format!("trace {id} is not as the trace table says");
            found.place(in_rows(run, message));
            return;
        }
        rest = behind;
        row += trace.facts.n_rows.max(1);
    }
}

/// Every value is admitted by the filter of its row group, or queries would not find it.
fn check_tokens(spans: &[Span], run: &RowRun, tokens: &TokenFilters, found: &mut Found) {
    let mut shared = HashSet::new();
    let mut lists: Vec<(AttributeScope, &[Attribute])> = Vec::new();
    for span in spans {
        lists.push((AttributeScope::Span, &span.attributes));
        if shared.insert(Arc::as_ptr(&span.resource).addr()) {
            lists.push((AttributeScope::Resource, &span.resource.attributes));
        }
        if shared.insert(Arc::as_ptr(&span.scope).addr()) {
            lists.push((AttributeScope::Instrumentation, &span.scope.attributes));
        }
        let events = span.events.iter().map(|event| &event.attributes);
        lists.extend(events.map(|list| (AttributeScope::Event, list.as_slice())));
        let links = span.links.iter().map(|link| &link.attributes);
        lists.extend(links.map(|list| (AttributeScope::Link, list.as_slice())));
    }
    for (scope, attributes) in lists {
        for Attribute { key, value } in attributes {
            let value = match value {
                AttributeValue::String(text) if text.len() <= TOKEN_TEXT_BYTES_MAX => {
                    TokenValue::Str(text)
                }
                AttributeValue::Int(number) => TokenValue::Int(*number),
                AttributeValue::Double(number) => TokenValue::Double(*number),
                AttributeValue::Bool(truth) => TokenValue::Bool(*truth),
                _ => continue,
            };
            let token = KeyHasher::new(scope, key).token(value);
            if !tokens.may_contain(run.row_group, token) {
                let scope = scope.as_str();
                let message = format!("the token filter rules out {scope}.{key} = {value:?}");
                found.place(Fault { part: "index", ..in_rows(run, message) });
                return;
            }
        }
    }
}

/// Spans and errors by service.
#[derive(Debug, Default, PartialEq, Eq)]
struct Services(BTreeMap<Option<String>, (u64, u64)>);

impl Services {
    fn add(&mut self, spans: &[Span]) {
        for span in spans {
            let service = span.resource.service_name().map(str::to_owned);
            let counts = self.0.entry(service).or_default();
            counts.0 += 1;
            counts.1 += u64::from(span.status_code == StatusCode::Error);
        }
    }

    fn listed(operations: &OperationDirectory) -> Self {
        let mut services = Self::default();
        for operation in operations.operations() {
            let service = operation.service.as_deref().map(str::to_owned);
            let counts = services.0.entry(service).or_default();
            counts.0 += operation.stats.n_spans;
            counts.1 += operation.stats.n_errors;
        }
        services
    }
}

#[cfg(test)]
mod tests {
    use spandrel_block::index::{Filter, TraceFacts, TraceTableBuilder};
    use spandrel_columns::SpanColumns;
    use spandrel_otlp::{DecodeLimits, decode_request, json_to_protobuf, span_at};

    use super::*;

    const REQUEST: &str = r#"{"resourceSpans":[{"resource":{"attributes":[
        {"key":"service.name","value":{"stringValue":"cart"}}]},"scopeSpans":[{"spans":[{
        "traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"a",
        "startTimeUnixNano":"1000","attributes":[{"key":"n","value":{"intValue":"7"}}],
        "events":[{"name":"e","attributes":[{"key":"ok","value":{"boolValue":true}}]}]}]}]}]}"#;

    fn spans() -> Vec<Span> {
        let limits = DecodeLimits::default();
        let otlp = json_to_protobuf(REQUEST.as_bytes(), &limits).unwrap();
        let mut columns = SpanColumns::default();
        decode_request(&otlp, &limits, &mut columns).unwrap();
        vec![span_at(&columns, 0).unwrap()]
    }

    const RUN: RowRun = RowRun { row_group: 0, rows: 0..1 };

    fn faults(check: impl FnOnce(&mut Found)) -> Vec<String> {
        let mut found = Found { file: "f".to_owned(), faults: Vec::new() };
        check(&mut found);
        found.faults.into_iter().map(|fault| fault.message).collect()
    }

    #[test]
    fn a_filter_without_one_of_the_values_is_found() {
        let token = |scope, key, value| KeyHasher::new(scope, key).token(value);
        let tokens = [
            token(AttributeScope::Resource, "service.name", TokenValue::Str("cart")),
            token(AttributeScope::Span, "n", TokenValue::Int(7)),
            token(AttributeScope::Event, "ok", TokenValue::Bool(true)),
        ];
        let missing = |tokens: &[u64]| {
            let tokens = TokenFilters { row_groups: vec![Filter::build(tokens)] };
            faults(|found| check_tokens(&spans(), &RUN, &tokens, found))
        };
        assert_eq!(missing(&tokens), [""; 0]);
        assert_eq!(
            missing(&tokens[1..]),
            ["rows 0 to 1: the token filter rules out resource.service.name = Str(\"cart\")"]
        );
        assert_eq!(
            missing(&tokens[..2]),
            ["rows 0 to 1: the token filter rules out event.ok = Bool(true)"]
        );
    }

    #[test]
    fn a_trace_table_with_other_traces_is_found() {
        let spans = spans();
        let id = spans[0].trace_id;
        let facts = TraceFacts {
            trace_id: id,
            n_rows: 1,
            start_unix_nanos: 1_000,
            end_unix_nanos: 1_000,
            root_name: None,
            root_service: None,
            n_errors: 0,
        };
        let wrong = |facts: TraceFacts<'_>| {
            let mut table = TraceTableBuilder::default();
            table.push(&facts).unwrap();
            faults(|found| check_traces(&spans, &RUN, &table.finish(), found)).len()
        };
        assert_eq!(wrong(facts), 0);
        assert_eq!(wrong(TraceFacts { start_unix_nanos: 999, ..facts }), 1);
        assert_eq!(wrong(TraceFacts { n_errors: 1, ..facts }), 1);
        assert_eq!(wrong(TraceFacts { trace_id: spandrel_model::TraceId([1; 16]), ..facts }), 1);
        assert_eq!(wrong(TraceFacts { n_rows: 2, ..facts }), 1);
    }
}

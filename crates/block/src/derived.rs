//! Columns that follow from the shape of the traces.

use spandrel_columns::Sparse;

use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::owners::distinct;
use crate::schema;

/// Facts of the trace, repeated for its spans, and times and causes by span.
pub(crate) fn derived_columns<'a>(source: &Source<'a>) -> Vec<Column<'a>> {
    let traces = &source.arrangement.traces;
    let durations =
        traces.iter().map(|trace| trace.end_unix_nanos.saturating_sub(trace.start_unix_nanos));
    let durations = Values::I64(durations.collect());
    let durations =
        Column::required_codes(schema::TRACE_DURATION, durations, source.of_traces(0..));
    let optional = [
        root_names(source),
        root_services(source),
        child_time(source),
        critical_time(source),
        error_origins(source),
    ];
    std::iter::once(durations).chain(optional.into_iter().flatten()).collect()
}

fn root_names<'a>(source: &Source<'a>) -> Option<Column<'a>> {
    let names = Values::Text(Strings::of(&source.spans.name_dictionary));
    let codes = of_roots(source, |run_row| Some(source.spans.names[run_row]));
    Column::optional_codes(schema::ROOT_NAME, codes.rows, names, codes.values)
}

fn root_services<'a>(source: &Source<'a>) -> Option<Column<'a>> {
    let spans = source.spans;
    let resources = spans.resource_table.values().iter();
    let services: Vec<Option<&str>> = resources.map(|resource| resource.service_name()).collect();
    let (strings, codes) = distinct(services.iter().map(|name| name.unwrap_or_default()));
    let codes = of_roots(source, |run_row| {
        let resource = spans.resources[run_row] as usize;
        services[resource].map(|_| codes[resource])
    });
    let strings = Values::Text(Strings::Borrowed(strings));
    Column::optional_codes(schema::ROOT_SERVICE, codes.rows, strings, codes.values)
}

/// A code per root, repeated for the rows of its trace.
fn of_roots(source: &Source<'_>, code: impl Fn(usize) -> Option<u32>) -> Sparse<u32> {
    let mut codes = Sparse::default();
    for trace in &source.arrangement.traces {
        let run_row = trace.root_row.map(|root| source.arrangement.order[root as usize] as usize);
        if let Some(code) = run_row.and_then(&code) {
            codes.rows.extend(trace.first_row..trace.first_row + trace.n_rows);
            codes.values.resize(codes.rows.len(), code);
        }
    }
    codes
}

fn child_time<'a>(source: &Source<'a>) -> Option<Column<'a>> {
    let nanos = source.arrangement.child_nanos.iter().copied().enumerate();
    let (rows, nanos) =
        nanos.filter(|pair| pair.1 != 0).map(|(row, nanos)| (row as u32, nanos)).unzip();
    Column::optional(schema::CHILD_TIME, rows, Values::I64(nanos), Encoding::ByteStreamSplit)
}

/// Only where the span adds another time than its self time, which is rare.
fn critical_time<'a>(source: &Source<'a>) -> Option<Column<'a>> {
    let facts = source.arrangement;
    let (mut rows, mut nanos) = (Vec::new(), Vec::new());
    for (block_row, &row) in facts.order.iter().enumerate() {
        let duration = source.spans.duration_nanos[row as usize];
        let self_nanos = duration.saturating_sub(facts.child_nanos[block_row]);
        if facts.critical_nanos[block_row] != self_nanos {
            rows.push(block_row as u32);
            nanos.push(facts.critical_nanos[block_row]);
        }
    }
    Column::optional(schema::CRITICAL_TIME, rows, Values::I64(nanos), Encoding::Dictionary)
}

fn error_origins<'a>(source: &Source<'a>) -> Option<Column<'a>> {
    let origins = source.arrangement.error_origins.iter().enumerate();
    let rows: Vec<u32> =
        origins.filter(|(_, origin)| **origin).map(|(row, _)| row as u32).collect();
    let truths = Values::Bool(vec![true; rows.len()]);
    Column::optional(schema::ERROR_ORIGIN, rows, truths, Encoding::Dictionary)
}

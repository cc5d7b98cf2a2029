//! Columns of a live run: the run's sparse columns, spread over all its rows.

use std::sync::Arc;

use arrow_array::builder::FixedSizeBinaryBuilder;
use arrow_array::types::Int32Type;
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BooleanArray, DictionaryArray, FixedSizeBinaryArray,
    Float64Array, Int32Array, Int64Array, PrimitiveArray, StringArray,
};
use spandrel_columns::{Dictionary, Interned, SpanColumns, Sparse};
use spandrel_ingest::LiveRun;
use spandrel_model::SpanId;
use spandrel_otlp::{decode_any_value, decode_key_value_list};
use spandrel_trace_values::{Shape, find_attribute, static_of};
use spandrel_traceql::{Attribute, Intrinsic, Scope, Static};

use super::PartialTrace;
use super::events::Elements;
use crate::QueryError;
use crate::filter::{Layer, LeafColumn, Meaning, RowMask};

/// The values of an attribute in all rows of a run.
pub(super) fn column(run: &LiveRun, attribute: &Attribute) -> Result<LeafColumn, QueryError> {
    let spans = run.spans();
    let n_rows = spans.len() as usize;
    let nil = |layers| LeafColumn { n_rows, layers, absent: Static::Nil };
    Ok(match attribute {
        Attribute::Scoped { parent: true, .. } => nil(Vec::new()),
        Attribute::Scoped { scope, name, .. } => match scope {
            Scope::None => nil(vec![span_layer(spans, name)?, resource_layer(spans, name)]),
            Scope::Span => nil(vec![span_layer(spans, name)?]),
            Scope::Resource => nil(vec![resource_layer(spans, name)]),
            Scope::Instrumentation => nil(vec![scope_layer(spans, name)]),
            Scope::Event | Scope::Link => elements(spans, attribute)?,
        },
        Attribute::Intrinsic(intrinsic) => match intrinsic {
            Intrinsic::EventName
            | Intrinsic::EventTimeSinceStart
            | Intrinsic::LinkTraceId
            | Intrinsic::LinkSpanId => elements(spans, attribute)?,
            _ => intrinsic_column(run, *intrinsic),
        },
    })
}

fn layer(arrays: Vec<(Meaning, ArrayRef)>) -> Layer {
    Layer { arrays, ..Layer::default() }
}

/// A dictionary array; codes below zero are null.
fn texts<'a>(codes: Vec<i32>, texts: impl Iterator<Item = &'a str>) -> ArrayRef {
    let texts = Arc::new(StringArray::from_iter_values(texts));
    let keys = codes.into_iter().map(|code| (code >= 0).then_some(code)).collect::<Int32Array>();
    let array = DictionaryArray::<Int32Type>::try_new(keys, texts);
    Arc::new(array.expect("every code has a text"))
}

fn sparse_texts(n_rows: usize, dictionary: &Dictionary, codes: &Sparse<u32>) -> ArrayRef {
    let mut keys = vec![-1; n_rows];
    codes.iter().for_each(|(row, code)| keys[row as usize] = code.cast_signed());
    texts(keys, dictionary.iter())
}

fn sparse_numbers<T: ArrowPrimitiveType>(n_rows: usize, column: &Sparse<T::Native>) -> ArrayRef {
    let mut values = vec![None; n_rows];
    column.iter().for_each(|(row, value)| values[row as usize] = Some(value));
    Arc::new(values.into_iter().collect::<PrimitiveArray<T>>())
}

fn span_layer(spans: &SpanColumns, key: &str) -> Result<Layer, QueryError> {
    let n_rows = spans.len() as usize;
    let Some(columns) = spans.attributes.find(key) else { return Ok(Layer::default()) };
    let mut found = Layer::default();
    if !columns.strings.codes.is_empty() {
        let array = sparse_texts(n_rows, &columns.strings.dictionary, &columns.strings.codes);
        found.arrays.push((Meaning::Text, array));
    }
    if !columns.ints.is_empty() {
        let array = sparse_numbers::<arrow_array::types::Int64Type>(n_rows, &columns.ints);
        found.arrays.push((Meaning::Int, array));
    }
    if !columns.doubles.is_empty() {
        let array = sparse_numbers::<arrow_array::types::Float64Type>(n_rows, &columns.doubles);
        found.arrays.push((Meaning::Double, array));
    }
    if !columns.bools.is_empty() {
        let mut values = vec![None; n_rows];
        columns.bools.iter().for_each(|(row, value)| values[row as usize] = Some(value));
        found.arrays.push((Meaning::Bool, Arc::new(BooleanArray::from(values))));
    }
    for (row, any_value) in columns.others.iter() {
        let value = static_of(&decode_any_value(any_value)?);
        if !value.is_nil() {
            found.others.push((row, value));
        }
    }
    Ok(found)
}

fn resource_layer(spans: &SpanColumns, key: &str) -> Layer {
    let values = values_of_owners(&spans.resource_table, |resource| {
        find_attribute(&resource.attributes, key)
    });
    owner_layer(&spans.resources, &values)
}

fn scope_layer(spans: &SpanColumns, key: &str) -> Layer {
    let values =
        values_of_owners(&spans.scope_table, |scope| find_attribute(&scope.attributes, key));
    owner_layer(&spans.scopes, &values)
}

fn values_of_owners<T>(table: &Interned<T>, value: impl Fn(&T) -> Static) -> Vec<Static> {
    table.values().iter().map(|owner| value(owner)).collect()
}

/// The values of owners, spread over their rows.
fn owner_layer(owners: &[u32], values: &[Static]) -> Layer {
    let mut found = Layer::default();
    let value = |owner: &u32| &values[*owner as usize];
    if values.iter().any(|value| matches!(value, Static::String(_))) {
        let code = |owner: &u32| match value(owner) {
            Static::String(_) => owner.cast_signed(),
            _ => -1,
        };
        let words = values.iter().map(|value| match value {
            Static::String(text) => text.as_str(),
            _ => "",
        });
        found.arrays.push((Meaning::Text, texts(owners.iter().map(code).collect(), words)));
    }
    if values.iter().any(|value| matches!(value, Static::Int(_))) {
        let number = |owner: &u32| match value(owner) {
            Static::Int(number) => Some(*number),
            _ => None,
        };
        let numbers = owners.iter().map(number).collect::<Int64Array>();
        found.arrays.push((Meaning::Int, Arc::new(numbers)));
    }
    if values.iter().any(|value| matches!(value, Static::Float(_))) {
        let number = |owner: &u32| match value(owner) {
            Static::Float(number) => Some(*number),
            _ => None,
        };
        let numbers = owners.iter().map(number).collect::<Float64Array>();
        found.arrays.push((Meaning::Double, Arc::new(numbers)));
    }
    let plain = |value: &Static| {
        matches!(value, Static::Nil | Static::String(_) | Static::Int(_) | Static::Float(_))
    };
    if !values.iter().all(plain) {
        let rows = owners.iter().enumerate().filter(|(_, owner)| !plain(value(owner)));
        found.others = rows.map(|(row, owner)| (row as u32, value(owner).clone())).collect();
    }
    found
}

fn elements(spans: &SpanColumns, attribute: &Attribute) -> Result<LeafColumn, QueryError> {
    let elements = Elements::of(attribute);
    let (events, links) = (&spans.events, &spans.links);
    let mut others: Vec<(u32, Static)> = Vec::new();
    let mut push = |row: u32, value: Static| match others.last_mut() {
        Some((last, Static::Several(values))) if *last == row => values.push(value),
        _ => others.push((row, Static::Several(vec![value]))),
    };
    if elements.column() == spandrel_block::schema::EVENTS {
        for (i, &row) in events.rows.iter().enumerate() {
            push(
                row,
                match &elements {
                    Elements::EventName => {
                        Static::String(events.name_dictionary.get(events.names[i]).to_owned())
                    }
                    Elements::EventAttribute(key) => {
                        let list = events.attribute_lists.get(events.attributes[i]);
                        find_attribute(&decode_key_value_list(list)?, key)
                    }
                    _ => {
                        let start = spans.start_unix_nanos[row as usize];
                        Static::Duration(
                            events.time_unix_nanos[i].cast_signed().wrapping_sub(start),
                        )
                    }
                },
            );
        }
    } else {
        for (i, &row) in links.rows.iter().enumerate() {
            push(
                row,
                match &elements {
                    Elements::LinkTraceId => Static::String(links.trace_ids[i].to_string()),
                    Elements::LinkAttribute(key) => {
                        let list = links.attribute_lists.get(links.attributes[i]);
                        find_attribute(&decode_key_value_list(list)?, key)
                    }
                    _ => Static::String(links.span_ids[i].to_string()),
                },
            );
        }
    }
    let layers = vec![Layer { others, ..Layer::default() }];
    let absent = Static::Several(Vec::new());
    Ok(LeafColumn { n_rows: spans.len() as usize, layers, absent })
}

fn intrinsic_column(run: &LiveRun, intrinsic: Intrinsic) -> LeafColumn {
    let spans = run.spans();
    let n_rows = spans.len() as usize;
    let numbers = |numbers: Vec<i64>| Arc::new(Int64Array::from(numbers)) as ArrayRef;
    let small = |numbers: &[u8]| {
        Arc::new(numbers.iter().map(|&number| Some(i32::from(number))).collect::<Int32Array>())
            as ArrayRef
    };
    let (meaning, array) = match intrinsic {
        Intrinsic::Duration => (Meaning::Duration, numbers(spans.duration_nanos.clone())),
        Intrinsic::Name => {
            let codes = spans.names.iter().map(|code| code.cast_signed()).collect();
            (Meaning::Text, texts(codes, spans.name_dictionary.iter()))
        }
        Intrinsic::Status => (Meaning::Status, small(&spans.status_codes)),
        Intrinsic::Kind => (Meaning::Kind, small(&spans.kinds)),
        Intrinsic::StatusMessage => {
            let column = &spans.status_messages;
            (Meaning::Text, sparse_texts(n_rows, &column.dictionary, &column.codes))
        }
        Intrinsic::SpanId => (Meaning::Hex, ids(spans.span_ids.iter().map(|id| Some(id.0)))),
        Intrinsic::SpanParentId => {
            let parents = spans.parent_span_ids.iter();
            (Meaning::Hex, ids(parents.map(|id| (*id != SpanId::default()).then_some(id.0))))
        }
        Intrinsic::TraceId => {
            (Meaning::TrimmedHex, ids(spans.trace_ids.iter().map(|id| Some(id.0))))
        }
        Intrinsic::InstrumentationName => {
            let names = spans.scope_table.values().iter().map(|scope| scope.name.as_str());
            (
                Meaning::Text,
                texts(spans.scopes.iter().map(|scope| scope.cast_signed()).collect(), names),
            )
        }
        Intrinsic::InstrumentationVersion => {
            let versions = spans.scope_table.values().iter().map(|scope| scope.version.as_str());
            let codes = spans.scopes.iter().map(|scope| scope.cast_signed()).collect();
            (Meaning::Text, texts(codes, versions))
        }
        Intrinsic::RootName | Intrinsic::RootServiceName | Intrinsic::TraceDuration => {
            trace_column(run, intrinsic)
        }
        _ => (Meaning::Int, numbers(shape(run, intrinsic))),
    };
    let text = matches!(meaning, Meaning::Text | Meaning::Hex);
    let absent = if text { Static::String(String::new()) } else { Static::Nil };
    LeafColumn { n_rows, layers: vec![layer(vec![(meaning, array)])], absent }
}

/// The tracestates of all rows.
pub(super) fn trace_states(run: &LiveRun) -> LeafColumn {
    let n_rows = run.spans().len() as usize;
    let states = &run.spans().trace_states;
    let array = sparse_texts(n_rows, &states.dictionary, &states.codes);
    LeafColumn { n_rows, layers: vec![layer(vec![(Meaning::Text, array)])], absent: Static::Nil }
}

fn ids<const N: usize>(ids: impl ExactSizeIterator<Item = Option<[u8; N]>>) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(ids.len(), N as i32);
    for id in ids {
        match id {
            Some(id) => builder.append_value(id).expect("the length is the builder's"),
            None => builder.append_null(),
        }
    }
    let array: FixedSizeBinaryArray = builder.finish();
    Arc::new(array)
}

/// What the run knows of the trace of each row.
fn trace_column(run: &LiveRun, intrinsic: Intrinsic) -> (Meaning, ArrayRef) {
    let (spans, arrangement) = (run.spans(), run.arrangement());
    let n_rows = spans.len() as usize;
    let mut codes = vec![-1; n_rows];
    let mut durations = vec![0; n_rows];
    for trace in &arrangement.traces {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        let root = trace.root_row.map(|row| arrangement.order[row as usize] as usize);
        let code = root.map_or(-1, |row| match intrinsic {
            Intrinsic::RootName => spans.names[row].cast_signed(),
            _ => spans.resources[row].cast_signed(),
        });
        for &row in &arrangement.order[rows] {
            codes[row as usize] = code;
            durations[row as usize] = trace.end_unix_nanos.saturating_sub(trace.start_unix_nanos);
        }
    }
    match intrinsic {
        Intrinsic::RootName => (Meaning::Text, texts(codes, spans.name_dictionary.iter())),
        Intrinsic::RootServiceName => {
            let resources = spans.resource_table.values().iter();
            let names = resources.map(|resource| resource.service_name().unwrap_or_default());
            (Meaning::Text, texts(codes, names))
        }
        _ => (Meaning::Duration, Arc::new(Int64Array::from(durations))),
    }
}

fn shape(run: &LiveRun, intrinsic: Intrinsic) -> Vec<i64> {
    let (spans, arrangement) = (run.spans(), run.arrangement());
    let starts: Vec<u32> = arrangement.traces.iter().map(|trace| trace.first_row).collect();
    let shape = Shape {
        parent_offsets: &arrangement.parent_offsets,
        subtree_rows: &arrangement.subtree_rows,
        depths: &arrangement.depths,
        trace_starts: &starts,
    };
    let is_root = |row: usize| spans.parent_span_ids[arrangement.order[row] as usize].is_zero();
    let mut numbers = vec![0; arrangement.order.len()];
    for (row, number) in shape.numbers(intrinsic, is_root).into_iter().enumerate() {
        numbers[arrangement.order[row] as usize] = number;
    }
    numbers
}

pub(super) fn traces_of(run: &LiveRun, mask: &RowMask) -> Vec<PartialTrace> {
    let arrangement = run.arrangement();
    let traces = arrangement.traces.iter().filter(|trace| {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        arrangement.order[rows].iter().any(|row| mask.value(*row as usize))
    });
    traces
        .map(|trace| PartialTrace {
            trace_id: trace.trace_id,
            start: trace.start_unix_nanos,
            end: trace.end_unix_nanos,
            n_rows: trace.n_rows,
        })
        .collect()
}

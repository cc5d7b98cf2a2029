//! What could go below the bytes of a block: other encodings of times and attributes, on the same spans.
//! `cargo run --release -p spandrel-block --example below [SPANS]`.
//!
//! All variants of a line are written by the same simple encoder (whole bytes, transposed for times, zstd 1 per
//! page of 16,384 rows, dictionaries compressed as a whole), so they compare with each other; a block differs by a
//! few percent. docs/adr/0001-block-layout.md says which of them were kept.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::collections::HashMap;
use std::hash::Hash;

use prost::Message as _;
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::{Arrangement, arrange};
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_model::AttributeValue;
use spandrel_otlp::{DecodeLimits, decode_request};

const PAGE_ROWS: usize = 16 * 1024;

fn main() {
    let spans = std::env::args().nth(1).map_or(200_000, |text| text.parse().expect("a number"));
    let run = shop_run(spans);
    let arrangement = arrange(&run);
    println!("{} spans, bytes per span\n", run.len());
    times(&run, &arrangement);
    attributes(&run, &arrangement);
}

fn shop_run(spans: usize) -> SpanColumns {
    let settings = TrafficSettings { traces_per_second: 1_000.0, ..TrafficSettings::default() };
    let mut run = SpanColumns::default();
    for export in TrafficGenerator::new(Shop::new(1), settings) {
        let bytes = export.request.encode_to_vec();
        decode_request(&bytes, &DecodeLimits::default(), &mut run).expect("the shop's are valid");
        if run.len() as usize >= spans {
            break;
        }
    }
    run
}

fn compressed(bytes: &[u8]) -> usize {
    zstd::bulk::compress(bytes, 1).expect("memory is compressed").len()
}

/// Start and duration, and what they can be told by instead.
fn times(run: &SpanColumns, arrangement: &Arrangement) {
    let order = &arrangement.order;
    let starts: Vec<i64> = order.iter().map(|&row| run.start_unix_nanos[row as usize]).collect();
    let durations: Vec<i64> = order.iter().map(|&row| run.duration_nanos[row as usize]).collect();
    let ends: Vec<i64> = starts.iter().zip(&durations).map(|(start, len)| start + len).collect();
    let parent = |row: usize| {
        let offset = arrangement.parent_offsets[row] as usize;
        (offset > 0).then(|| row - offset)
    };
    let rows = 0..starts.len();
    let per_row = |value: &dyn Fn(usize) -> i64| rows.clone().map(value).collect::<Vec<i64>>();
    let mut trace_starts = vec![0; starts.len()];
    for trace in &arrangement.traces {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        trace_starts[rows].fill(trace.start_unix_nanos);
    }
    let since_parent = per_row(&|row| starts[row] - parent(row).map_or(0, |at| starts[at]));
    // The last sibling that began before, or the parent when there is none.
    let mut last_child: HashMap<usize, usize> = HashMap::new();
    let since_sibling = per_row_mut(starts.len(), |row| {
        let Some(above) = parent(row) else { return starts[row] };
        let before = last_child.insert(above, row);
        starts[row] - before.map_or(starts[above], |sibling| ends[sibling])
    });
    let until_parent =
        per_row(&|row| parent(row).map_or(durations[row], |above| ends[above] - ends[row]));
    let report = |name: &str, values: &[i64]| {
        let bytes: usize = values.chunks(PAGE_ROWS).map(transposed).sum();
        println!("{:8.3}  {name}", bytes as f64 / starts.len() as f64);
    };
    report("start, as it is", &starts);
    report("start since the trace's", &per_row(&|row| starts[row] - trace_starts[row]));
    report("start since the parent's", &since_parent);
    report("start since the sibling's end or the parent's start", &since_sibling);
    report("duration, as it is", &durations);
    report("end until the parent's end", &until_parent);
    report("child time (all rows; blocks leave out zeros)", &arrangement.child_nanos);
    println!();
}

fn per_row_mut(n_rows: usize, mut value: impl FnMut(usize) -> i64) -> Vec<i64> {
    (0..n_rows).map(&mut value).collect()
}

/// Size of a page of numbers whose first bytes come first, then all second bytes, and so on.
fn transposed(values: &[i64]) -> usize {
    let bytes = (0..8).flat_map(|at| values.iter().map(move |value| value.to_le_bytes()[at]));
    compressed(&bytes.collect::<Vec<u8>>())
}

/// A text attribute in the order of the block.
struct Column {
    key: String,
    /// Numbers of the values, in order of first appearance.
    codes: Vec<Option<u32>>,
    /// The distinct values, compressed.
    dictionary_bytes: usize,
}

impl Column {
    fn of<'a>(key: &str, values: impl Iterator<Item = Option<&'a str>>) -> Self {
        let mut texts = Vec::new();
        let mut numbers = HashMap::new();
        let codes = values.map(|value| {
            value.map(|text| {
                let next = numbers.len() as u32;
                *numbers.entry(text).or_insert_with(|| {
                    texts.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    texts.extend_from_slice(text.as_bytes());
                    next
                })
            })
        });
        let codes = codes.collect();
        Self { key: key.to_owned(), codes, dictionary_bytes: compressed(&texts) }
    }
}

/// Presence and codes of these rows, page by page.
fn coded(codes: impl Iterator<Item = Option<u32>>) -> usize {
    let codes: Vec<Option<u32>> = codes.collect();
    codes.chunks(PAGE_ROWS).map(page).sum()
}

fn page(codes: &[Option<u32>]) -> usize {
    let greatest = codes.iter().flatten().max().copied().unwrap_or(0);
    let width = (4 - greatest.leading_zeros() as usize / 8).max(1);
    let mut bytes: Vec<u8> = codes.iter().map(|code| u8::from(code.is_some())).collect();
    for code in codes.iter().flatten() {
        bytes.extend_from_slice(&code.to_le_bytes()[..width]);
    }
    compressed(&bytes)
}

fn attributes(run: &SpanColumns, arrangement: &Arrangement) {
    let templates = templates(run, arrangement);
    let columns = columns(run, arrangement);
    let n_rows = templates.len() as f64;
    println!("{:>8} {:>11} {:>11}  determined by", "as is", "by template", "determined");
    let mut sums = [0.0; 3];
    for column in &columns {
        let as_is = coded(column.codes.iter().copied()) + column.dictionary_bytes;
        let by_template = by_template(column, &templates) + column.dictionary_bytes;
        let determined = determinant(column, &columns);
        let map = determined.map(|(_, map_bytes)| map_bytes + column.dictionary_bytes);
        let bytes = [as_is, by_template.min(as_is), map.unwrap_or(as_is).min(as_is)];
        for (sum, bytes) in sums.iter_mut().zip(bytes) {
            *sum += bytes as f64 / n_rows;
        }
        let [as_is, by_template, map] = bytes.map(|bytes| bytes as f64 / n_rows);
        if as_is >= 0.05 {
            let by = determined.map_or("-", |(key, _)| key);
            println!("{as_is:8.3} {by_template:11.3} {map:11.3}  {}: {by}", column.key);
        }
    }
    let [as_is, by_template, determined] = sums;
    println!("{as_is:8.3} {by_template:11.3} {determined:11.3}  all {} columns", columns.len());
}

/// What kind of span a row is: service, name, kind.
fn templates(run: &SpanColumns, arrangement: &Arrangement) -> Vec<u32> {
    let resources = run.resource_table.values();
    numbered(arrangement.order.iter().map(|&row| {
        let row = row as usize;
        let service = resources[run.resources[row] as usize].service_name();
        (service, run.names[row], run.kinds[row])
    }))
}

fn numbered<T: Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<u32> {
    let mut numbers = HashMap::new();
    values
        .map(|value| {
            let next = numbers.len() as u32;
            *numbers.entry(value).or_insert(next)
        })
        .collect()
}

fn columns(run: &SpanColumns, arrangement: &Arrangement) -> Vec<Column> {
    let order = &arrangement.order;
    let mut columns = Vec::new();
    for key in run.attributes.keys() {
        let values = order.iter().map(|&row| key.strings.get(row));
        let column = Column::of(&format!("span.{}", key.key), values);
        if column.codes.iter().any(Option::is_some) {
            columns.push(column);
        }
    }
    let resources = run.resource_table.values();
    let mut keys: Vec<&str> = resources
        .iter()
        .flat_map(|resource| resource.attributes.iter().map(|attribute| attribute.key.as_str()))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let values = order.iter().map(|&row| {
            let resource = &resources[run.resources[row as usize] as usize];
            let found = resource.attributes.iter().find(|attribute| attribute.key == key);
            found.and_then(|attribute| match &attribute.value {
                AttributeValue::String(text) => Some(text.as_str()),
                _ => None,
            })
        });
        columns.push(Column::of(&format!("resource.{key}"), values));
    }
    columns
}

/// Codes numbered anew in each template and written template by template, with a table from them to the
/// dictionary.
fn by_template(column: &Column, templates: &[u32]) -> usize {
    let n_templates = templates.iter().max().map_or(0, |last| *last as usize + 1);
    let mut numbers: Vec<HashMap<u32, u32>> = vec![HashMap::new(); n_templates];
    let mut codes: Vec<Vec<Option<u32>>> = vec![Vec::new(); n_templates];
    let mut table = Vec::new();
    for (code, &template) in column.codes.iter().zip(templates) {
        let numbers = &mut numbers[template as usize];
        codes[template as usize].push(code.map(|code| {
            let next = numbers.len() as u32;
            *numbers.entry(code).or_insert_with(|| {
                table.push(code);
                next
            })
        }));
    }
    let table: Vec<u8> = table.iter().flat_map(|code| code.to_le_bytes()).collect();
    coded(codes.into_iter().flatten()) + compressed(&table)
}

/// The column of fewest values from which this one follows, and the bytes of the table from one to the other.
fn determinant<'a>(column: &Column, others: &'a [Column]) -> Option<(&'a str, usize)> {
    let candidates = others.iter().filter(|other| other.key != column.key);
    candidates
        .filter_map(|other| Some((other.key.as_str(), table_bytes(column, other)?)))
        .min_by_key(|(_, bytes)| *bytes)
}

/// `None` when a value of the other column, or none there, goes with several of this one.
fn table_bytes(column: &Column, other: &Column) -> Option<usize> {
    let mut table: HashMap<Option<u32>, Option<u32>> = HashMap::new();
    for (code, key) in column.codes.iter().zip(&other.codes) {
        if *table.entry(*key).or_insert(*code) != *code {
            return None;
        }
    }
    let mut rows: Vec<_> = table.into_iter().collect();
    rows.sort_unstable();
    let bytes = rows.iter().flat_map(|(_, code)| code.map_or(u32::MAX, |code| code).to_le_bytes());
    Some(compressed(&bytes.collect::<Vec<u8>>()))
}

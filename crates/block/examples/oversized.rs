//! What a careless attribute costs: one span in twenty has a request body, and other things are read.
//! `cargo run --release -p spandrel-block --example oversized [SPANS]`.
//!
//! Written twice, with the threshold for oversized values and with none as far as columns go. The spans are the
//! demo shop's; bytes are those of the file that a read asks for, times are medians with the file in memory.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch reads the real clock")]

use std::ops::Range;
use std::time::Instant;

use arrow_array::RecordBatch;
use bytes::Bytes;
use prost::Message as _;
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_block::{WriteOptions, schema, write};
use spandrel_columns::{SpanColumns, TEXT_BYTES_MAX};
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};

/// What the server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const KEY: &str = "http.request.body";
const EVERY: u64 = 20;
const BODY_BYTES: usize = 10_000;
const ROUNDS: usize = 7;

fn main() {
    let spans = std::env::args().nth(1).map_or(100_000, |text| text.parse().expect("a number"));
    println!("one span in {EVERY} has a body of {BODY_BYTES} bytes");
    for (kind, value) in [("text", as_text as fn(String) -> Value), ("bytes", as_bytes)] {
        let run = run(spans, |_| BODY_BYTES, value);
        let with = |oversized_bytes| {
            let options = WriteOptions { oversized_bytes, ..WriteOptions::default() };
            Block::of(&run, &options)
        };
        let (within, apart) = (with(TEXT_BYTES_MAX), with(WriteOptions::default().oversized_bytes));
        println!("\nthe body as {kind}: within the columns, then apart");
        println!("{:>12} {:>12}  block", within.bytes.len(), apart.bytes.len());
        for (name, read) in READS {
            let [(a, a_ms), (b, b_ms)] = [&within, &apart].map(|block| block.measure(*read));
            println!("{a:>12} {b:>12} bytes {a_ms:>9.2} {b_ms:>9.2} ms  {name}");
        }
    }
    thresholds(spans);
}

type Read = fn(&Block, usize) -> u64;

const READS: &[(&str, Read)] = &[
    ("service and duration of all spans", |block, _| {
        block.all_rows(&["resource.service.name", schema::DURATION])
    }),
    ("a key that has no column, of all spans", |block, _| block.all_rows(&[schema::SPAN_RESIDUAL])),
    ("which spans have a body", |block, _| {
        let key = format!("span.{KEY}");
        let sizes = schema::SPAN_OVERSIZED_SIZES;
        match block.file.has_column(sizes) {
            true => block.all_rows(&[sizes]),
            false => block.all_rows(&[&key, schema::SPAN_RESIDUAL]),
        }
    }),
    ("all bodies", |block, _| {
        let key = format!("span.{KEY}");
        match block.file.has_column(schema::SPAN_OVERSIZED) {
            true => block.all_rows(&[schema::SPAN_OVERSIZED]),
            false => block.all_rows(&[&key, schema::SPAN_RESIDUAL]),
        }
    }),
    ("one trace", |block, round| {
        let columns = block.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
        let (batch, bytes) = block.read(columns, &[block.trace(round)]);
        assemble_spans(&batch).expect("the block is whole");
        bytes
    }),
    ("what a search shows of 20 traces", |block, round| {
        let columns = [
            schema::TRACE_ID,
            schema::SPAN_ID,
            schema::PARENT_ROW_OFFSET,
            schema::PARENT_SPAN_ID,
            schema::START,
            schema::DURATION,
            schema::NAME,
            schema::STATUS_CODE,
            "resource.service.name",
            schema::RESOURCE_RESIDUAL,
            "span.http.route",
            schema::SPAN_RESIDUAL,
        ];
        let mut rows: Vec<_> = (0..20).map(|i| block.trace(round + i)).collect();
        rows.sort_by_key(|rows| rows.start);
        rows.dedup();
        block.read(columns, &rows).1
    }),
];

/// What the threshold decides, for bodies of all sizes.
fn thresholds(spans: u64) {
    println!("\nbodies of 50 to 25,600 bytes, as text: what the threshold decides");
    println!(
        "{:>9} {:>12} {:>12} {:>12} {:>12}",
        "threshold", "block", "in column", "apart", "one trace"
    );
    let run = run(spans, |n| 50 << (n * 7 % 10), as_text);
    for oversized_bytes in [256, 512, 1024, 2048, 4096, TEXT_BYTES_MAX] {
        let options = WriteOptions { oversized_bytes, ..WriteOptions::default() };
        let block = Block::of(&run, &options);
        let of = |name: &str| {
            let columns = block.file.column_bytes();
            columns.into_iter().find(|column| column.0 == name).map_or(0, |column| column.1)
        };
        let (trace, _) = block.measure(READS[4].1);
        let (column, apart) = (of(&format!("span.{KEY}")), of(schema::SPAN_OVERSIZED));
        println!(
            "{oversized_bytes:>9} {:>12} {column:>12} {apart:>12} {trace:>12}",
            block.bytes.len()
        );
    }
}

fn as_text(body: String) -> Value {
    Value::StringValue(body)
}

fn as_bytes(body: String) -> Value {
    Value::BytesValue(body.into_bytes().into())
}

/// Something like JSON, which compresses about as well.
fn body(seed: u64, bytes: usize) -> String {
    let (mut text, mut state) = (String::from("{\"items\":["), seed << 20 | 1);
    while text.len() < bytes {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let (id, price) = (state >> 33, state >> 52);
        text.push_str(&format!("{{\"sku\":\"{id:08x}\",\"price\":{price},\"quantity\":1}},"));
    }
    text.truncate(bytes);
    text
}

fn run(spans: u64, bytes: impl Fn(u64) -> usize, value: fn(String) -> Value) -> SpanColumns {
    let settings = TrafficSettings { traces_per_second: 1_000.0, ..TrafficSettings::default() };
    let (mut run, mut number) = (SpanColumns::default(), 0);
    for mut export in TrafficGenerator::new(Shop::new(1), settings) {
        let resources = export.request.resource_spans.iter_mut();
        for span in resources.flat_map(|r| &mut r.scope_spans).flat_map(|s| &mut s.spans) {
            number += 1;
            if number % EVERY == 0 {
                let body = body(number, bytes(number / EVERY));
                let value = Some(AnyValue { value: Some(value(body)) });
                span.attributes.push(KeyValue { key: KEY.to_owned(), value });
            }
        }
        let bytes = export.request.encode_to_vec();
        decode_request(&bytes, &DecodeLimits::default(), &mut run).expect("the shop's are valid");
        if u64::from(run.len()) >= spans {
            break;
        }
    }
    run
}

struct Block {
    bytes: Bytes,
    file: Box<BlockFile>,
    traces: Vec<Range<u32>>,
}

impl Block {
    fn of(run: &SpanColumns, options: &WriteOptions) -> Self {
        // One row group, so that rows of the block are rows of it.
        let options = WriteOptions { row_group_rows_max: u32::MAX, ..options.clone() };
        let bytes = write(run, &options).expect("the run fits").bytes;
        let Ok(Opened::File(file)) = BlockFile::open(&bytes, bytes.len() as u64) else {
            panic!("the block does not open")
        };
        let table = file.index().traces().expect("it was just written");
        let traces = table.first_rows().windows(2).map(|rows| rows[0]..rows[1]).collect();
        Self { bytes, file, traces }
    }

    /// Some trace, for each round another one.
    fn trace(&self, round: usize) -> Range<u32> {
        self.traces[round * 7_919 % self.traces.len()].clone()
    }

    fn all_rows(&self, columns: &[&str]) -> u64 {
        let rows = 0..self.file.n_rows();
        self.read(columns.iter().copied(), std::slice::from_ref(&rows)).1
    }

    /// The rows, and how many bytes of the file they took.
    fn read<'n>(
        &self,
        columns: impl IntoIterator<Item = &'n str>,
        rows: &[Range<u32>],
    ) -> (RecordBatch, u64) {
        let mut decoder = self.file.decoder(0, columns, Some(rows)).expect("the block is whole");
        let mut bytes = 0;
        loop {
            match decoder.step().expect("the block is whole") {
                Step::Done(batch) => return (batch.expect("rows were asked for"), bytes),
                Step::Needs(ranges) => {
                    bytes += ranges.iter().map(|range| range.end - range.start).sum::<u64>();
                    let slice = |r: &Range<u64>| self.bytes.slice(r.start as usize..r.end as usize);
                    let slices = ranges.iter().map(slice).collect();
                    decoder.push(ranges, slices).expect("the block is whole");
                }
            }
        }
    }

    /// Mean bytes and median milliseconds of a read.
    fn measure(&self, read: Read) -> (u64, f64) {
        let (mut bytes, mut times) = (0, Vec::new());
        for round in 0..ROUNDS {
            let begin = Instant::now();
            bytes += read(self, 1 + round * 20);
            times.push(begin.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        (bytes / ROUNDS as u64, times[ROUNDS / 2])
    }
}

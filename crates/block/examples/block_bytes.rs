//! Bytes per span by column and section, and what writing costs:
//! `cargo run --release -p spandrel-block --example block_bytes [SPANS [COLUMNS]]`.
//!
//! The spans are the demo shop's. The first argument is how many, the second how many columns to list.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch reads the real clock")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prost::Message as _;
use spandrel_block::index::Section;
use spandrel_block::read::{BlockFile, Opened};
use spandrel_block::{WriteOptions, WrittenBlock, write_observed};
use spandrel_columns::SpanColumns;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_otlp::{DecodeLimits, decode_request};

/// What the server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let (run, otlp_bytes) = shop_run(arguments.next().unwrap_or(200_000));
    let n_spans = run.len() as usize;
    let written = measure(&run);
    let per_span = |bytes: usize| bytes as f64 / n_spans as f64;
    let total = per_span(written.bytes.len());
    println!("{n_spans} spans, {} traces", written.n_traces);
    println!("OTLP {:.1} B/span, block {total:.2} B/span", per_span(otlp_bytes));
    let opened = BlockFile::open(&written.bytes, written.bytes.len() as u64);
    let Ok(Opened::File(file)) = opened else { panic!("the block does not open") };

    let mut columns = file.column_bytes();
    columns.sort_by_key(|column| std::cmp::Reverse(column.1));
    let sum: u64 = columns.iter().map(|column| column.1).sum();
    println!("{:8.3}  columns ({})", per_span(sum as usize), columns.len());
    for (name, bytes) in columns.iter().take(arguments.next().unwrap_or(30)) {
        println!("{:8.3}    {name}", per_span(*bytes as usize));
    }
    let mut index_bytes = 0;
    for section in Section::ALL {
        let bytes = file.index().stored_bytes(section);
        index_bytes += bytes;
        println!("{:8.3}  index: {section}", per_span(bytes));
    }
    let footer = written.bytes.len() - sum as usize - index_bytes;
    println!("{:8.3}  page index and footer", per_span(footer));
}

fn shop_run(spans: usize) -> (SpanColumns, usize) {
    let settings = TrafficSettings { traces_per_second: 1_000.0, ..TrafficSettings::default() };
    let (mut run, mut otlp_bytes) = (SpanColumns::default(), 0);
    for export in TrafficGenerator::new(Shop::new(1), settings) {
        let bytes = export.request.encode_to_vec();
        otlp_bytes += bytes.len();
        decode_request(&bytes, &DecodeLimits::default(), &mut run).expect("the shop's are valid");
        if run.len() as usize >= spans {
            break;
        }
    }
    (run, otlp_bytes)
}

/// Writes the run several times and prints the best time of each stage.
fn measure(run: &SpanColumns) -> WrittenBlock {
    let mut best = BTreeMap::new();
    let mut best_total = Duration::MAX;
    let mut result = None;
    for _ in 0..ROUNDS {
        let mut stages = BTreeMap::new();
        let begin = Instant::now();
        let mut last = begin;
        let written = write_observed(run, &WriteOptions::default(), &mut |stage| {
            let now = Instant::now();
            *stages.entry(stage).or_insert(Duration::ZERO) += now - last;
            last = now;
        });
        best_total = best_total.min(begin.elapsed());
        for (stage, time) in stages {
            best.entry(stage)
                .and_modify(|best: &mut Duration| *best = time.min(*best))
                .or_insert(time);
        }
        result = Some(written.expect("the run fits"));
    }
    let nanos = |time: Duration| time.as_nanos() as f64 / f64::from(run.len());
    for (stage, time) in &best {
        println!("{:8.0} ns/span  {stage:?}", nanos(*time));
    }
    println!("{:8.0} ns/span  in all, {:.0} k spans/s", nanos(best_total), 1e6 / nanos(best_total));
    result.expect("at least one round")
}

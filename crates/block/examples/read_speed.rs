//! How fast a block becomes columns again: `cargo run --release -p spandrel-block --example read_speed [SPANS]`.
//!
//! The spans are the demo shop's, in one row group. Best of a few rounds on one core, the file in memory.

#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch reads the real clock")]

use std::ops::Range;
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use bytes::Bytes;
use prost::Message as _;
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, read_run};
use spandrel_block::{WriteOptions, write};
use spandrel_columns::SpanColumns;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};
use spandrel_otlp::{DecodeLimits, decode_request};

/// What the server runs with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

fn main() {
    let n_spans = std::env::args().nth(1).map_or(200_000, |text| text.parse().expect("a number"));
    let run = shop_run(n_spans);
    let n_spans = run.len();
    let bytes = write(&run, &WriteOptions::default()).expect("the run is valid").bytes;
    let Ok(Opened::File(file)) = BlockFile::open(&bytes, bytes.len() as u64) else {
        panic!("the block does not open")
    };
    let mut best = [Duration::MAX; 3];
    for _ in 0..ROUNDS {
        let mut merged = SpanColumns::default();
        for row_group in 0..file.n_row_groups() {
            let began = Instant::now();
            let batch = decode(&file, row_group, &bytes);
            let decoded = Instant::now();
            let run = read_run(&batch).expect("the block is whole");
            let read = Instant::now();
            merged.append(&run);
            let times = [decoded - began, read - decoded, read.elapsed()];
            best.iter_mut().zip(times).for_each(|(best, time)| *best = time.min(*best));
        }
        assert!(file.n_row_groups() > 1 || merged.len() == n_spans);
    }
    println!(
        "{n_spans} spans, {} row groups; per row group, best of {ROUNDS}:",
        file.n_row_groups()
    );
    let rows = file.row_group_rows(0).len() as f64;
    let rate = |time: Duration| rows / time.as_secs_f64() / 1e6;
    for (name, time) in ["Parquet to Arrow", "Arrow to columns", "appended"].iter().zip(best) {
        println!("{:8.1} ms {:8.2} M spans/s  {name}", time.as_secs_f64() * 1e3, rate(time));
    }
    let total: Duration = best.iter().sum();
    println!("{:8.1} ms {:8.2} M spans/s  total", total.as_secs_f64() * 1e3, rate(total));
}

fn decode(file: &BlockFile, row_group: usize, bytes: &Bytes) -> RecordBatch {
    let columns = file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
    let mut decoder = file.decoder(row_group, columns, None).expect("the row group is there");
    loop {
        match decoder.step().expect("the block is whole") {
            Step::Done(batch) => return batch.expect("the row group has rows"),
            Step::Needs(ranges) => {
                let slice =
                    |range: &Range<u64>| bytes.slice(range.start as usize..range.end as usize);
                let slices = ranges.iter().map(slice).collect();
                decoder.push(ranges, slices).expect("the block is whole");
            }
        }
    }
}

fn shop_run(n_spans: u32) -> SpanColumns {
    let settings = TrafficSettings { traces_per_second: 5_000.0, ..TrafficSettings::default() };
    let mut run = SpanColumns::default();
    for export in TrafficGenerator::new(Shop::new(1), settings) {
        let bytes = export.request.encode_to_vec();
        decode_request(&bytes, &DecodeLimits::default(), &mut run).expect("a valid request");
        if run.len() >= n_spans {
            break;
        }
    }
    run
}

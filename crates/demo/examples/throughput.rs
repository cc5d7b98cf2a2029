//! Measures how fast the generator is and how large its spans are: `cargo run --release --example throughput`.

use std::io::Write as _;
use std::time::Instant;

use prost::Message as _;
use spandrel_demo::{Shop, TrafficGenerator, TrafficSettings};

/// What the server runs with; the generator is mostly small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const SPANS: usize = 3_000_000;

#[expect(
    clippy::disallowed_methods,
    reason = "measures real time; the generator itself reads no clock"
)]
fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for encode in [false, true] {
        let settings = TrafficSettings { traces_per_second: 5_000.0, ..TrafficSettings::default() };
        let traffic = TrafficGenerator::new(Shop::new(1), settings);
        let (mut spans, mut requests, mut bytes) = (0, 0, 0);
        let mut buffer = Vec::new();
        let begin = Instant::now();
        for export in traffic {
            spans += export.span_count;
            requests += 1;
            if encode {
                buffer.clear();
                export.request.encode(&mut buffer).expect("a vector grows");
                bytes += buffer.len();
            }
            if spans >= SPANS {
                break;
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        let rate = spans as f64 / seconds;
        let task = if encode { "generate and encode" } else { "generate" };
        write!(out, "{task}: {rate:.0} spans/s, {} spans/request", spans / requests)?;
        if encode {
            write!(out, ", {} bytes/span", bytes / spans)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

//! The stages of the write path, one at a time, on the same requests.

use std::path::Path;

use bytes::Bytes;
use spandrel_block::WriteOptions;
use spandrel_columns::SpanColumns;
use spandrel_columns::arrange::arrange;
use spandrel_otlp::{DecodeLimits, decode_request};
use spandrel_wal::{Durability, Record, Wal, WalOptions};

use crate::output;

use super::cpu::{Spent, Stopwatch};
use super::report::Report;
use super::traffic::{generator, rate, take};

/// Times that each stage is repeated on the requests of one block: the kernel counts CPU time in hundredths.
const REPEATS: u64 = 5;
/// Requests of one group commit.
const GROUP_REQUESTS: usize = 16;

/// Measures decoding, the log, merging of live runs, arranging, and block writing.
pub(super) fn measure(
    report: &mut Report,
    seed: u64,
    block_spans: u32,
    dir: &Path,
) -> anyhow::Result<()> {
    let requests = take(&mut generator(seed, 1_750_000_000_000_000_000), u64::from(block_spans));
    let n_spans = requests.n_spans * REPEATS;
    let (mut decode, mut log, mut merge) = (Spent::default(), Spent::default(), Spent::default());
    let (mut shape, mut block) = (Spent::default(), Spent::default());
    let mut block_bytes = 0;
    for repeat in 0..REPEATS {
        let watch = Stopwatch::start();
        let mut groups = Vec::new();
        for bodies in requests.bodies.chunks(GROUP_REQUESTS) {
            let mut columns = SpanColumns::default();
            for body in bodies {
                decode_request(body, &DecodeLimits::default(), &mut columns)?;
            }
            groups.push(columns);
        }
        decode += watch.stop();

        let wal_dir = dir.join(format!("wal-{repeat}"));
        log += append(&wal_dir, &requests.bodies)?;

        let watch = Stopwatch::start();
        let mut merged = SpanColumns::default();
        groups.iter().for_each(|group| merged.append(group));
        merge += watch.stop();

        let watch = Stopwatch::start();
        let arrangement = arrange(&merged);
        shape += watch.stop();
        drop(arrangement);

        let watch = Stopwatch::start();
        block_bytes = spandrel_block::write(&merged, &WriteOptions::default())?.bytes.len();
        block += watch.stop();
    }
    output::note(&format!(
        "one block: {:.1} B/span\n",
        block_bytes as f64 / requests.n_spans as f64
    ));
    report.rates.push(rate("decode OTLP into columns", n_spans, decode));
    report.rates.push(rate("log (one sync per 16 requests)", n_spans, log));
    report.rates.push(rate("merge live runs", n_spans, merge));
    report.rates.push(rate("arrange (part of block)", n_spans, shape));
    report.rates.push(rate("block", n_spans, block));
    Ok(())
}

fn append(dir: &Path, bodies: &[Bytes]) -> anyhow::Result<Spent> {
    let options = WalOptions {
        segment_bytes_max: 64 << 20,
        durability: Durability::Fsync,
        bytes_max: 8 << 30,
        replay_from_seq: 0,
    };
    let (mut wal, replay) = Wal::open(dir, options)?;
    drop(replay);
    let watch = Stopwatch::start();
    for bodies in bodies.chunks(GROUP_REQUESTS) {
        let records: Vec<_> = bodies
            .iter()
            .map(|payload| Record {
                tenant: "single-tenant".into(),
                received_unix_nanos: 0,
                payload: payload.clone(),
            })
            .collect();
        wal.append_group(&records)?;
    }
    let spent = watch.stop();
    drop(wal);
    std::fs::remove_dir_all(dir)?;
    Ok(spent)
}

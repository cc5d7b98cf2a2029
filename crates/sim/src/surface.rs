//! Everything that reads bytes from outside, as functions that take bytes and must not panic.
//!
//! The fuzz targets in `fuzz/` call them, and so does a smoke run over damaged golden files that needs no nightly
//! compiler. Each function also asserts what must hold of bytes that are accepted.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use spandrel_base::clock::ManualClock;
use spandrel_block::index::{BlockIndex, IndexReader};
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, Step, assemble_spans};
use spandrel_catalog::{Catalog as _, CatalogError, DeltaCatalog};
use spandrel_columns::SpanColumns;
use spandrel_otlp::{DecodeLimits, decode_request, span_at};
use spandrel_wal::{Durability, Record, Wal, WalOptions};

use crate::fault_env::FaultEnv;

/// JSON requests above this size may exceed a limit of the decoder that JSON does not check.
const JSON_BYTES_CHECKED: usize = 1 << 16;

/// An OTLP request: rejected without a trace of it in the columns, or readable span by span.
///
/// # Panics
/// When that does not hold.
pub fn otlp_request(bytes: &[u8]) {
    let mut columns = SpanColumns::default();
    match decode_request(bytes, &DecodeLimits::default(), &mut columns) {
        Ok(summary) => {
            assert_eq!(u64::from(columns.len()), summary.spans);
            for row in 0..columns.len() {
                span_at(&columns, row).expect("accepted values are checked");
            }
        }
        Err(_) => assert!(columns.is_empty() && columns.events.is_empty()),
    }
}

/// An OTLP request in JSON: whatever is accepted is a valid protobuf request.
///
/// # Panics
/// When that does not hold.
pub fn otlp_json(bytes: &[u8]) {
    let limits = DecodeLimits::default();
    if let Ok(protobuf) = spandrel_otlp::json_to_protobuf(bytes, &limits) {
        // Limits other than the number of spans are the decoder's.
        let decoded = decode_request(&protobuf, &limits, &mut SpanColumns::default());
        assert!(decoded.is_ok() || bytes.len() > JSON_BYTES_CHECKED, "{decoded:?}");
    }
}

/// A query: what is compiled can be printed, and compiled again.
///
/// # Panics
/// When that does not hold.
pub fn query(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(query) = spandrel_traceql::compile(text)
    {
        let printed = query.to_string();
        assert!(spandrel_traceql::compile(&printed).is_ok(), "{printed}");
    }
}

/// A text that is lexed: the tokens lie in it in order, and the text between them is blank or a comment.
///
/// # Panics
/// When that does not hold.
pub fn query_tokens(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(tokens) = spandrel_traceql::tokenize(text) else { return };
    let mut end = 0;
    for token in &tokens {
        assert!(text.get(token.position.start..token.position.end).is_some(), "{token:?}");
        assert!(end <= token.position.end, "{token:?}");
        end = token.position.end;
    }
    assert_eq!(end, text.len());
}

/// A query that is being typed: what is made of it is a query, and narrows by a valid condition.
///
/// # Panics
/// When that does not hold.
pub fn unfinished_query(bytes: &[u8]) {
    use spandrel_traceql::{diagnose, lenient, parse, validate};
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(query) = lenient::parse(text) {
        assert_eq!(parse(&query.to_string()).as_ref(), Ok(&query));
        assert!(parse(text).is_ok_and(|parsed| parsed == query) || parse(text).is_err());
    }
    let filter = lenient::repair(text);
    if let Some(expr) = filter.expr() {
        let query = parse(&format!("{{ {expr} }}")).expect("conditions are printed as they parse");
        assert_eq!(validate(&query), Ok(()), "{expr}");
    }
    // Too many alternatives are no mistake.
    let _ = filter.groups(lenient::MAX_GROUPS);
    let _ = lenient::repaired_text(text);
    for diagnostic in diagnose(text) {
        let position = diagnostic.position;
        assert!(text.get(position.start..position.end).is_some(), "{diagnostic:?}");
    }
}

/// A text with a cursor, which the first two bytes say: what is replaced holds the cursor.
///
/// # Panics
/// When that does not hold.
pub fn query_completion(bytes: &[u8]) {
    let [high, low, text @ ..] = bytes else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let cursor = usize::from(u16::from_be_bytes([*high, *low])) % (text.len() + 1);
    let completion = spandrel_traceql::complete::complete(text, cursor);
    assert!(text.get(completion.replaces.clone()).is_some(), "{completion:?}");
    assert!(
        completion.replaces.start <= cursor
            && text.floor_char_boundary(cursor) <= completion.replaces.end
    );
}

/// The only segment of a log: it opens, what is in it or left of it replays, and the log goes on.
///
/// # Panics
/// When that does not hold.
pub fn wal_segment(bytes: &[u8]) {
    let name = "segment-0000000000000001.wal".to_owned();
    let env = FaultEnv::with_files(&BTreeMap::from([(name, bytes.to_vec())]));
    let open = || {
        let options = WalOptions {
            segment_bytes_max: 1 << 16,
            durability: Durability::Fsync,
            bytes_max: 1 << 30,
            replay_from_seq: 0,
        };
        Wal::open_in(Arc::new(env.clone()), options)
    };
    let Ok((mut wal, replay)) = open() else { return };
    let n_before = replay.filter(Result::is_ok).count();
    let payload = Bytes::from_static(b"the next one");
    let record = Record { tenant: "t".into(), received_unix_nanos: 1, payload: payload.clone() };
    // The numbers may be used up.
    let Ok(seqs) = wal.append_group(&[record]) else { return };
    drop(wal);
    let (_wal, replay) = open().expect("it opened before");
    let records: Vec<_> = replay.filter_map(Result::ok).collect();
    assert_eq!(records.len(), n_before + 1);
    let last = records.last().expect("there is one more than before");
    assert_eq!((last.seq, &last.payload), (seqs.start, &payload));
}

/// A block index.
pub fn block_index(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    // As a whole, and by sections as searches read it.
    let _ = BlockIndex::decode(bytes.clone());
    if let Ok(reader) = IndexReader::open(bytes) {
        let _ = reader.trace_filter();
    }
}

/// The file of a block: all of its rows, and few of them.
pub fn block_file(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    let Ok(Opened::File(file)) = BlockFile::open(&bytes, bytes.len() as u64) else { return };
    let names: Vec<String> = file.columns().map(str::to_owned).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let names = names.into_iter().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
    let names: Vec<&str> = names.collect();
    for row_group in 0..file.n_row_groups() {
        let Some(()) = all_rows(&file, row_group, &names, &bytes) else { return };
        let Some(()) = first_row(&file, row_group, &names, &bytes) else { return };
    }
}

/// What a store answers to these ranges: for one that is not there it has an error.
fn parts(bytes: &Bytes, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
    let part = |range: &Range<u64>| {
        let start = usize::try_from(range.start).ok()?;
        let end = usize::try_from(range.end).ok()?;
        (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
    };
    ranges.iter().map(part).collect()
}

fn all_rows(file: &BlockFile, row_group: usize, names: &[&str], bytes: &Bytes) -> Option<()> {
    let mut decoder = file.decoder(row_group, names.iter().copied(), None).ok()?;
    loop {
        match decoder.step() {
            Err(_) | Ok(Step::Done(None)) => return Some(()),
            Ok(Step::Done(Some(batch))) => {
                let _ = assemble_spans(&batch);
                return Some(());
            }
            Ok(Step::Needs(ranges)) => {
                let parts = parts(bytes, &ranges)?;
                decoder.push(ranges, parts).ok()?;
            }
        }
    }
}

fn first_row(file: &BlockFile, row_group: usize, names: &[&str], bytes: &Bytes) -> Option<()> {
    let row = std::slice::from_ref(&(0..1));
    let few = file.few_rows(row_group, names.iter().copied(), row).ok()?;
    if let Ok(batch) = few.decode(parts(bytes, few.ranges())?) {
        let _ = assemble_spans(&batch);
    }
    Some(())
}

/// Commits of a table, oldest first: it opens, or says why not.
///
/// # Panics
/// When the catalogue's thread does.
pub async fn catalogue(commits: &[&[u8]]) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let table = Path::from("table");
    for (version, commit) in commits.iter().enumerate() {
        let path = table.clone().join("_delta_log").join(format!("{version:020}.json"));
        let payload = Bytes::copy_from_slice(commit).into();
        store.put(&path, payload).await.expect("memory takes it");
    }
    let clock = Arc::new(ManualClock::new(crate::clock::BEGIN_UNIX_NANOS));
    let failed = match DeltaCatalog::open(store, table, &[], clock).await {
        Ok(catalog) => catalog.snapshot().await.err(),
        Err(error) => Some(error),
    };
    assert!(!matches!(failed, Some(CatalogError::Interrupted(_))), "{failed:?}");
}

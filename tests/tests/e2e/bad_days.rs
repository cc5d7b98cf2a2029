//! Ports that are taken, directories that cannot be used, files that are damaged: each ends in a clear
//! error or a counted decision, and everything else stays as it was.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use spandrel_tests::{Exit, Home, Random, Spandrel};

use crate::load::{Batch, Outcome, batch, check_by_id, send_batch};

/// An error that a person can act upon.
#[track_caller]
pub(crate) fn check_refused(exit: &Exit, says: &[&str]) {
    assert_eq!(exit.status.code(), Some(1), "{exit:?}");
    for part in says {
        assert!(exit.output.contains(part), "{part:?} is not in:\n{}", exit.output);
    }
    assert!(!exit.output.contains("panicked"), "{}", exit.output);
}

/// Sends batches that must all be acknowledged.
fn acknowledged(spandrel: &Spandrel, names: &[&str]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut random = Random::new(names.len() as u64);
    for name in names {
        // Other traces for each name.
        for byte in name.bytes() {
            random = Random::new(random.next_u64() ^ u64::from(byte));
        }
        let (body, batch) = batch(&mut random, name);
        send_batch(&mut spandrel.otlp(), &body, batch, &mut outcome);
    }
    assert_eq!(outcome.acknowledged.len(), names.len());
    outcome
}

fn of_names(outcome: &Outcome, names: &[&str]) -> Outcome {
    let wanted = |batch: &&Batch| names.contains(&batch.name.as_str());
    let acknowledged = outcome.acknowledged.iter().filter(wanted).cloned().collect();
    Outcome { acknowledged, ..Outcome::default() }
}

#[test]
fn a_port_in_use() {
    let home = Home::new();
    let ports = home.ports;
    for (option, addr) in [
        ("--otlp-grpc", ports.otlp_grpc),
        ("--otlp-http", ports.otlp_http),
        ("--http", ports.http),
        ("--jaeger-http", ports.jaeger_http),
        ("--health", ports.health),
        ("--telemetry", ports.telemetry),
    ] {
        let taken = TcpListener::bind(addr).unwrap();
        let exit = home.start_and_fail();
        drop(taken);
        check_refused(&exit, &[&addr.port().to_string(), "in use", option]);
    }
}

#[test]
fn a_second_process_on_the_same_data() {
    let mut home = Home::new();
    let spandrel = home.start();
    let outcome = acknowledged(&spandrel, &["first"]);
    let second = Home::new().with_data_dir(home.data_dir());
    let exit = second.start_and_fail();
    check_refused(&exit, &[&home.data_dir().display().to_string(), "--data-dir"]);
    check_by_id(&outcome, &mut spandrel.tempo());
    check_by_id(&acknowledged(&spandrel, &["second"]), &mut spandrel.tempo());
}

#[test]
fn a_data_directory_that_cannot_be_used() {
    let scratch = Home::new();
    let file = scratch.scratch().join("file");
    fs::File::create(&file).unwrap();
    // Nobody can create anything there, not even root.
    let forbidden = PathBuf::from("/sys/spandrel-e2e");
    for dir in [file.clone(), file.join("below"), forbidden] {
        let exit = Home::new().with_data_dir(&dir).start_and_fail();
        check_refused(&exit, &[&dir.display().to_string(), "--data-dir"]);
    }
}

/// The only segment of the log.
fn wal_segment(home: &Home) -> PathBuf {
    let entries = fs::read_dir(home.data_dir().join("wal")).unwrap();
    let mut segments: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wal"))
        .collect();
    assert_eq!(segments.len(), 1, "{segments:?}");
    segments.remove(0)
}

fn blocks(home: &Home) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.table().join("blocks")).unwrap();
    let mut blocks: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    blocks.retain(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    blocks.sort();
    blocks
}

fn overwrite(path: &PathBuf, bytes: &[u8]) {
    fs::File::create(path).unwrap().write_all(bytes).unwrap();
}

fn position(bytes: &[u8], wanted: &[u8]) -> usize {
    let found = bytes.windows(wanted.len()).position(|window| window == wanted);
    found.unwrap_or_else(|| panic!("{} is not there", String::from_utf8_lossy(wanted)))
}

fn metric(spandrel: &Spandrel, name: &str) -> f64 {
    let metrics = spandrel.tempo().get("/metrics").text();
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{metrics}")).parse().unwrap()
}

#[test]
fn a_damaged_record_of_the_log_costs_only_itself() {
    let mut home = Home::new();
    let spandrel = home.start();
    let outcome = acknowledged(&spandrel, &["before", "hit", "after"]);
    spandrel.kill();
    let segment = wal_segment(&home);
    let mut bytes = fs::read(&segment).unwrap();
    let at = position(&bytes, b"hit");
    bytes[at] ^= 0x20;
    overwrite(&segment, &bytes);

    let spandrel = home.start();
    check_by_id(&of_names(&outcome, &["before", "after"]), &mut spandrel.tempo());
    let hit = of_names(&outcome, &["hit"]);
    assert_eq!(spandrel.tempo().trace(&hit.acknowledged[0].spans[0].trace_id()), []);
    assert_eq!(metric(&spandrel, "spandrel_wal_corrupt_records_total"), 1.0);
    assert!(spandrel.log().contains("damaged"), "the log says nothing about it");
    let kept = fs::read_dir(home.data_dir().join("wal/corrupt")).unwrap().count();
    assert_eq!(kept, 1, "the damaged file is kept");
    let more = acknowledged(&spandrel, &["more"]);
    spandrel.stop();
    let spandrel = home.start();
    check_by_id(&of_names(&outcome, &["before", "after"]), &mut spandrel.tempo());
    check_by_id(&more, &mut spandrel.tempo());
}

#[test]
fn a_torn_end_of_the_log_is_cut() {
    let mut home = Home::new();
    let spandrel = home.start();
    let outcome = acknowledged(&spandrel, &["a", "b"]);
    spandrel.kill();
    let segment = wal_segment(&home);
    let bytes = fs::read(&segment).unwrap();
    // What a power cut leaves of a record that nobody was told about: its beginning.
    let torn = [&bytes[..], &bytes[bytes.len() / 2..bytes.len() / 2 + 100]].concat();
    overwrite(&segment, &torn);
    let spandrel = home.start();
    check_by_id(&outcome, &mut spandrel.tempo());
    let more = acknowledged(&spandrel, &["c"]);
    spandrel.kill();
    let spandrel = home.start();
    check_by_id(&outcome, &mut spandrel.tempo());
    check_by_id(&more, &mut spandrel.tempo());
}

/// Two blocks, of which the second is changed by `damage`: asking for what it might hold is an error that
/// names it; new spans are taken and found, other tenants see nothing of it, and when the file is as it was, all is well.
#[track_caller]
fn check_bad_block(damage: impl Fn(&mut Vec<u8>), says: &str) {
    let mut home = Home::new();
    let spandrel = home.start();
    let first = acknowledged(&spandrel, &["first"]);
    spandrel.stop();
    let earlier = blocks(&home);
    let spandrel = home.start();
    let second = acknowledged(&spandrel, &["second"]);
    spandrel.stop();
    let block = blocks(&home).into_iter().find(|path| !earlier.contains(path)).unwrap();
    let good = fs::read(&block).unwrap();
    let mut bad = good.clone();
    damage(&mut bad);
    overwrite(&block, &bad);

    let spandrel = home.start();
    let id = second.acknowledged[0].spans[0].trace_id();
    let file = block.file_name().unwrap().to_str().unwrap();
    for path in ["/api/search?q=%7B%7D".to_owned(), format!("/api/v2/traces/{id}")] {
        let reply = spandrel.tempo().get(&path);
        let (status, text) = (reply.status, reply.text());
        assert_eq!(status, 500, "{path}: {text}");
        assert!(text.contains(file), "{path}: {text}");
    }
    assert!(spandrel.log().contains(says), "{says:?} is not in the log:\n{}", spandrel.log());
    assert_eq!(spandrel.tempo().of_tenant("other").find("{}", 10), [""; 0]);
    let third = acknowledged(&spandrel, &["third"]);
    spandrel.stop();

    overwrite(&block, &good);
    let spandrel = home.start();
    for outcome in [first, second, third] {
        check_by_id(&outcome, &mut spandrel.tempo());
    }
}

#[test]
fn a_truncated_block() {
    check_bad_block(|bytes| bytes.truncate(bytes.len() / 2), "cannot read block");
}

/// Makes the checksum of a block's end right again, as `docs/formats/block.md` describes it.
fn seal(bytes: &mut [u8]) {
    const KEY: &[u8] = b"spandrel.checksum";
    let found = bytes.windows(KEY.len()).rposition(|window| window == KEY);
    let at = found.expect("a block has a checksum") + KEY.len() + 2;
    let length = std::str::from_utf8(&bytes[at + 9..at + 19]).unwrap();
    let begin = bytes.len() - length.parse::<usize>().unwrap();
    bytes[at..at + 8].fill(b'0');
    let crc = crc32fast::hash(&bytes[begin..]);
    bytes[at..at + 8].copy_from_slice(format!("{crc:08x}").as_bytes());
}

#[test]
fn a_block_of_a_newer_format() {
    let newer = |bytes: &mut Vec<u8>| {
        // In the footer: the key, then a string of length 1.
        let key = b"spandrel.format_version\x18\x01";
        let at = position(bytes, key) + key.len();
        assert!(bytes[at].is_ascii_digit());
        bytes[at] = b'9';
        seal(bytes);
    };
    check_bad_block(newer, "version 9");
}

#[test]
fn a_block_that_is_gone() {
    let mut home = Home::new();
    let spandrel = home.start();
    acknowledged(&spandrel, &["lost"]);
    spandrel.stop();
    fs::remove_file(&blocks(&home)[0]).unwrap();
    let spandrel = home.start();
    let reply = spandrel.tempo().get("/api/search?q=%7B%7D");
    assert_eq!(reply.status, 500, "{}", reply.text());
    acknowledged(&spandrel, &["new"]);
}

#[test]
fn too_many_live_spans_are_refused_not_lost() {
    let mut home = Home::new().with_options(&["--live-bytes-max=1MiB"]);
    let spandrel = home.start();
    let mut outcome = Outcome::default();
    let mut random = Random::new(1);
    for n in 0..2000 {
        let (body, batch) = batch(&mut random, &n.to_string());
        send_batch(&mut spandrel.otlp(), &body, batch, &mut outcome);
        if outcome.refused.len() == 3 {
            break;
        }
    }
    assert_eq!(outcome.refused.len(), 3, "nothing was refused");
    let refused = metric(&spandrel, "spandrel_spans_refused_total{reason=\"memory\"}");
    let n_spans: usize = outcome.refused.iter().map(|batch| batch.spans.len()).sum();
    assert_eq!(refused, n_spans as f64);
    let (body, _) = batch(&mut random, "again");
    let reply = spandrel_tests::post_protobuf(&mut spandrel.otlp(), &body).unwrap();
    assert!((reply.status, reply.header("retry-after")) == (503, Some("1")), "{reply:?}");
    check_by_id(&outcome, &mut spandrel.tempo());
    spandrel.kill();
    let spandrel = home.start();
    check_by_id(&outcome, &mut spandrel.tempo());
}

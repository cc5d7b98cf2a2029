//! Times and sizes that the project promises, measured on the running binary with nothing beside it:
//! a test program of its own, because cargo runs one after the other, and one test, because the tests
//! of a program run side by side.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod huge_trace;
mod ratios;

use std::time::Duration;

use spandrel_tests::{
    Home, Spandrel, Stopwatch, attribute, let_run, request, say, send, span, trace_id, unix_nanos,
};

const STARTS: usize = 7;
const READY_WITHIN: Duration = Duration::from_millis(300);
const IDLE_KIB_MAX: u64 = 60 << 10;
const SEARCHABLE_WITHIN: Duration = Duration::from_secs(1);
const SEARCHES: u64 = 50;
/// Work that a start leaves behind is done by then.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

#[test]
fn promises() {
    ready_on_an_empty_directory();
    let mut home = Home::new();
    let spandrel = home.start();
    idle_memory(&spandrel);
    searchable(&spandrel);
    drop(spandrel);
    huge_trace::comes_back_whole();
    ratios::hold();
}

fn ready_on_an_empty_directory() {
    let start = |_| Home::new().start().ready_after;
    let mut times: Vec<Duration> = (0..STARTS).map(start).collect();
    times.sort();
    say(&format!("ready after {times:?}"));
    let median = times[STARTS / 2];
    assert!(median <= READY_WITHIN, "ready after {median:?} in the median of {times:?}");
}

fn idle_memory(spandrel: &Spandrel) {
    let_run(SETTLED_AFTER);
    let status = std::fs::read_to_string(format!("/proc/{}/status", spandrel.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
    say(&format!("idle: {kib} KiB resident"));
    assert!(kib <= IDLE_KIB_MAX, "{kib} KiB resident");
}

fn searchable(spandrel: &Spandrel) {
    let (mut otlp, mut tempo) = (spandrel.otlp(), spandrel.tempo());
    let mut slowest = Duration::ZERO;
    for n in 0..SEARCHES {
        let mut span = span(&trace_id(1, n + 1), n + 1, "fresh", unix_nanos());
        span.attributes = vec![attribute("fresh", &n.to_string())];
        send(&mut otlp, &request("limits", vec![span]));
        let acknowledged = Stopwatch::start();
        let id = format!("{:016x}{:016x}", 1, n + 1);
        while tempo.find(&format!("{{ span.fresh = \"{n}\" }}"), 10) != [id.as_str()] {
            assert!(acknowledged.read() < SEARCHABLE_WITHIN, "{n} is not found by query");
        }
        while tempo.trace(&id).len() != 1 {
            assert!(acknowledged.read() < SEARCHABLE_WITHIN, "{n} is not found by id");
        }
        slowest = slowest.max(acknowledged.read());
    }
    say(&format!("found by query and by id at most {slowest:?} after the acknowledgment"));
    assert!(slowest < SEARCHABLE_WITHIN, "{slowest:?}");
}

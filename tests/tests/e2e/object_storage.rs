//! Blocks in an S3 bucket: stored, found after a restart and from another machine, and what is said when the
//! bucket cannot be used.

use std::time::Duration;

use spandrel_objects_testing::S3Server;
use spandrel_tests::{Home, request, send, span, span_id, trace_id, unix_nanos, wait_until};

/// Traces sent by one process.
const TRACES: u64 = 50;

fn home(server: &S3Server) -> Home {
    let storage = format!("--storage={}", server.url("prod/eu"));
    let mut home = Home::new().with_options(&[&storage, "--cut-spans=100"]);
    home.environment = server.environment();
    home
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Sends traces of three spans, from number `first` on.
fn send_traces(spandrel: &spandrel_tests::Spandrel, first: u64) {
    let mut otlp = spandrel.otlp();
    for number in first..first + TRACES {
        let trace = trace_id(1, number);
        let spans = (1..=3).map(|id| {
            let mut span = span(&trace, id, &format!("operation {number}"), unix_nanos());
            span.parent_span_id = if id == 1 { Vec::new() } else { span_id(1) };
            span
        });
        assert_eq!(send(&mut otlp, &request("shop", spans.collect())).0, 0);
    }
}

fn check(spandrel: &spandrel_tests::Spandrel, number: u64) {
    let (mut tempo, id) = (spandrel.tempo(), hex(&trace_id(1, number)));
    assert_eq!(tempo.trace(&id).len(), 3, "trace {number}");
    let query = format!("{{ name = `operation {number}` }}");
    assert_eq!(tempo.find(&query, 10), [id]);
}

fn metric(spandrel: &spandrel_tests::Spandrel, series: &str) -> f64 {
    let page = spandrel.tempo().get("/metrics").text();
    let value = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or("0").parse().unwrap()
}

#[test]
fn a_bucket_keeps_what_a_machine_loses() {
    let server = S3Server::start().unwrap();
    let mut first = home(&server);
    let spandrel = first.start();
    send_traces(&spandrel, 0);
    wait_until("a block is stored", Duration::from_secs(30), || {
        (metric(&spandrel, "spandrel_block_written_total") > 0.0).then_some(())
    });
    check(&spandrel, 7);
    spandrel.stop();
    assert!(!first.table().try_exists().unwrap(), "nothing of the table is on the local disk");

    // The same machine again, with a cache that is filled meanwhile; the bucket refuses its first requests.
    server.refuse_next(2);
    let spandrel = first.start();
    for number in 0..TRACES {
        check(&spandrel, number);
    }
    assert!(
        metric(&spandrel, "spandrel_objects_requests_total{operation=\"get\",outcome=\"ok\"}")
            > 0.0
    );
    spandrel.kill();
    let spandrel = first.start();
    check(&spandrel, 3);
    let hits = "spandrel_objects_cache_lookups_total{result=\"hit\"}";
    assert!(metric(&spandrel, hits) > 0.0, "the cache survives");

    // Another machine, beside the first: it sees the blocks and adds its own.
    let mut second = home(&server);
    let other = second.start();
    check(&other, 11);
    send_traces(&other, TRACES);
    other.stop();
    check(&spandrel, 5);
    spandrel.stop();
    let spandrel = first.start();
    check(&spandrel, TRACES + 7);
    spandrel.stop();
}

#[test]
fn a_bucket_that_cannot_be_used_is_named_and_its_keys_are_not() {
    let server = S3Server::start().unwrap();
    let mut home = home(&server);
    home.environment.push(("AWS_SECRET_ACCESS_KEY".to_owned(), "not-the-secret".to_owned()));
    let exit = home.start_and_fail();
    let output = exit.output;
    assert!(!exit.status.success() && output.contains("s3://traces/prod/eu"), "{output}");
    assert!(output.contains("check the bucket, the credentials"), "{output}");
    assert!(!output.contains("not-the-secret"), "{output}");

    home.environment.retain(|(name, _)| name != "AWS_ALLOW_HTTP");
    let output = home.start_and_fail().output;
    assert!(output.contains("set AWS_ALLOW_HTTP=true"), "{output}");
}

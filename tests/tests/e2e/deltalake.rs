//! Another engine reads what Spandrel stores: the `deltalake` package for Python.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use spandrel_tests::{Home, Random, python, request, run, send, span, trace_id, unix_nanos};

const SERVICES: [&str; 4] = ["cart", "checkout", "payment", "caf\u{e9}"];

/// What was sent, as the reader should see it.
#[derive(Default)]
struct Totals {
    spans: u64,
    traces: u64,
    duration_nanos: u64,
    first_start_unix_nanos: Option<u64>,
    services: BTreeMap<&'static str, (u64, u64)>,
}

impl Totals {
    fn add(&mut self, service: &'static str, spans: &[Span]) {
        for span in spans {
            let duration = span.end_time_unix_nano - span.start_time_unix_nano;
            let service = self.services.entry(service).or_default();
            service.0 += 1;
            service.1 += duration;
            self.spans += 1;
            self.duration_nanos += duration;
            let first = self.first_start_unix_nanos.get_or_insert(u64::MAX);
            *first = span.start_time_unix_nano.min(*first);
        }
    }

    fn to_json(&self, files: usize) -> Value {
        json!({
            "files": files,
            "spans": self.spans,
            "traces": self.traces,
            "duration_nanos": self.duration_nanos,
            "first_start_unix_nanos": self.first_start_unix_nanos,
            "services": self.services,
        })
    }
}

#[test]
fn the_table_agrees_with_what_was_sent() {
    let mut home = Home::new();
    let mut random = Random::new(3);
    let mut totals = Totals::default();
    for files in 1..=3 {
        let spandrel = home.start();
        let mut otlp = spandrel.otlp();
        for _ in 0..20 {
            let trace = trace_id(random.next_u64(), random.next_u64());
            totals.traces += 1;
            for service in SERVICES {
                let spans: Vec<Span> = (0..10)
                    .map(|_| {
                        let mut span = span(&trace, random.next_u64() | 1, "work", unix_nanos());
                        span.end_time_unix_nano =
                            span.start_time_unix_nano + random.below(5_000_000_000);
                        span
                    })
                    .collect();
                totals.add(service, &spans);
                assert_eq!(send(&mut otlp, &request(service, spans)).0, 0);
            }
        }
        spandrel.stop();
        assert_eq!(read(&home), totals.to_json(files));
    }
    // A table can be read while it is written to.
    let spandrel = home.start();
    assert_eq!(read(&home), totals.to_json(3));
    spandrel.stop();
}

fn read(home: &Home) -> Value {
    run(python().arg("readers/table_totals.py").arg(home.table()))
}

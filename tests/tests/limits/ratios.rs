//! The benchmark on a small data set: what has to hold on any machine, as ratios between our own figures.

use std::process::Command;

use serde_json::Value;
use spandrel_tests::{binary, run, say};

const BYTES_PER_SPAN_MAX: f64 = 40.0;

pub(super) fn hold() {
    let report = run(Command::new(binary()).args([
        "bench",
        "--spans=1000000",
        "--block-spans=100000",
        "--runs=5",
        "--no-server",
        "--json",
    ]));
    let bytes_per_span = report["storage"]["bytes_per_span"].as_f64().unwrap();
    let [rare, absent, all, newest] = [
        "{ span.app.order.id = \"ord_",
        "{ span.app.order.id = \"nobody-has-this\" }",
        "{ .http.route = \"/nowhere\"",
        "{ }",
    ]
    .map(|query| figures(&report, query));
    say(&format!(
        "1 M spans: {bytes_per_span:.1} B/span; against a scan of everything, {:.2} ms, a rare value takes {:.3}, \
         an absent one {:.3}, the newest traces {:.3}",
        all.0,
        rare.0 / all.0,
        absent.0 / all.0,
        newest.0 / all.0
    ));
    assert!(bytes_per_span <= BYTES_PER_SPAN_MAX, "{bytes_per_span}");
    assert!(all.1 >= 10, "the scan reads every row group, so it is something to compare with");
    assert!(rare.1 <= 2, "a rare value reads the row groups that hold it, not {}", rare.1);
    assert!(absent.1 <= 1, "a filter may err once in a hundred times, not {} in ten", absent.1);
    // Far from what is measured (see docs/performance.md), so that noise does not matter.
    for (name, ratio) in [("rare", rare.0), ("absent", absent.0), ("newest", newest.0)] {
        assert!(ratio / all.0 < 0.8, "{name}: {ratio} ms against {} ms", all.0);
    }
}

/// Median milliseconds, and row groups read, of the query that begins like this.
fn figures(report: &Value, query: &str) -> (f64, u64) {
    let queries = report["queries"].as_array().unwrap();
    let found = queries.iter().find(|row| row["query"].as_str().unwrap().starts_with(query));
    let found = found.unwrap_or_else(|| panic!("no figures for {query}: {report}"));
    (found["median_ms"].as_f64().unwrap(), found["row_groups"][0].as_u64().unwrap())
}

//! What a report counts, by rule and by service.

use expect_test::expect;

use super::*;
use crate::PolicyFile;
use crate::policy::test_trace::{DAY, ENDED, failed, trace};

/// One line per number of a report.
fn described(report: &Report) -> String {
    let tally = |t: &Tally| format!("{} traces, {} spans, {} bytes", t.traces, t.spans, t.bytes);
    let outcome = |outcome: &Outcome| {
        let examples = outcome.examples.iter().map(|example| {
            let Example { trace_id, root_service, root_name, duration_nanos, spans } = example;
            let id = trace_id.trim_start_matches("01");
            format!("; {id} {root_service} {root_name} {duration_nanos}ns {spans} spans")
        });
        tally(&outcome.tally) + &examples.collect::<String>()
    };
    let mut lines = vec![
        format!("kept: {}", tally(&report.kept)),
        format!("dropped: {}", tally(&report.dropped)),
        format!("in force: {}, {}", report.in_force_traces, report.in_force_traces_estimated),
    ];
    for (name, service) in &report.services {
        lines.push(format!("{name}: kept {}", tally(&service.kept)));
        lines.push(format!("{name}: dropped {}", tally(&service.dropped)));
    }
    for rule in &report.rules {
        lines.push(format!("{} {} {}", rule.name, rule.keep, rule.fraction));
        lines.push(format!("  kept: {}", outcome(&rule.kept)));
        lines.push(format!("  expired: {}", outcome(&rule.expired)));
        lines.push(format!("  not sampled: {}", outcome(&rule.not_sampled)));
    }
    lines.push(format!("waiting: {}", outcome(&report.waiting)));
    lines.push(format!("unmatched: {}", outcome(&report.unmatched)));
    lines.join("\n") + "\n"
}

#[test]
fn decisions_are_counted_by_rule_and_service() {
    let text = "
default:
  - { name: everything, match: '{ status != ok }', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 30d }
  - { name: quarter, match: '{ name = \"GET /cart\" }', keep: 10d, fraction: 0.25 }
";
    let file = PolicyFile::parse(text).unwrap();
    let policy = file.default_policy().unwrap();
    let mut report = Report::new(policy, 1);
    let (low, high) = (trace(5), trace(0x00ff_ffff_ffff_ffff));
    let mut other = trace(6);
    other.spans[0].name = "GET /".to_owned();
    let mut unmatched = other.clone();
    unmatched.spans[0].status_code = spandrel_model::StatusCode::Ok;
    let mut payment = failed(trace(7));
    let resource = std::sync::Arc::make_mut(&mut payment.spans[1].resource);
    resource.attributes.clear();
    for (trace, age_days) in [
        (&low, 3),
        (&high, 3),
        (&payment, 3),
        (&payment, 3),
        (&other, 3),
        (&unmatched, 3),
        (&low, 0),
    ] {
        let decision = policy.decide(trace, ENDED, ENDED + age_days * DAY);
        report.add(trace, 100, &decision);
    }
    expect![[r#"
        kept: 4 traces, 6 spans, 400 bytes
        dropped: 3 traces, 3 spans, 300 bytes
        in force: 4, 6
        : kept 2 traces, 2 spans, 100 bytes
        : dropped 0 traces, 0 spans, 0 bytes
        shop: kept 4 traces, 4 spans, 300 bytes
        shop: dropped 3 traces, 3 spans, 300 bytes
        everything 2d 1
          kept: 0 traces, 0 spans, 0 bytes
          expired: 1 traces, 1 spans, 100 bytes; 0000000000000006 shop GET / 1000000000ns 1 spans
          not sampled: 0 traces, 0 spans, 0 bytes
        errors 30d 1
          kept: 2 traces, 4 spans, 200 bytes; 0000000000000007 shop GET /cart 1000000000ns 2 spans
          expired: 0 traces, 0 spans, 0 bytes
          not sampled: 0 traces, 0 spans, 0 bytes
        quarter 10d 0.25
          kept: 1 traces, 1 spans, 100 bytes; 00ffffffffffffff shop GET /cart 1000000000ns 1 spans
          expired: 0 traces, 0 spans, 0 bytes
          not sampled: 1 traces, 1 spans, 100 bytes; 0000000000000005 shop GET /cart 1000000000ns 1 spans
        waiting: 1 traces, 1 spans, 100 bytes; 0000000000000005 shop GET /cart 1000000000ns 1 spans
        unmatched: 1 traces, 1 spans, 100 bytes; 0000000000000006 shop GET / 1000000000ns 1 spans
    "#]].assert_eq(&described(&report));
}

#[test]
fn a_report_can_be_json() {
    let file = PolicyFile::parse("default: [{ name: a, match: '{}', keep: 2d }]").unwrap();
    let policy = file.default_policy().unwrap();
    let mut report = Report::new(policy, 1);
    report.add(&trace(1), 9, &policy.decide(&trace(1), ENDED, ENDED + DAY));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["kept"], serde_json::json!({ "traces": 1, "spans": 1, "bytes": 9 }));
    assert_eq!(json["rules"][0]["kept"]["traces"], 1);
    assert_eq!(json["rules"][0]["kept"]["examples"][0]["rootName"], "GET /cart");
    assert_eq!(json["services"]["shop"]["dropped"]["bytes"], 0);
}

#[test]
fn services_beyond_the_limit_count_together() {
    let file = PolicyFile::parse("default: [{ name: a, match: '{}', keep: 2d }]").unwrap();
    let policy = file.default_policy().unwrap();
    let mut report = Report::new(policy, 0);
    let decision = policy.decide(&trace(1), ENDED, ENDED);
    for number in 0..SERVICES_MAX + 10 {
        let mut trace = trace(1);
        let resource = std::sync::Arc::make_mut(&mut trace.spans[0].resource);
        let name = spandrel_model::AttributeValue::String(format!("s{number}"));
        resource.attributes[0].value = name;
        report.add(&trace, 1, &decision);
    }
    assert_eq!(report.services.len(), SERVICES_MAX + 1);
    assert_eq!(report.services[OTHER_SERVICES].kept, Tally { traces: 10, spans: 10, bytes: 10 });
}

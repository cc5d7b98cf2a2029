//! What a configuration is refused for, and what is only warned about.

use expect_test::{Expect, expect};
use spandrel_collector::{Plan, StubPolicy};
use spandrel_config::Config;

fn plan(yaml: &str, policy: StubPolicy) -> Result<Plan, String> {
    let source = format!("yaml:{yaml}");
    let loaded =
        Config::load(&[source], &[], &|_| None).map_err(|problems| problems.to_string())?;
    Plan::new(loaded.config, policy).map_err(|problems| problems.to_string())
}

#[track_caller]
fn refused(yaml: &str, expected: Expect) {
    expected.assert_eq(&plan(yaml, StubPolicy::Accept).err().unwrap_or("accepted".to_owned()));
}

const OTLP: &str = "receivers: {otlp: {protocols: {grpc: }}}\n";

#[test]
fn misspelled_keys_and_types_are_named() {
    let yaml = format!(
        "{OTLP}processors: {{batch: {{send_batch_sizee: 5}}}}\nexporters: {{debugg: }}\n\
         service: {{pipelines: {{traces: {{receivers: [otlp], processors: [batch], exporters: [debugg]}}}}}}\n"
    );
    refused(
        &yaml,
        expect![[r#"
            yaml::2:22: processors::batch::send_batch_sizee: unknown key (did you mean `send_batch_size`?)
            yaml::3:19: exporters::debugg: unknown exporter type `debugg` (did you mean `debug`?)"#]],
    );
}

#[test]
fn loops_are_shown() {
    let yaml = format!(
        "{OTLP}exporters: {{nop: }}\nconnectors: {{forward/a: , forward/b: }}\nservice:\n  pipelines:\n    \
         traces/one: {{receivers: [otlp, forward/b], exporters: [forward/a]}}\n    \
         traces/two: {{receivers: [forward/a], exporters: [forward/b, nop]}}\n"
    );
    let error = plan(&yaml, StubPolicy::Accept).err().unwrap();
    assert!(
        error.contains("traces/one -> forward/a -> traces/two -> forward/b -> traces/one"),
        "{error}"
    );
}

#[test]
fn a_connector_has_two_sides() {
    let yaml = format!(
        "{OTLP}exporters: {{nop: }}\nconnectors: {{forward: }}\nservice:\n  pipelines:\n    \
         traces: {{receivers: [otlp], exporters: [nop, forward]}}\n"
    );
    let error = plan(&yaml, StubPolicy::Accept).err().unwrap();
    assert!(
        error.contains(
            "connectors::forward: is an exporter of traces and a receiver of no pipeline"
        ),
        "{error}"
    );
    let yaml = format!(
        "{OTLP}exporters: {{nop: }}\nconnectors: {{span_metrics: }}\nservice:\n  pipelines:\n    \
         traces: {{receivers: [otlp], exporters: [span_metrics]}}\n    \
         traces/b: {{receivers: [span_metrics], exporters: [nop]}}\n"
    );
    let error = plan(&yaml, StubPolicy::Accept).err().unwrap();
    assert!(
        error.contains("makes metrics from traces, and is a receiver of no pipeline of metrics"),
        "{error}"
    );
}

#[test]
fn stubs_are_judged_by_what_they_would_do() {
    let with = |exporter: &str, processor: &str| {
        format!(
            "{OTLP}processors: {{{processor}: }}\nexporters: {{{exporter}: {{api: {{key: x}}}}}}\n\
             service: {{pipelines: {{traces: {{receivers: [otlp], processors: [{processor}], exporters: [{exporter}]}}}}}}\n"
        )
    };
    let accepted = plan(&with("datadog", "batch"), StubPolicy::Accept).unwrap();
    assert_eq!(accepted.stubs.len(), 1);
    assert!(plan(&with("datadog", "batch"), StubPolicy::Strict).is_err());
    let error = plan(&with("datadog", "isolationforest"), StubPolicy::Accept).err().unwrap();
    assert!(error.contains("spans would pass it unchanged"), "{error}");
    let allowed = plan(&with("datadog", "isolationforest"), StubPolicy::AllowPassthrough).unwrap();
    assert_eq!(allowed.stubs.len(), 2);
}

#[test]
fn pipelines_of_other_signals_are_left_out_aloud() {
    let yaml = format!(
        "{OTLP}exporters: {{debug: }}\nservice:\n  pipelines:\n    \
         traces: {{receivers: [otlp], exporters: [debug]}}\n    \
         logs: {{receivers: [otlp], exporters: [debug]}}\n"
    );
    let plan = plan(&yaml, StubPolicy::Accept).unwrap();
    assert_eq!(plan.describe(), ["traces: otlp -> debug"]);
    assert!(plan.warnings.iter().any(|warning| warning.path == "service::pipelines::logs"));
}

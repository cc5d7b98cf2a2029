//! Files of other products, and what the errors of broken ones say.

use serde_json::{Value, json};

use super::*;

fn parse(text: &str) -> Result<Value, Vec<String>> {
    let grafana = Url::parse("https://grafana.example/g/").unwrap();
    match LinkTemplates::parse(text, "links", Some(&grafana)) {
        Ok(templates) => Ok(serde_json::to_value(&*templates.0).unwrap()),
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn a_configuration_of_jaegers_interface() {
    let text = r##"{
        "menu": [{"label": "About"}],
        "linkPatterns": [
            {"type": "tags", "key": ["pod", "k8s.pod.name"], "url": "https://k.example/#{pod}", "text": "Pod"},
            {"type": "process", "key": "host.name", "url": "/hosts/#{host.name}", "text": "#{host.name}"},
            {"type": "traces", "url": "https://l.example?id=#{traceID}", "text": "Logs"}
        ]
    }"##;
    assert_eq!(
        parse(text).unwrap(),
        json!({
            "patterns": [
                {"on": "span", "keys": ["pod", "k8s.pod.name"], "url": "https://k.example/#{pod}", "text": "Pod"},
                {"on": "resource", "keys": ["host.name"], "url": "/hosts/#{host.name}", "text": "#{host.name}"},
                {"on": "trace", "keys": [], "url": "https://l.example?id=#{traceID}", "text": "Logs"},
            ],
            "explore": [],
        })
    );
}

#[test]
fn a_provisioning_file_of_grafana() {
    let text = r#"
apiVersion: 1
datasources:
  - name: Loki
    type: loki
    uid: loki-1
  - name: Tempo
    type: tempo
    url: http://tempo:3200
    jsonData:
      tracesToLogsV2:
        datasourceUid: loki-1
        spanStartTimeShift: '-1h'
        tags: [{ key: 'service.name', value: 'service' }, { key: 'k8s.pod.name' }]
        filterByTraceID: true
        customQuery: true
        query: '{$${__tags}} |= "$${__span.traceId}"'
      tracesToMetrics:
        datasourceUid: prom
        queries:
          - name: Rate
            query: 'sum(rate(calls_total{$$__tags}[5m]))'
          - query: up
      tracesToProfiles:
        datasourceUid: pyroscope
        profileTypeId: 'process_cpu:cpu:nanoseconds:cpu:nanoseconds'
"#;
    let found = parse(text).unwrap();
    let explore = found["explore"].as_array().unwrap();
    assert_eq!(explore.len(), 4);
    assert_eq!(
        explore[0],
        json!({
            "signal": "logs", "text": "Logs in Loki", "grafana": "https://grafana.example/g",
            "datasourceUid": "loki-1", "datasourceType": "loki",
            "tags": [
                {"key": "service.name", "label": "service"},
                {"key": "k8s.pod.name", "label": "k8s_pod_name"},
            ],
            "query": "{${__tags}} |= \"${__span.traceId}\"",
            "byTraceId": true, "bySpanId": false, "profileType": null,
            "startShiftMillis": -3_600_000, "endShiftMillis": 120_000,
        })
    );
    let texts: Vec<_> = explore.iter().map(|link| link["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Logs in Loki", "Rate", "Metrics", "Profiles"]);
    assert_eq!(explore[1]["query"], "sum(rate(calls_total{$__tags}[5m]))");
    assert_eq!(explore[3]["datasourceType"], json!(null));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, problem) in [
        ("[]", "links:1:1: expected the list `linkPatterns`"),
        ("a: [", "links:1:"),
        (
            "linkPatterns:\n  - type: tags\n    key: a\n    url: /x",
            "links:2:5: linkPatterns::0::text: is required",
        ),
        (
            "linkPatterns: [{type: spans, url: /x, text: x}]",
            "must be one of `tags`, `process`, `logs`, `traces`",
        ),
        (
            "linkPatterns: [{type: tags, url: /x, text: x}]",
            "linkPatterns::0::key: must be the key of an attribute",
        ),
        ("linkPatterns: [{type: traces, url: 'javascript:x', text: x}]", "must begin with http://"),
        (
            "linkPatterns: [{type: traces, url: [], text: x}]",
            "linkPatterns::0::url: must be a text",
        ),
        (
            "datasources: [{type: tempo, jsonData: {tracesToLogsV2: {datasourceUid: a, spanEndTimeShift: 5x}}}]",
            "spanEndTimeShift: must be a duration such as `-1h` or `5m`, not `5x`",
        ),
    ] {
        let problems = parse(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(problem), "{problems:?}: {problem}");
    }
    let without = LinkTemplates::parse("datasources: []", "links", None).unwrap_err();
    assert!(without.iter().next().unwrap().to_string().contains("--grafana-url"));
}

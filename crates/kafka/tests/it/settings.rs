//! Settings in all of their forms.

use std::time::Duration;

use spandrel_config::{Section, read_settings};
use spandrel_kafka::{
    Compression, Encoding, InitialOffset, KafkaExporterSettings, KafkaReceiverSettings, Marking,
    Mechanism,
};

fn problems<T>(yaml: &str, read: fn(&mut Section<'_>) -> T) -> String {
    read_settings(yaml, read).err().map_or_else(String::new, |problems| problems.to_string())
}

fn receiver(yaml: &str) -> KafkaReceiverSettings {
    read_settings(yaml, KafkaReceiverSettings::read).unwrap().0
}

fn exporter(yaml: &str) -> KafkaExporterSettings {
    read_settings(yaml, KafkaExporterSettings::read).unwrap().0
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let settings = receiver("{}");
    assert_eq!(settings.client.brokers, ["localhost:9092"]);
    assert_eq!(settings.topics, ["otlp_spans"]);
    assert_eq!(settings.encoding, Ok(Encoding::OtlpProto));
    assert_eq!(settings.group_id, "otel-collector");
    assert_eq!(settings.initial_offset, InitialOffset::Latest);
    assert_eq!(settings.autocommit_interval, Some(Duration::from_secs(1)));
    let marking = Marking { after: true, on_error: false, on_permanent_error: true };
    assert_eq!(settings.marking, marking);
    let settings = exporter("{}");
    assert_eq!((settings.topic.as_str(), settings.required_acks), ("otlp_spans", -1));
    assert_eq!(settings.max_message_bytes, 1_000_000);
    assert!(settings.sending.queue.is_some() && settings.sending.retry.is_some());
}

#[test]
fn old_and_new_forms_say_the_same() {
    let forms = [
        "{ topic: spans, encoding: jaeger_proto }",
        "traces: { topic: spans, encoding: jaeger_proto }",
        "{ topic: unused, traces: { topics: [spans], encoding: jaeger_proto } }",
        "{ traces: { topics: [spans] }, encoding: jaeger_proto, logs: { topic: logs } }",
    ];
    for yaml in forms {
        let settings = receiver(yaml);
        assert_eq!(settings.topics, ["spans"], "{yaml}");
        assert_eq!(settings.encoding, Ok(Encoding::JaegerProto), "{yaml}");
    }
    for yaml in forms.iter().filter(|yaml| !yaml.contains("topics")) {
        let settings = exporter(yaml);
        assert_eq!(settings.topic, "spans", "{yaml}");
        assert_eq!(settings.encoding, Ok(Encoding::JaegerProto), "{yaml}");
    }
    let settings = exporter("producer: { compression: zstd, required_acks: all, linger: 5ms }");
    assert_eq!((settings.compression, settings.required_acks), (Compression::Zstd, -1));
    let auth = receiver("auth: { plain_text: { username: u, password: p } }").client.auth.unwrap();
    assert_eq!((auth.mechanism, auth.username.as_str()), (Mechanism::Plain, "u"));
    assert_eq!(receiver("tls: { insecure: true }").client.tls, None);
}

#[test]
fn what_cannot_be_had_is_said_with_advice() {
    let cases = [
        ("auth: { kerberos: { realm: r } }", "Kerberos is not supported; use `sasl`"),
        (
            "auth: { sasl: { mechanism: AWS_MSK_IAM_OAUTHBEARER } }",
            "make a user for `SCRAM-SHA-512`",
        ),
        ("brokers: []", "must name at least one broker"),
        ("group_rebalance_strategy: sticky", "use `cooperative-sticky`"),
        ("initial_offset: first", "must be one of `latest`, `earliest`"),
        ("{ session_timeout: 1s, heartbeat_interval: 2s }", "must be less than `session_timeout`"),
        ("traces: { exclude_topics: [a] }", "with `^` at its begin"),
        ("unknown: 1", "unknown key"),
    ];
    for (yaml, expected) in cases {
        let problems = problems(yaml, KafkaReceiverSettings::read);
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
    if !cfg!(feature = "tls") {
        for yaml in ["tls: {}", "auth: { sasl: { mechanism: SCRAM-SHA-512, username: u } }"] {
            let problems = problems(yaml, KafkaReceiverSettings::read);
            assert!(problems.contains("feature `kafka-tls`"), "{yaml}: {problems}");
        }
    }
    let cases = [
        ("producer: { required_acks: 2 }", "must be 0, 1, or -1"),
        ("producer: { compression: brotli }", "must be one of"),
        ("producer: { max_message_bytes: 1 }", "must be from 1000"),
        ("record_partitioner: { extension: mine }", "no extensions that choose partitions"),
    ];
    for (yaml, expected) in cases {
        let problems = problems(yaml, KafkaExporterSettings::read);
        assert!(problems.contains(expected), "{yaml}: {problems}");
    }
    // Of logs, perhaps: that is known only when it is built for spans.
    assert_eq!(receiver("encoding: raw").encoding, Err("raw".to_owned()));
    assert_eq!(exporter("encoding: zipkin_thrift").encoding, Err("zipkin_thrift".to_owned()));
}

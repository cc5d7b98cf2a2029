//! What is removed and masked.

use spandrel_config::read_settings;
use spandrel_proto::otlp::common::{KeyValue, any_value::Value};
use spandrel_proto::otlp::trace::span::{Event, SpanKind};

use super::*;
use crate::testing::{Recorder, attributes, batch, context, int, request, span, text};
use crate::values;

/// `printf abc | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef`
const HMAC_SHA256: &str = "a60c859a6827c5ea576a48d8d368672fbfe4667c6a927428284a0cb3859cc1d6";

fn settings(yaml: &str) -> RedactionSettings {
    read_settings(yaml, RedactionSettings::read).expect(yaml).0
}

/// Attributes of a span after redaction, as text.
fn after(yaml: &str, before: Vec<KeyValue>) -> String {
    let mut pairs = before;
    settings(yaml).rules.redact(&mut pairs);
    let value = |pair: &KeyValue| {
        let value: Option<Value> = pair.value.clone().and_then(|value| value.value);
        value.map_or_else(String::new, |value| values::as_text(&value))
    };
    pairs.iter().map(|pair| format!("{}={}", pair.key, value(pair))).collect::<Vec<_>>().join(" ")
}

fn pairs() -> Vec<KeyValue> {
    attributes([
        ("id", int(5)),
        ("card", text("pay 4111111111111111 now")),
        ("mail", text("joe@example.com")),
        ("token", text("abc")),
    ])
}

#[test]
fn keys_and_values() {
    let cards = "blocked_values: ['4[0-9]{12}(?:[0-9]{3})?']";
    for (yaml, expected) in [
        ("{}".to_owned(), ""),
        ("allowed_keys: [id, mail]".to_owned(), "id=5 mail=joe@example.com"),
        ("{allowed_keys: [id], ignored_keys: [mail]}".to_owned(), "id=5 mail=joe@example.com"),
        (
            format!("{{allow_all_keys: true, {cards}}}"),
            "id=5 card=pay **** now mail=joe@example.com token=abc",
        ),
        (
            "{allow_all_keys: true, blocked_key_patterns: [to.en]}".to_owned(),
            "id=5 card=pay 4111111111111111 now mail=joe@example.com token=****",
        ),
        (
            "{allow_all_keys: true, blocked_values: ['@.*', '5'], allowed_values: ['^pay']}".to_owned(),
            "id=5 card=pay 4111111111111111 now mail=joe**** token=abc",
        ),
        (
            "{allow_all_keys: true, blocked_values: ['5'], redact_all_types: true}".to_owned(),
            "id=**** card=pay 4111111111111111 now mail=joe@example.com token=abc",
        ),
        (
            // `printf abc | md5sum`
            "{allowed_keys: [token], blocked_key_patterns: [token], hash_function: md5}".to_owned(),
            "token=900150983cd24fb0d6963f7d28e17f72",
        ),
        (
            // `printf abc | openssl dgst -sha3-256`
            "{allowed_keys: [token], blocked_values: [abc], hash_function: sha3}".to_owned(),
            "token=3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
        ),
        (
            "{allowed_keys: [id, token], ignored_keys: [mail], blocked_values: [abc], summary: debug}".to_owned(),
            "id=5 mail=joe@example.com token=**** redaction.redacted.keys=card \
             redaction.redacted.count=1 redaction.masked.keys=token redaction.masked.count=1 \
             redaction.ignored.count=1",
        ),
    ] {
        assert_eq!(after(&yaml, pairs()), expected, "{yaml}");
    }
}

#[test]
fn reports_of_several_processors_add_up() {
    let mut earlier = pairs();
    earlier.extend(attributes([
        ("redaction.masked.keys", text("zip,age")),
        ("redaction.masked.count", int(2)),
    ]));
    let yaml = "{allow_all_keys: true, blocked_values: [abc], summary: debug}";
    let after = after(yaml, earlier);
    assert!(
        after.ends_with("redaction.masked.keys=age,token,zip redaction.masked.count=3"),
        "{after}"
    );
}

#[test]
fn hashes_with_a_key() {
    let key = "0123456789abcdef0123456789abcdef";
    let yaml = |function: &str, key: &str| {
        format!(
            "{{allowed_keys: [token], blocked_values: [abc], hash_function: {function}, hmac_key: '{key}'}}"
        )
    };
    let hashed = after(&yaml("hmac-sha256", key), pairs());
    assert_eq!(hashed, format!("token={HMAC_SHA256}"));
    let long = key.repeat(2);
    assert_eq!(after(&yaml("hmac-sha512", &long), pairs()).len(), "token=".len() + 128);
    for (function, key) in [("hmac-sha256", "short"), ("hmac-sha512", key)] {
        let problems = read_settings(&yaml(function, key), RedactionSettings::read);
        let problems = problems.expect_err("too short").to_string();
        assert!(problems.contains("at least") && !problems.contains(key), "{problems}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_attributes_and_names_are_looked_at() {
    let yaml = "{allow_all_keys: true, blocked_values: [secret],
        url_sanitizer: {enabled: true, attributes: [url.full]}}";
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = RedactionProcessor::new(settings(yaml), consumer, context("redaction"));
    let spans = |word: &str, name: &str, url: &str| {
        let mut spans = request(word, vec![span(name, [("url.full", text(url))])]);
        let span = &mut spans.resource_spans[0].scope_spans[0].spans[0];
        span.set_kind(SpanKind::Client);
        let attributes = attributes([("a", text(word))]);
        span.events.push(Event { attributes, ..Event::default() });
        spans
    };
    let before = spans("secret", "GET /users/1", "http://a/users/1?x=y");
    processor.expect("built").consume(batch(&before)).await.expect("taken");
    assert_eq!(next.requests(), [spans("****", "GET /users/*", "http://a/users/*")]);
}

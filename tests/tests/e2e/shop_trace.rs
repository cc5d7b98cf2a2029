//! What every sender in `tests/senders` sends, and how the APIs must give it back.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue};
use serde_json::{Value, json};
use spandrel_tests::{Http, SpanView, Tempo, any, attribute};

/// Name, parent's name, service, kind, start and end in milliseconds after the trace's start, status.
type Expected = (&'static str, &'static str, &'static str, i32, u64, u64, i32);

const SPANS: [Expected; 6] = [
    ("GET /checkout", "", "e2e-front", 2, 0, 10, 0),
    ("charge card", "GET /checkout", "e2e-front", 3, 2, 9, 2),
    ("POST /charge", "charge card", "e2e-back", 2, 3, 8, 1),
    ("work", "POST /charge", "e2e-back", 1, 4, 5, 0),
    ("publish", "POST /charge", "e2e-back", 4, 5, 6, 0),
    ("consume", "publish", "e2e-back", 5, 6, 7, 0),
];
const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER_SPAN: &str = "b7ad6b7169203331";

/// What a sender printed.
pub(crate) struct Sent {
    pub(crate) run: String,
    pub(crate) trace_id: String,
    start_unix_nanos: u64,
    report: Value,
}

impl Sent {
    pub(crate) fn new(run: &str, report: Value) -> Self {
        let text = |key: &str| report[key].as_str().unwrap().to_owned();
        Self {
            run: run.to_owned(),
            trace_id: text("traceId"),
            start_unix_nanos: text("startUnixNano").parse().unwrap(),
            report,
        }
    }

    fn span_id(&self, name: &str) -> &str {
        if name.is_empty() { "" } else { self.report["spans"][name].as_str().unwrap() }
    }

    fn after(&self, millis: u64) -> u64 {
        self.start_unix_nanos + millis * 1_000_000
    }
}

fn pair(key: &str, value: Any) -> KeyValue {
    KeyValue { value: Some(any(value)), ..attribute(key, "") }
}

fn list(key: &str, values: Vec<Any>) -> KeyValue {
    pair(key, Any::ArrayValue(ArrayValue { values: values.into_iter().map(any).collect() }))
}

fn text(text: &str) -> Any {
    Any::StringValue(text.to_owned())
}

/// Attributes of the root span, sorted by key.
fn root_attributes() -> Vec<KeyValue> {
    vec![
        pair("e2e.bool", Any::BoolValue(true)),
        list("e2e.bools", vec![Any::BoolValue(true), Any::BoolValue(false)]),
        pair("e2e.double", Any::DoubleValue(2.5)),
        list("e2e.doubles", vec![Any::DoubleValue(0.5), Any::DoubleValue(1.5)]),
        attribute("e2e.empty", ""),
        pair("e2e.int", Any::IntValue(-42)),
        list("e2e.ints", vec![Any::IntValue(1), Any::IntValue(2), Any::IntValue(3)]),
        attribute("e2e.text", "caf\u{e9} \"quoted\""),
        list("e2e.texts", vec![text("a"), text("b")]),
    ]
}

/// The trace by id: every span with everything in it.
pub(crate) fn check_by_id(sent: &Sent, views: &[SpanView]) {
    let of_name = |name: &str| {
        let found: Vec<&SpanView> = views.iter().filter(|view| view.span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {views:#?}");
        found[0]
    };
    assert_eq!(views.len(), SPANS.len());
    for (name, parent, service, kind, start, end, status) in SPANS {
        let view = of_name(name);
        let span = &view.span;
        assert_eq!(
            (view.trace_id(), view.span_id(), view.parent_span_id()),
            (sent.trace_id.clone(), sent.span_id(name).to_owned(), sent.span_id(parent).to_owned()),
            "{name}"
        );
        assert_eq!((view.service().as_str(), span.kind), (service, kind), "{name}");
        assert_eq!(
            (span.start_time_unix_nano, span.end_time_unix_nano),
            (sent.after(start), sent.after(end)),
            "{name}"
        );
        assert_eq!(span.status.as_ref().unwrap().code, status, "{name}");
        assert_eq!((view.scope.name.as_str(), view.scope.version.as_str()), ("e2e", "0.1"));
        let described = [attribute("e2e.run", &sent.run), attribute("service.version", "1.2.3")];
        for attribute in described {
            assert!(view.resource.attributes.contains(&attribute), "{:?}", view.resource);
        }
    }
    let root = &of_name("GET /checkout").span;
    assert_eq!(root.attributes, root_attributes());
    assert_eq!((root.events.len(), root.links.len()), (1, 0));
    let miss = &root.events[0];
    assert_eq!((miss.name.as_str(), miss.time_unix_nano), ("cache.miss", sent.after(1)));
    let cache = [attribute("cache.key", "cart:7"), pair("cache.size", Any::IntValue(3))];
    assert_eq!(miss.attributes, cache);
    check_charge(sent, of_name("charge card"));
}

/// The span with an exception and a link.
fn check_charge(sent: &Sent, charge: &SpanView) {
    let charge = &charge.span;
    assert_eq!(charge.status.as_ref().unwrap().message, "card declined");
    assert_eq!(charge.links.len(), 1);
    let link = &charge.links[0];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(
        (hex(&link.trace_id).as_str(), hex(&link.span_id).as_str()),
        (OTHER_TRACE, OTHER_SPAN)
    );
    assert_eq!(link.attributes, [attribute("link.reason", "retry")]);
    assert_eq!(charge.events.len(), 1);
    let exception = &charge.events[0];
    assert_eq!((exception.name.as_str(), exception.time_unix_nano), ("exception", sent.after(8)));
    assert!(exception.attributes.contains(&attribute("exception.message", "card declined")));
    for key in ["exception.type", "exception.stacktrace"] {
        let found = exception.attributes.iter().find(|pair| pair.key == key);
        let value = found.and_then(|pair| pair.value.clone()).and_then(|value| value.value);
        assert!(matches!(value, Some(Any::StringValue(text)) if !text.is_empty()), "{key}");
    }
}

/// TraceQL: each query finds this trace and no other.
pub(crate) fn check_by_query(sent: &Sent, tempo: &mut Tempo) {
    let run = format!("resource.e2e.run = \"{}\"", sent.run);
    for condition in [
        "true",
        "span.e2e.int = -42 && span.e2e.double = 2.5 && span.e2e.bool = true",
        "span.e2e.text = \"caf\u{e9} \\\"quoted\\\"\"",
        "span.e2e.texts = \"b\"",
        "span.e2e.ints = 3",
        "span.e2e.empty = \"\"",
        "status = error && statusMessage = \"card declined\" && kind = client",
        "event:name = \"cache.miss\" && event.cache.key = \"cart:7\" && event.cache.size = 3",
        "event.exception.message = \"card declined\"",
        "link.link.reason = \"retry\"",
        "link:traceID = \"0af7651916cd43dd8448eb211c80319c\"",
        "name = \"work\" && duration = 1ms",
        "name = \"work\" && rootServiceName = \"e2e-front\" && rootName = \"GET /checkout\"",
        "traceDuration = 10ms && instrumentation:name = \"e2e\"",
    ] {
        let query = format!("{{ {run} && {condition} }}");
        assert_eq!(tempo.find(&query, 10), [sent.trace_id.as_str()], "{query}");
    }
    for condition in
        ["span.e2e.int = 42", "span.e2e.text = \"cafe\"", "status = ok && kind = client"]
    {
        let query = format!("{{ {run} && {condition} }}");
        assert_eq!(tempo.find(&query, 10), [""; 0], "{query}");
    }
}

/// Jaeger's API: the trace by id, and the search that its interface makes.
pub(crate) fn check_by_jaeger(sent: &Sent, jaeger: &mut Http) {
    let by_id = jaeger.get(&format!("/api/traces/{}", sent.trace_id)).unwrap().json();
    let traces = by_id["data"].as_array().unwrap();
    assert_eq!(traces.len(), 1, "{by_id:#}");
    let trace = &traces[0];
    let spans = trace["spans"].as_array().unwrap();
    assert_eq!(spans.len(), SPANS.len());
    for (name, parent, service, kind, start, end, status) in SPANS {
        let span = spans.iter().find(|span| span["operationName"] == name).unwrap();
        assert_eq!(span["spanID"], sent.span_id(name));
        assert_eq!(span["startTime"], sent.after(start) / 1000, "{name}");
        assert_eq!(span["duration"], (end - start) * 1000, "{name}");
        let process = &trace["processes"][span["processID"].as_str().unwrap()];
        assert_eq!(process["serviceName"], service);
        let parents: Vec<&Value> =
            list_of(&span["references"]).iter().filter(|r| r["refType"] == "CHILD_OF").collect();
        if parent.is_empty() {
            assert_eq!(parents.len(), 0, "{span:#}");
        } else {
            assert_eq!(parents[0]["spanID"], sent.span_id(parent));
            assert_eq!(parents[0]["traceID"], sent.trace_id);
        }
        let tags = list_of(&span["tags"]);
        let kind = json!({ "key": "span.kind", "type": "string", "value": KINDS[usize::try_from(kind).unwrap()] });
        assert!(tags.contains(&kind), "{span:#}");
        let error = json!({ "key": "error", "type": "bool", "value": true });
        assert_eq!(tags.contains(&error), status == 2, "{span:#}");
    }
    let root = spans.iter().find(|span| span["operationName"] == "GET /checkout").unwrap();
    for tag in [
        json!({ "key": "e2e.int", "type": "int64", "value": -42 }),
        json!({ "key": "e2e.double", "type": "float64", "value": 2.5 }),
        json!({ "key": "e2e.bool", "type": "bool", "value": true }),
        json!({ "key": "e2e.text", "type": "string", "value": "caf\u{e9} \"quoted\"" }),
        json!({ "key": "e2e.ints", "type": "string", "value": "[1,2,3]" }),
    ] {
        assert!(list_of(&root["tags"]).contains(&tag), "{tag} in {root:#}");
    }
    let log = &root["logs"][0];
    assert_eq!(log["timestamp"], sent.after(1) / 1000);
    let event = json!({ "key": "event", "type": "string", "value": "cache.miss" });
    assert!(list_of(&log["fields"]).contains(&event), "{log:#}");
    let charge = spans.iter().find(|span| span["operationName"] == "charge card").unwrap();
    let follows = list_of(&charge["references"]).iter().find(|r| r["refType"] == "FOLLOWS_FROM");
    assert_eq!(follows.unwrap()["traceID"], OTHER_TRACE);

    let search = format!(
        "/api/traces?service=e2e-front&operation=charge%20card&tags=%7B%22error%22%3A%22true%22%2C%22e2e.run%22%3A%22{}%22%7D&limit=20&minDuration=7ms&maxDuration=7ms&lookback=1h",
        sent.run
    );
    let found = jaeger.get(&search).unwrap().json();
    let ids: Vec<&Value> = list_of(&found["data"]).iter().map(|trace| &trace["traceID"]).collect();
    assert_eq!(ids, [sent.trace_id.as_str()], "{search}");
}

fn list_of(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

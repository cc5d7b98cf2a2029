//! Traces of a small shop, made by arithmetic, as plain values.

use std::collections::BTreeMap;

const START_UNIX_NANOS: u64 = 1_485_432_010_000_000_000;
const MILLI: u64 = 1_000_000;
/// How far the cart's clock is ahead.
const SKEW: u64 = 5_000 * MILLI;

/// A span; parent 0 is none.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) trace: u64,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) service: &'static str,
    pub(crate) name: String,
    kind: u8,
    pub(crate) start: u64,
    pub(crate) nanos: u64,
    /// During which no child ran.
    pub(crate) own_nanos: u64,
    pub(crate) failed: bool,
    /// Whether a span below it failed.
    pub(crate) failed_below: bool,
    attributes: BTreeMap<&'static str, String>,
    pod: Option<&'static str>,
}

impl Plain {
    pub(crate) fn value(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    pub(crate) fn has(&self, key: &str, value: &str) -> bool {
        self.value(key) == Some(value)
    }

    pub(crate) fn hex(&self) -> String {
        format!("{:016x}", self.id)
    }

    pub(crate) fn kind_word(&self) -> &'static str {
        ["unspecified", "internal", "server", "client"][usize::from(self.kind)]
    }
}

pub(crate) fn trace_hex(trace: u64) -> String {
    format!("{:032x}", 0xabc0_0000 + trace)
}

/// So many traces, one span after the other. A trace is a checkout that asks the cart for two to four things; what the
/// bad version of the cart serves fails more often than not.
pub(crate) fn shop(n_traces: u64) -> Vec<Plain> {
    (0..n_traces).flat_map(one_trace).collect()
}

fn n_calls(trace: u64) -> u64 {
    2 + trace % 3
}

fn is_bad(trace: u64, call: u64) -> bool {
    (trace * 7 + call * 3) % 5 < 2
}

fn fails(trace: u64, call: u64) -> bool {
    is_bad(trace, call) && !(trace + call).is_multiple_of(8)
}

fn id(trace: u64, number: u64) -> u64 {
    (trace + 1) * 100 + number
}

/// The calls come one after the other, 20 ms each, with 1 ms in front of each.
fn one_trace(trace: u64) -> Vec<Plain> {
    let n_calls = n_calls(trace);
    let mut root = root(trace);
    let calls: Vec<Plain> = (0..n_calls).flat_map(|call| call_of_cart(&root, call)).collect();
    let retry = trace.is_multiple_of(4).then(|| Plain {
        id: id(trace, 90),
        parent: root.id,
        name: "retry".to_owned(),
        kind: 1,
        start: root.start + (n_calls * 21 + 1) * MILLI,
        nanos: MILLI,
        own_nanos: MILLI,
        failed: false,
        failed_below: false,
        ..root.clone()
    });
    root.own_nanos -= retry.as_ref().map_or(0, |retry| retry.nanos);
    [root].into_iter().chain(calls).chain(retry).collect()
}

fn root(trace: u64) -> Plain {
    let any_failed = (0..n_calls(trace)).any(|call| fails(trace, call));
    let nanos = (n_calls(trace) * 21 + 5 + trace * 7 % 50) * MILLI;
    Plain {
        trace,
        id: id(trace, 0),
        parent: 0,
        service: "frontend",
        name: "checkout".to_owned(),
        kind: 2,
        start: START_UNIX_NANOS + trace * 1000 * MILLI,
        nanos,
        own_nanos: nanos - n_calls(trace) * 20 * MILLI,
        failed: any_failed,
        failed_below: any_failed,
        attributes: BTreeMap::new(),
        pod: None,
    }
}

/// A client, its server, which runs on another clock, and what is below that. As the times came, the server does not
/// run while the client does.
fn call_of_cart(root: &Plain, call: u64) -> [Plain; 3] {
    let (trace, own) = (root.trace, 10 + 10 * call);
    let failed = fails(trace, call);
    let client = Plain {
        id: id(trace, own),
        parent: root.id,
        name: format!("GET /cart/{}", call % 2),
        kind: 3,
        start: root.start + (1 + call * 21) * MILLI,
        nanos: 20 * MILLI,
        own_nanos: 20 * MILLI,
        failed,
        failed_below: failed,
        ..root.clone()
    };
    let version = if is_bad(trace, call) { "bad" } else { "good" };
    let mut attributes = BTreeMap::from([
        ("version", version.to_owned()),
        ("request.id", format!("r{}", client.id)),
        ("region", ["eu", "us", "asia"][(trace % 3) as usize].to_owned()),
    ]);
    if failed && trace.is_multiple_of(2) {
        attributes.insert("flag", "on".to_owned());
    }
    let server = Plain {
        id: id(trace, own + 1),
        parent: client.id,
        service: "cart",
        name: format!("/cart/{}", call % 2),
        kind: 2,
        start: client.start + 2 * MILLI + SKEW,
        nanos: 16 * MILLI,
        own_nanos: 13 * MILLI,
        failed_below: false,
        attributes,
        pod: Some(if version == "bad" { "cart-b" } else { "cart-a" }),
        ..client.clone()
    };
    let inner = Plain {
        id: id(trace, own + 2),
        parent: server.id,
        name: "price".to_owned(),
        kind: 1,
        start: server.start + MILLI,
        nanos: 3 * MILLI,
        own_nanos: 3 * MILLI,
        failed: false,
        attributes: BTreeMap::from([("version", version.to_owned())]),
        ..server.clone()
    };
    [client, server, inner]
}

/// The spans as OTLP JSON, each with a resource of its own.
pub(crate) fn otlp(spans: &[Plain]) -> String {
    let spans: Vec<String> = spans.iter().map(resource_spans).collect();
    format!(r#"{{"resourceSpans":[{}]}}"#, spans.join(","))
}

fn resource_spans(span: &Plain) -> String {
    let text = |key: &str, value: &str| {
        format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
    };
    let host = if span.service == "cart" { "far" } else { "near" };
    let mut resource = vec![text("service.name", span.service), text("host.name", host)];
    resource.extend(span.pod.map(|pod| text("k8s.pod.name", pod)));
    let attributes: Vec<String> =
        span.attributes.iter().map(|(key, value)| text(key, value)).collect();
    let parent = match span.parent {
        0 => String::new(),
        id => format!(r#""parentSpanId":"{id:016x}","#),
    };
    format!(
        r#"{{"resource":{{"attributes":[{}]}},"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"{}",{parent}
            "name":"{}","kind":{},"startTimeUnixNano":"{}","endTimeUnixNano":"{}",
            "attributes":[{}],"status":{{"code":{}}}}}]}}]}}"#,
        resource.join(","),
        trace_hex(span.trace),
        span.hex(),
        span.name,
        span.kind,
        span.start,
        span.start + span.nanos,
        attributes.join(","),
        if span.failed { 2 } else { 0 },
    )
}

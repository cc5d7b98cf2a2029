//! Everything that can be asked about the data.

use super::data::{BASE_SECONDS, SECONDS, trace_id, trace_numbers};

/// What is asked for, and in which form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) path: String,
    pub(crate) accept: &'static str,
    pub(crate) kind: Kind,
}

/// What is special about an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Exact,
    /// It says what it took to find it, which depends on where the data lies.
    WithMetrics,
    /// What of live runs and blocks overlaps a range counts as a whole, so other data that lies in the same ones
    /// is in the answer. It says what it took, too.
    ByUnit,
}

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/protobuf";

/// Filters of every kind that is executed.
const FILTERS: [&str; 31] = [
    "{}",
    "{ resource.service.name = `shop` }",
    "{ resource.service.name =~ `b.*` && kind = server }",
    "{ name = `child` }",
    "{ name != `child` && status != error }",
    "{ status = error }",
    "{ duration > 100ms }",
    "{ duration < 0ns }",
    "{ traceDuration >= 300ms }",
    "{ rootName = `tied` && rootServiceName = `bank` }",
    "{ span.order.id = `o-17` }",
    "{ .order.id =~ `o-.` }",
    "{ span.n >= 3 }",
    "{ span.words = `a` }",
    "{ span.large.text =~ `t+` }",
    "{ span.large.text != nil }",
    "{ .large.map != nil || .nothing != nil }",
    "{ span.double = 0.1 }",
    "{ span.double.whole = 3 }",
    "{ span.truth = true }",
    "{ span.a = `2` && span.c = 2.0 }",
    "{ span.side = `client` || span.side = `server` }",
    "{ event.exception.type = `Declined` }",
    "{ event:name = `second` }",
    "{ link.why = `retry` }",
    "{ link:traceID = `0` || link:spanID = `00000000000000b2` }",
    "{ instrumentation:name = `http` }",
    "{ instrumentation.a = 2 }",
    "{ resource.zone = `z1` && span.b = `1` }",
    "{ nestedSetParent < 0 }",
    "{ span.nobody = `has this` }",
];

/// Names of tags whose values are asked for.
const TAGS: [&str; 14] = [
    "resource.service.name",
    "span.order.id",
    ".n",
    "span.double",
    "span.words",
    "span.truth",
    "span.large.text",
    "event.exception.type",
    "link.why",
    "instrumentation.z",
    "name",
    "status",
    "kind",
    "rootName",
];

/// All questions.
pub(crate) fn questions() -> Vec<Question> {
    let mut questions = Vec::new();
    let mut ask = |path: String, forms: &[&'static str], kind| {
        questions.extend(forms.iter().map(|&accept| Question { path: path.clone(), accept, kind }));
    };
    let (start, end) = (BASE_SECONDS, BASE_SECONDS + SECONDS);
    for filter in FILTERS {
        let q = encoded(filter);
        for limits in ["limit=20&spss=3", "limit=3&spss=1", "limit=100&spss=100"] {
            let path = format!("/tempo/api/search?q={q}&{limits}&start={start}&end={end}");
            ask(path, &[JSON, PROTOBUF], Kind::WithMetrics);
        }
    }
    for old in [
        "tags=service.name%3Dshop",
        "tags=order.id%3Do-9&minDuration=1ms",
        "minDuration=90ms&maxDuration=400ms",
    ] {
        ask(
            format!("/tempo/api/search?{old}&start={start}&end={end}"),
            &[JSON, PROTOBUF],
            Kind::WithMetrics,
        );
    }
    for number in trace_numbers() {
        let id = trace_id(number);
        ask(format!("/tempo/api/traces/{id}"), &[JSON, PROTOBUF], Kind::Exact);
        ask(format!("/tempo/api/v2/traces/{id}"), &[JSON, PROTOBUF], Kind::Exact);
        ask(format!("/jaeger/api/traces/{id}"), &[JSON], Kind::Exact);
    }
    let range = format!("start={start}&end={end}");
    ask(format!("/tempo/api/search/tags?{range}"), &[JSON], Kind::ByUnit);
    ask(format!("/tempo/api/v2/search/tags?{range}"), &[JSON], Kind::ByUnit);
    for scope in ["span", "resource", "event", "link", "instrumentation", "intrinsic"] {
        ask(format!("/tempo/api/v2/search/tags?scope={scope}&{range}"), &[JSON], Kind::ByUnit);
    }
    for tag in TAGS {
        let (of_shop, tag) = (encoded("{ resource.service.name = `shop` }"), encoded(tag));
        ask(format!("/tempo/api/v2/search/tag/{tag}/values?{range}"), &[JSON], Kind::ByUnit);
        ask(
            format!("/tempo/api/v2/search/tag/{tag}/values?q={of_shop}&{range}"),
            &[JSON],
            Kind::ByUnit,
        );
    }
    for tag in ["service.name", "order.id", "n"] {
        ask(format!("/tempo/api/search/tag/{tag}/values?{range}"), &[JSON], Kind::ByUnit);
    }
    let range = format!("start={start}000000&end={end}000000");
    for service in ["shop", "bank"] {
        ask(format!("/jaeger/api/services/{service}/operations"), &[JSON], Kind::Exact);
        ask(format!("/jaeger/api/operations?service={service}"), &[JSON], Kind::Exact);
        for more in [
            "limit=20",
            "limit=3",
            "operation=child",
            "tags=%7B%22order.id%22%3A%22o-8%22%7D",
            "minDuration=90ms",
        ] {
            ask(
                format!("/jaeger/api/traces?service={service}&{range}&{more}"),
                &[JSON],
                Kind::Exact,
            );
        }
    }
    questions
}

/// For a query of a URL.
fn encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escaped).collect()
}

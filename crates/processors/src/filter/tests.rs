//! What is taken out, in all three shapes.

use spandrel_config::read_settings;
use spandrel_proto::otlp::common::InstrumentationScope;
use spandrel_proto::otlp::trace::span::Event;

use super::*;
use crate::testing::{
    Random, Recorder, attributes, batch, context, int, request, resource_spans, span, text,
};

/// Two services: `shop` with spans a (n=1), b (n=2, events e1 and e2), and `bank` with span c in scope `http`.
fn spans() -> ExportTraceServiceRequest {
    let mut spans = request("shop", vec![span("a", [("n", int(1))]), span("b", [("n", int(2))])]);
    let event = |name: &str| Event {
        name: name.to_owned(),
        attributes: attributes([("k", text(name))]),
        ..Event::default()
    };
    spans.resource_spans[0].scope_spans[0].spans[1].events = vec![event("e1"), event("e2")];
    let mut other = resource_spans("bank", vec![span("c", [])]);
    let name = "http".to_owned();
    other.scope_spans[0].scope = Some(InstrumentationScope { name, ..Default::default() });
    spans.resource_spans.push(other);
    spans
}

/// What is left, as `service[span(events) ...] ...`, and how many spans are counted as filtered.
async fn left(yaml: &str, shared: bool) -> (String, u64) {
    let (settings, _) = read_settings(yaml, FilterSettings::read).expect(yaml);
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let context = context("filter");
    let account = context.account.clone();
    let processor = FilterProcessor::new(settings, consumer, context).expect("built");
    let mut batch = batch(&spans());
    if shared {
        batch.traces = Traces::from(spans());
    }
    let kept = batch.clone();
    let answer = processor.consume(batch).await.expect("taken");
    assert_eq!(answer.accepted_spans, 3, "{yaml}");
    // Who shares the spans still has all of them.
    assert_eq!(kept.traces.span_count(), 3);
    let texts =
        next.requests().into_iter().flat_map(|request| request.resource_spans).map(|resource| {
            let pairs = resource.resource.expect("it has one").attributes;
            let service = pairs[0].value.clone().and_then(|value| value.value);
            let service = service.map(|value| crate::values::as_text(&value)).unwrap_or_default();
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            let spans = spans.map(|span| {
                let events: Vec<_> = span.events.into_iter().map(|event| event.name).collect();
                if events.is_empty() {
                    span.name
                } else {
                    format!("{}({})", span.name, events.join(","))
                }
            });
            format!("{service}[{}]", spans.collect::<Vec<_>>().join(" "))
        });
    (texts.collect::<Vec<_>>().join(" "), account.totals().filtered)
}

#[tokio::test(start_paused = true)]
async fn shapes() {
    let all = "shop[a b(e1,e2)] bank[c]";
    for (yaml, expected, filtered) in [
        ("", all, 0),
        ("metrics: {metric: ['name == \"x\"']}", all, 0),
        ("traces: {span: ['name == \"a\"']}", "shop[b(e1,e2)] bank[c]", 1),
        ("traces: {span: ['attributes[\"n\"] == 2', 'name == \"c\"']}", "shop[a]", 2),
        ("traces: {resource: ['attributes[\"service.name\"] == \"shop\"']}", "bank[c]", 2),
        ("traces: {spanevent: ['attributes[\"k\"] == \"e1\"']}", "shop[a b(e2)] bank[c]", 0),
        ("traces: {spanevent: ['name != nil']}", "shop[a b] bank[c]", 0),
        ("traces: {span: ['name == \"none\"']}", all, 0),
        ("traces: {span: ['name != nil']}", "", 3),
        ("trace_conditions: ['span.name == \"a\"', 'scope.name == \"http\"']", "shop[b(e1,e2)]", 2),
        (
            "trace_conditions: ['spanevent.name == \"e2\"', 'resource.attributes[\"service.name\"] == \"bank\"']",
            "shop[a b(e1)]",
            1,
        ),
        (
            "trace_conditions: [{context: span, conditions: ['name == \"b\"'], error_mode: silent}]",
            "shop[a] bank[c]",
            1,
        ),
        ("spans: {include: {match_type: strict, services: [shop]}}", "shop[a b(e1,e2)]", 1),
        ("spans: {exclude: {match_type: regexp, span_names: ['a|c']}}", "shop[b(e1,e2)]", 2),
        (
            "spans: {include: {match_type: strict, services: [shop]}, exclude: {match_type: strict, attributes: [{key: n, value: 2}]}}",
            "shop[a]",
            2,
        ),
        (
            "spans: {exclude: {match_type: strict, libraries: [{name: http}]}}",
            "shop[a b(e1,e2)]",
            1,
        ),
    ] {
        for shared in [false, true] {
            let left = left(yaml, shared).await;
            assert_eq!((left.0.as_str(), left.1), (expected, filtered), "{yaml}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_ignored_or_reject_the_batch() {
    // A text is no time.
    let conditions = "traces: {span: ['UnixSeconds(Time(name, \"%Y\")) > 0']}";
    assert_eq!(left(conditions, false).await.1, 0);
    let yaml = format!("{{error_mode: propagate, {conditions}}}");
    let (settings, _) = read_settings(&yaml, FilterSettings::read).expect("valid");
    let next = Recorder::answering([]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let processor = FilterProcessor::new(settings, consumer, context("filter")).expect("built");
    let answer = processor.consume(batch(&spans())).await;
    assert!(matches!(answer, Err(ConsumeError::Permanent { spans: 3, .. })), "{answer:?}");
    assert!(next.batches.lock().is_empty());
}

#[tokio::test(start_paused = true)]
async fn spans_count_as_filtered_only_when_the_rest_was_taken() {
    let yaml = "traces: {span: ['name == \"a\"']}";
    let (settings, _) = read_settings(yaml, FilterSettings::read).expect("valid");
    let refused = ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: std::time::Duration::from_secs(1),
        spans: 2,
    };
    let next = Recorder::answering([Err(refused)]);
    let consumer = Arc::clone(&next) as Arc<dyn TraceConsumer>;
    let context = context("filter");
    let account = context.account.clone();
    let processor = FilterProcessor::new(settings, consumer, context).expect("built");
    let answer = processor.consume(batch(&spans())).await;
    assert!(matches!(answer, Err(ConsumeError::Unavailable { spans: 3, .. })), "{answer:?}");
    assert_eq!(account.totals().filtered, 0);
    processor.consume(batch(&spans())).await.expect("taken");
    assert_eq!(account.totals().filtered, 1);
}

#[test]
fn mistakes() {
    for (yaml, message) in [
        ("traces: {span: ['nam == 1']}", "nam"),
        ("traces: {spans: ['name == \"a\"']}", "span"),
        ("trace_conditions: ['name == \"a\"']", "name"),
        (
            "trace_conditions: [{context: spam, conditions: ['name == \"a\"']}]",
            "must be resource, scope, span",
        ),
        ("trace_conditions: [{conditons: []}]", "unknown key `conditons`"),
        (
            "{trace_conditions: ['span.name == \"a\"'], traces: {span: ['name == \"b\"']}}",
            "together",
        ),
        (
            "{traces: {span: ['name == \"b\"']}, spans: {include: {match_type: strict, services: [a]}}}",
            "together",
        ),
        ("error_mode: ignor", "ignore"),
        ("metrics: {metric: ['name == ']}", "name =="),
        ("logs: {log_record: ['NoSuch(body)']}", "NoSuch"),
    ] {
        let problems = read_settings(yaml, FilterSettings::read).expect_err(yaml).to_string();
        assert!(problems.contains(message), "{problems}");
    }
}

/// Spans that are bytes are decoded only as far as conditions look at them, and copied as they came.
#[test]
fn bytes_and_messages_are_filtered_alike() {
    let mut random = Random(7);
    for yaml in [
        "traces: {span: ['attributes[\"http.route\"] == \"a\"']}",
        "traces: {span: ['attributes[\"n\"] == 1 or attributes[\"a\"] == nil', 'name == \"b\"']}",
        "traces: {span: ['Len(attributes) > 3']}",
        "traces: {span: ['IsRootSpan() and kind == 2', 'status.code == 2 and flags == 1']}",
        "traces: {span: ['end_time_unix_nano - start_time_unix_nano > 100 and Len(events) > 0']}",
        "traces: {span: ['trace_id.string == \"01010101010101010101010101010101\" and links != nil']}",
        "traces: {span: ['attributes[attributes[\"a\"]] != nil']}",
        "traces: {span: ['resource.attributes[\"a\"] == \"a\" and scope.name == \"a\"']}",
        "traces: {span: ['resource.schema_url == \"a\"', 'scope.schema_url == \"b\"']}",
        "traces: {span: ['name != \"\"']}",
        "traces: {span: ['Any(attributes, (k, v) => k == \"n\")']}",
        "traces: {resource: ['attributes[\"a\"] == \"a\"']}",
        "traces: {resource: ['schema_url == \"a\"'], span: ['kind == 1']}",
        "traces: {scope: ['name == \"a\"'], spanevent: ['attributes[\"a\"] != nil']}",
        "traces: {spanevent: ['name == \"a\" and span.name != \"b\"', 'event_index == 1']}",
        "traces: {spanevent: ['span.attributes[\"n\"] != nil']}",
        "{error_mode: propagate, traces: {span: ['attributes[\"a\"][\"b\"] == 1']}}",
        "trace_conditions: ['span.name == \"a\"', 'spanevent.name == \"n\"', 'scope.name == \"b\"']",
    ] {
        let (settings, _) = read_settings(yaml, FilterSettings::read).expect(yaml);
        let Shape::Rules(rules) = settings.shape else { panic!("{yaml}") };
        for _ in 0..300 {
            let request = random.request();
            let spans = Traces::from(request.clone()).span_count();
            let otlp = Traces::from(request.clone()).into_otlp();
            let by_bytes =
                rules.filter(Traces::Otlp(otlp.clone().into()), Client::default(), spans);
            let expected = rules.filter(Traces::from(request.clone()), Client::default(), spans);
            match (by_bytes, expected) {
                (Ok((left, removed)), Ok((expected, expected_removed))) => {
                    assert_eq!(removed, expected_removed, "{yaml} {request:?}");
                    let left = left.into_otlp();
                    assert_eq!(left, expected.into_otlp(), "{yaml} {request:?}");
                    if left == otlp {
                        assert_eq!(left.as_ptr(), otlp.as_ptr(), "{yaml}: it is not copied");
                    }
                }
                (by_bytes, expected) => {
                    assert_eq!(by_bytes.err(), expected.err(), "{yaml} {request:?}");
                }
            }
        }
    }
}

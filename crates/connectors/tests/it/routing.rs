//! `routing`: tables with what each pipeline gets.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use spandrel_connectors::Outputs;
use spandrel_connectors::routing::{RoutingConnector, RoutingSettings};
use spandrel_pipeline::{Client, ConsumeError, Totals, TraceBatch, TraceConsumer, Traces};
use spandrel_proto::otlp::trace::ResourceSpans;

use crate::fixtures::{Sink, batch, clock, context, problems, resource, settings, span};

const PIPELINES: [&str; 3] = ["traces/one", "traces/two", "traces/default"];

struct Test {
    connector: RoutingConnector,
    sinks: BTreeMap<&'static str, Arc<Sink>>,
    account: spandrel_pipeline::Account,
}

impl Test {
    fn new(yaml: &str) -> Self {
        let sinks: BTreeMap<_, _> = PIPELINES.map(|id| (id, Arc::new(Sink::default()))).into();
        let outputs = sinks.iter().map(|(id, sink)| {
            let sink: Arc<dyn TraceConsumer> = sink.clone();
            ((*id).to_owned(), sink)
        });
        let settings = settings(yaml, RoutingSettings::read);
        let context = context(&clock());
        let account = context.account.clone();
        let outputs = Outputs { by_pipeline: outputs.collect() };
        let connector = RoutingConnector::new(settings, outputs, context).unwrap();
        Self { connector, sinks, account }
    }

    /// What came out where: `pipeline: resource/scope/span ...`, a line for each batch.
    fn taken(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (id, sink) in &self.sinks {
            let id = id.strip_prefix("traces/").unwrap();
            lines
                .extend(sink.span_names().iter().map(|names| format!("{id}: {}", names.join(" "))));
        }
        lines
    }
}

/// Resources `a` and `b`, each with spans `x` and `y`, which have `db=1` and `http=1`.
fn spans() -> Vec<ResourceSpans> {
    ["a", "b"]
        .map(|name| {
            let spans = vec![span("x", 3, "db=1"), span("y", 2, "http=1")];
            resource(&format!("service.name={name}"), spans)
        })
        .to_vec()
}

async fn routed(yaml: &str) -> Vec<String> {
    let test = Test::new(yaml);
    let accepted = test.connector.consume(batch(spans())).await.unwrap();
    assert_eq!(accepted.accepted_spans, 4);
    test.taken()
}

#[tokio::test]
async fn every_span_goes_to_the_first_route_that_wants_it() {
    let table = r#"
default_pipelines: [traces/default]
table:
  - context: resource
    condition: attributes["service.name"] == "a"
    pipelines: [traces/one]
  - context: span
    condition: attributes["db"] == "1"
    pipelines: [traces/two]
"#;
    assert_eq!(routed(table).await, ["default: b/lib/y", "one: a/lib/x a/lib/y", "two: b/lib/x"]);
}

#[tokio::test]
async fn contexts_are_inferred_from_paths() {
    let table = r#"
default_pipelines: [traces/default]
table:
  - condition: span.attributes["db"] == "1" and resource.attributes["service.name"] == "b"
    pipelines: [traces/one]
  - condition: attributes["service.name"] == "b"
    pipelines: [traces/two]
"#;
    assert_eq!(routed(table).await, ["default: a/lib/x a/lib/y", "one: b/lib/x", "two: b/lib/y"]);
}

#[tokio::test]
async fn copies_are_left_to_later_routes() {
    let table = r#"
table:
  - context: span
    action: copy
    condition: attributes["db"] == "1"
    pipelines: [traces/one]
  - context: resource
    action: copy
    condition: attributes["service.name"] == "a"
    pipelines: [traces/one]
  - context: span
    condition: kind == SPAN_KIND_CLIENT
    pipelines: [traces/two]
default_pipelines: [traces/default]
"#;
    assert_eq!(
        routed(table).await,
        [
            "default: a/lib/y b/lib/y",
            "one: a/lib/x b/lib/x a/lib/x a/lib/y",
            "two: a/lib/x b/lib/x",
        ]
    );
}

#[tokio::test]
async fn a_route_may_lead_to_several_pipelines_and_the_default_to_one_of_them() {
    let table = r#"
table:
  - condition: attributes["service.name"] == "a"
    pipelines: [traces/one, traces/two]
default_pipelines: [traces/one]
"#;
    assert_eq!(
        routed(table).await,
        ["one: a/lib/x a/lib/y", "one: b/lib/x b/lib/y", "two: a/lib/x a/lib/y"]
    );
}

#[tokio::test]
async fn statements_route_where_their_condition_holds_and_may_delete_keys() {
    let table = r#"
table:
  - statement: route() where attributes["service.name"] == "a"
    pipelines: [traces/one]
  - statement: delete_key(attributes, "service.name") where attributes["service.name"] == "b"
    pipelines: [traces/two]
"#;
    assert_eq!(routed(table).await, ["one: a/lib/x a/lib/y", "two: /lib/x /lib/y"]);
}

#[tokio::test]
async fn without_a_default_what_no_route_wants_is_filtered() {
    let test = Test::new(
        "table: [{condition: 'attributes[\"service.name\"] == \"a\"', pipelines: [traces/one]}]",
    );
    let accepted = test.connector.consume(batch(spans())).await.unwrap();
    assert_eq!(accepted.accepted_spans, 4);
    assert_eq!(test.taken(), ["one: a/lib/x a/lib/y"]);
    assert_eq!(test.account.totals(), Totals { filtered: 2, ..Totals::default() });
}

#[tokio::test]
async fn requests_are_routed_as_they_are() {
    let table = r#"
default_pipelines: [traces/default]
table:
  - context: request
    condition: request["X-Tenant"] == "acme"
    pipelines: [traces/one]
  - context: otelcol
    condition: otelcol.client.metadata["x-tenant"][0] == "ecorp"
    pipelines: [traces/two]
"#;
    let test = Test::new(table);
    for tenant in ["acme", "ecorp", "other"] {
        let metadata = [("x-tenant".to_owned(), vec![tenant.to_owned()])].into();
        let client = Arc::new(Client { metadata, ..Client::default() });
        test.connector.consume(TraceBatch { client, ..batch(spans()) }).await.unwrap();
    }
    let all = "a/lib/x a/lib/y b/lib/x b/lib/y";
    let expected = [format!("default: {all}"), format!("one: {all}"), format!("two: {all}")];
    assert_eq!(test.taken(), expected);
    let first = &test.sinks["traces/one"].traces.lock().unwrap()[0];
    assert!(matches!(first.traces, Traces::Otlp(_)), "a request is not decoded");
}

#[tokio::test]
async fn what_cannot_be_evaluated_is_not_wanted_or_an_error() {
    let table = |mode: &str| {
        format!(
            "error_mode: {mode}\ndefault_pipelines: [traces/default]\ntable:\n\
             - {{condition: 'ParseJSON(attributes[\"service.name\"])[\"x\"] == 1', pipelines: [traces/one]}}"
        )
    };
    for mode in ["ignore", "silent"] {
        let all = "default: a/lib/x a/lib/y b/lib/x b/lib/y";
        assert_eq!(routed(&table(mode)).await, [all]);
    }
    let test = Test::new(&table("propagate"));
    let refused = test.connector.consume(batch(spans())).await;
    assert!(matches!(refused, Err(ConsumeError::Permanent { spans: 4, .. })), "{refused:?}");
    assert_eq!(test.taken(), [""; 0]);
}

#[tokio::test]
async fn one_full_pipeline_does_not_keep_spans_from_others() {
    let table = r#"
default_pipelines: [traces/default]
table:
  - condition: attributes["service.name"] == "a"
    pipelines: [traces/one]
"#;
    let test = Test::new(table);
    test.sinks["traces/one"].full.store(true, Ordering::SeqCst);
    let refused = test.connector.consume(batch(spans())).await;
    assert!(matches!(refused, Err(ConsumeError::Unavailable { .. })), "{refused:?}");
    assert_eq!(test.taken(), ["default: b/lib/x b/lib/y"]);
}

#[test]
fn mistakes_are_found() {
    let route = |route: &str| format!("table: [{route}]");
    for (yaml, mistake) in [
        (String::new(), "the routing table is empty"),
        (route("{pipelines: [traces/one]}"), "no condition or statement"),
        (route("{condition: 'true', pipelines: []}"), "no pipelines defined"),
        (route("{condition: 'true', statement: 'route()', pipelines: [traces]}"), "both"),
        (route("{condition: 'true', pipelines: [traces], context: scope}"), "invalid context"),
        (route("{condition: 'true', pipelines: [traces], action: steal}"), "steal"),
        (route("{condition: 'attributes[', pipelines: [traces]}"), "condition"),
        (route("{context: request, condition: 'x', pipelines: [traces]}"), "comparator"),
        (route("{context: request, statement: 'route()', pipelines: [traces]}"), "condition"),
        (route("{condition: 'true', pipelines: [traces]}") + "\nmatch_once: false", "match_once"),
        (route("{condition: 'true', pipelines: [traces]}") + "\nerror_mode: x", "error_mode"),
    ] {
        let found = problems(&yaml, RoutingSettings::read);
        assert!(found.contains(mistake), "{yaml}: {found}");
    }
}

#[test]
fn pipelines_must_have_the_connector_among_their_receivers() {
    let one = |pipeline: &str, condition: &str| {
        let yaml = format!("table: [{{condition: '{condition}', pipelines: [{pipeline}]}}]");
        let settings = settings(&yaml, RoutingSettings::read);
        let error = RoutingConnector::new(settings, Outputs::default(), context(&clock())).err();
        error.unwrap().to_string()
    };
    assert!(one("traces/nowhere", "true").contains("pipeline not found: `traces/nowhere`"));
    assert!(one("logs/a", "log.severity_number < 5").contains("not about traces"));
}

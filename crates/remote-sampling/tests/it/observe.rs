//! Which spans count.

use std::sync::Arc;

use async_trait::async_trait;
use prost::Message;
use spandrel_model::TenantId;
use spandrel_pipeline::{Accepted, ConsumeError, TraceBatch, TraceConsumer};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::resource::Resource;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_remote_sampling::{Adaptive, AdaptiveOptions, Observed, Strategy, StrategySource};

struct Store {
    is_full: bool,
}

#[async_trait]
impl TraceConsumer for Store {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        match self.is_full {
            true => Err(ConsumeError::Malformed("no".to_owned())),
            false => {
                Ok(Accepted { accepted_spans: batch.traces.span_count(), ..Accepted::default() })
            }
        }
    }
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}

fn text(text: &str) -> Value {
    Value::StringValue(text.to_owned())
}

fn span(name: &str, parent: &'static [u8], kind: &str, param: Value) -> Span {
    Span {
        name: name.to_owned(),
        parent_span_id: parent.into(),
        attributes: vec![pair("sampler.type", text(kind)), pair("sampler.param", param)],
        ..Span::default()
    }
}

/// The operations that have a probability after these spans came.
async fn operations(is_full: bool, spans: Vec<Span>) -> Vec<String> {
    let adaptive = Arc::new(Adaptive::new(AdaptiveOptions::default()));
    let observed = Observed::new(Arc::new(Store { is_full }), Arc::clone(&adaptive));
    let resource =
        Resource { attributes: vec![pair("service.name", text("shop"))], ..Resource::default() };
    let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
    let resource_spans =
        vec![ResourceSpans { resource: Some(resource), scope_spans, ..ResourceSpans::default() }];
    let request = ExportTraceServiceRequest { resource_spans };
    let tenant = TenantId::new("acme").unwrap();
    let batch = TraceBatch::otlp(tenant.clone(), request.encode_to_vec());
    assert_eq!(observed.consume(batch).await.is_err(), is_full);
    adaptive.calculate();
    let Strategy::Probabilistic { operations: Some(operations), .. } =
        adaptive.strategy(&tenant, "shop")
    else {
        panic!("computed strategies are by operation");
    };
    operations.probabilities.into_iter().map(|(operation, _)| operation).collect()
}

#[tokio::test]
async fn roots_that_a_jaeger_sampler_chose_count() {
    let share = || Value::DoubleValue(0.001);
    let spans = vec![
        span("chance", b"", "probabilistic", share()),
        span("bound", &[0; 8], "lowerbound", text("0.001")),
        span("child", &[0, 0, 0, 0, 0, 0, 0, 1], "probabilistic", share()),
        span("always", b"", "const", Value::IntValue(1)),
        span("wrong", b"", "probabilistic", text("often")),
    ];
    assert_eq!(operations(false, spans.clone()).await, ["bound", "chance"]);
    assert_eq!(operations(true, spans).await, [""; 0], "what is not stored does not count");
}

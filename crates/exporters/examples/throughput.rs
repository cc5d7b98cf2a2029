//! How many spans a second `otlp_grpc` sends to a server in the same process that takes everything.
//!
//! `cargo run --release -p spandrel-exporters --example throughput -- [seconds] [gzip]`; both ends run on one core,
//! so the number is below what the exporter can do alone.
#![expect(clippy::print_stdout, reason = "the number is the output")]

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_base::memory::MemoryBudget;
use spandrel_base::task::TaskSet;
use spandrel_config::read_settings;
use spandrel_exporters::{Extensions, OtlpGrpcExporter, OtlpGrpcSettings};
use spandrel_model::TenantId;
use spandrel_pipeline::{Account, Component, ComponentContext, TraceBatch, TraceConsumer};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::otlp::common::{AnyValue, KeyValue};
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::Metrics;
use tokio::net::TcpListener;

const SPANS_PER_REQUEST: u64 = 8192;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let seconds: u64 = args.next().map_or(Ok(5), |text| text.parse())?;
    let compression = args.next().unwrap_or_else(|| "none".to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let yaml = format!(
        "endpoint: {}\ntls: {{insecure: true}}\ncompression: {compression}\n\
         sending_queue: {{block_on_overflow: true, queue_size: 20}}",
        listener.local_addr()?
    );
    let tasks = Arc::new(TaskSet::new());
    serve(listener, &tasks);
    let (settings, _) = read_settings(&yaml, OtlpGrpcSettings::read)?;
    let clock = Arc::new(SystemClock::new());
    let metrics = Metrics::new();
    let context = ComponentContext {
        id: "otlp_grpc".into(),
        pipeline: "".into(),
        clock: clock.clone(),
        metrics: metrics.clone(),
        memory: MemoryBudget::unlimited(),
        data_dir: Default::default(),
        account: Account::detached(),
    };
    let exporter = OtlpGrpcExporter::new(settings, &Extensions::default(), context)?;
    exporter.start().await?;
    let otlp = request();
    println!("{} bytes a span, compression {compression}", otlp.len() as u64 / SPANS_PER_REQUEST);
    let start = clock.monotonic();
    while clock.monotonic() - start < Duration::from_secs(seconds) {
        let batch = TraceBatch::otlp(TenantId::single(), otlp.clone());
        exporter.consume(batch).await.context("the queue refused")?;
    }
    exporter.shutdown().await;
    let took = (clock.monotonic() - start).as_secs_f64();
    let sent = metrics.exporters().exporter("otlp_grpc").sent_spans.get();
    println!("{:.0} spans/s", sent as f64 / took);
    Ok(())
}

fn request() -> Bytes {
    let attribute = |index: usize| {
        let value = Some(Value::StringValue(format!("value number {index}")));
        let key = format!("attribute.{index}");
        KeyValue { key, value: Some(AnyValue { value }) }
    };
    let span = |id: u64| Span {
        trace_id: [id.to_be_bytes(), id.to_be_bytes()].concat().into(),
        span_id: id.to_be_bytes().to_vec().into(),
        name: format!("GET /things/{id}"),
        kind: 2,
        start_time_unix_nano: 1_700_000_000_000_000_000 + id,
        end_time_unix_nano: 1_700_000_001_000_000_000 + id,
        attributes: (0..7).map(attribute).collect(),
        ..Span::default()
    };
    let spans = (0..SPANS_PER_REQUEST).map(|id| span(id.wrapping_mul(0x9e37_79b9))).collect();
    let scope = ScopeSpans { spans, ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![resource] }.encode_to_vec().into()
}

/// Reads requests to their end and answers success.
fn serve(listener: TcpListener, tasks: &Arc<TaskSet>) {
    let weak = Arc::downgrade(tasks);
    tasks.spawn("server", async move {
        while let (Ok((stream, _)), Some(tasks)) = (listener.accept().await, weak.upgrade()) {
            tasks.spawn("connection", async move {
                let service = hyper::service::service_fn(answer);
                let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                builder.adaptive_window(true);
                // The client hangs up at the end.
                let _ = builder.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

type Answer = Response<
    StreamBody<futures::stream::Iter<std::vec::IntoIter<Result<Frame<Bytes>, Infallible>>>>,
>;

async fn answer(request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    let mut body = request.into_body();
    while let Some(frame) = body.frame().await {
        drop(frame?);
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", 0.into());
    let frames = vec![Ok(Frame::data(Bytes::from_static(&[0; 5]))), Ok(Frame::trailers(trailers))];
    Ok(Response::new(StreamBody::new(futures::stream::iter(frames))))
}

//! Starts the Jaeger and Zipkin receivers on their default ports and prints every span that comes, for trying
//! out senders: `cargo run -p spandrel-receivers --example listen`.
#![expect(clippy::print_stdout, reason = "a tool for the terminal")]

use std::sync::Arc;

use spandrel_base::clock::SystemClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_pipeline::{
    Accepted, Account, Component, ComponentContext, ComponentError, ConsumeError, TraceBatch,
    TraceConsumer,
};
use spandrel_receivers::{JaegerReceiver, JaegerSettings, ZipkinReceiver, ZipkinSettings};
use spandrel_telemetry::Metrics;

const JAEGER: &str = "protocols: {grpc: , thrift_http: , thrift_compact: , thrift_binary: }";

struct Printer;

#[async_trait::async_trait]
impl TraceConsumer for Printer {
    async fn consume(&self, batch: TraceBatch) -> Result<Accepted, ConsumeError> {
        let accepted_spans = batch.traces.span_count();
        println!("{:#?}", batch.traces.decoded()?);
        Ok(Accepted { accepted_spans, ..Accepted::default() })
    }
}

fn context(id: &str) -> ComponentContext {
    ComponentContext {
        id: id.into(),
        pipeline: "traces".into(),
        clock: Arc::new(SystemClock::new()),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: std::path::PathBuf::new(),
        account: Account::detached(),
    }
}

#[tokio::main]
async fn main() -> Result<(), ComponentError> {
    let wrong = |problems| ComponentError::new(format!("{problems}"));
    let (settings, _) = read_settings(JAEGER, JaegerSettings::read).map_err(wrong)?;
    let jaeger = JaegerReceiver::new(settings, Arc::new(Printer), context("jaeger"))?;
    let (settings, _) = read_settings("", ZipkinSettings::read).map_err(wrong)?;
    let zipkin = ZipkinReceiver::new(settings, Arc::new(Printer), context("zipkin"))?;
    jaeger.start().await?;
    zipkin.start().await?;
    println!("{:?}, zipkin {:?}", jaeger.addresses(), zipkin.address());
    std::future::pending().await
}

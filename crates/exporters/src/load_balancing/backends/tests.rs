//! Backends that come and go.

use std::time::Duration;

use prost::Message as _;
use spandrel_base::clock::ManualClock;
use spandrel_base::memory::MemoryBudget;
use spandrel_config::read_settings;
use spandrel_model::TenantId;
use spandrel_pipeline::{Account, Client};
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};
use spandrel_telemetry::Metrics;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::*;

pub(in crate::load_balancing) fn backends(account: &Account) -> Arc<Backends> {
    let yaml = "tls: {insecure: true}\ncompression: none\ntimeout: 1m";
    let (protocol, _) =
        read_settings(yaml, OtlpGrpcSettings::read_without_endpoint).expect("they are valid");
    let context = ComponentContext {
        id: "load_balancing".into(),
        pipeline: "".into(),
        clock: Arc::new(ManualClock::new(0)),
        metrics: Metrics::new(),
        memory: MemoryBudget::unlimited(),
        data_dir: Default::default(),
        account: account.clone(),
    };
    Arc::new(Backends::new(Routing::TraceId, protocol, Extensions::default(), context))
}

pub(in crate::load_balancing) fn payload(n_traces: u8) -> Payload {
    let span = |id| Span { trace_id: vec![id; 16].into(), ..Span::default() };
    let scope = ScopeSpans { spans: (0..n_traces).map(span).collect(), ..ScopeSpans::default() };
    let resource = ResourceSpans { scope_spans: vec![scope], ..ResourceSpans::default() };
    let request = ExportTraceServiceRequest { resource_spans: vec![resource] };
    Payload {
        tenant: TenantId::single(),
        client: Arc::new(Client::default()),
        otlp: request.encode_to_vec().into(),
        spans: n_traces.into(),
    }
}

#[cfg(feature = "kubernetes")]
impl Backends {
    /// Hears of changes.
    pub(in crate::load_balancing) fn current(&self) -> watch::Receiver<Arc<Members>> {
        self.current.subscribe()
    }

    pub(in crate::load_balancing) fn endpoints(&self) -> Vec<String> {
        self.current.borrow().ring.endpoints.clone()
    }
}

/// A port at which nobody listens.
pub(in crate::load_balancing) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Every trace id that lies in bytes of HTTP/2: messages are not compressed.
pub(in crate::load_balancing) fn traces_in(bytes: &[u8], n_traces: u8) -> Vec<u8> {
    (0..n_traces)
        .filter(|id| bytes.windows(18).any(|w| w[..2] == [0x0a, 16] && w[2..] == [*id; 16]))
        .collect()
}

#[tokio::test]
async fn what_a_gone_backend_did_not_get_goes_to_the_new_owners() {
    let account = Account::detached();
    let backends = backends(&account);
    let gone = nobody().await;
    backends.change_to("static", vec![gone]).await.unwrap();
    backends.send(payload(8)).await.unwrap();
    assert_eq!(account.totals().held, 8, "queued, and tried in vain");

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let new = listener.local_addr().unwrap().to_string();
    // Waits for the old exporter to stop, which ends its wait between attempts.
    backends.change_to("static", vec![new]).await.unwrap();
    assert_eq!(account.totals().held, 8, "in the queue of the new one");
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut received = Vec::new();
    while traces_in(&received, 8).len() < 8 {
        assert!(stream.read_buf(&mut received).await.unwrap() > 0, "{received:?}");
    }
    assert_eq!(account.totals().failed, 0);
}

#[tokio::test]
async fn backends_that_stay_keep_their_exporter() {
    let backends = backends(&Account::detached());
    let (a, b, c) = (nobody().await, nobody().await, nobody().await);
    backends.change_to("static", vec![a.clone(), b.clone()]).await.unwrap();
    let before = Arc::clone(&backends.current.borrow());
    backends.change_to("static", vec![b, c]).await.unwrap();
    let after = Arc::clone(&backends.current.borrow());
    assert!(Arc::ptr_eq(&before.exporters[1], &after.exporters[0]));
    // A name without addresses is a fault of the name, not a reason to lose spans.
    backends.change_to("static", Vec::new()).await.unwrap();
    assert_eq!(backends.current.borrow().exporters.len(), 2);
    let stopped = tokio::time::timeout(Duration::from_secs(5), backends.stop()).await;
    stopped.expect("nothing is left to wait for");
    assert!(backends.send(payload(1)).await.is_err(), "there are none left");
}

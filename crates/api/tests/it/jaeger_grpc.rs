//! Jaeger's services over gRPC.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use futures::TryStreamExt;
use prost::bytes::Bytes;
use spandrel_api::Dialect;
use spandrel_model::TenantId;
use spandrel_proto::grpc_health::health_client::HealthClient;
use spandrel_proto::grpc_health::{HealthCheckRequest, health_check_response::ServingStatus};
use spandrel_proto::jaeger_storage::capabilities_client::CapabilitiesClient;
use spandrel_proto::jaeger_storage::dependency_reader_client::DependencyReaderClient;
use spandrel_proto::jaeger_storage::trace_reader_client::TraceReaderClient;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;
use spandrel_proto::otlp::collector_trace::trace_service_client::TraceServiceClient;
use spandrel_proto::otlp::trace::TracesData;
use spandrel_proto::well_known::Timestamp;
use spandrel_proto::{jaeger as v2, jaeger_storage as storage, jaeger_v3 as v3};
use spandrel_telemetry::Source;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::harness::{CHECKOUT, Server};

/// Spans of traces by their ids.
pub(crate) type Sizes = BTreeMap<String, usize>;

fn hex(id: &[u8]) -> String {
    id.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The spans of each trace, which has no message in common with another.
pub(crate) fn sizes_of_otlp(messages: &[TracesData]) -> Sizes {
    let mut sizes = Sizes::new();
    for message in messages {
        let scopes = message.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let ids: Vec<String> =
            scopes.flat_map(|scope| &scope.spans).map(|span| hex(&span.trace_id)).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
        *sizes.entry(ids.first().expect("no message is empty").clone()).or_default() += ids.len();
    }
    sizes
}

pub(crate) fn sizes_of_chunks(chunks: &[v2::SpansResponseChunk]) -> Sizes {
    let mut sizes = Sizes::new();
    for chunk in chunks {
        assert!((1..=10).contains(&chunk.spans.len()));
        for span in &chunk.spans {
            *sizes.entry(hex(&span.trace_id)).or_default() += 1;
        }
    }
    sizes
}

/// A client of each service.
pub(crate) struct Clients {
    channel: Channel,
    v2: v2::query_service_client::QueryServiceClient<Channel>,
    v3: v3::query_service_client::QueryServiceClient<Channel>,
    storage: TraceReaderClient<Channel>,
}

impl Clients {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self {
            v2: v2::query_service_client::QueryServiceClient::new(channel.clone()),
            v3: v3::query_service_client::QueryServiceClient::new(channel.clone()),
            storage: TraceReaderClient::new(channel.clone()),
            channel,
        }
    }

    pub(crate) async fn find_v2(
        &mut self,
        query: v2::TraceQueryParameters,
    ) -> Vec<v2::SpansResponseChunk> {
        let request = v2::FindTracesRequest { query: Some(query) };
        let found = self.v2.find_traces(request).await.unwrap();
        found.into_inner().try_collect().await.unwrap()
    }

    pub(crate) async fn find_v3(&mut self, query: v3::TraceQueryParameters) -> Vec<TracesData> {
        let request = v3::FindTracesRequest { query: Some(query) };
        let found = self.v3.find_traces(request).await.unwrap();
        found.into_inner().try_collect().await.unwrap()
    }

    pub(crate) async fn find_storage(
        &mut self,
        query: storage::TraceQueryParameters,
    ) -> Vec<TracesData> {
        let request = storage::FindTracesRequest { query: Some(query) };
        let found = self.storage.find_traces(request).await.unwrap();
        found.into_inner().try_collect().await.unwrap()
    }

    /// Sorted.
    pub(crate) async fn find_ids(&mut self, query: storage::TraceQueryParameters) -> Vec<String> {
        let request = storage::FindTraceIDsRequest { query: Some(query) };
        let found = self.storage.find_trace_i_ds(request).await.unwrap().into_inner();
        let mut ids: Vec<String> = found.trace_ids.iter().map(|id| hex(&id.trace_id)).collect();
        ids.sort();
        ids
    }
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

/// The time of [`CHECKOUT`].
fn window() -> (Option<Timestamp>, Option<Timestamp>) {
    (at(1_485_431_000), at(1_485_433_000))
}

fn id(last: &[u8]) -> Bytes {
    let mut id = vec![0; 16 - last.len()];
    id.extend_from_slice(last);
    id.into()
}

async fn checkout() -> Server {
    let server = Server::start(Dialect::Jaeger).await;
    server.store(CHECKOUT).await;
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_query_services_answer() {
    let server = checkout().await;
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let Clients { mut v2, mut v3, .. } = Clients::connect(address).await;

    let services = v2.get_services(v2::GetServicesRequest {}).await.unwrap().into_inner();
    assert_eq!(services.services, ["bank", "frontend"]);
    let services = v3.get_services(v3::GetServicesRequest {}).await.unwrap().into_inner();
    assert_eq!(services.services, ["bank", "frontend"]);

    let request = |span_kind: &str| v2::GetOperationsRequest {
        service: "bank".to_owned(),
        span_kind: span_kind.to_owned(),
    };
    let operations = v2.get_operations(request("")).await.unwrap().into_inner();
    assert_eq!(operations.operation_names, ["charge"]);
    assert_eq!(operations.operations[0].span_kind, "client");
    let none = v2.get_operations(request("server")).await.unwrap().into_inner();
    assert!(none.operations.is_empty());
    let request = v3::GetOperationsRequest { service: "frontend".to_owned(), ..Default::default() };
    let operations = v3.get_operations(request).await.unwrap().into_inner();
    assert_eq!(operations.operations[0].name, "GET /checkout");

    let request = v2::GetTraceRequest { trace_id: id(&[0x0a, 0xbc]), ..Default::default() };
    let chunks = v2.get_trace(request).await.unwrap().into_inner();
    let chunks: Vec<_> = chunks.try_collect().await.unwrap();
    assert_eq!(chunks[0].spans.len(), 2);
    let charge = chunks[0].spans.iter().find(|span| span.operation_name == "charge").unwrap();
    assert_eq!(charge.process.as_ref().unwrap().service_name, "bank");
    assert_eq!(charge.start_time, Some(Timestamp { seconds: 1_485_432_000, nanos: 100_000_000 }));
    let request = v3::GetTraceRequest { trace_id: "abc".to_owned(), ..Default::default() };
    let messages = v3.get_trace(request).await.unwrap().into_inner();
    let messages: Vec<_> = messages.try_collect().await.unwrap();
    assert_eq!(sizes_of_otlp(&messages), Sizes::from([(format!("{:0>32}", "abc"), 2)]));

    let (start_time, end_time) = window();
    let request = v2::GetDependenciesRequest { start_time, end_time };
    let links = v2.get_dependencies(request).await.unwrap().into_inner().dependencies;
    assert_eq!(links.len(), 1);
    assert_eq!((&*links[0].parent, &*links[0].child, links[0].call_count), ("frontend", "bank", 1));
    let (start_time, end_time) = window();
    let request = v3::GetDependenciesRequest { start_time, end_time };
    let links = v3.get_dependencies(request).await.unwrap().into_inner().dependencies;
    assert_eq!((&*links[0].parent, &*links[0].child, links[0].call_count), ("frontend", "bank", 1));

    let (start_time_min, start_time_max) = window();
    let query = v3::TraceQueryParameters { start_time_min, start_time_max, ..Default::default() };
    let request = v3::FindTraceSummariesRequest { query: Some(query) };
    let summaries = v3.find_trace_summaries(request).await.unwrap().into_inner();
    let summaries: Vec<_> = summaries.try_collect().await.unwrap();
    let summary = &summaries[0].summaries[0];
    assert_eq!((summary.span_count, summary.error_span_count), (2, 1));
    assert_eq!(summary.root_service_name, "frontend");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_storage_for_jaeger() {
    let server = Server::start(Dialect::Jaeger).await;
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let Clients { channel, mut storage, .. } = Clients::connect(address).await;

    let otlp = spandrel_otlp::json_to_protobuf(CHECKOUT.as_bytes(), &Default::default()).unwrap();
    let request: ExportTraceServiceRequest = prost::Message::decode(&*otlp).unwrap();
    let mut writer = TraceServiceClient::new(channel.clone());
    let written = writer.export(request.clone()).await.unwrap().into_inner();
    assert_eq!(written.partial_success, None);
    let empty = writer.export(ExportTraceServiceRequest::default()).await.unwrap();
    assert_eq!(empty.into_inner().partial_success, None);
    let mut nameless = request;
    nameless.resource_spans[0].scope_spans[0].spans[0].trace_id = Bytes::new();
    let written = writer.export(nameless).await.unwrap().into_inner();
    assert_eq!(written.partial_success.unwrap().rejected_spans, 1);
    // Every span is accounted for.
    assert_eq!(server.metrics.spans().received.get(&Source::OTLP_GRPC), 4);

    let params = |trace_id| storage::GetTraceParams { trace_id, ..Default::default() };
    let wanted = id(&[0x0a, 0xbc]);
    let query = vec![params(id(&[1])), params(wanted.clone())];
    let found = storage.get_traces(storage::GetTracesRequest { query }).await.unwrap();
    let found: Vec<_> = found.into_inner().try_collect().await.unwrap();
    assert_eq!(sizes_of_otlp(&found), Sizes::from([(hex(&wanted), 2)]));

    let (start_time_min, start_time_max) = window();
    let query =
        storage::TraceQueryParameters { start_time_min, start_time_max, ..Default::default() };
    let request = storage::FindTraceSummariesRequest { query: Some(query) };
    let summaries = storage.find_trace_summaries(request).await.unwrap().into_inner();
    let summaries: Vec<_> = summaries.try_collect().await.unwrap();
    assert_eq!(summaries[0].summaries[0].trace_id, wanted);

    let mut capabilities = CapabilitiesClient::new(channel.clone());
    let capabilities =
        capabilities.get_capabilities(storage::GetCapabilitiesRequest {}).await.unwrap();
    let search = capabilities.into_inner().search.unwrap();
    assert!(search.without_service_name && search.same_span_conjunction);
    assert!(search.filter.unwrap().operators.contains(&"some".to_owned()));

    let mut dependencies = DependencyReaderClient::new(channel);
    let (start_time, end_time) = window();
    let request = storage::GetDependenciesRequest { start_time, end_time };
    let links = dependencies.get_dependencies(request).await.unwrap().into_inner().dependencies;
    assert_eq!((&*links[0].parent, &*links[0].child, links[0].call_count), ("frontend", "bank", 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_are_apart() {
    let server = Server::start(Dialect::Jaeger).await;
    server.store_for(TenantId::new("team-a").unwrap(), CHECKOUT).await;
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let Clients { mut v3, .. } = Clients::connect(address).await;
    for (header, tenant, n_services) in
        [("x-tenant", "team-a", 2), ("x-scope-orgid", "team-a", 2), ("x-tenant", "team-b", 0)]
    {
        let mut request = Request::new(v3::GetServicesRequest {});
        request.metadata_mut().insert(header, tenant.parse().unwrap());
        let services = v3.get_services(request).await.unwrap().into_inner().services;
        assert_eq!(services.len(), n_services, "{header}: {tenant}");
        let answer = server.get_with("/api/v3/services", &[(header, tenant)]).await;
        assert_eq!(answer.json()["services"].as_array().unwrap().len(), n_services);
        let answer = server.get_with("/api/services", &[(header, tenant)]).await;
        assert_eq!(answer.json()["total"], n_services);
    }
    let mut request = Request::new(v3::GetServicesRequest {});
    request.metadata_mut().insert("x-tenant", "../x".parse().unwrap());
    assert_eq!(v3.get_services(request).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_miss_something_are_refused() {
    let server = checkout().await;
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let Clients { channel, mut v2, mut v3, mut storage } = Clients::connect(address).await;
    let check = |code: Code, text: &str, status: tonic::Status| {
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(text), "{status}");
    };

    let of = |trace_id| v2::GetTraceRequest { trace_id, ..Default::default() };
    let nil = "uninitialized TraceID is not allowed";
    for bytes in [Bytes::new(), id(&[]), Bytes::from_static(&[1; 5])] {
        check(Code::InvalidArgument, nil, v2.get_trace(of(bytes)).await.unwrap_err());
    }
    check(Code::NotFound, "trace not found", v2.get_trace(of(id(&[9]))).await.unwrap_err());
    let request = v2::ArchiveTraceRequest { trace_id: id(&[9]), ..Default::default() };
    let text = "failed to archive trace: archive span storage was not configured";
    check(Code::Internal, text, v2.archive_trace(request).await.unwrap_err());
    let request = v2::FindTracesRequest { query: None };
    check(Code::InvalidArgument, "missing query", v2.find_traces(request).await.unwrap_err());
    let request = v2::GetDependenciesRequest { start_time: at(1), end_time: None };
    let text = "StartTime and EndTime must be initialized.";
    check(Code::InvalidArgument, text, v2.get_dependencies(request).await.unwrap_err());

    let of = |id: &str| v3::GetTraceRequest { trace_id: id.to_owned(), ..Default::default() };
    check(Code::InvalidArgument, "malform trace ID", v3.get_trace(of("xyz")).await.unwrap_err());
    check(Code::NotFound, "trace not found", v3.get_trace(of("1")).await.unwrap_err());
    let request = v3::FindTracesRequest { query: None };
    check(Code::InvalidArgument, "missing query", v3.find_traces(request).await.unwrap_err());
    let query = v3::TraceQueryParameters { start_time_min: at(1), ..Default::default() };
    let request = v3::FindTracesRequest { query: Some(query.clone()) };
    let text = "start time min and max are required parameters";
    check(Code::InvalidArgument, text, v3.find_traces(request).await.unwrap_err());
    let call = spandrel_proto::jaeger_expression::Call::default();
    let query = v3::TraceQueryParameters { start_time_max: at(2), filter: Some(call), ..query };
    let request = v3::FindTraceSummariesRequest { query: Some(query) };
    check(
        Code::InvalidArgument,
        "no operator",
        v3.find_trace_summaries(request).await.unwrap_err(),
    );
    for (start, end, text) in [
        (None, at(1), "start_time is required"),
        (at(1), None, "end_time is required"),
        (at(1), at(1), "end_time must be after start_time"),
    ] {
        let request = v3::GetDependenciesRequest { start_time: start, end_time: end };
        check(Code::InvalidArgument, text, v3.get_dependencies(request).await.unwrap_err());
    }

    let query = vec![storage::GetTraceParams::default()];
    let request = storage::GetTracesRequest { query };
    check(Code::InvalidArgument, "16 bytes", storage.get_traces(request).await.unwrap_err());
    let tags = (0..200).map(|i| storage::KeyValue { key: i.to_string(), value: None }).collect();
    let query = storage::TraceQueryParameters { attributes: tags, ..Default::default() };
    let request = storage::FindTraceIDsRequest { query: Some(query) };
    check(
        Code::InvalidArgument,
        "at most 100",
        storage.find_trace_i_ds(request).await.unwrap_err(),
    );

    // A service that is not there.
    let mut agents = v2::collector_service_client::CollectorServiceClient::new(channel);
    let posted = agents.post_spans(v2::PostSpansRequest::default()).await;
    check(Code::Unimplemented, "unknown service", posted.unwrap_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_service_says_that_it_is_there() {
    let server = checkout().await;
    let (address, _tasks) = server.listen_jaeger_grpc().await;
    let mut health = HealthClient::new(Clients::connect(address).await.channel);
    for service in ["", "jaeger.api_v2.QueryService", "jaeger.storage.v2.TraceReader"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let status = health.check(request.clone()).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service}");
        let mut watched = health.watch(request).await.unwrap().into_inner();
        let first = watched.message().await.unwrap().unwrap();
        assert_eq!(first.status(), ServingStatus::Serving);
    }
    let unknown = health.check(HealthCheckRequest { service: "x".to_owned() }).await;
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
}

//! Tempo's streaming service: gRPC on the port of the HTTP API.

use std::net::SocketAddr;
use std::time::Duration;

use futures::TryStreamExt;
use prost::Message;
use spandrel_api::{ApiOptions, Dialect};
use spandrel_base::memory::MemoryBudget;
use spandrel_model::TenantId;
use spandrel_proto::tempo::streaming_querier_client::StreamingQuerierClient;
use spandrel_proto::tempo::{
    QueryInstantRequest, QueryInstantResponse, QueryRangeRequest, QueryRangeResponse,
    SearchRequest, SearchTagValuesRequest, SearchTagsRequest,
};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request};

use crate::harness::{CHECKOUT, Server, numbered};
use crate::limits::{eventually, server as slow_server};
use crate::strict::{self, decode};

type Client = StreamingQuerierClient<Channel>;

async fn client(address: SocketAddr) -> Client {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
    StreamingQuerierClient::new(endpoint.connect().await.unwrap())
}

/// Six blocks with one trace each, and a live one.
async fn seven_traces() -> Server {
    let server = Server::start(Dialect::Tempo).await;
    for number in 0..7 {
        server.store(&numbered(number, if number < 4 { "a" } else { "b" })).await;
        if number < 6 {
            server.flush().await;
        }
    }
    server
}

/// Scenario: a search over several blocks, with and without a limit that ends it early.
/// Guarantees: what the messages say together is what HTTP answers, in its order, each trace once; several messages
/// come, progress grows to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_comes_piece_by_piece() {
    let server = seven_traces().await;
    let (address, _tasks) = server.listen().await;
    let mut client = client(address).await;
    for (query, limit) in [("{}", 100), ("{}", 3), ("{ status = error }", 2), ("{ .no = 1 }", 5)] {
        let request = SearchRequest {
            query: query.to_owned(),
            limit,
            start: 1_485_431_000,
            end: 1_485_433_000,
            ..SearchRequest::default()
        };
        let messages: Vec<_> =
            client.search(request).await.unwrap().into_inner().try_collect().await.unwrap();
        let ids: Vec<_> = messages.iter().flat_map(|m| &m.traces).map(|t| &t.trace_id).collect();
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.append_pair("q", query).append_pair("limit", &limit.to_string());
        let path = format!("/api/search?{}&start=1485431000&end=1485433000", encoded.finish());
        let http: strict::SearchResponse = decode(&server.get(&path).await);
        let wanted: Vec<_> = http.traces.iter().map(|trace| &trace.trace_id).collect();
        assert_eq!(ids, wanted, "{query} {limit}");
        let progress: Vec<_> = messages
            .iter()
            .map(|message| message.metrics.as_ref().unwrap())
            .map(|metrics| (metrics.completed_jobs, metrics.total_jobs))
            .collect();
        assert!(progress.is_sorted(), "{progress:?}");
        assert_eq!(progress.last(), Some(&(7, 7)), "{progress:?}");
        if limit == 100 {
            // Live spans are one piece, and blocks that are read together another.
            assert_eq!(progress.first(), Some(&(1, 7)), "{progress:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_values_come_as_differences() {
    let server = seven_traces().await;
    let (address, _tasks) = server.listen().await;
    let mut client = client(address).await;

    let request = SearchTagsRequest { scope: "span".to_owned(), ..SearchTagsRequest::default() };
    let stream = client.search_tags(request.clone()).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let mut names: Vec<_> = messages.iter().flat_map(|message| message.tag_names.clone()).collect();
    names.sort();
    let http: strict::SearchTagsResponse = decode(&server.get("/api/search/tags?scope=span").await);
    assert_eq!(names, http.tag_names);
    assert!(messages.len() >= 7, "{}", messages.len());
    assert_eq!(messages.last().unwrap().metrics.as_ref().unwrap().completed_jobs, 7);

    let stream = client.search_tags_v2(SearchTagsRequest::default()).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let scopes: Vec<_> = messages.iter().flat_map(|message| &message.scopes).collect();
    let n_intrinsics = scopes.iter().filter(|scope| scope.name == "intrinsic").count();
    assert_eq!((n_intrinsics, messages[0].scopes.len()), (1, 3), "{messages:?}");
    let all = scopes.iter().filter(|scope| scope.name == "span").flat_map(|scope| &scope.tags);
    assert_eq!(all.count(), http.tag_names.len());

    let ask = |name: &str, query: &str| SearchTagValuesRequest {
        tag_name: name.to_owned(),
        query: query.to_owned(),
        ..SearchTagValuesRequest::default()
    };
    let request = ask("span.number", "{ resource.service.name = \"b\" }");
    let stream = client.search_tag_values_v2(request).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let mut values: Vec<_> =
        messages.iter().flat_map(|m| &m.tag_values).map(|v| (&*v.r#type, &*v.value)).collect();
    values.sort();
    assert_eq!(values, [("int", "4"), ("int", "5"), ("int", "6")]);
    assert!(messages.iter().filter(|message| !message.tag_values.is_empty()).count() >= 3);

    let stream = client.search_tag_values(ask("service.name", "")).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    let mut values: Vec<_> = messages.iter().flat_map(|m| &m.tag_values).collect();
    values.sort();
    assert_eq!(values, ["a", "b"]);
    let stream = client.search_tag_values_v2(ask("status", "")).await.unwrap().into_inner();
    let messages: Vec<_> = stream.try_collect().await.unwrap();
    assert_eq!((messages.len(), messages[0].tag_values.len()), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_have_the_codes_of_tempo() {
    let server = Server::start(Dialect::Tempo).await;
    let (address, _tasks) = server.listen().await;
    let mut client = client(address).await;
    let request = SearchRequest { query: "{ .a = }".to_owned(), ..SearchRequest::default() };
    let error = client.search(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().starts_with("parse error at line 1"), "{}", error.message());
    let request = SearchTagsRequest { scope: "x".to_owned(), ..SearchTagsRequest::default() };
    assert_eq!(client.search_tags(request).await.unwrap_err().code(), Code::InvalidArgument);
    let request = SearchTagValuesRequest::default();
    let error = client.search_tag_values_v2(request).await.unwrap_err();
    assert_eq!(error.message(), "please provide a non-empty tagName");
    let mut request = Request::new(SearchRequest::default());
    request.metadata_mut().insert("x-scope-orgid", "a|b".parse().unwrap());
    assert_eq!(client.search(request).await.unwrap_err().code(), Code::InvalidArgument);
    let request = QueryRangeRequest { query: "{ } | rate(".to_owned(), ..Default::default() };
    let error = client.metrics_query_range(request).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().starts_with("parse error at line 1"), "{}", error.message());
    let request = QueryInstantRequest { query: "{ }".to_owned(), ..Default::default() };
    let mut messages = client.metrics_query_instant(request).await.unwrap().into_inner();
    let error = messages.message().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().starts_with("not a metrics query"), "{}", error.message());
}

/// Guarantees: metrics over gRPC are those over HTTP, behind every pipeline, and the job is done at the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_are_those_of_http() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    server.flush().await;
    let (address, _tasks) = server.listen().await;
    let mut client = client(address).await;
    let (start, end) = (1_485_432_000_000_000_000, 1_485_432_060_000_000_000);
    let protobuf = [("accept", "application/protobuf")];
    for query in [
        "{ } | count_over_time() by (resource.service.name)",
        "{ } > { } | max_over_time(duration) by (parent.resource.service.name)",
        "{ } | rate() with(exemplars=2)",
    ] {
        let mut encoded = url::form_urlencoded::Serializer::new(String::new());
        encoded.append_pair("q", query);
        let params = format!("{}&start={start}&end={end}", encoded.finish());
        let request = QueryRangeRequest {
            query: query.to_owned(),
            start,
            end,
            step: 30_000_000_000,
            ..Default::default()
        };
        let stream = client.metrics_query_range(request).await.unwrap().into_inner();
        let messages: Vec<_> = stream.try_collect().await.unwrap();
        let path = format!("/api/metrics/query_range?{params}&step=30s");
        let answer = server.get_with(&path, &protobuf).await;
        let http = QueryRangeResponse::decode(answer.body).unwrap();
        assert!(!http.series.is_empty(), "{query}");
        let metrics = messages[0].metrics.as_ref().unwrap();
        assert_eq!((metrics.completed_jobs, metrics.total_jobs), (1, 1), "{query}");
        assert_eq!(messages, [http], "{query}");

        let request = QueryInstantRequest { query: query.to_owned(), start, end };
        let stream = client.metrics_query_instant(request).await.unwrap().into_inner();
        let messages: Vec<_> = stream.try_collect().await.unwrap();
        let answer = server.get_with(&format!("/api/metrics/query?{params}"), &protobuf).await;
        let http = QueryInstantResponse::decode(answer.body).unwrap();
        assert!(!http.series.is_empty(), "{query}");
        assert_eq!(messages, [http], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenant_is_in_the_metadata() {
    let options = ApiOptions { multi_tenant_queries: true, ..ApiOptions::default() };
    let server = Server::start_switched(options).await;
    server.store_for(TenantId::new("a").unwrap(), &numbered(0, "a")).await;
    server.store_for(TenantId::new("b").unwrap(), &numbered(1, "b")).await;
    let (address, _tasks) = server.listen().await;
    let mut client = client(address).await;
    for (tenant, n_traces) in [("a", 1), ("b", 1), ("c", 0), ("a|b", 2)] {
        let mut request = Request::new(SearchRequest::default());
        request.metadata_mut().insert("x-scope-orgid", tenant.parse().unwrap());
        let stream = client.search(request).await.unwrap().into_inner();
        let messages: Vec<_> = stream.try_collect().await.unwrap();
        let n: usize = messages.iter().map(|message| message.traces.len()).sum();
        assert_eq!(n, n_traces, "{tenant}");
    }
}

/// Scenario: clients ask while the store of the blocks takes an hour for each read, and leave.
/// Guarantees: their queries end: memory is free again, and nothing more is read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_ends_its_query() {
    let memory = MemoryBudget::new("memory of all queries", 1 << 30);
    let (server, objects) = slow_server(&memory, 1 << 30).await;
    let (address, _tasks) = server.listen().await;
    let search = SearchRequest { query: "{ span.vip = true }".to_owned(), ..Default::default() };
    let values = SearchTagValuesRequest {
        tag_name: "span.amount".to_owned(),
        query: "{ span.vip = true }".to_owned(),
        ..Default::default()
    };
    for is_search in [true, false] {
        // The block is open then, and what is left to read are columns.
        server.get("/api/search").await;
        objects.set_latency(Duration::from_secs(3_600));
        let mut client = client(address).await;
        let (search, values) = (search.clone(), values.clone());
        let asking = async {
            match is_search {
                true => drop(client.search(search).await.unwrap().into_inner().message().await),
                false => {
                    let stream = client.search_tag_values_v2(values).await.unwrap();
                    let mut stream = stream.into_inner();
                    // One may say how far it is.
                    while let Ok(Some(_)) = stream.message().await {}
                }
            }
        };
        tokio::select! {
            () = asking => panic!("answered while nothing can be read"),
            () = eventually("the query holds memory", || memory.used() > 0) => {}
        }
        eventually("nothing is held", || memory.used() == 0).await;
        objects.set_latency(Duration::ZERO);
        objects.take_counts();
        server.get("/api/v2/traces/123").await;
        assert_eq!(objects.take_counts().requests, 0);
    }
}

//! A client of Tempo's API, as strict as Grafana.

use std::net::SocketAddr;

use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, TracesData};
use prost::Message;
use serde_json::Value;

use crate::http::{Http, Reply};
use crate::otlp_json::{OtlpJson, resource_spans_of};
use crate::span_view::{SpanView, span_views};

/// `TraceByIDResponse` of Tempo, of which a test needs the trace.
#[derive(Clone, PartialEq, prost::Message)]
struct TraceByIdResponse {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
}

/// The client.
#[derive(Debug)]
pub struct Tempo {
    http: Http,
    tenant: Option<String>,
}

impl Tempo {
    /// A client that connects when it is first used.
    pub fn new(addr: SocketAddr) -> Self {
        Self { http: Http::new(addr), tenant: None }
    }

    /// The same for the data of this tenant.
    #[must_use]
    pub fn of_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// The answer to a path.
    ///
    /// # Panics
    /// When there is none.
    pub fn get(&mut self, path: &str) -> Reply {
        self.accept(path, "application/json")
    }

    /// The answer to a path in one of the media types.
    ///
    /// # Panics
    /// When there is none.
    pub fn accept(&mut self, path: &str, media_type: &str) -> Reply {
        let mut headers = vec![("accept", media_type)];
        if let Some(tenant) = &self.tenant {
            headers.push(("x-scope-orgid", tenant));
        }
        self.http.request("GET", path, &headers, &[]).expect("Tempo's API answers")
    }

    /// A trace by its id in hex, empty when there is none; asked for as protobuf, which is what Grafana
    /// does.
    ///
    /// # Panics
    /// When the answer is an error or cannot be read.
    pub fn trace(&mut self, id: &str) -> Vec<SpanView> {
        let path = format!("/api/v2/traces/{id}");
        let reply = self.accept(&path, "application/protobuf");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        let response = TraceByIdResponse::decode(reply.body.as_slice());
        let trace: Vec<ResourceSpans> =
            response.expect("a response").trace.expect("a trace, even if empty").resource_spans;
        span_views(&trace)
    }

    /// The same, asked for as JSON.
    ///
    /// # Panics
    /// When the answer is an error or cannot be read.
    pub fn trace_as_json(&mut self, id: &str) -> Vec<SpanView> {
        let path = format!("/api/v2/traces/{id}");
        let reply = self.get(&path);
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        span_views(&resource_spans_of(OtlpJson::Tempo, &reply.json()["trace"]))
    }

    /// A search over all times.
    ///
    /// # Panics
    /// When the answer is an error or cannot be read.
    pub fn search(&mut self, query: &str, limit: usize) -> Value {
        let path = format!("/api/search?q={}&limit={limit}&spss=100", percent_encoded(query));
        let reply = self.get(&path);
        assert_eq!(reply.status, 200, "{query}: {}", reply.text());
        reply.json()
    }

    /// Trace ids that a search over all times finds, in its order, padded to 32 digits.
    ///
    /// # Panics
    /// When the answer is an error or cannot be read.
    pub fn find(&mut self, query: &str, limit: usize) -> Vec<String> {
        let found = self.search(query, limit);
        let traces = found["traces"].as_array().map_or(&[][..], Vec::as_slice);
        let id = |trace: &Value| format!("{:0>32}", trace["traceID"].as_str().expect("an id"));
        traces.iter().map(id).collect()
    }
}

/// Text as part of a path or a query.
pub fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

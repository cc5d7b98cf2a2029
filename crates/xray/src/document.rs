//! A segment document as SDKs write it; fields that are not translated are left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// The line before a segment.
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: String,
    pub(crate) version: u64,
}

/// A segment or subsegment. JSON's depth bounds how deep they are.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Segment {
    pub(crate) name: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) trace_id: Option<String>,
    pub(crate) parent_id: Option<String>,
    pub(crate) r#type: Option<String>,
    pub(crate) namespace: Option<String>,
    pub(crate) start_time: Option<f64>,
    pub(crate) end_time: Option<f64>,
    pub(crate) in_progress: Option<bool>,
    pub(crate) error: Option<bool>,
    pub(crate) fault: Option<bool>,
    pub(crate) throttle: Option<bool>,
    pub(crate) traced: Option<bool>,
    pub(crate) user: Option<String>,
    pub(crate) resource_arn: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) service: Option<Service>,
    pub(crate) http: Option<Http>,
    pub(crate) aws: Option<BTreeMap<String, Value>>,
    pub(crate) sql: Option<BTreeMap<String, Value>>,
    pub(crate) cause: Option<Cause>,
    pub(crate) annotations: Option<BTreeMap<String, Value>>,
    pub(crate) metadata: Option<BTreeMap<String, Value>>,
    pub(crate) subsegments: Option<Vec<Segment>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) version: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Http {
    pub(crate) request: Option<HttpRequest>,
    pub(crate) response: Option<HttpResponse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HttpRequest {
    pub(crate) method: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) client_ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) x_forwarded_for: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HttpResponse {
    pub(crate) status: Option<i64>,
    pub(crate) content_length: Option<Value>,
}

/// Why a segment failed: the id of an exception that another one has, or exceptions.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Cause {
    Id(String),
    Exceptions {
        #[serde(default)]
        exceptions: Option<Vec<Exception>>,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Exception {
    pub(crate) id: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) r#type: Option<String>,
    pub(crate) remote: Option<bool>,
    pub(crate) truncated: Option<i64>,
    pub(crate) skipped: Option<i64>,
    pub(crate) cause: Option<String>,
    pub(crate) stack: Option<Vec<Frame>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Frame {
    pub(crate) path: Option<String>,
    pub(crate) line: Option<i64>,
    pub(crate) label: Option<String>,
}

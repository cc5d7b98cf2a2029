//! Documentation for language models, as tools and as resources.

use serde_json::{Value, json};

use super::arguments::Arguments;
use super::protocol::Reply;

/// A document.
struct Document {
    uri: &'static str,
    title: &'static str,
    description: &'static str,
    text: &'static str,
}

const BASIC: &str = include_str!("docs/basic.md");
const AGGREGATES: &str = include_str!("docs/aggregates.md");
const STRUCTURAL: &str = include_str!("docs/structural.md");
const METRICS: &str = include_str!("docs/metrics.md");
const OVERVIEW: &str = include_str!("docs/config-overview.md");
const REFERENCE: &str = include_str!("docs/config-reference.md");

/// What the tool `docs-traceql` can be asked for.
pub(super) const TRACEQL_NAMES: [&str; 4] = ["basic", "aggregates", "structural", "metrics"];
/// What the tool `docs-config` can be asked for.
pub(super) const CONFIG_NAMES: [&str; 2] = ["overview", "reference"];

const DOCUMENTS: [Document; 7] = [
    Document {
        uri: "docs://traceql/query",
        title: "TraceQL",
        description: "How to search with TraceQL; the same as docs://traceql/basic",
        text: BASIC,
    },
    Document {
        uri: "docs://traceql/metrics",
        title: "TraceQL metrics",
        description: "How to get figures out of spans",
        text: METRICS,
    },
    Document {
        uri: "docs://traceql/basic",
        title: "TraceQL basics",
        description: "Filters, attributes, intrinsics, operators",
        text: BASIC,
    },
    Document {
        uri: "docs://traceql/aggregates",
        title: "TraceQL aggregates",
        description: "Counting and aggregating the spans of a trace, grouping, selecting",
        text: AGGREGATES,
    },
    Document {
        uri: "docs://traceql/structural",
        title: "TraceQL structure",
        description: "Conditions on parents, children, ancestors, descendants and siblings",
        text: STRUCTURAL,
    },
    Document {
        uri: "docs://config/overview",
        title: "Configuration, overview",
        description: "Which options there are for what",
        text: OVERVIEW,
    },
    Document {
        uri: "docs://config/reference",
        title: "Configuration, reference",
        description: "Every option of the server with its default",
        text: REFERENCE,
    },
];

/// The list of all documents.
pub(super) fn resources() -> Value {
    let resource = |document: &Document| {
        json!({
            "uri": document.uri,
            "name": document.title,
            "description": document.description,
            "mimeType": "text/markdown",
        })
    };
    json!({ "resources": DOCUMENTS.iter().map(resource).collect::<Vec<_>>() })
}

/// One document.
pub(super) fn read_resource(params: &Value) -> Result<Value, Reply> {
    let uri = params["uri"].as_str().unwrap_or_default();
    let document = DOCUMENTS.iter().find(|document| document.uri == uri);
    let document =
        document.ok_or_else(|| Reply::invalid_params(format!("resource '{uri}' is not known")))?;
    Ok(json!({ "contents": [
        { "uri": document.uri, "mimeType": "text/markdown", "text": document.text },
    ] }))
}

/// The answer of `docs-traceql`.
pub(super) fn traceql(arguments: &Arguments<'_>) -> Result<&'static str, String> {
    match arguments.required("name")? {
        "basic" | "query" => Ok(BASIC),
        "aggregates" => Ok(AGGREGATES),
        "structural" => Ok(STRUCTURAL),
        "metrics" => Ok(METRICS),
        other => Err(format!("no document '{other}': expected one of {TRACEQL_NAMES:?}")),
    }
}

/// The answer of `docs-config`.
pub(super) fn config(arguments: &Arguments<'_>) -> Result<&'static str, String> {
    match arguments.required("name")? {
        "overview" => Ok(OVERVIEW),
        "reference" => Ok(REFERENCE),
        other => Err(format!("no document '{other}': expected one of {CONFIG_NAMES:?}")),
    }
}

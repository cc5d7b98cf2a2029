//! The tools, by the names and arguments that they have in Tempo.

use axum::body::{Body, to_bytes};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, Request};
use serde_json::{Value, json};
use spandrel_traceql::ast::Root;
use spandrel_traceql::compile;
use tower::ServiceExt;
use url::form_urlencoded;

use super::arguments::Arguments;
use super::protocol::Reply;
use super::{Server, docs};

/// Bytes of an answer; nobody reads more.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const FOR_MODELS: &str = "application/vnd.grafana.llm";

/// What a tool asks of the HTTP API, and what its answer is called.
struct Asked {
    request: Request<Body>,
    kind: &'static str,
    version: &'static str,
}

/// All tools with their arguments.
pub(super) fn list() -> Value {
    let query = ("query", "TraceQL query", true);
    let start = ("start", "Begin of the range, RFC 3339; default one hour ago", false);
    let end = ("end", "End of the range, RFC 3339; default now", false);
    json!({ "tools": [
        tool("traceql-search", "Find traces with a TraceQL query; the newest come first",
            &[query, start, end]),
        tool("traceql-metrics-instant",
            "One figure per series for a TraceQL metrics query over the range; enough for most \
             questions about numbers", &[query, start, end]),
        tool("traceql-metrics-range",
            "Series over time for a TraceQL metrics query", &[query, start, end]),
        tool("get-trace", "Everything of one trace", &[("trace_id", "Id of the trace", true)]),
        trace_diff(),
        tool("get-attribute-names", "Names of attributes that queries can use",
            &[("scope", "One of span, resource, event, link, instrumentation; default all", false)]),
        tool("get-attribute-values", "Values of an attribute, for example all services",
            &[
                ("name", "The attribute with its scope, as resource.service.name", true),
                ("filter-query", "Of spans that pass this filter only, as \
                    { resource.service.name = \"shop\" }", false),
            ]),
        with_choice(tool("docs-traceql", "How to write TraceQL",
            &[("name", "Which part", true)]), "name", &docs::TRACEQL_NAMES),
        with_choice(tool("docs-config", "How the server is configured",
            &[("name", "Which part", true)]), "name", &docs::CONFIG_NAMES),
    ] })
}

fn tool(name: &str, description: &str, arguments: &[(&str, &str, bool)]) -> Value {
    let text = |(name, description, _): &(&str, &str, bool)| {
        ((*name).to_owned(), json!({ "type": "string", "description": description }))
    };
    let properties: serde_json::Map<_, _> = arguments.iter().map(text).collect();
    let required = arguments.iter().filter(|(.., required)| *required);
    let required: Vec<&str> = required.map(|(name, ..)| *name).collect();
    json!({
        "name": name,
        "description": description,
        "inputSchema": { "type": "object", "properties": properties, "required": required },
        "annotations": {
            "readOnlyHint": true,
            "destructiveHint": false,
            "idempotentHint": true,
            "openWorldHint": false,
        },
    })
}

fn with_choice(mut tool: Value, argument: &str, choices: &[&str]) -> Value {
    tool["inputSchema"]["properties"][argument]["enum"] = json!(choices);
    tool
}

fn trace_diff() -> Value {
    let with = "RFC 3339; together with the other end of the range";
    let formats = ["trace-summary-v0-composed", "trace-summary-v0-native", "trace-patch-v0"];
    let tool = tool(
        "trace-diff",
        "What is different between two traces: a summary by service, with every changed span when \
         that is short",
        &[
            ("base_trace_id", "Id of the trace to compare with", true),
            ("compare_trace_id", "Id of the trace that is compared", true),
            ("base_start", with, false),
            ("base_end", with, false),
            ("compare_start", with, false),
            ("compare_end", with, false),
            ("format", "Form of the answer; default trace-summary-v0-composed", false),
        ],
    );
    with_choice(tool, "format", &formats)
}

/// Calls a tool. What goes wrong in it is an answer, for the model to read.
pub(super) async fn call(
    server: &Server,
    headers: &HeaderMap,
    params: &Value,
) -> Result<Value, Reply> {
    let name = params["name"].as_str().ok_or_else(|| Reply::invalid_params("expected a name"))?;
    let arguments = Arguments(&params["arguments"]);
    let asked = match name {
        "traceql-search" => search(server, &arguments),
        "traceql-metrics-instant" => {
            metrics(server, &arguments, "/api/metrics/query", "metrics-instant")
        }
        "traceql-metrics-range" => {
            metrics(server, &arguments, "/api/metrics/query_range", "metrics-range")
        }
        "get-trace" => trace(&arguments),
        "trace-diff" => diff(&arguments),
        "get-attribute-names" => names(&arguments),
        "get-attribute-values" => values(&arguments),
        "docs-traceql" => return Ok(documentation(docs::traceql(&arguments))),
        "docs-config" => return Ok(documentation(docs::config(&arguments))),
        other => return Err(Reply::invalid_params(format!("tool '{other}' is not known"))),
    };
    Ok(match asked {
        Err(message) => failure(&message),
        Ok(asked) => server.ask(headers, asked).await,
    })
}

impl Server {
    async fn ask(&self, headers: &HeaderMap, asked: Asked) -> Value {
        let Asked { mut request, kind, version } = asked;
        if let Some(tenant) = headers.get("x-scope-orgid") {
            request.headers_mut().insert("x-scope-orgid", tenant.clone());
        }
        let response = self.endpoints.clone().oneshot(request).await;
        let response = response.unwrap_or_else(|never| match never {});
        let status = response.status();
        match to_bytes(response.into_body(), ANSWER_BYTES_MAX).await {
            Err(_) => failure(&format!(
                "the answer is larger than {ANSWER_BYTES_MAX} bytes; ask for less"
            )),
            Ok(body) => {
                let text = String::from_utf8_lossy(&body);
                match status.is_success() {
                    true => success(&text, kind, "json", version),
                    false => failure(&format!("status {}: {text}", status.as_u16())),
                }
            }
        }
    }
}

fn success(text: &str, kind: &str, encoding: &str, version: &str) -> Value {
    json!({
        "content": [{ "type": "text", "text": text }],
        "_meta": { "type": kind, "encoding": encoding, "version": version },
    })
}

fn failure(message: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": message }], "isError": true })
}

fn documentation(text: Result<&str, String>) -> Value {
    match text {
        Ok(text) => success(text, "documentation", "markdown", "1"),
        Err(message) => failure(&message),
    }
}

fn get(path: &str, params: &[(&str, &str)], kind: &'static str, version: &'static str) -> Asked {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(params.iter().filter(|(_, value)| !value.is_empty()));
    let request = Request::get(format!("{path}?{}", query.finish())).header(ACCEPT, FOR_MODELS);
    let request = request.body(Body::empty()).expect("a path that is encoded is a URI");
    Asked { request, kind, version }
}

/// A part of a path.
fn encoded(text: &str) -> String {
    let query: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    query.replace('+', "%20")
}

/// The query, which must be one for metrics, or must not.
fn query<'a>(arguments: &'a Arguments<'_>, is_metrics: bool) -> Result<&'a str, String> {
    let text = arguments.required("query")?;
    let query = compile(text)
        .map_err(|error| format!("query parse error. Consult the tool docs-traceql: {error}"))?;
    match (matches!(query.root, Root::Metrics(_)), is_metrics) {
        (true, false) => Err("this is a metrics query, which traceql-search does not answer: use \
            traceql-metrics-instant or traceql-metrics-range"
            .into()),
        (false, true) => Err("this is a search query, which finds traces and has no figures: use \
            traceql-search, or add a function such as | rate()"
            .into()),
        _ => Ok(text),
    }
}

fn search(server: &Server, arguments: &Arguments<'_>) -> Result<Asked, String> {
    let query = query(arguments, false)?;
    let (start, end) = arguments.range(&server.state.clock)?;
    let (start, end) = (start.to_string(), end.to_string());
    let params = [("q", query), ("start", &start), ("end", &end)];
    Ok(get("/api/search", &params, "search-results", "1"))
}

fn metrics(
    server: &Server,
    arguments: &Arguments<'_>,
    path: &str,
    kind: &'static str,
) -> Result<Asked, String> {
    let query = query(arguments, true)?;
    let (start, end) = arguments.range(&server.state.clock)?;
    let (start, end) = (start.to_string(), end.to_string());
    Ok(get(path, &[("q", query), ("start", &start), ("end", &end)], kind, "1"))
}

fn trace(arguments: &Arguments<'_>) -> Result<Asked, String> {
    let id = arguments.required("trace_id")?;
    Ok(get(&format!("/api/v2/traces/{}", encoded(id)), &[], "trace", "2"))
}

fn diff(arguments: &Arguments<'_>) -> Result<Asked, String> {
    let side = |id: &str, start: &str, end: &str| {
        let mut side = json!({ "traceId": arguments.required(id)? });
        if let Some((start, end)) = arguments.seconds(start, end)? {
            (side["start"], side["end"]) = (start.into(), end.into());
        }
        Ok::<_, String>(side)
    };
    let body = json!({
        "base": side("base_trace_id", "base_start", "base_end")?,
        "compare": side("compare_trace_id", "compare_start", "compare_end")?,
        "format": arguments.text("format")?.unwrap_or("trace-summary-v0-composed"),
    });
    let request = Request::post("/api/v2/traces/diff").header(CONTENT_TYPE, "application/json");
    let request = request.body(body.to_string().into()).expect("the path is a URI");
    Ok(Asked { request, kind: "trace-diff", version: "2" })
}

fn names(arguments: &Arguments<'_>) -> Result<Asked, String> {
    let scope = arguments.text("scope")?.unwrap_or_default();
    Ok(get("/api/v2/search/tags", &[("scope", scope)], "attribute-names", "2"))
}

fn values(arguments: &Arguments<'_>) -> Result<Asked, String> {
    let name = arguments.required("name")?;
    let filter = arguments.text("filter-query")?.unwrap_or_default();
    // A filter that cannot be read would be ignored, which only helps people who are still typing.
    let is_filter =
        |filter: &str| compile(filter).is_ok_and(|query| query.spanset_filter().is_some());
    if !filter.is_empty() && !is_filter(filter) {
        return Err("filter-query invalid: expected a single filter such as { status = error && \
            resource.service.name = \"shop\" }"
            .into());
    }
    let path = format!("/api/v2/search/tag/{}/values", encoded(name));
    Ok(get(&path, &[("q", filter)], "attribute-values", "2"))
}

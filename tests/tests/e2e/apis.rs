//! The shapes of Tempo's and Jaeger's APIs, over real HTTP, in full: clients such as Grafana refuse an
//! answer with a field too many, and break on one too few.

use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::{Value, json};
use spandrel_tests::{
    Home, Http, Reply, Spandrel, attribute, request, resource_spans, send, span, span_id,
    span_views, trace_id,
};

/// 2026-01-01, so that every time in an answer is known.
const START: u64 = 1_767_225_600_000_000_000;
const MILLI: u64 = 1_000_000;
const CART: &str = "a1000000000000000000000000000001";
const HOME: &str = "b2000000000000000000000000000002";
/// The time of the two traces, for APIs that look back a certain time only.
const TEMPO_RANGE: &str = "start=1767225000&end=1767226000";
const JAEGER_RANGE: &str = "start=1767225000000000&end=1767226000000000";

fn cart() -> (Span, Span) {
    let id = trace_id(0xa100_0000_0000_0000, 1);
    let mut root = span(&id, 0xc1, "GET /cart", START);
    root.kind = 2;
    root.end_time_unix_nano = START + 250 * MILLI;
    root.attributes = vec![attribute("http.route", "/cart")];
    root.status = Some(Status { code: 2, message: "no database".to_owned() });
    let mut select = span(&id, 0xc2, "SELECT cart", START + MILLI);
    select.kind = 3;
    select.parent_span_id = span_id(0xc1);
    select.end_time_unix_nano = START + 200 * MILLI;
    select.attributes = vec![attribute("db.system.name", "postgresql")];
    (root, select)
}

fn home() -> Span {
    let mut root =
        span(&trace_id(0xb200_0000_0000_0000, 2), 0xd1, "GET /home", START + 1000 * MILLI);
    root.kind = 2;
    root.attributes = vec![attribute("http.route", "/home")];
    root
}

/// Runs a check on live spans and once more on blocks.
#[track_caller]
fn check(check: impl Fn(&Spandrel)) {
    let mut place = Home::new();
    let spandrel = place.start();
    let (root, select) = cart();
    send(&mut spandrel.otlp(), &request("shop", vec![root, home()]));
    send(&mut spandrel.otlp(), &request("database", vec![select]));
    check(&spandrel);
    spandrel.stop();
    check(&place.start());
}

fn get(http: &mut Http, path: &str) -> Reply {
    http.get(path).unwrap()
}

/// The JSON answer without its statistics, of which only the place and the types are promised.
#[track_caller]
fn answer(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), Some("application/json"));
    let mut answer = reply.json();
    let metrics = answer.as_object_mut().unwrap().remove("metrics");
    let metrics = metrics.unwrap_or_else(|| panic!("no metrics in {answer:#}"));
    let known = [
        "inspectedTraces",
        "inspectedBytes",
        "totalBlocks",
        "completedJobs",
        "totalJobs",
        "totalBlockBytes",
        "inspectedSpans",
        "backendReads",
        "backendBytes",
        "additionalMetrics",
    ];
    for (name, value) in metrics.as_object().unwrap() {
        assert!(known.contains(&name.as_str()), "{name}: {value}");
    }
    answer
}

#[test]
fn tempo_search() {
    check(|spandrel| {
        let mut tempo = spandrel.tempo();
        let spans = json!({ "spans": [{
            "spanID": "00000000000000c1",
            "startTimeUnixNano": "1767225600000000000",
            "durationNanos": "250000000",
            "attributes": [{ "key": "http.route", "value": { "stringValue": "/cart" } }],
        }], "matched": 1 });
        let expected = json!({ "traces": [{
            "traceID": CART,
            "rootServiceName": "shop",
            "rootTraceName": "GET /cart",
            "startTimeUnixNano": "1767225600000000000",
            "durationMs": 250,
            "spanSet": spans,
            "spanSets": [spans],
            "serviceStats": {
                "database": { "spanCount": 1 },
                "shop": { "spanCount": 1, "errorCount": 1 },
            },
        }] });
        let query = "q=%7Bspan.http.route%3D%22%2Fcart%22%7D";
        for range in ["", "&start=1767225000&end=1767226000"] {
            let reply = tempo.get(&format!("/api/search?{query}{range}"));
            assert_eq!(answer(&reply), expected);
        }
        let none = tempo.get(&format!("/api/search?{query}&start=1767226000&end=1767227000"));
        assert_eq!(answer(&none)["traces"].as_array().map_or(0, Vec::len), 0);
        // Newest first, and limited to the newest.
        assert_eq!(tempo.find("{}", 10), [HOME, CART]);
        assert_eq!(tempo.find("{}", 1), [HOME]);
        let tags = tempo.get("/api/search?tags=http.route%3D%2Fcart&minDuration=100ms");
        assert_eq!(answer(&tags)["traces"][0]["traceID"], CART);
        let protobuf = tempo.accept(&format!("/api/search?{query}"), "application/protobuf");
        assert_eq!(protobuf.header("content-type"), Some("application/protobuf"));
        assert!(protobuf.body.windows(32).any(|window| window == CART.as_bytes()));
    });
}

#[test]
fn tempo_trace_by_id() {
    check(|spandrel| {
        let mut tempo = spandrel.tempo();
        let (root, select) = cart();
        let expected = span_views(&[
            resource_spans("shop", vec![root]),
            resource_spans("database", vec![select]),
        ]);
        assert_eq!(tempo.trace(CART), expected);
        assert_eq!(tempo.trace_as_json(CART), expected);
        let v2 = tempo.get(&format!("/api/v2/traces/{CART}"));
        let trace = &answer(&v2)["trace"];
        let names: Vec<&String> = trace.as_object().unwrap().keys().collect();
        assert_eq!(names, ["resourceSpans"]);
        let v1 = tempo.get(&format!("/api/traces/{CART}"));
        let names: Vec<String> = v1.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(names, ["batches"]);
        assert_eq!(v1.json()["batches"], trace["resourceSpans"]);
        let (unknown, short) = ("ff000000000000000000000000000000", "f");
        for id in [unknown, short] {
            let missing = tempo.get(&format!("/api/traces/{id}"));
            assert_eq!((missing.status, missing.text().as_str()), (404, ""));
            assert_eq!(tempo.trace(id), []);
        }
        for (id, message) in [
            (
                "xyz",
                "trace IDs can only contain hex characters: invalid character 'x' at position 1",
            ),
            ("0123456789abcdef0123456789abcdef0", "trace IDs can't be larger than 128 bits"),
        ] {
            let reply = tempo.get(&format!("/api/v2/traces/{id}"));
            assert_eq!(reply.status, 400);
            assert!(reply.text().contains(message), "{}", reply.text());
        }
    });
}

#[test]
fn tempo_tags() {
    check(|spandrel| {
        let mut tempo = spandrel.tempo();
        let tags = answer(&tempo.get("/api/search/tags"));
        let names = tags["tagNames"].as_array().unwrap();
        for name in ["service.name", "http.route", "db.system.name"] {
            assert!(names.contains(&json!(name)), "{name} in {tags}");
        }
        let scopes = |path: &str, tempo: &mut spandrel_tests::Tempo| {
            let answer = answer(&tempo.get(path));
            answer["scopes"].as_array().unwrap().clone()
        };
        let resource = json!({ "name": "resource", "tags": ["service.name"] });
        let span = json!({ "name": "span", "tags": ["db.system.name", "http.route"] });
        let all = scopes(&format!("/api/v2/search/tags?{TEMPO_RANGE}"), &mut tempo);
        for expected in [&resource, &span] {
            assert!(all.contains(expected), "{expected} in {all:?}");
        }
        let intrinsic = all.iter().find(|scope| scope["name"] == "intrinsic").unwrap();
        for name in ["duration", "status", "kind", "trace:rootName", "event:name"] {
            assert!(intrinsic["tags"].as_array().unwrap().contains(&json!(name)), "{name}");
        }
        assert_eq!(scopes("/api/v2/search/tags?scope=resource", &mut tempo), [resource]);
        assert_eq!(tempo.get("/api/v2/search/tags?scope=galaxy").status, 400);

        let v1 = answer(&tempo.get("/api/search/tag/service.name/values"));
        assert_eq!(v1, json!({ "tagValues": ["database", "shop"] }));
        let of = |values: &[&str]| {
            let value = |value: &&str| json!({ "type": "string", "value": value });
            json!({ "tagValues": values.iter().map(value).collect::<Vec<_>>() })
        };
        for (ident, expected) in [
            ("resource.service.name", of(&["database", "shop"])),
            ("span.http.route", of(&["/cart", "/home"])),
            (".http.route", of(&["/cart", "/home"])),
            ("name", of(&["GET /cart", "GET /home", "SELECT cart"])),
            ("duration", of(&[])),
        ] {
            let mut found = answer(&tempo.get(&format!("/api/v2/search/tag/{ident}/values")));
            if let Some(values) = found["tagValues"].as_array_mut() {
                values.sort_by_key(ToString::to_string);
            }
            assert_eq!(found, expected, "{ident}");
        }
        let status = answer(&tempo.get("/api/v2/search/tag/status/values"));
        let keyword = |value: &str| json!({ "type": "keyword", "value": value });
        for value in ["ok", "error", "unset"] {
            assert!(status["tagValues"].as_array().unwrap().contains(&keyword(value)), "{status}");
        }
        assert_eq!(tempo.get("/api/v2/search/tag/%7B/values").status, 400);
    });
}

#[test]
fn tempo_errors_and_status() {
    check(|spandrel| {
        let mut tempo = spandrel.tempo();
        for (path, message) in [
            ("/api/search?q=%7B", "parse error at line 1, col 2"),
            ("/api/search?q=%7B%7D&start=2&end=1", "end"),
            ("/api/search?q=%7B%7D&limit=no", "limit"),
            ("/api/search?q=%7B%20parent%20%7D", "not yet supported"),
        ] {
            let reply = tempo.get(path);
            assert_eq!(reply.status, 400, "{path}: {}", reply.text());
            assert!(reply.header("content-type").unwrap().starts_with("text/plain"), "{reply:?}");
            assert!(reply.text().contains(message), "{path}: {}", reply.text());
        }
        assert_eq!(tempo.get("/api/nothing").status, 404);
        assert_eq!(tempo.get("/api/echo").text(), "echo");
        assert_eq!(tempo.get("/ready").text().trim(), "ready");
        let info = tempo.get("/api/status/buildinfo").json();
        let names: Vec<&String> = info.as_object().unwrap().keys().collect();
        let expected = ["branch", "buildDate", "buildUser", "goVersion", "revision", "version"];
        assert_eq!(names, expected);
        let headers = [("accept-encoding", "gzip")];
        let mut http = Http::new(spandrel.ports.http);
        let path = format!("/api/v2/traces/{CART}");
        let zipped = http.request("GET", &path, &headers, &[]).unwrap();
        assert_eq!(zipped.header("content-encoding"), Some("gzip"));
        let mut http = Http::new(spandrel.ports.health);
        assert_eq!(get(&mut http, "/").json()["status"], "Server available");
        for addr in [spandrel.ports.telemetry, spandrel.ports.http] {
            let metrics = get(&mut Http::new(addr), "/metrics").text();
            assert!(metrics.contains("\nspandrel_spans_stored_total "), "{metrics}");
            assert!(metrics.ends_with("# EOF\n"));
        }
    });
}

#[test]
fn each_dialect_is_reached_on_both_ports() {
    check(|spandrel| {
        for addr in [spandrel.ports.http, spandrel.ports.jaeger_http] {
            let mut http = Http::new(addr);
            let tempo = get(&mut http, &format!("/tempo/api/traces/{CART}"));
            assert!(tempo.json()["batches"].is_array(), "{}", tempo.text());
            let jaeger = get(&mut http, &format!("/jaeger/api/traces/{CART}"));
            assert_eq!(jaeger.json()["data"][0]["traceID"], CART);
        }
    });
}

#[test]
fn tenants_see_their_own_spans_only() {
    check(|spandrel| {
        let mut other = spandrel.tempo().of_tenant("other");
        assert_eq!(other.trace(CART), []);
        assert_eq!(other.find("{}", 10), [""; 0]);
        let refused = spandrel.tempo().of_tenant("../single-tenant").get("/api/search");
        assert_eq!(refused.status, 400, "{}", refused.text());
    });
}

fn envelope(data: Value, total: usize) -> Value {
    json!({ "data": data, "total": total, "limit": 0, "offset": 0, "errors": null })
}

#[test]
fn jaeger_services_and_operations() {
    check(|spandrel| {
        let mut jaeger = spandrel.jaeger();
        let services = get(&mut jaeger, "/api/services").json();
        assert_eq!(services, envelope(json!(["database", "shop"]), 2));
        let names = get(&mut jaeger, "/api/services/shop/operations").json();
        assert_eq!(names, envelope(json!(["GET /cart", "GET /home"]), 2));
        let server = [
            json!({ "name": "GET /cart", "spanKind": "server" }),
            json!({ "name": "GET /home", "spanKind": "server" }),
        ];
        let operations = get(&mut jaeger, "/api/operations?service=shop").json();
        assert_eq!(operations, envelope(json!(server), 2));
        let clients = get(&mut jaeger, "/api/operations?service=shop&spanKind=client").json();
        assert_eq!(clients["data"].as_array().map_or(0, Vec::len), 0);
    });
}

fn tag(key: &str, kind: &str, value: impl Into<Value>) -> Value {
    json!({ "key": key, "type": kind, "value": value.into() })
}

/// The trace of the cart, as Jaeger 2.20 writes it; `p1` is whoever comes first.
fn jaeger_cart() -> Value {
    json!({
        "traceID": CART,
        "spans": [
            {
                "traceID": CART, "spanID": "00000000000000c1", "operationName": "GET /cart",
                "references": [], "startTime": START / 1000, "duration": 250_000,
                "tags": [
                    tag("http.route", "string", "/cart"),
                    tag("span.kind", "string", "server"),
                    tag("otel.status_code", "string", "ERROR"),
                    tag("error", "bool", true),
                    tag("otel.status_description", "string", "no database"),
                ],
                "logs": [], "processID": "shop", "warnings": null,
            },
            {
                "traceID": CART, "spanID": "00000000000000c2", "operationName": "SELECT cart",
                "references": [{
                    "refType": "CHILD_OF", "traceID": CART, "spanID": "00000000000000c1",
                }],
                "startTime": (START + MILLI) / 1000, "duration": 199_000,
                "tags": [
                    tag("db.system.name", "string", "postgresql"),
                    tag("span.kind", "string", "client"),
                ],
                "logs": [], "processID": "database", "warnings": null,
            },
        ],
        "processes": {
            "shop": { "serviceName": "shop", "tags": [] },
            "database": { "serviceName": "database", "tags": [] },
        },
        "warnings": null,
    })
}

/// Puts service names in the place of process ids, whose numbering means nothing.
fn name_processes(trace: &Value) -> Value {
    let mut trace = trace.clone();
    let processes = trace["processes"].as_object().unwrap().clone();
    let name = |id: &str| processes[id]["serviceName"].as_str().unwrap().to_owned();
    for span in trace["spans"].as_array_mut().unwrap() {
        let id = span["processID"].as_str().unwrap().to_owned();
        span["processID"] = json!(name(&id));
        span.as_object_mut().unwrap().remove("parentSpanID");
    }
    trace["processes"] =
        processes.iter().map(|(id, process)| (name(id), process.clone())).collect();
    trace
}

#[test]
fn jaeger_traces() {
    check(|spandrel| {
        let mut jaeger = spandrel.jaeger();
        let by_id = get(&mut jaeger, &format!("/api/traces/{CART}")).json();
        assert_eq!(name_processes(&by_id["data"][0]), jaeger_cart());
        assert_eq!(by_id, envelope(by_id["data"].clone(), 0));
        for (condition, expected) in [
            ("", &[HOME, CART][..]),
            ("&operation=GET%20%2Fcart", &[CART]),
            ("&operation=GET", &[]),
            ("&tags=%7B%22http.route%22%3A%22%2Fcart%22%7D", &[CART]),
            ("&tag=http.route%3A%2Fhome", &[HOME]),
            ("&tags=%7B%22error%22%3A%22true%22%7D", &[CART]),
            ("&minDuration=200ms", &[CART]),
            ("&maxDuration=200ms&minDuration=", &[HOME]),
            ("&limit=1", &[HOME]),
        ] {
            let path = format!("/api/traces?service=shop&{JAEGER_RANGE}{condition}");
            let found = get(&mut jaeger, &path).json();
            let ids: Vec<&str> = found["data"]
                .as_array()
                .unwrap_or_else(|| panic!("{path}: {found:#}"))
                .iter()
                .map(|trace| trace["traceID"].as_str().unwrap())
                .collect();
            assert_eq!(ids, expected, "{path}");
        }
        // The whole trace, although only one service was asked for.
        let path = format!("/api/traces?service=database&{JAEGER_RANGE}");
        let found = get(&mut jaeger, &path).json();
        assert_eq!(name_processes(&found["data"][0]), jaeger_cart());
    });
}

#[test]
fn jaeger_errors() {
    check(|spandrel| {
        let mut jaeger = spandrel.jaeger();
        for (path, status, message) in [
            ("/api/operations", 400, "parameter 'service' is required"),
            (
                "/api/traces?service=a&minDuration=2s&maxDuration=1s",
                400,
                "'maxDuration' should be greater than 'minDuration'",
            ),
            (
                "/api/traces?service=a&tag=x",
                400,
                "malformed 'tag' parameter, expecting key:value, received: x",
            ),
            ("/api/traces/ff", 404, "trace not found"),
        ] {
            let reply = get(&mut jaeger, path);
            assert_eq!(reply.status, status, "{path}: {}", reply.text());
            let error = reply.json();
            assert_eq!(error["data"], Value::Null);
            assert_eq!(error["errors"][0]["code"], status, "{error:#}");
            assert_eq!(error["errors"][0]["msg"], message);
        }
        let unknown = get(&mut jaeger, "/api/unknown");
        assert_eq!(unknown.status, 404);
    });
}

//! The description of the interface's API: what it describes is there and answers as it says, and everything that is
//! there is described. What is asked are the examples of the description itself.

mod schema;
mod shop;

use std::collections::BTreeSet;

use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use spandrel_api::{Dialect, LinkTemplates};
use tower::ServiceExt;

use self::schema::Schemas;
use crate::harness::{Answer, Server, numbered};
use crate::search_pieces;

/// Needs what arrives while it is asked.
const LIVE: &str = "live";

/// Needs a build with the feature.
const SQL: &str = "sql";

/// One operation of the description.
struct Operation<'a> {
    id: &'a str,
    method: Method,
    path: &'a str,
    parameters: Vec<&'a Value>,
    given: &'a Value,
}

fn operations(schemas: &Schemas) -> Vec<Operation<'_>> {
    let paths = schemas.document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        methods.as_object().unwrap().iter().map(|(method, given)| Operation {
            id: given["operationId"].as_str().unwrap(),
            method: method.to_uppercase().parse().unwrap(),
            path,
            parameters: given.get("parameters").map_or_else(Vec::new, |all| {
                all.as_array().unwrap().iter().map(|one| schemas.resolved(one)).collect()
            }),
            given,
        })
    });
    let mut all: Vec<_> = all.collect();
    // What is made comes first, what is deleted last.
    all.sort_by_key(|operation| match operation.method {
        Method::POST => 0,
        Method::DELETE => 2,
        _ => 1,
    });
    all
}

impl Operation<'_> {
    /// The address with the examples of all parameters but one.
    fn address(&self, without: Option<&str>) -> String {
        let mut path = self.path.to_owned();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in &self.parameters {
            let name = parameter["name"].as_str().unwrap();
            let example = match parameter.get("example") {
                Some(Value::Array(all)) => all.iter().map(text).collect(),
                Some(example) => vec![text(example)],
                None => vec![],
            };
            assert!(!example.is_empty() || parameter["required"] != Value::Bool(true), "{name}");
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), &example[0]);
            } else if without != Some(name) {
                query.extend_pairs(example.iter().map(|value| (name, value)));
            }
        }
        format!("{path}?{}", query.finish())
    }

    async fn ask(&self, server: &Server, schemas: &Schemas) -> Answer {
        let body = self.given.get("requestBody").map(|body| {
            let (content_type, body) = body["content"].as_object().unwrap().iter().next().unwrap();
            let example = &body["example"];
            schemas.check(&body["schema"], example, self.id).unwrap();
            (content_type.as_str(), text(example))
        });
        let (content_type, body) = body.unwrap_or(("", String::new()));
        let headers = [("content-type", content_type)];
        let headers = if content_type.is_empty() { &[][..] } else { &headers[..] };
        server.send(self.method.clone(), &self.address(None), headers, body).await
    }

    /// The status of success, and what comes with it.
    fn success(&self) -> (StatusCode, &Value) {
        let (status, response) =
            self.given["responses"].as_object().unwrap().iter().next().unwrap();
        (status.parse().unwrap(), response)
    }
}

/// As it stands in an address or a body.
fn text(example: &Value) -> String {
    example.as_str().map_or_else(|| example.to_string(), str::to_owned)
}

fn check_answer(schemas: &Schemas, operation: &Operation<'_>, answer: &Answer) {
    let id = operation.id;
    let (status, response) = operation.success();
    assert_eq!(answer.status, status, "{id}: {}", String::from_utf8_lossy(&answer.body));
    let Some(content) = response.get("content") else {
        assert!(answer.body.is_empty(), "{id}");
        return;
    };
    let (content_type, content) = content.as_object().unwrap().iter().next().unwrap();
    assert_eq!(answer.header("content-type"), content_type, "{id}");
    if content_type == "application/json" {
        schemas.check(&content["schema"], &answer.json(), id).unwrap();
    }
}

/// Of each kind one.
const LINK_TEMPLATES: [&str; 2] = [
    "linkPatterns: [{ type: tags, key: amount, url: 'https://pay.example/#{amount}', text: Payment }]",
    "datasources: [{ type: tempo, jsonData: { tracesToLogsV2: { datasourceUid: loki } } }]",
];

async fn shop() -> (Server, Schemas) {
    let server = Server::start(Dialect::Tempo).await;
    server.store(&shop::failed_payment()).await;
    server.flush().await;
    server.store(&shop::refused_payment()).await;
    let answer = server.get("/api/ui/openapi.json").await;
    assert_eq!(answer.status, StatusCode::OK);
    (server, Schemas::new(answer.json()))
}

#[tokio::test]
async fn every_answer_is_as_described() {
    let (server, schemas) = shop().await;
    for operation in operations(&schemas) {
        if operation.id == LIVE || (operation.id == SQL && !cfg!(feature = "sql")) {
            continue;
        }
        let answer = operation.ask(&server, &schemas).await;
        check_answer(&schemas, &operation, &answer);
        if operation.id == "skeleton" {
            let length = u32::from_le_bytes(answer.body[4..8].try_into().unwrap()) as usize;
            let header = serde_json::from_slice(&answer.body[8..8 + length]).unwrap();
            schemas.check_named("SkeletonHeader", &header).unwrap();
        }
        if operation.id == "search_pieces" {
            for (_, piece) in answer.events() {
                schemas.check_named("SearchPiece", &piece).unwrap();
            }
        }
    }
    check_live(&server, &schemas).await;
    let (_, failure) = search_pieces::failing().await.pop().unwrap();
    schemas.check_named("SearchFailure", &failure).unwrap();
    check_link_templates(server, &schemas).await;
    assert_eq!(schemas.unused(), [""; 0], "nothing that was answered has these schemas");
}

async fn check_link_templates(mut server: Server, schemas: &Schemas) {
    let all = operations(schemas);
    let operation = all.iter().find(|operation| operation.id == "link_templates").unwrap();
    let grafana = url::Url::parse("https://grafana.example").unwrap();
    for text in LINK_TEMPLATES {
        let templates = LinkTemplates::parse(text, "links.yaml", Some(&grafana)).unwrap();
        server.set_link_templates(templates);
        let answer = server.get(operation.path).await;
        check_answer(schemas, operation, &answer);
        let lists = answer.json();
        let n = |list: &str| lists[list].as_array().unwrap().len();
        assert_eq!(n("patterns") + n("explore"), 1, "{lists}");
    }
}

async fn check_live(server: &Server, schemas: &Schemas) {
    let all = operations(schemas);
    let live = all.iter().find(|operation| operation.id == LIVE).unwrap();
    let request = Request::get(live.address(None)).body(Body::empty()).unwrap();
    let response = server.routes().oneshot(request).await.unwrap();
    let (status, described) = live.success();
    assert_eq!(response.status(), status);
    assert!(
        described["content"].get(response.headers()["content-type"].to_str().unwrap()).is_some()
    );
    let mut body = response.into_body();
    server.store(&numbered(1, "shop")).await;
    loop {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let event = std::str::from_utf8(&frame).unwrap();
        let Some(data) = event.strip_prefix("event: spans\ndata: ") else { continue };
        return schemas
            .check_named("LiveEvent", &serde_json::from_str(data.trim()).unwrap())
            .unwrap();
    }
}

#[tokio::test]
async fn what_is_required_is_asked_for() {
    let (server, schemas) = shop().await;
    for operation in operations(&schemas) {
        for parameter in &operation.parameters {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] == "path" || parameter["required"] != Value::Bool(true) {
                continue;
            }
            let answer = server.get(&operation.address(Some(name))).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{} {name}", operation.id);
            assert!(answer.header("content-type").starts_with("text/plain"), "{}", operation.id);
        }
    }
}

#[tokio::test]
async fn every_route_is_described_with_its_methods() {
    let (server, schemas) = shop().await;
    let is_own = |path: &str| path.starts_with("/api/ui/") || path.starts_with("/s/");
    let routes: BTreeSet<String> =
        server.endpoints().into_iter().filter(|path| is_own(path)).collect();
    let all = operations(&schemas);
    let own = || all.iter().filter(|operation| is_own(operation.path));
    let described: BTreeSet<String> = own().map(|operation| operation.path.to_owned()).collect();
    assert_eq!(routes, described);
    for path in &routes {
        let one = own().find(|operation| operation.path == path).unwrap();
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = Request::builder().method(&method).uri(one.address(None));
            let response =
                server.routes().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            let is_there = response.status() != StatusCode::METHOD_NOT_ALLOWED;
            let is_described = own().any(|other| other.path == path && other.method == method);
            assert_eq!(is_there, is_described, "{method} {path}");
        }
    }
}

//! Real traces: every span arrives, and what is sent on is what came.

use std::fs;
use std::net::IpAddr;

use serde_json::Value as Json;
use spandrel_translate::Room;
use spandrel_zipkin::{Options, spans_of, to_json, v1_json};

use crate::v2::{decode, from_json};

const FOLDERS: [&str; 2] =
    ["../../../shared/suites/realtraces/zipkin", "../../../shared/suites/zipkin/traces"];

#[test]
fn every_span_arrives_and_leaves_as_it_came() {
    let mut n_spans = 0;
    for folder in FOLDERS {
        let Ok(entries) = fs::read_dir(folder) else {
            eprintln!("skipped: {folder} is not there");
            return;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let json: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            // Some files are lists of requests.
            let lists = match json.as_array().unwrap().first() {
                Some(Json::Array(_)) => json.as_array().unwrap().clone(),
                _ => vec![json],
            };
            for list in lists {
                n_spans += check(&list, &path.display().to_string());
            }
        }
    }
    assert!(n_spans > 1_000, "{n_spans}");
}

fn check(list: &Json, file: &str) -> u64 {
    let text = list.to_string();
    let spans = list.as_array().unwrap();
    let is_v1 = spans.iter().any(|span| span["binaryAnnotations"].is_array())
        || spans.iter().any(|span| span["annotations"][0]["endpoint"].is_object());
    if is_v1 {
        let mut grant = |_| true;
        let mut room = Room::new(&mut grant);
        let translated = v1_json(text.as_bytes(), Options::default(), 1, &mut room).unwrap();
        assert_eq!(translated.spans, spans.len() as u64, "{file}");
        return translated.spans;
    }
    let translated = from_json(text.as_bytes(), Options::default()).unwrap();
    assert_eq!(translated.spans, spans.len() as u64, "{file}");
    let sent = to_json(&spans_of(&decode(&translated)).unwrap());
    let sent: Json = serde_json::from_slice(&sent).unwrap();
    let key = |span: &Json| (span["id"].to_string(), span["kind"].to_string(), span.to_string());
    let mut sent: Vec<Json> = sent.as_array().unwrap().iter().cloned().map(normal).collect();
    let mut came: Vec<Json> = spans.iter().cloned().map(normal).collect();
    sent.sort_by_key(key);
    came.sort_by_key(key);
    for (sent, came) in sent.iter().zip(&came) {
        assert_eq!(sent, came, "{file}");
    }
    translated.spans
}

/// Without what OTLP cannot carry, with what a translation adds, and names as Zipkin stores them.
fn normal(mut span: Json) -> Json {
    let object = span.as_object_mut().unwrap();
    object.remove("shared");
    if let Some(Json::String(name)) = object.get_mut("name") {
        *name = name.to_lowercase();
    }
    object.remove("debug");
    // A service that nobody names gets a name, and an address of version 6 wins.
    if object.get("localEndpoint").is_some_and(|local| {
        local.get("serviceName").is_none_or(|name| name == "otlpresourcenoservicename")
    }) {
        object.remove("localEndpoint");
    }
    for endpoint in ["localEndpoint", "remoteEndpoint"] {
        let Some(Json::Object(endpoint)) = object.get_mut(endpoint) else { continue };
        if endpoint.contains_key("ipv6") {
            endpoint.remove("ipv4");
        }
        if let Some(Json::String(name)) = endpoint.get_mut("serviceName") {
            *name = name.to_lowercase();
        }
        // One file has an address like 52.0.0.05, which is none.
        let is_address =
            |text: &Json| text.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
        endpoint.retain(|key, value| !key.starts_with("ip") || is_address(value));
    }
    if let Some(Json::Object(tags)) = object.get_mut("tags") {
        // Whatever it says, the error has become the status.
        if tags.remove("error").is_some() {
            tags.insert("otel.status_code".to_owned(), "STATUS_CODE_ERROR".into());
        }
        if tags.is_empty() {
            object.remove("tags");
        }
    }
    if object.get("annotations").and_then(Json::as_array).is_some_and(Vec::is_empty) {
        object.remove("annotations");
    }
    if object.get("parentId") == object.get("id") {
        object.remove("parentId");
    }
    span
}

//! The questions, from `requests.json`.

use std::fs;

use serde_json::Value;
use spandrel_tests::percent_encoded;

use crate::spans::Sent;

const FILE: &str = "tests/compare/requests.json";

/// A question to both.
pub(crate) struct Request {
    /// For people.
    pub(crate) name: String,
    /// Path with query.
    pub(crate) path: String,
    /// What may differ.
    pub(crate) known: Vec<Known>,
}

/// A difference that is explained.
#[derive(Clone)]
pub(crate) struct Known {
    /// A part of the place, as differences have it; empty for all.
    pub(crate) at: String,
    /// The explanation.
    pub(crate) why: &'static str,
    /// It is not about one request.
    pub(crate) is_everywhere: bool,
}

impl Known {
    pub(crate) fn is_about(&self, at: &str) -> bool {
        at.contains(&self.at)
    }
}

/// All of them, for the spans that were sent.
pub(crate) fn read(sent: &Sent) -> Vec<Request> {
    let file: Value = serde_json::from_str(&fs::read_to_string(FILE).unwrap()).unwrap();
    let everywhere = known(&file["everywhere"], true);
    let mut requests = Vec::new();
    for group in list(&file["groups"]) {
        let names = group["names"].as_array().cloned();
        for name in names.unwrap_or_else(|| vec![Value::from("")]) {
            for query in list(&group["queries"]) {
                let mut known_all = everywhere.clone();
                known_all.extend(known(&group["differs"], true));
                known_all.extend(known(&query["differs"], false));
                requests.push(request(group, &name, query, sent, known_all));
            }
        }
    }
    assert!(requests.len() > 100, "only {} requests", requests.len());
    requests
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The list lives as long as the test.
fn known(list_of: &Value, is_everywhere: bool) -> Vec<Known> {
    let known = list(list_of).iter().map(|known| Known {
        at: known["at"].as_str().unwrap().to_owned(),
        why: known["why"].as_str().unwrap().to_owned().leak(),
        is_everywhere,
    });
    known.collect()
}

fn request(group: &Value, name: &Value, query: &Value, sent: &Sent, known: Vec<Known>) -> Request {
    let name = name.as_str().unwrap();
    let mut path = group["path"].as_str().unwrap().replace("{name}", &percent_encoded(name));
    for (place, value) in &sent.ids {
        path = path.replace(place, value);
    }
    let mut parameters = Vec::new();
    // A query alone may stand as a text.
    if let Some(q) = query.as_str().or_else(|| query["q"].as_str()) {
        let searched = &sent.ids["{searched}"];
        parameters.push(format!("q={}", percent_encoded(&q.replace("{searched}", searched))));
    }
    if group["range"] != false && query["range"] != false {
        parameters.push(format!("start={}&end={}", sent.start_seconds, sent.end_seconds));
    }
    for more in [&group["more"], &query["more"]] {
        parameters.extend(more.as_str().map(str::to_owned));
    }
    let about = query.as_str().or_else(|| query["q"].as_str()).unwrap_or_default();
    let more = query["more"].as_str().unwrap_or_default();
    Request {
        name: format!("{} {name} {about} {more}", group["path"].as_str().unwrap()),
        path: format!("{path}?{}", parameters.join("&")),
        known,
    }
}

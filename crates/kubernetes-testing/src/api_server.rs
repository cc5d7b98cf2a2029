//! A server of the Kubernetes API for tests: lists in pages, watches with bookmarks, and a history that can be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use spandrel_base::task::TaskSet;
use tokio::sync::watch;

/// Objects of a page.
const PAGE: usize = 1;

/// Which objects a request asks for. Selectors of fields are recorded and not obeyed.
#[derive(Clone)]
struct Scope {
    plural: String,
    namespace: Option<String>,
    labels: Vec<(String, String)>,
}

impl Scope {
    fn of(path: &str, query: &BTreeMap<String, String>) -> Self {
        let mut parts = path.rsplit('/');
        let plural = parts.next().unwrap_or_default().to_owned();
        let namespace = parts.next().map(str::to_owned);
        let namespace = namespace.filter(|_| parts.next() == Some("namespaces"));
        let labels = query.get("labelSelector").map(String::as_str).unwrap_or_default();
        let pair = |pair: &str| pair.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned()));
        Self { plural, namespace, labels: labels.split(',').filter_map(pair).collect() }
    }

    /// Whether it is about an object; what has no namespace is in all of them.
    fn has(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let namespace = metadata["namespace"].as_str();
        self.namespace.as_deref().is_none_or(|own| namespace.is_none_or(|other| other == own))
            && self.labels.iter().all(|(key, value)| metadata["labels"][key] == value.as_str())
    }

    /// Whether an event is for those who watch this; places are for all.
    fn hears(&self, plural: &str, event: &Value) -> bool {
        self.plural == plural && (event["type"] == "BOOKMARK" || self.has(&event["object"]))
    }
}

#[derive(Default)]
struct Inner {
    version: u64,
    objects: BTreeMap<String, BTreeMap<String, Value>>,
    /// Version, plural name and event.
    history: Vec<(u64, String, Value)>,
    /// What is before this is forgotten.
    begin: u64,
    /// Watches by when they began: those of a generation end after what had happened until this version.
    ends: Vec<u64>,
    is_closed: bool,
    lists: BTreeMap<String, u32>,
    watched_from: Vec<(String, u64)>,
    paths: BTreeSet<String>,
}

#[derive(Clone)]
struct Shared {
    inner: Arc<Mutex<Inner>>,
    changes: watch::Sender<u64>,
}

/// The server. It keeps objects of every kind by their plural name, whatever the path is before that.
pub struct ApiServer {
    shared: Shared,
    url: String,
    _tasks: TaskSet,
}

impl ApiServer {
    /// Begins to listen at a port of the loopback interface.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let inner = Inner { version: 10, ..Inner::default() };
        let shared = Shared { inner: Arc::new(Mutex::new(inner)), changes: watch::channel(0).0 };
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", socket.local_addr().expect("an address"));
        let tasks = TaskSet::new();
        tasks.spawn("api", async move {
            axum::serve(socket, router).await.expect("served");
        });
        Self { shared, url, _tasks: tasks }
    }

    /// Where it listens: `http://` and an address.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let result = change(&mut self.shared.inner.lock());
        self.shared.changes.send_modify(|n| *n += 1);
        result
    }

    /// Adds an object or changes it; its name is `metadata.name`.
    ///
    /// # Panics
    /// When it has no name.
    pub fn set(&self, plural: &str, object: Value) {
        self.change(|inner| {
            let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
            let known = inner.objects.entry(plural.to_owned()).or_default();
            let kind = if known.contains_key(&name) { "MODIFIED" } else { "ADDED" };
            inner.record(plural, kind, name, object);
        });
    }

    /// Removes an object that is there.
    ///
    /// # Panics
    /// When it is not there.
    pub fn delete(&self, plural: &str, name: &str) {
        self.change(|inner| {
            let objects = inner.objects.get(plural).expect("objects");
            let object = objects.get(name).expect("the object").clone();
            inner.record(plural, "DELETED", name.to_owned(), object);
        });
    }

    /// Tells watches of a place further on; returns it.
    pub fn bookmark(&self, plural: &str) -> u64 {
        self.change(|inner| {
            inner.version += 5;
            let version = inner.version;
            let metadata = json!({ "resourceVersion": version.to_string() });
            let object = json!({ "kind": "Pod", "apiVersion": "v1", "metadata": metadata });
            let event = json!({ "type": "BOOKMARK", "object": object });
            inner.history.push((version, plural.to_owned(), event));
            version
        })
    }

    /// Ends all watches after what they have to say.
    pub fn disconnect(&self) {
        self.change(|inner| inner.ends.push(inner.version));
    }

    /// Answers nothing but 503.
    pub fn close(&self) {
        self.change(|inner| inner.is_closed = true);
    }

    /// Answers again, after [`ApiServer::close`].
    pub fn open(&self) {
        self.change(|inner| inner.is_closed = false);
    }

    /// Forgets what has happened: watches of a place before now have to list again.
    pub fn forget_history(&self) {
        self.change(|inner| {
            inner.begin = inner.version;
            inner.history.clear();
        });
    }

    /// How often all objects were listed, the first page of each counted.
    pub fn lists(&self, plural: &str) -> u32 {
        self.shared.inner.lock().lists.get(plural).copied().unwrap_or_default()
    }

    /// Waits until somebody watches.
    ///
    /// # Panics
    /// Never, as long as the server is there.
    pub async fn watched(&self, plural: &str) {
        let mut changes = self.shared.changes.subscribe();
        while self.watched_from(plural).is_empty() {
            changes.changed().await.expect("the server runs");
        }
    }

    /// From which version on objects were watched, each time.
    pub fn watched_from(&self, plural: &str) -> Vec<u64> {
        let inner = self.shared.inner.lock();
        let watches = inner.watched_from.iter().filter(|(name, _)| name == plural);
        watches.map(|(_, version)| *version).collect()
    }

    /// What was listed, with the selectors of labels and fields.
    pub fn paths(&self) -> Vec<String> {
        self.shared.inner.lock().paths.iter().cloned().collect()
    }
}

impl Inner {
    fn record(&mut self, plural: &str, kind: &str, name: String, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let objects = self.objects.entry(plural.to_owned()).or_default();
        match kind {
            "DELETED" => drop(objects.remove(&name)),
            _ => drop(objects.insert(name, object.clone())),
        }
        let event = json!({ "type": kind, "object": object });
        self.history.push((self.version, plural.to_owned(), event));
    }

    /// One page of all objects; `from` is the number of those before it.
    fn list(&mut self, scope: &Scope, from: usize) -> Value {
        if from == 0 {
            *self.lists.entry(scope.plural.clone()).or_default() += 1;
        }
        let objects = self.objects.get(&scope.plural).into_iter().flat_map(|all| all.values());
        let objects: Vec<Value> = objects.filter(|object| scope.has(object)).cloned().collect();
        let page: Vec<Value> = objects.iter().skip(from).take(PAGE).cloned().collect();
        let next = from + page.len();
        let mut metadata = json!({ "resourceVersion": self.version.to_string() });
        if next < objects.len() {
            metadata["continue"] = json!(next.to_string());
        }
        json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": page })
    }
}

async fn answer(
    State(shared): State<Shared>,
    Query(query): Query<BTreeMap<String, String>>,
    uri: Uri,
) -> Response {
    let scope = Scope::of(uri.path(), &query);
    let mut inner = shared.inner.lock();
    if inner.is_closed {
        return failure(503, "ServiceUnavailable").1.into_response();
    }
    if query.get("watch").is_none_or(|value| value != "true" && value != "1") {
        let selectors = ["labelSelector", "fieldSelector"].map(|name| query.get(name));
        let selectors = selectors.into_iter().flatten().map(|selector| format!("?{selector}"));
        inner.paths.insert(format!("{}{}", uri.path(), selectors.collect::<String>()));
        let from = query.get("continue").and_then(|n| n.parse().ok()).unwrap_or(0);
        return axum::Json(inner.list(&scope, from)).into_response();
    }
    let since: u64 = query.get("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
    inner.watched_from.push((scope.plural.clone(), since));
    shared.changes.send_modify(|n| *n += 1);
    if since < inner.begin {
        // The server answers success and then says it in the stream.
        let event = json!({ "type": "ERROR", "object": failure(410, "Expired").0 });
        return lines(futures::stream::iter([event]));
    }
    let generation = inner.ends.len();
    drop(inner);
    let changes = shared.changes.subscribe();
    let state = (shared, changes, since);
    lines(futures::stream::unfold(state, move |(shared, mut changes, since)| {
        let scope = scope.clone();
        async move {
            loop {
                changes.borrow_and_update();
                {
                    let inner = shared.inner.lock();
                    let end = inner.ends.get(generation).copied();
                    let until = end.unwrap_or(u64::MAX);
                    let next = inner.history.iter().find(|(version, plural, event)| {
                        *version > since && *version <= until && scope.hears(plural, event)
                    });
                    if let Some((version, _, event)) = next.cloned() {
                        drop(inner);
                        return Some((event, (shared, changes, version)));
                    }
                    if end.is_some() {
                        return None;
                    }
                }
                changes.changed().await.ok()?;
            }
        }
    }))
}

fn lines(events: impl futures::Stream<Item = Value> + Send + 'static) -> Response {
    let lines = futures::StreamExt::map(events, |event| {
        Ok::<_, std::convert::Infallible>(Bytes::from(format!("{event}\n")))
    });
    Body::from_stream(lines).into_response()
}

fn failure(code: u16, reason: &str) -> (Value, (StatusCode, axum::Json<Value>)) {
    let status = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code });
    let code = StatusCode::from_u16(code).expect("a status");
    (status.clone(), (code, axum::Json(status)))
}

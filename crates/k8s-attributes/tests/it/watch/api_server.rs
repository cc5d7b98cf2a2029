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

/// The server.
pub(super) struct ApiServer {
    shared: Shared,
    url: String,
    _tasks: TaskSet,
}

impl ApiServer {
    pub(super) async fn start() -> Self {
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

    pub(super) fn client(&self) -> kube::Client {
        let config = kube::Config::new(self.url.parse().expect("an address"));
        kube::Client::try_from(config).expect("a client")
    }

    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let result = change(&mut self.shared.inner.lock());
        self.shared.changes.send_modify(|n| *n += 1);
        result
    }

    /// Adds an object or changes it.
    pub(super) fn set(&self, plural: &str, object: Value) {
        self.change(|inner| {
            let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
            let known = inner.objects.entry(plural.to_owned()).or_default();
            let kind = if known.contains_key(&name) { "MODIFIED" } else { "ADDED" };
            inner.record(plural, kind, name, object);
        });
    }

    pub(super) fn delete(&self, plural: &str, name: &str) {
        self.change(|inner| {
            let objects = inner.objects.get(plural).expect("objects");
            let object = objects.get(name).expect("the object").clone();
            inner.record(plural, "DELETED", name.to_owned(), object);
        });
    }

    /// Tells watches of a place further on; returns it.
    pub(super) fn bookmark(&self, plural: &str) -> u64 {
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
    pub(super) fn disconnect(&self) {
        self.change(|inner| inner.ends.push(inner.version));
    }

    /// Answers nothing but 503.
    pub(super) fn close(&self) {
        self.change(|inner| inner.is_closed = true);
    }

    pub(super) fn open(&self) {
        self.change(|inner| inner.is_closed = false);
    }

    pub(super) fn forget_history(&self) {
        self.change(|inner| {
            inner.begin = inner.version;
            inner.history.clear();
        });
    }

    /// How often all objects were listed, the first page of each counted.
    pub(super) fn lists(&self, plural: &str) -> u32 {
        self.shared.inner.lock().lists.get(plural).copied().unwrap_or_default()
    }

    /// Waits until somebody watches.
    pub(super) async fn watched(&self, plural: &str) {
        let mut changes = self.shared.changes.subscribe();
        while self.watched_from(plural).is_empty() {
            changes.changed().await.expect("the server runs");
        }
    }

    pub(super) fn watched_from(&self, plural: &str) -> Vec<u64> {
        let inner = self.shared.inner.lock();
        let watches = inner.watched_from.iter().filter(|(name, _)| name == plural);
        watches.map(|(_, version)| *version).collect()
    }

    /// What was listed, with the selector of fields.
    pub(super) fn paths(&self) -> Vec<String> {
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
    fn list(&mut self, plural: &str, from: usize) -> Value {
        if from == 0 {
            *self.lists.entry(plural.to_owned()).or_default() += 1;
        }
        let objects: Vec<Value> =
            self.objects.get(plural).into_iter().flat_map(|all| all.values().cloned()).collect();
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
    let plural = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut inner = shared.inner.lock();
    if inner.is_closed {
        return failure(503, "ServiceUnavailable").1.into_response();
    }
    if query.get("watch").is_none_or(|value| value != "true" && value != "1") {
        let fields = query.get("fieldSelector").map(|fields| format!("?{fields}"));
        inner.paths.insert(format!("{}{}", uri.path(), fields.unwrap_or_default()));
        let from = query.get("continue").and_then(|n| n.parse().ok()).unwrap_or(0);
        return axum::Json(inner.list(&plural, from)).into_response();
    }
    let since: u64 = query.get("resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
    inner.watched_from.push((plural.clone(), since));
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
        let plural = plural.clone();
        async move {
            loop {
                changes.borrow_and_update();
                {
                    let inner = shared.inner.lock();
                    let end = inner.ends.get(generation).copied();
                    let until = end.unwrap_or(u64::MAX);
                    let next = inner.history.iter().find(|(version, name, _)| {
                        *version > since && *version <= until && *name == plural
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

/// A pod of the namespace `shop` with one container.
pub(super) fn pod(name: &str, version: &str, ip: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid of {name}"),
            "creationTimestamp": "2026-01-01T00:00:00Z", "labels": { "version": version },
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": {} } }],
            "ownerReferences": [{ "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-5d4", "uid": "rs" }],
        },
        "spec": { "nodeName": "n1", "containers": [{ "name": "main", "image": "cart:1" }], "volumes": [{ "name": "v" }] },
        "status": {
            "podIP": ip, "startTime": "2026-01-01T00:00:01Z", "phase": "Running",
            "containerStatuses": [{ "name": "main", "restartCount": 1, "containerID": "containerd://c1", "imageID": "" }],
        },
    })
}

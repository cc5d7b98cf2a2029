//! A configuration for one machine: receivers where a test reaches them, exporters where it counts, waits shortened.
//! The rest is as it was written.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Map, Value, json};
use spandrel_collector::Plan;
use spandrel_config::types::{Canonical, Kind, canonical};
use spandrel_config::{ComponentId, Format, Redaction, Signal};

use super::send::{Protocol, Source};
use super::sinks::{HEADER, Sinks};

/// What became of a configuration.
pub(super) struct Edited {
    /// As `--config` takes it.
    pub(super) source: String,
    pub(super) sources: Vec<Source>,
    /// Exporters of pipelines of traces, and where what they are given is counted.
    pub(super) ends: Vec<(String, End)>,
    /// Receivers that had to be added because nobody reaches those that are there.
    pub(super) added: usize,
}

/// Where spans of an exporter end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// In a sink, under this name.
    Sink(String),
    /// In its own count of what it has sent.
    Sent,
    /// In the count of what a stub has dropped.
    Stub,
    /// In a file.
    File(String),
}

/// Addresses that nobody else listens on: the process has one to itself, out of the range for this machine.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(10_000);
    let [high, low] = [(std::process::id() >> 8) & 0x7f, std::process::id() & 0xff];
    let own = Ipv4Addr::new(127, u8::try_from(high + 1).unwrap(), u8::try_from(low).unwrap(), 1);
    SocketAddr::from((own, NEXT.fetch_add(1, Ordering::Relaxed)))
}

fn type_of(kind: Kind, id: &ComponentId) -> &str {
    match canonical(kind, id.type_name()) {
        Canonical::Current(name) | Canonical::Renamed { name, .. } => name,
        _ => id.type_name(),
    }
}

/// The map below a key; null and nothing become an empty one.
fn map<'a>(of: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    if !of.is_object() {
        *of = json!({});
    }
    let below = of.as_object_mut().unwrap().entry(key).or_insert(Value::Null);
    if !below.is_object() {
        *below = json!({});
    }
    below.as_object_mut().unwrap()
}

pub(super) struct Editor<'a> {
    pub(super) sinks: &'a Sinks,
    /// A name of the configuration, for exporters.
    pub(super) name: &'a str,
    pub(super) number: usize,
    /// A directory of its own.
    pub(super) directory: &'a Path,
}

impl Editor<'_> {
    /// `None` when it has no pipeline of traces.
    pub(super) fn edit(&self, plan: &Plan) -> Option<Edited> {
        let config = &plan.config;
        let pipelines = config.service.pipelines.iter();
        let pipelines: Vec<_> =
            pipelines.filter(|pipeline| pipeline.id.signal() == Signal::Traces).collect();
        if pipelines.is_empty() {
            return None;
        }
        let mut root: Value =
            serde_json::from_str(&config.print(Format::Json, Redaction::Off)).unwrap();
        let mut edited =
            Edited { source: String::new(), sources: Vec::new(), ends: Vec::new(), added: 0 };
        for pipeline in pipelines {
            let ids = |references: &[spandrel_config::Reference]| {
                references.iter().map(|reference| reference.id.clone()).collect::<Vec<_>>()
            };
            let receivers = ids(&pipeline.receivers);
            for id in &receivers {
                if config.component(Kind::Receiver, id).is_some() {
                    self.receiver(&mut root, id, &mut edited);
                }
            }
            let is_reached = receivers.iter().any(|id| {
                let id_text = id.to_string();
                config.component(Kind::Connector, id).is_some()
                    || edited.sources.iter().any(|source| source.receiver == id_text)
            });
            if !is_reached {
                let id = format!("otlp/added{}", edited.added);
                edited.added += 1;
                let mut all = receivers.iter().map(ToString::to_string).collect::<Vec<_>>();
                all.push(id.clone());
                map(map_value(&mut root, "service"), "pipelines")
                    .get_mut(&pipeline.id.to_string())?
                    .as_object_mut()?
                    .insert("receivers".to_owned(), json!(all));
                self.receiver(&mut root, &ComponentId::parse(&id).unwrap(), &mut edited);
            }
            for id in ids(&pipeline.exporters) {
                if config.component(Kind::Exporter, &id).is_some() {
                    self.exporter(&mut root, &id, &mut edited);
                }
            }
        }
        self.others(&mut root);
        edited.source = format!("yaml:{}", root.to_string().replace('$', "$$"));
        Some(edited)
    }

    fn receiver(&self, root: &mut Value, id: &ComponentId, edited: &mut Edited) {
        let receiver = id.to_string();
        if edited.sources.iter().any(|source| source.receiver == receiver) {
            return;
        }
        let address = free_address();
        let body = map(root, "receivers").entry(receiver.clone()).or_insert(Value::Null);
        let (protocol, path) = match type_of(Kind::Receiver, id) {
            "otlp" => {
                let protocols = map(body, "protocols");
                any_port(protocols, &["grpc"]);
                let http = listen(protocols, "http", address);
                let path = http.get("traces_url_path").and_then(Value::as_str);
                (Protocol::Otlp, path.unwrap_or("/v1/traces").to_owned())
            }
            "jaeger" => {
                let protocols = map(body, "protocols");
                any_port(protocols, &["grpc", "thrift_compact", "thrift_binary"]);
                listen(protocols, "thrift_http", address);
                (Protocol::Thrift, "/api/traces".to_owned())
            }
            "zipkin" => {
                listen(map(root, "receivers"), &receiver, address);
                (Protocol::Zipkin, "/api/v2/spans".to_owned())
            }
            "datadog" | "awsxray" => {
                // They listen, and nobody sends what they speak.
                any_port(map(root, "receivers"), &[receiver.as_str()]);
                return;
            }
            _ => return,
        };
        let n = edited.sources.len();
        let trace_id = ((self.number as u128 + 1) << 64) | (n as u128 + 1);
        edited.sources.push(Source { receiver, protocol, address, path, trace_id });
    }

    fn exporter(&self, root: &mut Value, id: &ComponentId, edited: &mut Edited) {
        let exporter = id.to_string();
        if edited.ends.iter().any(|(id, _)| *id == exporter) {
            return;
        }
        let sink = format!("{}/{exporter}", self.name);
        let headers = json!({ HEADER: sink });
        let body = map(root, "exporters").entry(exporter.clone()).or_insert(Value::Null);
        if !body.is_object() {
            *body = json!({});
        }
        let settings = body.as_object_mut().unwrap();
        let end = match type_of(Kind::Exporter, id) {
            "otlp_grpc" => {
                client(settings, &self.sinks.grpc, headers);
                settings.insert("tls".to_owned(), json!({"insecure": true}));
                End::Sink(sink)
            }
            "otlp_http" => {
                client(settings, &format!("http://{}", self.sinks.http), headers);
                End::Sink(sink)
            }
            "zipkin" => {
                let url = format!("http://{}/api/v2/spans", self.sinks.zipkin);
                client(settings, &url, headers);
                End::Sink(sink)
            }
            "load_balancing" => {
                let hosts = json!({"static": {"hostnames": [self.sinks.grpc]}});
                settings.insert("resolver".to_owned(), hosts);
                let otlp = map(map_entry(settings, "protocol"), "otlp");
                client(otlp, &self.sinks.grpc, headers);
                otlp.insert("tls".to_owned(), json!({"insecure": true}));
                End::Sink(sink)
            }
            "spandrel" | "jaeger_storage_exporter" => End::Sink(format!("{}/store", self.name)),
            "file" => {
                let path = self.directory.join(exporter.replace('/', "~"));
                let path = path.to_str().unwrap().to_owned();
                settings.remove("compression");
                settings.remove("group_by");
                settings.insert("path".to_owned(), json!(path));
                End::File(path)
            }
            "debug" | "nop" => End::Sent,
            _ => End::Stub,
        };
        edited.ends.push((exporter, end));
    }

    /// Ports of other components, directories, waits, and limits of memory, which all files share here.
    fn others(&self, root: &mut Value) {
        for (id, body) in map(root, "exporters") {
            let id = ComponentId::parse(id).unwrap();
            match (type_of(Kind::Exporter, &id), body.as_object_mut()) {
                ("prometheus", Some(settings)) => {
                    settings.insert("endpoint".to_owned(), json!("127.0.0.1:0"));
                }
                ("prometheus_remote_write", Some(settings)) => {
                    // Which has no such path, so that metrics are refused at once.
                    let url = format!("http://{}/api/v1/write", self.sinks.http);
                    settings.remove("http");
                    client(settings, &url, json!({}));
                }
                _ => {}
            }
            if let Some(batch) =
                body.pointer_mut("/sending_queue/batch").and_then(Value::as_object_mut)
            {
                batch.insert("flush_timeout".to_owned(), json!("10ms"));
            }
        }
        for (id, body) in map(root, "processors") {
            let (key, value) = match type_of(Kind::Processor, &ComponentId::parse(id).unwrap()) {
                "batch" => ("timeout", json!("10ms")),
                "groupbytrace" => ("wait_duration", json!("10ms")),
                "tail_sampling" => ("decision_wait", json!("100ms")),
                "resource_detection" => ("timeout", json!("100ms")),
                "memory_limiter" => ("limit_mib", json!(1_000_000)),
                _ => continue,
            };
            if !body.is_object() {
                *body = json!({});
            }
            body[key] = value;
        }
        // Authenticators have been taken out of servers and clients, and their passwords are not here.
        if let Some(Value::Array(started)) = root.pointer_mut("/service/extensions") {
            started.retain(|id| !id.as_str().is_some_and(|id| id.starts_with("basicauth")));
        }
        for (id, body) in map(root, "extensions") {
            let Ok(id) = ComponentId::parse(id) else { continue };
            match type_of(Kind::Extension, &id) {
                "health_check" | "healthcheckv2" | "zpages" => {
                    *body = json!({"endpoint": "127.0.0.1:0"});
                }
                "file_storage" => {
                    let path = self.directory.join(id.to_string().replace('/', "~"));
                    *body = json!({"directory": path, "create_directory": true});
                }
                _ => {}
            }
        }
    }
}

fn map_value<'a>(of: &'a mut Value, key: &str) -> &'a mut Value {
    map(of, key);
    of.get_mut(key).unwrap()
}

fn map_entry<'a>(of: &'a mut Map<String, Value>, key: &str) -> &'a mut Value {
    of.entry(key).or_insert_with(|| json!({}))
}

/// Without certificates and authenticators, which are on other machines.
fn client(settings: &mut Map<String, Value>, endpoint: &str, headers: Value) {
    for key in ["tls", "auth", "traces_endpoint", "proxy_url", "authority", "balancer_name"] {
        settings.remove(key);
    }
    settings.insert("endpoint".to_owned(), json!(endpoint));
    settings.insert("headers".to_owned(), headers);
}

fn listen<'a>(
    protocols: &'a mut Map<String, Value>,
    key: &str,
    address: SocketAddr,
) -> &'a mut Map<String, Value> {
    let server = map_entry(protocols, key);
    if !server.is_object() {
        *server = json!({});
    }
    let server = server.as_object_mut().unwrap();
    for key in ["tls", "auth", "transport"] {
        server.remove(key);
    }
    server.insert("endpoint".to_owned(), json!(address.to_string()));
    server
}

fn any_port(protocols: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if protocols.contains_key(*key) {
            listen(protocols, key, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        }
    }
}

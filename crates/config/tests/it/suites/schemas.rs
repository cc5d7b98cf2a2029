//! Upstream's schemas of the shared blocks: each key is accepted, and one that is in none is refused.

use std::fs;
use std::path::{Path, PathBuf};

use spandrel_config::blocks::{
    GrpcClient, GrpcServer, HttpClient, HttpServer, Queue, Retry, Timeout, TlsClient, TlsServer,
};
use spandrel_config::{Problem, Section, Value, ValueKind, read_settings, yaml};

use super::folder;

/// A definition in a schema's file.
struct Definition<'a> {
    root: &'a Path,
    file: PathBuf,
    body: Value,
}

impl<'a> Definition<'a> {
    fn new(root: &'a Path, package: &Path, name: &str) -> Self {
        let file = package.join("config.schema.yaml");
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file:?}: {error}"));
        let schema = yaml::parse(&text, "schema").unwrap();
        let body = schema.member("$defs").unwrap().member(name).unwrap().clone();
        Self { root, file, body }
    }

    /// `/config/configtls.config`, `./internal.option`, or a name in the same file.
    fn follow(&self, reference: &str) -> Self {
        let here = self.file.parent().unwrap();
        let Some((package, name)) = reference.rsplit_once('.') else {
            return Self::new(self.root, here, reference);
        };
        let package = match package.strip_prefix('/') {
            Some(package) => self.root.join(package),
            None => here.join(package),
        };
        Self::new(self.root, &package, name)
    }

    /// The same, or what it refers to, when that has properties.
    fn resolve(&self, body: &Value) -> Self {
        let reference = body.member("$ref").and_then(Value::as_text);
        match reference {
            // Maps of headers are what people write for this list of pairs.
            Some(reference) if !reference.ends_with("map_list") => self.follow(reference),
            _ => Self { root: self.root, file: self.file.clone(), body: body.clone() },
        }
    }

    fn properties(&self) -> Vec<(String, Self)> {
        let mut properties = Vec::new();
        let own = self.body.member("properties").and_then(Value::entries).unwrap_or_default();
        for (key, body) in own {
            properties.push((key.text.to_string(), self.resolve(body)));
        }
        if let Some(Value { kind: ValueKind::List(parts), .. }) = self.body.member("allOf") {
            for part in parts {
                properties.extend(self.resolve(part).properties());
            }
        }
        properties
    }

    /// YAML with all keys, in one line; with one more that does not exist in the section of that path.
    fn sample(&self, path: &str, unknown_in: Option<&str>) -> String {
        let mut entries = Vec::new();
        for (key, definition) in self.properties() {
            let path = format!("{path}/{key}");
            let text = |name: &str| definition.body.member(name).and_then(Value::as_text);
            let value = match (special(&path), text("type"), text("format")) {
                (Some(""), ..) => continue,
                (Some(value), ..) => value.to_owned(),
                _ if !definition.properties().is_empty() => definition.sample(&path, unknown_in),
                (_, Some("boolean"), _) => "true".to_owned(),
                (_, Some("integer"), _) => "5".to_owned(),
                (_, Some("number"), _) => "0.5".to_owned(),
                (_, Some("string"), Some("duration")) => "7s".to_owned(),
                (_, Some("string"), _) => "x".to_owned(),
                (_, Some("array"), _) => "[]".to_owned(),
                _ => "{}".to_owned(),
            };
            entries.push(format!("{key}: {value}"));
        }
        if unknown_in == Some(path) {
            entries.push("not_a_key: 1".to_owned());
        }
        format!("{{{}}}", entries.join(", "))
    }

    /// The paths of all sections.
    fn sections(&self, path: &str, into: &mut Vec<String>) {
        into.push(path.to_owned());
        for (key, definition) in self.properties() {
            if !definition.properties().is_empty() {
                definition.sections(&format!("{path}/{key}"), into);
            }
        }
    }
}

/// Values of keys that take not just anything; empty for keys that exclude others.
fn special(path: &str) -> Option<&'static str> {
    let key = path.rsplit('/').next()?;
    Some(match key {
        "endpoint" if path.starts_with("http_client") => "'http://a'",
        "endpoint" => "'a:1'",
        "transport" => "tcp",
        "compression" => "gzip",
        "balancer_name" => "round_robin",
        "sizer" => "items",
        "min_version" | "max_version" => "'1.2'",
        "ca_pem" | "cert_pem" | "key_pem" | "wait_for_result" => "",
        "proxy_url" => "'http://a'",
        "max_interval" | "max_elapsed_time" => "10s",
        "headers" | "response_headers" => "{a: b}",
        "enabled" if path.contains("/tpm/") => "false",
        _ => return None,
    })
}

type Read = fn(&mut Section<'_>);

const BLOCKS: [(&str, &str, &str, Read); 9] = [
    ("grpc_server", "config/configgrpc", "server_config", |s| drop(GrpcServer::read(s))),
    ("grpc_client", "config/configgrpc", "client_config", |s| drop(GrpcClient::read(s))),
    ("http_server", "config/confighttp", "server_config", |s| drop(HttpServer::read(s))),
    ("http_client", "config/confighttp", "client_config", |s| drop(HttpClient::read(s))),
    ("tls_server", "config/configtls", "server_config", |s| drop(TlsServer::read(s))),
    ("tls_client", "config/configtls", "client_config", |s| drop(TlsClient::read(s))),
    ("retry", "config/configretry", "back_off_config", |s| {
        s.get::<bool>("enabled");
        Retry::read(s);
    }),
    ("queue", "exporter/exporterhelper/internal/queuebatch", "config", |s| {
        s.get::<bool>("enabled");
        Queue::read(s);
    }),
    ("timeout", "exporter/exporterhelper/internal", "timeout_config", |s| {
        Timeout::read(s);
    }),
];

#[test]
fn blocks_have_the_keys_of_their_schemas() {
    let Some(root) = folder("config-schemas/core") else { return };
    for (block, package, name, read) in BLOCKS {
        let definition = Definition::new(&root, &root.join(package), name);
        let sample = definition.sample(block, None);
        if let Err(problems) = read_settings(&sample, read) {
            panic!("{block}: {sample}\n{problems}");
        }
        let mut sections = Vec::new();
        definition.sections(block, &mut sections);
        for path in sections {
            let sample = definition.sample(block, Some(&path));
            let problems = read_settings(&sample, read).unwrap_err();
            let lines: Vec<String> = problems.iter().map(|p: &Problem| p.path.clone()).collect();
            let parents = path.strip_prefix(block).unwrap_or_default().trim_start_matches('/');
            let expected = format!("{parents}/not_a_key");
            assert_eq!(lines, [expected.trim_start_matches('/').replace('/', "::")], "{sample}");
        }
    }
}

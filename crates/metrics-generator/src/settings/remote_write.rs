//! `storage::remote_write`: receivers in the words of Prometheus' own configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use spandrel_config::{Secret, Section};
use spandrel_metrics_exporters::prometheus::Naming;
use spandrel_metrics_exporters::remote_write::{
    ProtobufMessage, RemoteWriteSettings, RemoteWriteWal,
};

/// Bytes that the queue of one consumer may take on disk.
const WAL_BYTES_MAX: u64 = 1 << 30;

/// Reads one receiver; `None`, with a problem, when it has no URL.
pub(super) fn read(section: &mut Section<'_>) -> Option<RemoteWriteSettings> {
    let url: Option<String> = section.required("url");
    let mut settings = RemoteWriteSettings::new(url.as_deref().unwrap_or_default());
    // Names are complete, and what is about the spans' own resources is in the labels.
    settings.naming = Naming { namespace: String::new(), suffixes: false, escape: true };
    settings.target_info = false;
    settings.disable_scope_info = true;
    settings.client.timeout = section.or("remote_timeout", Duration::from_secs(30));
    settings.client.headers = section.or("headers", settings.client.headers.clone());
    settings.send_metadata = true;
    section.section("metadata_config", |section| {
        settings.send_metadata = section.or("send", true);
        section.get::<Duration>("send_interval");
        section.get::<u64>("max_samples_per_send");
    });
    section.section("tls_config", |section| {
        let client = &mut settings.client.tls;
        client.tls.ca_file = section.get("ca_file");
        client.tls.cert_file = section.get("cert_file");
        client.tls.key_file = section.get("key_file");
        client.server_name_override = section.or("server_name", String::new());
        client.insecure_skip_verify = section.or("insecure_skip_verify", false);
    });
    section.section("queue_config", |section| {
        if let Some(queue) = &mut settings.queue {
            queue.num_consumers = section.or("max_shards", queue.num_consumers).clamp(1, 1000);
        }
        if let Some(retry) = &mut settings.retry {
            retry.initial_interval = section.or("min_backoff", retry.initial_interval);
            retry.max_interval = section.or("max_backoff", retry.max_interval);
        }
        for key in ["capacity", "max_samples_per_send", "min_shards"] {
            section.get::<u64>(key);
        }
        section.get::<Duration>("batch_send_deadline");
        section.get::<Duration>("sample_age_limit");
        section.get::<bool>("retry_on_http_429");
    });
    let messages = [
        ("prometheus.WriteRequest", ProtobufMessage::V1),
        ("io.prometheus.write.v2.Request", ProtobufMessage::V2),
    ];
    settings.message = section.choice("protobuf_message", &messages).unwrap_or_default();
    settings.client.headers.0.extend(read_auth(section));
    for key in ["send_exemplars", "send_native_histograms", "enable_http2", "follow_redirects"] {
        section.get::<bool>(key);
    }
    section.get::<String>("name");
    for key in ["write_relabel_configs", "sigv4", "azuread", "oauth2", "google_iam", "proxy_url"] {
        if section.value(key).is_some() {
            section.problem(Some(key), "is not supported; use a Collector's pipeline");
        }
    }
    url.map(|_| settings)
}

/// The queue of one receiver on disk.
pub(super) fn wal(path: &Path, number: usize) -> RemoteWriteWal {
    let directory = path.join(format!("remote-write-{number}"));
    RemoteWriteWal { directory, max_size: WAL_BYTES_MAX, fsync: false }
}

/// The header that says who we are. Files are read once.
fn read_auth(section: &mut Section<'_>) -> Option<(String, Secret)> {
    let basic = section.section("basic_auth", |section| {
        let username: String = section.or("username", String::new());
        let password = secret(section, "password", "password_file");
        let pair = format!("{username}:{}", password.expose());
        Secret::from(format!("Basic {}", STANDARD.encode(pair)))
    });
    let token = section.section("authorization", |section| {
        let scheme: String = section.or("type", "Bearer".to_owned());
        let token = secret(section, "credentials", "credentials_file");
        Secret::from(format!("{scheme} {}", token.expose()))
    });
    if basic.is_some() && token.is_some() {
        section.problem(Some("authorization"), "cannot be combined with `basic_auth`");
    }
    basic.or(token).map(|value| ("Authorization".to_owned(), value))
}

/// A secret that is given, or lies in a file.
fn secret(section: &mut Section<'_>, key: &'static str, file: &'static str) -> Secret {
    let given: Option<Secret> = section.get(key);
    let path: Option<PathBuf> = section.get(file);
    let Some(path) = path else { return given.unwrap_or_else(|| Secret::from(String::new())) };
    match std::fs::read_to_string(&path) {
        Ok(text) => Secret::from(text.trim().to_owned()),
        Err(error) => {
            section.problem(Some(file), format!("cannot read {}: {error}", path.display()));
            Secret::from(String::new())
        }
    }
}

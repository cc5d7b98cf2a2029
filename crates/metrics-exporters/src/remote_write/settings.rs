//! The settings of `prometheus_remote_write`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{Compression, HttpClient, Retry};
use spandrel_exporters::check_unsupported;
use url::Url;

use crate::prometheus::family::Labels;
use crate::prometheus::settings::{read_naming, read_resource_labels};
use crate::prometheus::{Naming, ResourceLabels};

/// Bytes that a queue on disk may take, when nothing is said.
const WAL_BYTES_MAX: u64 = 1 << 30;

/// What is posted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProtobufMessage {
    /// `prometheus.WriteRequest`, of version 1.0.
    #[default]
    V1,
    /// `io.prometheus.write.v2.Request`, of version 2.0.
    V2,
}

/// What waits to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteWriteQueue {
    /// Requests that wait at most.
    pub queue_size: u64,
    /// Requests that are sent at once; a series is always sent by the same consumer, in order.
    pub num_consumers: usize,
}

impl Default for RemoteWriteQueue {
    fn default() -> Self {
        Self { queue_size: 10_000, num_consumers: 5 }
    }
}

/// A queue that survives the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteWriteWal {
    /// Where it is; made when it is missing.
    pub directory: PathBuf,
    /// The most bytes that one consumer's part of it may take; zero is no limit.
    pub max_size: u64,
    /// Whether a request is on the disk, and not only with the operating system, when it is taken.
    pub fsync: bool,
}

/// All settings, with the Collector's names.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteWriteSettings {
    /// The client; its endpoint is the whole URL.
    pub client: HttpClient,
    /// When to try again; `None` never.
    pub retry: Option<Retry>,
    /// What waits; with `None` the caller waits for the end of the last attempt.
    pub queue: Option<RemoteWriteQueue>,
    /// Where it waits on disk, if it does.
    pub wal: Option<RemoteWriteWal>,
    /// How names are translated; `namespace`, `translation_strategy` and `add_metric_suffixes`.
    pub naming: Naming,
    /// Labels of every series that has not one of that name.
    pub external_labels: BTreeMap<String, String>,
    /// Which attributes of resources become labels.
    pub resource_labels: ResourceLabels,
    /// Whether there is a series `target_info` with the attributes of each resource.
    pub target_info: bool,
    /// Whether labels with the scope are left out.
    pub disable_scope_info: bool,
    /// Whether types, help and units are sent in requests of version 1.0; those of 2.0 always have them.
    pub send_metadata: bool,
    /// Bytes of one request before it is compressed; a single series may be more.
    pub max_batch_size_bytes: usize,
    /// What is posted.
    pub message: ProtobufMessage,
    /// Whether requests for a tenant other than the default one carry `X-Scope-OrgID`.
    pub tenant_header: bool,
}

impl RemoteWriteSettings {
    /// The defaults for a URL.
    pub fn new(url: &str) -> Self {
        Self {
            client: HttpClient {
                endpoint: url.to_owned(),
                timeout: Duration::from_secs(5),
                compression: Compression::Snappy,
                ..HttpClient::default()
            },
            retry: Some(default_retry()),
            queue: Some(RemoteWriteQueue::default()),
            wal: None,
            naming: Naming { namespace: String::new(), suffixes: true, escape: true },
            external_labels: BTreeMap::new(),
            resource_labels: ResourceLabels::default(),
            target_info: true,
            disable_scope_info: false,
            send_metadata: false,
            max_batch_size_bytes: 3_000_000,
            message: ProtobufMessage::V1,
            tenant_header: true,
        }
    }

    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::new("");
        let client = match section.has("http") {
            true => section.section("http", |section| read_client(section, &defaults)),
            false => Some(read_client(section, &defaults)),
        };
        let retry = section.optional_or("retry_on_failure", default_retry(), |section| {
            Retry::read_with(section, default_retry())
        });
        let max_batch_size_bytes =
            section.or("max_batch_size_bytes", defaults.max_batch_size_bytes);
        if max_batch_size_bytes == 0 {
            section.problem(Some("max_batch_size_bytes"), "must be at least 1");
        }
        if let Some(parallelism) = section.get::<u64>("max_batch_request_parallelism")
            && parallelism == 0
        {
            section.problem(Some("max_batch_request_parallelism"), "must be at least 1");
        }
        section.section("export_created_metric", |section| {
            section.get::<bool>("enabled");
            section.warn(None, "has no effect: requests of version 2.0 say when a series began");
        });
        let target_info = section.section("target_info", |section| section.or("enabled", true));
        let messages = [
            ("prometheus.WriteRequest", ProtobufMessage::V1),
            ("io.prometheus.write.v2.Request", ProtobufMessage::V2),
        ];
        Self {
            client: client.unwrap_or(defaults.client),
            retry,
            queue: section.optional_or(
                "remote_write_queue",
                RemoteWriteQueue::default(),
                read_queue,
            ),
            wal: section.optional("wal", read_wal),
            naming: read_naming(section),
            external_labels: section.or("external_labels", BTreeMap::new()),
            resource_labels: read_resource_labels(section),
            target_info: target_info.unwrap_or(defaults.target_info),
            disable_scope_info: section.or("disable_scope_info", false),
            send_metadata: section.or("send_metadata", false),
            max_batch_size_bytes,
            message: section.choice("protobuf_message", &messages).unwrap_or_default(),
            tenant_header: true,
        }
    }

    /// Where requests are posted to.
    pub(super) fn url(&self) -> Result<Url, String> {
        let text = &self.client.endpoint;
        let url = Url::parse(text).map_err(|error| format!("endpoint {text}: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.has_host() => Ok(url),
            _ => Err(format!("endpoint {text} must begin with http:// or https://")),
        }
    }

    /// Adds the external labels that are not there.
    pub(super) fn add_external(&self, labels: &mut Labels) {
        for (key, value) in &self.external_labels {
            if let Some(name) = self.naming.label(key) {
                labels.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

fn default_retry() -> Retry {
    Retry { initial_interval: Duration::from_millis(50), ..Retry::default() }
}

fn read_client(section: &mut Section<'_>, defaults: &RemoteWriteSettings) -> HttpClient {
    let client = HttpClient::read_with(section, defaults.client.clone());
    check_unsupported(&client, section);
    if client.compression != Compression::Snappy {
        section.warn(Some("compression"), "has no effect: remote write is always snappy");
    }
    HttpClient { compression: Compression::Snappy, ..client }
}

fn read_queue(section: &mut Section<'_>) -> RemoteWriteQueue {
    let defaults = RemoteWriteQueue::default();
    let queue = RemoteWriteQueue {
        queue_size: section.or("queue_size", defaults.queue_size),
        num_consumers: section.or("num_consumers", defaults.num_consumers),
    };
    if queue.queue_size == 0 {
        section.problem(Some("queue_size"), "must be at least 1; `enabled: false` is no queue");
    }
    if queue.num_consumers == 0 || queue.num_consumers > 1000 {
        section.problem(Some("num_consumers"), "must be from 1 to 1000");
    }
    queue
}

fn read_wal(section: &mut Section<'_>) -> RemoteWriteWal {
    let directory: Option<PathBuf> = section.required("directory");
    let why = "requests are given up one by one, as they are sent";
    section.get::<u64>("buffer_size");
    section.get::<Duration>("lag_record_frequency");
    section.ignore(&["truncate_frequency"], why);
    RemoteWriteWal {
        directory: directory.unwrap_or_default(),
        max_size: section.or("max_size", WAL_BYTES_MAX),
        fsync: section.or("fsync", false),
    }
}

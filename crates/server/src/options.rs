//! What a server is started with.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use spandrel_api::{ApiOptions, LinkTemplates};
use spandrel_compaction::CompactionOptions;
use spandrel_ingest::StoreOptions;
use spandrel_metrics_generator::GeneratorSettings;
use spandrel_objects::{Location, ObjectsOptions};
use spandrel_query::QueryOptions;
use spandrel_receivers::JaegerAddresses;
use spandrel_remote_sampling::StrategyOptions;

/// Settings of a [`crate::Server`].
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// What lies on this machine: the write-ahead log in `wal`, and everything else unless [`Self::storage`] is
    /// another place. Created when absent.
    pub data_dir: PathBuf,
    /// Where blocks and catalogues lie, in `tenants`.
    pub storage: Location,
    /// How that place is reached.
    pub objects: ObjectsOptions,
    /// Where to listen.
    pub listen: ListenAddresses,
    /// Settings of the store; its write-ahead log may lie on another disk than the blocks.
    pub store: StoreOptions,
    /// Limits of queries.
    pub query: QueryOptions,
    /// How blocks are merged and given up; `None` leaves them as they are, which is right when another
    /// process does it.
    pub compaction: Option<CompactionOptions>,
    /// How much clients that ask are told to sample.
    pub sampling: StrategyOptions,
    /// What metrics are generated from spans; `None` for none.
    pub generator: Option<GeneratorSettings>,
    /// The memory of all of that together.
    pub memory: MemoryOptions,
    /// Switches of the query APIs.
    pub api: ApiOptions,
    /// Where the interface leads from spans to elsewhere.
    pub link_templates: LinkTemplates,
    /// Whether tenants may set overrides of their own; off by default, as in Tempo.
    pub overrides_api: bool,
}

impl ServerOptions {
    /// The defaults, with everything below this folder.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        let data_dir = data_dir.into();
        let store = StoreOptions::new(data_dir.join("wal"));
        Self {
            storage: Location::local(&data_dir),
            objects: ObjectsOptions::default(),
            data_dir,
            listen: ListenAddresses::default(),
            store,
            query: QueryOptions::default(),
            compaction: Some(CompactionOptions::default()),
            sampling: StrategyOptions::Probability(1.0),
            generator: None,
            memory: MemoryOptions::default(),
            api: ApiOptions::default(),
            link_templates: LinkTemplates::default(),
            overrides_api: false,
        }
    }
}

/// How much memory may be held; budgets within [`ServerOptions::store`] and [`ServerOptions::query`] are
/// replaced by parts of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MemoryOptions {
    /// All that is counted; `None` is three quarters of what the machine or its container has.
    pub limit_bytes: Option<u64>,
    /// What one query may hold; `None` is a quarter of the limit.
    pub query_bytes_max: Option<u64>,
}

/// One address for each thing that a server listens for; port 0 takes any free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListenAddresses {
    /// OTLP over gRPC.
    pub otlp_grpc: SocketAddr,
    /// OTLP over HTTP.
    pub otlp_http: SocketAddr,
    /// Tempo's API, metrics and readiness.
    pub http: SocketAddr,
    /// Jaeger's API.
    pub jaeger_http: SocketAddr,
    /// Jaeger's API and storage over gRPC, which also takes OTLP; `None` serves none of that.
    pub jaeger_grpc: Option<SocketAddr>,
    /// Where senders of Jaeger's own formats send; `None` takes none of that kind.
    pub jaeger_receiver: JaegerAddresses,
    /// Where Zipkin's senders send, and its clients ask; `None` serves neither.
    pub zipkin: Option<SocketAddr>,
    /// Where Jaeger's clients ask over HTTP how much to sample.
    pub sampling_http: Option<SocketAddr>,
    /// The same over gRPC.
    pub sampling_grpc: Option<SocketAddr>,
    /// The health check.
    pub health: SocketAddr,
    /// The process's own metrics, where a Collector has them.
    pub telemetry: SocketAddr,
}

impl Default for ListenAddresses {
    /// The registered or customary ports, on the loopback interface.
    fn default() -> Self {
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        Self {
            otlp_grpc: local(4317),
            otlp_http: local(4318),
            http: local(3200),
            jaeger_http: local(16686),
            jaeger_grpc: Some(local(16685)),
            jaeger_receiver: JaegerAddresses {
                grpc: Some(local(14250)),
                thrift_http: Some(local(14268)),
                thrift_compact: Some(local(6831)),
                thrift_binary: Some(local(6832)),
            },
            zipkin: Some(local(9411)),
            sampling_http: Some(local(5778)),
            sampling_grpc: Some(local(5779)),
            health: local(13133),
            telemetry: local(8888),
        }
    }
}

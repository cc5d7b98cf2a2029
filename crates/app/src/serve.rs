//! `spandrel serve`: everything in one process.

mod api;
mod compaction;
mod generator;
mod limits;
mod sampling;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use spandrel_base::byte_size::ByteSize;
use spandrel_base::task::TaskSet;
use spandrel_collector::Collector;
use spandrel_ingest::{CutOptions, StoreOptions};
use spandrel_objects::{CacheOptions, Location, ObjectsOptions};
use spandrel_server::{
    Gateway, JaegerAddresses, ListenAddresses, Server, ServerOptions, telemetry_address,
};
use spandrel_telemetry::logs::{self, LogFormat, LogOptions};
use spandrel_wal::Durability;

use crate::address::{OptionalAddress, parse_address, parse_optional_address};
use crate::duration::parse_duration;
use crate::output;
use crate::pipelines::{ConfigArgs, reload_on_hangup};
use crate::signal::Interrupts;
use api::ApiArgs;
use compaction::CompactionArgs;
use generator::GeneratorArgs;
use limits::LimitArgs;
use sampling::SamplingArgs;

/// What to store where, and where to listen.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Where everything is stored; created when absent
    #[arg(
        long,
        env = "SPANDREL_DATA_DIR",
        hide_env = true,
        value_name = "DIR",
        default_value = "spandrel-data"
    )]
    pub(crate) data_dir: PathBuf,

    /// Which parts run in this process
    #[arg(long, env = "SPANDREL_ROLE", hide_env = true, value_enum, default_value_t = Role::All)]
    pub(crate) role: Role,

    #[command(flatten)]
    pub(crate) pipelines: ConfigArgs,

    #[command(flatten)]
    pub(crate) listen: ListenArgs,

    #[command(flatten)]
    pub(crate) store: StoreArgs,

    #[command(flatten)]
    pub(crate) storage: StorageArgs,

    #[command(flatten)]
    pub(crate) compaction: CompactionArgs,

    #[command(flatten)]
    pub(crate) limits: LimitArgs,

    #[command(flatten)]
    pub(crate) generator: GeneratorArgs,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,

    #[command(flatten)]
    pub(crate) api: ApiArgs,

    /// Log lines for people (text) or programs (json)
    #[arg(long, env = "SPANDREL_LOG_FORMAT", hide_env = true, value_enum, default_value_t = LogShape::Text, help_heading = "Log")]
    pub(crate) log_format: LogShape,

    /// What to log: a level up to debug, or levels by module such as `info,spandrel_ingest=debug`
    #[arg(
        long,
        env = "SPANDREL_LOG",
        hide_env = true,
        value_name = "FILTER",
        default_value = "info,delta_kernel=warn,delta_kernel_default_engine=warn",
        help_heading = "Log"
    )]
    pub(crate) log: String,
}

/// Addresses; a port alone is on localhost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Listen on")]
pub(crate) struct ListenArgs {
    /// OTLP over gRPC
    #[arg(long, env = "SPANDREL_OTLP_GRPC", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:4317", value_parser = parse_address)]
    pub(crate) otlp_grpc: SocketAddr,

    /// OTLP over HTTP
    #[arg(long, env = "SPANDREL_OTLP_HTTP", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:4318", value_parser = parse_address)]
    pub(crate) otlp_http: SocketAddr,

    /// Tempo's API, start page, /metrics, /ready
    #[arg(long, env = "SPANDREL_HTTP", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:3200", value_parser = parse_address)]
    pub(crate) http: SocketAddr,

    /// Jaeger's API
    #[arg(long, env = "SPANDREL_JAEGER_HTTP", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:16686", value_parser = parse_address)]
    pub(crate) jaeger_http: SocketAddr,

    /// Jaeger's API and remote storage over gRPC, or `off`
    #[arg(long, env = "SPANDREL_JAEGER_GRPC", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:16685", value_parser = parse_optional_address)]
    pub(crate) jaeger_grpc: OptionalAddress,

    /// Spans from Jaeger's agents over gRPC, or `off`
    #[arg(long, env = "SPANDREL_JAEGER_COLLECTOR_GRPC", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:14250", value_parser = parse_optional_address)]
    pub(crate) jaeger_collector_grpc: OptionalAddress,

    /// Spans in Jaeger's Thrift over HTTP, or `off`
    #[arg(long, env = "SPANDREL_JAEGER_COLLECTOR_HTTP", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:14268", value_parser = parse_optional_address)]
    pub(crate) jaeger_collector_http: OptionalAddress,

    /// Spans in Jaeger's compact Thrift over UDP, or `off`
    #[arg(long, env = "SPANDREL_JAEGER_AGENT_COMPACT", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:6831", value_parser = parse_optional_address)]
    pub(crate) jaeger_agent_compact: OptionalAddress,

    /// Spans in Jaeger's binary Thrift over UDP, or `off`
    #[arg(long, env = "SPANDREL_JAEGER_AGENT_BINARY", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:6832", value_parser = parse_optional_address)]
    pub(crate) jaeger_agent_binary: OptionalAddress,

    /// Zipkin's spans and queries, or `off`
    #[arg(long, env = "SPANDREL_ZIPKIN", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:9411", value_parser = parse_optional_address)]
    pub(crate) zipkin: OptionalAddress,

    /// Jaeger's remote sampling over HTTP, or `off`
    #[arg(long, env = "SPANDREL_SAMPLING_HTTP", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:5778", value_parser = parse_optional_address)]
    pub(crate) sampling_http: OptionalAddress,

    /// Jaeger's remote sampling over gRPC, or `off`
    #[arg(long, env = "SPANDREL_SAMPLING_GRPC", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:5779", value_parser = parse_optional_address)]
    pub(crate) sampling_grpc: OptionalAddress,

    /// Health check
    #[arg(long, env = "SPANDREL_HEALTH", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:13133", value_parser = parse_address)]
    pub(crate) health: SocketAddr,

    /// Own metrics, where a Collector has them
    #[arg(long, env = "SPANDREL_TELEMETRY", hide_env = true, value_name = "ADDRESS", default_value = "127.0.0.1:8888", value_parser = parse_address)]
    pub(crate) telemetry: SocketAddr,
}

/// The store.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreArgs {
    /// What an acknowledged span survives: a power cut (fsync) or a crash of the process (os)
    #[arg(long, env = "SPANDREL_DURABILITY", hide_env = true, value_enum, default_value_t = DurabilityChoice::Fsync)]
    pub(crate) durability: DurabilityChoice,

    /// Live spans become a block when there are this many
    #[arg(long, env = "SPANDREL_CUT_SPANS", hide_env = true, value_name = "SPANS", default_value_t = CutOptions::default().spans_max, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) cut_spans: u32,

    /// Live spans become a block at this age
    #[arg(long, env = "SPANDREL_CUT_AGE", hide_env = true, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub(crate) cut_age: Duration,

    /// Memory for live spans; above it senders are asked to wait
    #[arg(
        long,
        env = "SPANDREL_LIVE_BYTES_MAX",
        hide_env = true,
        value_name = "BYTES",
        default_value = "512MiB"
    )]
    pub(crate) live_bytes_max: ByteSize,
}

/// The place of blocks.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Storage")]
pub(crate) struct StorageArgs {
    /// Where blocks lie: a directory, s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or memory://;
    /// credentials come from the environment or the machine, see docs/storage.md [default: the data directory]
    #[arg(long, env = "SPANDREL_STORAGE", hide_env = true, value_name = "URL")]
    pub(crate) storage: Option<String>,

    /// Where parts of remote blocks are cached [default: `cache` in the data directory]
    #[arg(long, env = "SPANDREL_CACHE_DIR", hide_env = true, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,

    /// Size of that cache; 0 for none
    #[arg(
        long,
        env = "SPANDREL_CACHE_BYTES",
        hide_env = true,
        value_name = "BYTES",
        default_value = "10GiB"
    )]
    pub(crate) cache_bytes: ByteSize,

    /// How often to look for blocks that other processes have stored
    #[arg(long, env = "SPANDREL_REFRESH_INTERVAL", hide_env = true, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub(crate) refresh_interval: Duration,
}

impl StorageArgs {
    fn location(&self) -> anyhow::Result<Option<Location>> {
        Ok(self.storage.as_deref().map(Location::parse).transpose()?)
    }

    fn objects(&self, location: &Location, data_dir: &Path) -> ObjectsOptions {
        let dir = self.cache_dir.clone().unwrap_or_else(|| data_dir.join("cache"));
        let is_cached = location.is_remote() && self.cache_bytes.0 > 0;
        let cache = is_cached.then(|| CacheOptions::new(dir, self.cache_bytes.0));
        ObjectsOptions { cache, ..ObjectsOptions::default() }
    }
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum Role {
    All,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum DurabilityChoice {
    Fsync,
    Os,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogShape {
    Text,
    Json,
}

impl ServeArgs {
    fn options(&self) -> anyhow::Result<ServerOptions> {
        let defaults = ServerOptions::new(&self.data_dir);
        let (listen, store) = (&self.listen, &self.store);
        let storage = self.storage.location()?.unwrap_or_else(|| defaults.storage.clone());
        Ok(ServerOptions {
            objects: self.storage.objects(&storage, &self.data_dir),
            storage,
            listen: ListenAddresses {
                otlp_grpc: listen.otlp_grpc,
                otlp_http: listen.otlp_http,
                http: listen.http,
                jaeger_http: listen.jaeger_http,
                jaeger_grpc: listen.jaeger_grpc.0,
                jaeger_receiver: JaegerAddresses {
                    grpc: listen.jaeger_collector_grpc.0,
                    thrift_http: listen.jaeger_collector_http.0,
                    thrift_compact: listen.jaeger_agent_compact.0,
                    thrift_binary: listen.jaeger_agent_binary.0,
                },
                zipkin: listen.zipkin.0,
                sampling_http: listen.sampling_http.0,
                sampling_grpc: listen.sampling_grpc.0,
                health: listen.health,
                telemetry: listen.telemetry,
            },
            store: StoreOptions {
                durability: match store.durability {
                    DurabilityChoice::Fsync => Durability::Fsync,
                    DurabilityChoice::Os => Durability::Os,
                },
                cut: CutOptions {
                    spans_max: store.cut_spans,
                    age_max: store.cut_age,
                    ..defaults.store.cut
                },
                live_bytes_max: usize::try_from(store.live_bytes_max.0).unwrap_or(usize::MAX),
                limits: self.limits.of_tenants(),
                refresh_interval: self.storage.refresh_interval,
                ..defaults.store
            },
            memory: self.limits.memory(),
            compaction: self.compaction.options()?,
            generator: self.generator.settings()?,
            sampling: self.sampling.strategies(&self.data_dir)?,
            api: self.api.options(),
            link_templates: self.api.link_templates()?,
            overrides_api: self.api.overrides_api,
            ..defaults
        })
    }
}

/// Serves until a signal comes; a second one ends the process at once.
pub(crate) async fn run(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let Role::All = args.role;
    let format = match args.log_format {
        LogShape::Text => LogFormat::Text,
        LogShape::Json => LogFormat::Json,
    };
    logs::init(&LogOptions { format, filter: args.log.clone() })?;
    let mut interrupts = Interrupts::listen()?;
    let process = tokio::select! {
        // The signal first: a long replay can be given up.
        biased;
        signal = interrupts.next() => {
            tracing::info!(signal, "stopped while starting");
            return Ok(ExitCode::SUCCESS);
        }
        process = start(&args) => process?,
    };
    // Dropped, and with it the second signal, when the server has stopped.
    let beside = TaskSet::new();
    if let Some(collector) = process.collector() {
        let config = args.pipelines.clone();
        beside.spawn("reload", async {
            if let Err(error) = reload_on_hangup(config, collector).await {
                tracing::warn!(%error, "SIGHUP cannot be listened for, changes need a restart");
            }
        });
    }
    let stop = async {
        let signal = interrupts.next().await;
        tracing::info!(signal, "asked to stop, once more to stop at once");
        beside.spawn("second signal", async { interrupts.exit_on_next().await });
    };
    match process {
        Process::Server(server) => server.run_until(stop).await?,
        Process::Gateway(gateway) => gateway.run_until(stop).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What runs.
enum Process {
    /// Store and queries, with or without pipelines in front.
    Server(Box<Server>),
    /// Pipelines alone.
    Gateway(Gateway),
}

impl Process {
    fn collector(&self) -> Option<Arc<Collector>> {
        match self {
            Self::Server(server) => server.collector(),
            Self::Gateway(gateway) => Some(gateway.collector()),
        }
    }
}

async fn start(args: &ServeArgs) -> anyhow::Result<Process> {
    let mut options = args.options()?;
    if !args.pipelines.is_given() {
        let server = Server::start(options).await?;
        announce(args, &server.addresses());
        return Ok(Process::Server(Box::new(server)));
    }
    let plan = args.pipelines.plan()?;
    let pipelines = plan.describe();
    let process = if plan.uses_store() {
        if let Some(address) = telemetry_address(&plan).await? {
            options.listen.telemetry = address;
        }
        let server = Server::start_with_pipelines(options, plan).await?;
        announce(args, &server.addresses());
        Process::Server(Box::new(server))
    } else {
        let data_dir = args.data_dir.join("pipelines");
        Process::Gateway(Gateway::start(plan, options.memory, data_dir).await?)
    };
    for pipeline in pipelines {
        tracing::info!(%pipeline, "running");
    }
    tracing::info!("everything is ready");
    Ok(process)
}

fn announce(args: &ServeArgs, at: &ListenAddresses) {
    let data_dir = args.data_dir.display();
    let data_dir = match args.storage.location() {
        Ok(Some(storage)) => format!("{storage}, write-ahead log in {data_dir}"),
        _ => data_dir.to_string(),
    };
    match args.log_format {
        LogShape::Text if args.pipelines.is_given() => {
            output::note(&pipelines_banner(&data_dir, at));
        }
        LogShape::Text => output::note(&banner(&data_dir, at)),
        LogShape::Json => {
            let version = env!("CARGO_PKG_VERSION");
            tracing::info!(version, %data_dir, listen = ?at, "ready");
        }
    }
}

/// The same where pipelines take spans in and check health: where they do, the configuration says.
fn pipelines_banner(data_dir: &str, at: &ListenAddresses) -> String {
    let ListenAddresses { http, jaeger_http, jaeger_grpc, telemetry, .. } = at;
    let grpc = grpc_suffix(*jaeger_grpc);
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "
Spandrel {version}, data in {data_dir}, pipelines from the configuration

  Tempo API    http://{http}
  Jaeger API   http://{jaeger_http}{grpc}
  Metrics      http://{telemetry}/metrics

Ctrl-C stops, SIGHUP reads the configuration again.

"
    )
}

/// What a person wants to know first.
fn banner(data_dir: &str, at: &ListenAddresses) -> String {
    let ListenAddresses {
        otlp_grpc,
        otlp_http,
        http,
        jaeger_http,
        jaeger_grpc,
        jaeger_receiver,
        zipkin,
        health,
        telemetry,
        ..
    } = at;
    let zipkin = zipkin.map_or_else(String::new, |at| format!("\n  Zipkin       http://{at}"));
    let jaeger = jaeger_line(jaeger_receiver);
    let grpc = grpc_suffix(*jaeger_grpc);
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "
Spandrel {version}, data in {data_dir}

  OTLP         {otlp_grpc} (gRPC), {otlp_http} (HTTP){jaeger}{zipkin}
  Web, Tempo   http://{http}
  Jaeger API   http://{jaeger_http}{grpc}
  Health       http://{health}
  Metrics      http://{telemetry}/metrics

Send OTLP to http://{otlp_grpc} (or try `spandrel demo`), then open http://{http}
Ctrl-C stops.

"
    )
}

/// Where Jaeger's API is served over gRPC, behind where it is over HTTP.
fn grpc_suffix(at: Option<SocketAddr>) -> String {
    at.map(|at| format!(", {at} (gRPC)")).unwrap_or_default()
}

/// Where Jaeger's senders send; nothing when they may not.
fn jaeger_line(at: &JaegerAddresses) -> String {
    let transports = [
        (at.grpc, "gRPC"),
        (at.thrift_http, "Thrift HTTP"),
        (at.thrift_compact, "compact UDP"),
        (at.thrift_binary, "binary UDP"),
    ];
    let named = transports.iter().filter_map(|(at, name)| Some(format!("{} ({name})", (*at)?)));
    let named: Vec<String> = named.collect();
    if named.is_empty() { String::new() } else { format!("\n  Jaeger       {}", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use expect_test::expect;
    use spandrel_ingest::LimitsSource;
    use spandrel_server::MemoryOptions;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn defaults_are_those_of_the_libraries() {
        let options = Cli::parse_from(["spandrel"]).serve.options().unwrap();
        let expected = ServerOptions::new("spandrel-data");
        assert_eq!(format!("{options:?}"), format!("{expected:?}"));
    }

    #[test]
    fn switches_of_the_api_are_passed_on() {
        let args = ["spandrel", "--multi-tenant-queries", "--tenant-required", "--overrides-api"];
        let options = Cli::parse_from([&args[..], &["--mcp"]].concat()).serve.options().unwrap();
        let api = &options.api;
        assert!(api.multi_tenant_queries && api.tenant_required && api.mcp);
        assert!(options.overrides_api);
    }

    /// Guarantees: what language models are told about options is what there is.
    #[test]
    fn every_option_is_in_the_reference() {
        let reference = include_str!("../../api/src/tempo/mcp/docs/config-reference.md");
        let command = <Cli as clap::CommandFactory>::command();
        let serve = command.find_subcommand("serve").unwrap();
        let names: Vec<&str> = serve.get_arguments().filter_map(|arg| arg.get_long()).collect();
        for name in names.iter().filter(|name| **name != "help") {
            assert!(reference.contains(&format!("| `--{name}` |")), "{name}");
        }
        assert_eq!(reference.matches("| `--").count(), names.len());
    }

    #[test]
    fn limits_are_passed_on() {
        let args = ["spandrel", "--memory-limit=4GiB", "--query-bytes-max", "100MB"];
        let args = [&args[..], &["--limits-file", "limits.yaml"]].concat();
        let options = Cli::parse_from(args).serve.options().unwrap();
        let memory =
            MemoryOptions { limit_bytes: Some(4 << 30), query_bytes_max: Some(100_000_000) };
        assert_eq!(options.memory, memory);
        assert_eq!(options.store.limits, LimitsSource::File("limits.yaml".into()));
    }

    #[test]
    fn storage_is_a_place_and_only_a_remote_one_is_cached() {
        let options =
            |more: &[&str]| Cli::parse_from([&["spandrel"], more].concat()).serve.options();
        let s3 = options(&["--storage", "s3://traces/prod"]).unwrap();
        assert_eq!(s3.storage.to_string(), "s3://traces/prod");
        let cache = s3.objects.cache.unwrap();
        assert_eq!((cache.dir, cache.bytes_max), ("spandrel-data/cache".into(), 10 << 30));
        let own = ["--storage=gs://traces", "--cache-dir=/fast", "--cache-bytes=1GiB"];
        let cache = options(&own).unwrap().objects.cache.unwrap();
        assert_eq!((cache.dir, cache.bytes_max), ("/fast".into(), 1 << 30));
        let none = options(&["--storage=s3://traces", "--cache-bytes=0"]).unwrap();
        assert!(none.objects.cache.is_none());
        let local = options(&["--storage=/srv/blocks"]).unwrap();
        assert!(local.objects.cache.is_none() && !local.storage.is_remote());
        let wrong = options(&["--storage=s3://key:hidden@traces"]).unwrap_err();
        assert!(!format!("{wrong:?}").contains("hidden"), "{wrong:?}");
    }

    #[test]
    fn the_banner_says_where_to_go() {
        expect![[r#"

            Spandrel 0.1.0, data in spandrel-data

              OTLP         127.0.0.1:4317 (gRPC), 127.0.0.1:4318 (HTTP)
              Jaeger       127.0.0.1:14250 (gRPC), 127.0.0.1:14268 (Thrift HTTP), 127.0.0.1:6831 (compact UDP), 127.0.0.1:6832 (binary UDP)
              Zipkin       http://127.0.0.1:9411
              Web, Tempo   http://127.0.0.1:3200
              Jaeger API   http://127.0.0.1:16686, 127.0.0.1:16685 (gRPC)
              Health       http://127.0.0.1:13133
              Metrics      http://127.0.0.1:8888/metrics

            Send OTLP to http://127.0.0.1:4317 (or try `spandrel demo`), then open http://127.0.0.1:3200
            Ctrl-C stops.

        "#]]
        .assert_eq(&banner("spandrel-data", &ListenAddresses::default()));
    }
}

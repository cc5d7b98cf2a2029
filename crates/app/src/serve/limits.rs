//! How much `spandrel serve` takes and holds: the flags that `docs/limits.md` explains.

use std::path::PathBuf;

use spandrel_base::byte_size::ByteSize;
use spandrel_ingest::LimitsSource;
use spandrel_server::MemoryOptions;

/// Limits of the process and of tenants.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct LimitArgs {
    /// Memory for requests, live spans, queries and indexes together; above it senders are asked to wait and
    /// queries are refused [default: 3/4 of the memory of the machine or container]
    #[arg(long, env = "SPANDREL_MEMORY_LIMIT", hide_env = true, value_name = "BYTES")]
    pub(crate) memory_limit: Option<ByteSize>,

    /// Memory of one query; one that needs more is refused [default: 1/4 of the memory limit]
    #[arg(long, env = "SPANDREL_QUERY_BYTES_MAX", hide_env = true, value_name = "BYTES")]
    pub(crate) query_bytes_max: Option<ByteSize>,

    /// YAML file with the limits of tenants, read again when it changes; see docs/limits.md [default: no limits]
    #[arg(long, env = "SPANDREL_LIMITS_FILE", hide_env = true, value_name = "FILE")]
    pub(crate) limits_file: Option<PathBuf>,
}

impl LimitArgs {
    pub(crate) fn memory(&self) -> MemoryOptions {
        MemoryOptions {
            limit_bytes: self.memory_limit.map(|limit| limit.0),
            query_bytes_max: self.query_bytes_max.map(|max| max.0),
        }
    }

    pub(crate) fn of_tenants(&self) -> LimitsSource {
        self.limits_file.clone().map_or(LimitsSource::Unlimited, LimitsSource::File)
    }
}

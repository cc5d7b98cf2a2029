//! The Collector's configuration language: YAML with positions, substitution, merging, and sections that are read
//! and checked.
//!
//! Knows no component: whoever implements one reads its settings from a [`Section`], with the shared parts of
//! [`blocks`]. All problems are found at once, each with its place: `file.yaml:12:3: processors::batch::timeout:
//! must be a duration like `1m30s`, not `5 s``.

pub mod blocks;
mod config;
mod expand;
mod id;
mod known_types;
mod merge;
mod print;
mod problem;
mod secret;
mod section;
mod setting;
mod source;
mod suggest;
mod telemetry;
mod tempo_overrides;
pub mod types;
mod value;
pub mod yaml;

pub use config::{Components, Config, Inspection, Loaded, Pipeline, Reference, Service};
pub use id::{ComponentId, PipelineId, Signal};
pub use known_types::is_of_vendor;
pub use print::{Format, Redaction};
pub use problem::{Problem, Problems};
pub use secret::{REDACTED, Secret};
pub use section::{Findings, Section, read_component, read_settings};
pub use setting::{Setting, parse_duration, print_duration};
pub use suggest::nearest;
pub use telemetry::{
    LogEncoding, LogLevel, LogSettings, MetricsLevel, MetricsSettings, TelemetrySettings,
};
pub use tempo_overrides::scoped_overrides;
pub use types::Kind;
pub use value::{Key, Position, Value, ValueKind};

//! What one tenant may send and hold, so that no tenant takes the service away from the others.
//!
//! # What a limit does
//! - **Rate and live bytes** are about now: the whole batch is refused, the sender hears when to come back, and
//!   nothing is lost that it keeps.
//! - **Traces and spans** are about what is sent: a span above such a limit is rejected, the rest of its batch
//!   is stored, and the sender hears how many were rejected and why (OTLP partial success). A span is stored
//!   as it was sent or not at all; nothing is cut.
//!
//! By default nothing is limited. Limits count per process and start anew with it.
//!
//! # Where it happens
//! Before decoding, on the wire form: what is logged is the request without the rejected spans, so a replay,
//! which knows no limits, brings back what was acknowledged and no more.

mod bucket;
mod file;
mod gate;
mod gates;
mod screen;
mod traces;

use std::collections::BTreeMap;
use std::path::PathBuf;

use spandrel_model::TenantId;

pub use file::LimitsFileError;
pub(crate) use file::{LimitsFile, watch};
pub(crate) use gate::{Gate, RateCharge};
pub(crate) use gates::Gates;
pub(crate) use screen::{Rejections, Screened, TraceCharge};

/// A limit, or none. The words are Tempo's where it has the same limit.
pub type Limit = Option<u64>;

/// The limits of one tenant; `None` is unlimited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TenantLimits {
    /// Bytes of OTLP protobuf, decompressed, per second. 0 refuses everything.
    pub rate_limit_bytes: Limit,
    /// Bytes that may come at once; as many as in one second when not given. A larger batch passes alone.
    pub burst_size_bytes: Limit,
    /// Spans per second. 0 refuses everything.
    pub rate_limit_spans: Limit,
    /// Spans that may come at once; as many as in one second when not given. A larger batch passes alone.
    pub burst_size_spans: Limit,
    /// Memory of the spans that wait to become blocks.
    pub max_live_bytes: Limit,
    /// Bytes of the live spans of one trace, as OTLP protobuf.
    pub max_bytes_per_trace: Limit,
    /// Live spans of one trace.
    pub max_spans_per_trace: Limit,
    /// Bytes of an attribute value of a span, its events and links, its resource and scope.
    pub max_attribute_bytes: Limit,
    /// Attributes of one span.
    pub max_attributes_per_span: Limit,
}

impl TenantLimits {
    /// Whether single spans have to be looked at.
    fn limits_spans(&self) -> bool {
        self.limits_traces()
            || self.max_attribute_bytes.is_some()
            || self.max_attributes_per_span.is_some()
    }

    /// Whether the live spans of each trace have to be counted.
    fn limits_traces(&self) -> bool {
        self.max_bytes_per_trace.is_some() || self.max_spans_per_trace.is_some()
    }
}

/// The limits of all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Of tenants that are not listed.
    pub defaults: TenantLimits,
    /// Of those that are, in place of the defaults.
    pub overrides: BTreeMap<TenantId, TenantLimits>,
}

impl Limits {
    /// The limits of a tenant.
    pub fn of(&self, tenant: &TenantId) -> TenantLimits {
        self.overrides.get(tenant).copied().unwrap_or(self.defaults)
    }
}

/// Where the limits come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LimitsSource {
    /// Nothing is limited.
    #[default]
    Unlimited,
    /// These, for good.
    Fixed(Limits),
    /// A YAML file (`docs/limits.md`), read again when it changes.
    File(PathBuf),
}

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
use std::time::Duration;

use spandrel_config::Value;
use spandrel_model::TenantId;

pub use file::LimitsFileError;
pub(crate) use file::{FileContents, watch};
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
    /// How many limits there are.
    const COUNT: usize = 9;

    /// All limits, by the names that they have in files and in documents.
    pub fn named(&self) -> [(&'static str, Limit); Self::COUNT] {
        [
            ("rate_limit_bytes", self.rate_limit_bytes),
            ("burst_size_bytes", self.burst_size_bytes),
            ("rate_limit_spans", self.rate_limit_spans),
            ("burst_size_spans", self.burst_size_spans),
            ("max_live_bytes", self.max_live_bytes),
            ("max_bytes_per_trace", self.max_bytes_per_trace),
            ("max_spans_per_trace", self.max_spans_per_trace),
            ("max_attribute_bytes", self.max_attribute_bytes),
            ("max_attributes_per_span", self.max_attributes_per_span),
        ]
    }

    /// In the order of [`Self::named`].
    fn each_mut(&mut self) -> [&mut Limit; Self::COUNT] {
        [
            &mut self.rate_limit_bytes,
            &mut self.burst_size_bytes,
            &mut self.rate_limit_spans,
            &mut self.burst_size_spans,
            &mut self.max_live_bytes,
            &mut self.max_bytes_per_trace,
            &mut self.max_spans_per_trace,
            &mut self.max_attribute_bytes,
            &mut self.max_attributes_per_span,
        ]
    }

    /// The same limits with the bursts that are meant where none are given.
    #[must_use]
    pub fn with_bursts(self) -> Self {
        Self {
            burst_size_bytes: self.burst_size_bytes.or(self.rate_limit_bytes),
            burst_size_spans: self.burst_size_spans.or(self.rate_limit_spans),
            ..self
        }
    }

    /// Of each limit the lower one: nobody lifts for himself what others have set for him.
    #[must_use]
    pub fn tightened(self, own: &Self) -> Self {
        let mut lower = self.with_bursts();
        let own = own.with_bursts().named();
        for (limit, (_, own)) in lower.each_mut().into_iter().zip(own) {
            *limit = limit.iter().chain(&own).min().copied();
        }
        lower
    }

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

/// Something that the operator sets for all tenants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ByTenant<T> {
    /// For tenants that are not listed.
    pub defaults: T,
    /// For those that are, in place of the defaults.
    pub overrides: BTreeMap<TenantId, T>,
}

impl<T: Clone> ByTenant<T> {
    /// What is set for a tenant.
    pub fn of(&self, tenant: &TenantId) -> T {
        self.overrides.get(tenant).unwrap_or(&self.defaults).clone()
    }
}

/// The limits of all tenants.
pub type Limits = ByTenant<TenantLimits>;

/// What a limits file sets for a tenant beside what may be sent and held; other parts of the process keep to it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OperatorSettings {
    /// Length of the time range of a search.
    pub max_search_duration: Option<Duration>,
    /// Length of the time range of a metrics query.
    pub max_metrics_duration: Option<Duration>,
    /// Bytes of all names or values of an answer about tags.
    pub max_bytes_per_tag_values_query: Limit,
    /// Age at which spans are given up.
    pub block_retention: Option<Duration>,
    /// Settings of generated metrics in Tempo's form; what comes later in the list changes what came before.
    pub metrics_generator: Vec<Value>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_limits_the_lower_one_is_in_force() {
        let none = TenantLimits::default();
        let operator = TenantLimits {
            rate_limit_bytes: Some(100),
            max_live_bytes: Some(7),
            max_spans_per_trace: Some(5),
            ..none
        };
        let own = TenantLimits {
            rate_limit_bytes: Some(200),
            burst_size_bytes: Some(150),
            rate_limit_spans: Some(0),
            max_spans_per_trace: Some(4),
            ..none
        };
        let expected = TenantLimits {
            rate_limit_bytes: Some(100),
            // A burst that is not given is as large as the rate.
            burst_size_bytes: Some(100),
            rate_limit_spans: Some(0),
            burst_size_spans: Some(0),
            max_live_bytes: Some(7),
            max_spans_per_trace: Some(4),
            ..none
        };
        assert_eq!(operator.tightened(&own), expected);
        assert_eq!(own.tightened(&operator), expected);
        assert_eq!(none.tightened(&none), none);
    }

    #[test]
    fn every_limit_has_its_name() {
        let mut limits = TenantLimits::default();
        for (number, limit) in (1..).zip(limits.each_mut()) {
            *limit = Some(number);
        }
        let printed = format!("{limits:?}");
        for (name, limit) in limits.named() {
            assert!(printed.contains(&format!("{name}: {limit:?}")), "{name}: {printed}");
        }
    }
}

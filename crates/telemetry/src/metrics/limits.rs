//! Limits of tenants: what they kept out, and whether their file is in order.
//!
//! The names of tenants come from outside, so only the first [`TENANTS_MAX`] of them become labels; all others
//! share one series.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;

use crate::instrument::{CounterFamily, Registrar};
use crate::label::label_enum;
use crate::{Gauge, RefuseReason, RejectReason};

/// Tenants with series of their own.
pub const TENANTS_MAX: usize = 200;
/// What the others are called; no tenant can have this name.
pub(crate) const OTHER_TENANTS: &str = "<other>";

label_enum! {
    /// What became of a changed limits file.
    pub enum ReloadOutcome("outcome") {
        /// Its limits are in force.
        Loaded = "loaded",
        /// It has a mistake; the limits from before stay in force.
        Failed = "failed",
    }
}

/// Series by tenant and reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DiscardLabels {
    tenant: String,
    reason: &'static str,
}

/// Instruments of the limits of tenants.
#[derive(Debug, Clone)]
pub struct LimitMetrics {
    discarded: CounterFamily<DiscardLabels>,
    named: Arc<Mutex<BTreeSet<String>>>,
    /// Changes of the limits file.
    pub reloads: CounterFamily<ReloadOutcome>,
    /// 1 when the limits in force are those of the file, 0 when the file has a mistake.
    pub file_valid: Gauge,
}

impl LimitMetrics {
    pub(crate) fn register(registrar: &mut Registrar<'_>) -> Self {
        let file_valid = registrar.gauge(
            "spandrel_limits_file_valid",
            "1 when the limits in force are those of the limits file",
        );
        file_valid.set(1);
        Self {
            discarded: registrar.counters(
                "spandrel_limits_discarded_spans",
                "Spans kept out by a limit of their tenant; a part of those rejected and refused",
                &[],
            ),
            named: Arc::default(),
            reloads: registrar.counters(
                "spandrel_limits_reloads",
                "Changes of the limits file",
                ReloadOutcome::ALL,
            ),
            file_valid,
        }
    }

    /// Counts spans that a limit of their tenant keeps out for good. They are counted as rejected elsewhere.
    pub fn record_rejected(&self, tenant: &str, reason: RejectReason, spans: u64) {
        self.record(tenant, reason.as_str(), spans);
    }

    /// Counts spans that a limit of their tenant keeps out for now. They are counted as refused elsewhere.
    pub fn record_refused(&self, tenant: &str, reason: RefuseReason, spans: u64) {
        self.record(tenant, reason.as_str(), spans);
    }

    fn record(&self, tenant: &str, reason: &'static str, spans: u64) {
        let tenant = self.label(tenant).to_owned();
        self.discarded.add(&DiscardLabels { tenant, reason }, spans);
    }

    fn label<'t>(&self, tenant: &'t str) -> &'t str {
        // A set of names cannot be left half changed.
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if named.contains(tenant) {
            return tenant;
        }
        if named.len() >= TENANTS_MAX {
            return OTHER_TENANTS;
        }
        named.insert(tenant.to_owned());
        tenant
    }
}

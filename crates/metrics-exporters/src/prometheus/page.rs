//! The page: in which formats there is one, and what is the same in all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use spandrel_base::memory::MemoryBudget;
use spandrel_config::blocks::HttpServer;
use spandrel_pipeline::MetricBatch;

use super::accumulator::{Accumulator, Series};
use super::family::families;
use super::{Naming, PrometheusSettings, ResourceLabels, protobuf, text};

/// In which format the page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageFormat {
    /// Prometheus' text format, version 0.0.4.
    Text,
    /// OpenMetrics 1.0.0, which has exemplars.
    OpenMetrics,
    /// Prometheus' protobuf messages, one behind the other, which have exponential histograms.
    Protobuf,
}

/// What does not depend on the format.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// Whether values come with their time.
    pub(super) timestamps: bool,
    /// Whether characters that names could not have before Prometheus took UTF-8 become underscores.
    pub(super) escape: bool,
}

/// The page with these series.
pub(super) fn render<'s>(
    settings: &PrometheusSettings,
    series: impl Iterator<Item = &'s Series>,
    format: PageFormat,
    escape: bool,
) -> Vec<u8> {
    let families = families(settings, series);
    let look = Look { timestamps: settings.send_timestamps, escape };
    match format {
        PageFormat::Text => text::render(&families, look, false).into_bytes(),
        PageFormat::OpenMetrics => text::render(&families, look, true).into_bytes(),
        PageFormat::Protobuf => protobuf::render(&families, look),
    }
}

/// A page with these metrics alone, whose names are complete already. What finds no room in `memory` is left out.
pub fn render_batches(
    batches: Vec<MetricBatch>,
    format: PageFormat,
    memory: &MemoryBudget,
) -> Vec<u8> {
    let settings = PrometheusSettings {
        http: HttpServer::default(),
        naming: Naming { namespace: String::new(), suffixes: false, escape: true },
        const_labels: BTreeMap::new(),
        send_timestamps: false,
        metric_expiration: Duration::MAX,
        resource_labels: ResourceLabels::default(),
        enable_open_metrics: true,
        without_scope_info: true,
    };
    let mut accumulator = Accumulator::new(settings.metric_expiration, memory);
    for batch in batches {
        let rejected = accumulator.add(&batch, Duration::ZERO).rejected_spans;
        if rejected > 0 {
            tracing::warn!(series = rejected, "no memory for a whole page of metrics");
        }
    }
    render(&settings, accumulator.series(), format, true)
}

/// The name as who asks for the page can read it.
pub(super) fn readable(name: &str, escape: bool) -> Cow<'_, str> {
    if !escape || is_plain(name, true) {
        return Cow::Borrowed(name);
    }
    let digit = name.starts_with(|c: char| c.is_ascii_digit());
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' };
    let escaped = name.chars().map(plain);
    Cow::Owned(digit.then_some('_').into_iter().chain(escaped).collect())
}

/// Whether a name needs no quotes; colons are for metrics only.
pub(super) fn is_plain(name: &str, colon: bool) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty() && name.chars().all(valid)
}

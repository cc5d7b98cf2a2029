//! What the hints of a query, `with(...)`, change.

use spandrel_series::Intervals;
use spandrel_traceql::{Query, Static};

use super::{EXEMPLARS_MAX, MetricsQuery};

/// How the leaves of a query are evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) intervals: Intervals,
    /// Exemplars of the whole answer; 0 for none.
    pub(super) exemplars_max: usize,
    /// Whether a span counts as many as its sampling probability says that it stands for.
    pub(super) extrapolate: bool,
}

impl Settings {
    pub(super) fn of(request: &MetricsQuery) -> Self {
        let asked = match hint(&request.query, "exemplars") {
            Some(Static::Bool(false)) => 0,
            Some(Static::Bool(true)) if request.exemplars_max == 0 => EXEMPLARS_MAX,
            Some(Static::Int(number)) => usize::try_from(*number).unwrap_or(0),
            _ => request.exemplars_max,
        };
        let extrapolate = hint(&request.query, "extrapolate") == Some(&Static::Bool(true));
        Self { intervals: request.intervals, exemplars_max: asked.min(EXEMPLARS_MAX), extrapolate }
    }
}

/// The last value that the query gives to a hint.
fn hint<'q>(query: &'q Query, key: &str) -> Option<&'q Static> {
    query.hints.iter().rfind(|hint| hint.key == key).map(|hint| &hint.value)
}

//! What has been seen of the spans of a query so far.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_traceql::ast::{MetricsAggregate, MetricsFunction};
use spandrel_traceql::{Attribute, SpanValues, Static};

use crate::cells::{Cells, extreme};
use crate::function::{measured, one_value};
use crate::{ExactSum, ExemplarSpan, Function, Histogram, Intervals, bucket_of};

/// Groups of spans by interval. Partials of the same query merge in any order.
#[derive(Debug, Clone)]
pub struct Partial {
    pub(crate) function: Function,
    measured: Option<Attribute>,
    by: Vec<Attribute>,
    pub(crate) intervals: Intervals,
    groups: HashMap<Box<[Static]>, usize>,
    cells: Vec<Cells>,
    /// By group and interval.
    exemplars: HashMap<(usize, usize), ExemplarSpan>,
}

/// Memory of a group besides its values and intervals.
const GROUP_BYTES: usize = 128;

/// A group of a partial that was taken apart.
pub(crate) struct Group {
    /// The values of `by`.
    pub(crate) values: Box<[Static]>,
    pub(crate) cells: Cells,
    /// By interval, ascending.
    pub(crate) exemplars: Vec<(usize, ExemplarSpan)>,
}

impl Partial {
    /// Nothing yet; `None` for `compare`.
    pub fn new(aggregate: &MetricsAggregate, intervals: Intervals) -> Option<Self> {
        Some(Self {
            function: Function::of(&aggregate.function)?,
            measured: measured(&aggregate.function).cloned(),
            by: aggregate.by.clone(),
            intervals,
            groups: HashMap::new(),
            cells: Vec::new(),
            exemplars: HashMap::new(),
        })
    }

    /// Nothing yet, of the same query.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self {
            function: self.function,
            measured: self.measured.clone(),
            by: self.by.clone(),
            intervals: self.intervals,
            groups: HashMap::new(),
            cells: Vec::new(),
            exemplars: HashMap::new(),
        }
    }

    /// What is kept.
    pub fn function(&self) -> Function {
        self.function
    }

    /// How many groups there are.
    pub fn n_groups(&self) -> usize {
        self.cells.len()
    }

    /// The number of a group, by the values of `by` in their order.
    pub fn group(&mut self, values: &[Static]) -> usize {
        if let Some(group) = self.groups.get(values) {
            return *group;
        }
        let group = self.cells.len();
        self.groups.insert(values.into(), group);
        self.cells.push(Cells::new(self.function));
        group
    }

    /// Adds spans of weight 1 to a count.
    ///
    /// # Panics
    /// When there is no such group; so for all that follow.
    pub fn add_count(&mut self, group: usize, interval: usize, spans: u64) {
        if let Cells::Counts(window) = &mut self.cells[group] {
            window.at(interval).add(spans);
        }
    }

    /// Adds the least or the greatest of some values, in the unit of the attribute.
    pub fn add_extreme(&mut self, group: usize, interval: usize, value: f64) {
        if let Cells::Extremes(window) = &mut self.cells[group] {
            let cell = window.at(interval);
            *cell = extreme(self.function, *cell, Some(value));
        }
    }

    /// Adds a sum of some values of weight 1.
    pub fn add_sum(&mut self, group: usize, interval: usize, sum: &ExactSum, values: u64) {
        if let Cells::Sums(window) = &mut self.cells[group] {
            let cell = window.at(interval);
            cell.sum.merge(sum);
            cell.values.add(values);
        }
    }

    /// Adds values by bucket.
    pub fn add_histogram(&mut self, group: usize, interval: usize, histogram: &Histogram) {
        if let Cells::Histograms(window) = &mut self.cells[group] {
            window.at(interval).merge(histogram);
        }
    }

    /// Adds a span of a group. `value` is what is measured of it: values that are no numbers, or none that
    /// the function can take, are not counted.
    #[expect(clippy::cast_precision_loss, reason = "values are floats")]
    pub fn add_span(&mut self, group: usize, interval: usize, value: &Static, weight: f64) {
        match &mut self.cells[group] {
            Cells::Counts(window) => window.at(interval).add_weighted(weight),
            Cells::Extremes(window) => {
                if let Some(number) = value.as_float().filter(|number| !number.is_nan()) {
                    let cell = window.at(interval);
                    *cell = extreme(self.function, *cell, Some(number));
                }
            }
            Cells::Sums(window) => {
                let whole = match value {
                    Static::Int(number) | Static::Duration(number) => Some(*number),
                    Static::Float(number) if !number.is_nan() => None,
                    _ => return,
                };
                let cell = window.at(interval);
                match (whole, value) {
                    (Some(whole), _) if weight == 1.0 => cell.sum.add_whole(whole.into()),
                    (Some(whole), _) => cell.sum.add(whole as f64 * weight),
                    (None, Static::Float(number)) => cell.sum.add(*number * weight),
                    (None, _) => {}
                }
                cell.values.add_weighted(weight);
            }
            Cells::Histograms(window) => {
                if let Static::Int(number) | Static::Duration(number) = value
                    && let Some(exponent) = bucket_of(*number)
                {
                    window.at(interval).bucket(exponent).add_weighted(weight);
                }
            }
        }
    }

    /// Adds a span that may become an exemplar.
    pub fn add_exemplar(&mut self, group: usize, interval: usize, span: ExemplarSpan) {
        let measures = self.measured.is_some();
        if measures && span.value.is_none_or(f64::is_nan) {
            return;
        }
        match self.exemplars.entry((group, interval)) {
            Entry::Occupied(mut entry) => {
                let better = entry.get().better(span);
                entry.insert(better);
            }
            Entry::Vacant(entry) => {
                entry.insert(span);
            }
        }
    }

    /// Adds a span by its values. `exemplar` has its ids when it may become one.
    pub fn observe(
        &mut self,
        span: &dyn SpanValues,
        start_unix_nanos: i64,
        weight: f64,
        exemplar: Option<ExemplarSpan>,
    ) {
        let Some(interval) = self.intervals.of(start_unix_nanos) else { return };
        let by = self.by.iter().map(|attribute| one_value(span.value(attribute)));
        let by: Vec<Static> = by.collect();
        let value = match &self.measured {
            Some(attribute) => one_value(span.value(attribute)),
            None => Static::Nil,
        };
        let group = self.group(&by);
        self.add_span(group, interval, &value, weight);
        if let Some(exemplar) = exemplar {
            let value = value.as_float();
            self.add_exemplar(group, interval, ExemplarSpan { value, ..exemplar });
        }
    }

    /// Adds another partial of the same query.
    pub fn merge(&mut self, other: Self) {
        let Self { groups, cells, exemplars, .. } = other;
        let mut numbers = vec![0; cells.len()];
        for (values, number) in groups {
            numbers[number] = self.group(&values);
        }
        for (cells, group) in cells.into_iter().zip(&numbers) {
            self.cells[*group].merge(cells, self.function);
        }
        for ((group, interval), span) in exemplars {
            self.add_exemplar(numbers[group], interval, span);
        }
    }

    /// About what it takes in memory.
    pub fn size_bytes(&self) -> usize {
        let cells: usize = self.cells.iter().map(Cells::size_bytes).sum();
        let values: usize = self.groups.keys().flat_map(|values| values.iter()).map(bytes_of).sum();
        let exemplars = self.exemplars.capacity() * size_of::<((usize, usize), ExemplarSpan)>();
        cells + values + exemplars + self.cells.len() * GROUP_BYTES
    }

    /// About what its series take in memory. They have a value for every interval, whether anything was seen there or
    /// not, so that may be far more than [`Self::size_bytes`].
    pub fn series_bytes(&self, aggregate: &MetricsAggregate) -> usize {
        let n_quantiles = match &aggregate.function {
            MetricsFunction::QuantileOverTime { quantiles, .. } => Some(quantiles.len()),
            _ => None,
        };
        let n_series: usize = self.cells.iter().map(|cells| cells.n_series(n_quantiles)).sum();
        let one =
            GROUP_BYTES.saturating_add(self.intervals.count().saturating_mul(size_of::<f64>()));
        n_series.saturating_mul(one)
    }

    pub(crate) fn into_groups(self) -> Vec<Group> {
        let mut exemplars = vec![Vec::new(); self.cells.len()];
        for ((group, interval), span) in self.exemplars {
            exemplars[group].push((interval, span));
        }
        let mut cells: Vec<Option<Cells>> = self.cells.into_iter().map(Some).collect();
        let groups = self.groups.into_iter().filter_map(|(values, number)| {
            let cells = cells[number].take()?;
            let mut exemplars = std::mem::take(&mut exemplars[number]);
            exemplars.sort_by_key(|(interval, _)| *interval);
            Some(Group { values, cells, exemplars })
        });
        groups.collect()
    }
}

/// About what a value takes in memory.
pub(crate) fn bytes_of(value: &Static) -> usize {
    let text = match value {
        Static::String(text) => text.len(),
        Static::StringArray(texts) => texts.iter().map(|text| text.len() + 24).sum(),
        Static::IntArray(numbers) => numbers.len() * 8,
        Static::FloatArray(numbers) => numbers.len() * 8,
        Static::BoolArray(truths) => truths.len(),
        _ => 0,
    };
    size_of::<Static>() + text
}

#[cfg(test)]
mod tests {
    use spandrel_traceql::ast::Root;

    use super::*;

    #[test]
    fn series_are_counted_with_all_their_intervals() {
        for (function, n_series) in
            [("rate()", 2), ("quantile_over_time(duration, 0.5, 0.9)", 4), ("max_over_time(.a)", 2)]
        {
            let query = spandrel_traceql::compile(&format!("{{ }} | {function} by (name)"));
            let Root::Metrics(expr) = query.unwrap().root else { panic!("{function}") };
            let leaf = crate::leaves(&expr).into_iter().next().unwrap();
            let intervals = Intervals::range(0, 1_000, 1).unwrap();
            let mut partial = Partial::new(leaf.aggregate, intervals).unwrap();
            for name in ["a", "b"] {
                partial.group(&[Static::String(name.to_owned())]);
            }
            let one = GROUP_BYTES + intervals.count() * size_of::<f64>();
            assert_eq!(partial.series_bytes(leaf.aggregate), n_series * one, "{function}");
        }
    }
}

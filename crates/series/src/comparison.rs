//! `compare`: how often each value of each attribute occurs in a selection of spans, and in the rest.

use hashbrown::HashMap;
use spandrel_traceql::Static;

use crate::labels::order;
use crate::partial::bytes_of;
use crate::series::tidy;
use crate::window::Window;
use crate::{Intervals, Labels, Series};

/// The label that says what a series counts.
const META_TYPE: &str = "__meta_type";
/// The label of an attribute of which not all values are shown.
const META_ERROR: &str = "__meta_error";
const TOO_MANY_VALUES: &str = "__too_many_values__";

/// Memory of a value besides its counts.
const VALUE_BYTES: usize = 96;

/// Which spans are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// All that are not selected.
    Baseline,
    /// The selected ones.
    Selection,
}

impl Area {
    const ALL: [Self; 2] = [Self::Baseline, Self::Selection];

    fn name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Selection => "selection",
        }
    }

    fn total_name(self) -> &'static str {
        match self {
            Self::Baseline => "baseline_total",
            Self::Selection => "selection_total",
        }
    }
}

/// Spans by interval, of the baseline and of the selection.
type Counts = [Window<u64>; 2];

/// The values of one attribute.
#[derive(Debug, Clone, Default)]
pub struct AttributeValues {
    values: HashMap<Static, Counts>,
    size_bytes: usize,
}

impl AttributeValues {
    /// Adds spans that have a value.
    pub fn add(&mut self, value: &Static, area: Area, interval: usize, spans: u64) {
        let counts = match self.values.get_mut(value) {
            Some(counts) => counts,
            None => {
                self.size_bytes += bytes_of(value) + VALUE_BYTES;
                self.values.entry(value.clone()).or_default()
            }
        };
        let window = &mut counts[area as usize];
        let before = window.capacity();
        *window.at(interval) += spans;
        self.size_bytes += (window.capacity() - before) * size_of::<u64>();
    }
}

/// What `compare` has counted so far. Comparisons of the same query merge in any order.
#[derive(Debug, Clone)]
pub struct Comparison {
    top: usize,
    intervals: Intervals,
    attributes: HashMap<String, AttributeValues>,
}

impl Comparison {
    /// Nothing yet. `top` is how many values of each attribute are shown for each area.
    pub fn new(top: usize, intervals: Intervals) -> Self {
        Self { top, intervals, attributes: HashMap::new() }
    }

    /// Nothing yet, of the same query.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self::new(self.top, self.intervals)
    }

    /// The counts of an attribute, by its name as it is written in a query.
    pub fn attribute(&mut self, name: &str) -> &mut AttributeValues {
        self.attributes.entry_ref(name).or_default()
    }

    /// Adds another comparison of the same query.
    pub fn merge(&mut self, other: Self) {
        for (name, values) in other.attributes {
            let own = self.attribute(&name);
            for (value, counts) in values.values {
                for (area, window) in Area::ALL.into_iter().zip(&counts) {
                    let some = window.iter().filter(|(_, spans)| **spans > 0);
                    some.for_each(|(interval, spans)| own.add(&value, area, interval, *spans));
                }
            }
        }
    }

    /// About what it takes in memory.
    pub fn size_bytes(&self) -> usize {
        let attributes = self.attributes.iter();
        attributes.map(|(name, values)| name.len() + VALUE_BYTES + values.size_bytes).sum()
    }

    /// The series: the most frequent values of each attribute, how many spans have the attribute, and for attributes of
    /// which not all values are shown, how many spans have one of the others.
    pub fn finish(self) -> Vec<Series> {
        let mut all = Vec::new();
        for (name, AttributeValues { values, .. }) in &self.attributes {
            let mut left_out: Option<Vec<f64>> = None;
            for area in Area::ALL {
                let mut ranked: Vec<(&Static, &Window<u64>, u64)> = values
                    .iter()
                    .map(|(value, counts)| (value, &counts[area as usize]))
                    .map(|(value, window)| (value, window, window.iter().map(|(_, n)| n).sum()))
                    .filter(|(_, _, total)| *total > 0)
                    .collect();
                if ranked.is_empty() {
                    continue;
                }
                ranked.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| order(a.0, b.0)));
                let windows = ranked.iter().map(|(_, window, _)| *window);
                let total = self.sum(windows.clone());
                all.push(series(area.total_name(), name, &Static::Nil, total));
                if ranked.len() > self.top {
                    let others = self.sum(windows.skip(self.top));
                    let sum = left_out.get_or_insert_with(|| vec![0.0; self.intervals.count()]);
                    sum.iter_mut().zip(others).for_each(|(sum, others)| *sum += others);
                }
                for (value, window, _) in ranked.into_iter().take(self.top) {
                    let counts = self.sum(std::iter::once(window));
                    all.push(series(area.name(), name, value, counts));
                }
            }
            if let Some(values) = left_out {
                let labels = Labels::default()
                    .with(META_ERROR, Static::String(TOO_MANY_VALUES.to_owned()))
                    .with(name, Static::Nil);
                all.push(Series { labels, values, exemplars: Vec::new() });
            }
        }
        tidy(all)
    }

    #[expect(clippy::cast_precision_loss, reason = "values are floats")]
    fn sum<'w>(&self, windows: impl Iterator<Item = &'w Window<u64>>) -> Vec<f64> {
        let mut sums = vec![0_u64; self.intervals.count()];
        for (interval, spans) in windows.flat_map(Window::iter) {
            sums[interval] += spans;
        }
        sums.into_iter().map(|spans| spans as f64).collect()
    }
}

fn series(meta_type: &str, name: &str, value: &Static, values: Vec<f64>) -> Series {
    let labels = Labels::default()
        .with(META_TYPE, Static::String(meta_type.to_owned()))
        .with(name, value.clone());
    Series { labels, values, exemplars: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Static {
        Static::String(text.to_owned())
    }

    #[test]
    fn the_most_frequent_values_and_totals_are_shown() {
        let intervals = Intervals::aligned(0, 20, 10).unwrap();
        let mut whole = Comparison::new(1, intervals);
        let mut part = Comparison::new(1, intervals);
        whole.attribute("span.a").add(&text("x"), Area::Baseline, 0, 1);
        whole.attribute("span.a").add(&text("y"), Area::Baseline, 0, 1);
        part.attribute("span.a").add(&text("y"), Area::Baseline, 1, 2);
        part.attribute("span.a").add(&text("z"), Area::Selection, 1, 5);
        whole.merge(part);
        let shown: Vec<String> =
            whole.finish().iter().map(|s| format!("{} {:?}", s.labels, s.values)).collect();
        assert_eq!(
            shown,
            [
                "{__meta_error=\"__too_many_values__\", span.a=nil} [1.0, 0.0]",
                "{__meta_type=\"baseline\", span.a=\"y\"} [1.0, 2.0]",
                "{__meta_type=\"baseline_total\", span.a=nil} [2.0, 2.0]",
                "{__meta_type=\"selection\", span.a=\"z\"} [0.0, 5.0]",
                "{__meta_type=\"selection_total\", span.a=nil} [0.0, 5.0]",
            ]
        );
    }
}

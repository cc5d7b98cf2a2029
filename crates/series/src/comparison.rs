//! `compare`: how often each value of each attribute occurs in a selection of spans, and in the rest.

mod counts;
mod ranking;
mod values;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_traceql::Static;

pub use self::counts::{AttributeCounts, ComparisonCounts, SpanCounts};
use self::ranking::Ranking;
pub use self::values::AttributeValues;
use crate::series::tidy;
use crate::{Intervals, Labels, Series};

/// The label that says what a series counts.
const META_TYPE: &str = "__meta_type";
/// The label of an attribute of which not all values are shown.
const META_ERROR: &str = "__meta_error";
const TOO_MANY_VALUES: &str = "__too_many_values__";

/// Memory of a series besides its values: labels, of which one is a value of an attribute.
const SERIES_BYTES: usize = 512;
/// Memory of an attribute besides its name and values.
const ATTRIBUTE_BYTES: usize = 160;

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

/// What `compare` has counted so far. Comparisons of the same query merge in any order.
#[derive(Debug, Clone)]
pub struct Comparison {
    top: usize,
    intervals: Intervals,
    attributes: HashMap<String, AttributeValues>,
    /// How many values of an attribute are told apart, where which spans they are is of interest too.
    values_max: Option<usize>,
    /// All spans that were counted, where that is of interest.
    all: SpanCounts,
}

impl Comparison {
    /// Nothing yet. `top` is how many values of each attribute are shown for each area.
    pub fn new(top: usize, intervals: Intervals) -> Self {
        let attributes = HashMap::new();
        Self { top, intervals, attributes, values_max: None, all: SpanCounts::default() }
    }

    /// Nothing yet, of a comparison whose counts are taken as they are, with marks for the spans of each value. Of an
    /// attribute with more than `values_max` values it only remembers how many spans have it, whatever the order in
    /// which they come.
    pub fn marked(values_max: usize, intervals: Intervals) -> Self {
        Self { values_max: Some(values_max), ..Self::new(0, intervals) }
    }

    /// Whether the spans of each value are marked.
    pub fn is_marked(&self) -> bool {
        self.values_max.is_some()
    }

    /// Nothing yet, of the same query.
    #[must_use]
    pub fn empty(&self) -> Self {
        Self { values_max: self.values_max, ..Self::new(self.top, self.intervals) }
    }

    /// All spans, whatever attributes they have; only a marked comparison needs them.
    pub fn all(&mut self) -> &mut SpanCounts {
        &mut self.all
    }

    /// Forgets the values of attributes that have too many.
    pub fn limit_values(&mut self) {
        if let Some(values_max) = self.values_max {
            self.attributes.values_mut().for_each(|values| values.limit(values_max));
        }
    }

    /// The counts of an attribute, by its name as it is written in a query.
    pub fn attribute(&mut self, name: &str) -> &mut AttributeValues {
        self.attributes.entry_ref(name).or_default()
    }

    /// Adds another comparison of the same query.
    pub fn merge(&mut self, other: Self) {
        self.all.merge(other.all);
        for (name, values) in other.attributes {
            match self.attributes.entry(name) {
                Entry::Occupied(mut entry) => entry.get_mut().merge(values),
                Entry::Vacant(entry) => {
                    entry.insert(values);
                }
            }
        }
    }

    /// About what it takes in memory.
    pub fn size_bytes(&self) -> usize {
        let attributes = self.attributes.iter();
        attributes.map(|(name, values)| name.len() + ATTRIBUTE_BYTES + values.size_bytes()).sum()
    }

    /// About what its series take in memory, at most: most of it are intervals without spans.
    pub fn series_bytes(&self) -> usize {
        let one = self.intervals.count() * size_of::<f64>() + SERIES_BYTES;
        // For each area the values that are shown and the total, and once the rest.
        let n_series = |values: &AttributeValues| 2 * values.len().min(self.top) + 3;
        self.attributes.values().map(n_series).sum::<usize>().saturating_mul(one)
    }

    /// The series: the most frequent values of each attribute, how many spans have the attribute, and for attributes of
    /// which not all values are shown, how many spans have one of the others.
    pub fn finish(self) -> Vec<Series> {
        let mut all = Vec::new();
        for (name, values) in self.attributes {
            let ranking = Ranking::of(values, self.intervals.count());
            let mut left_out: Option<Vec<u64>> = None;
            for area in Area::ALL {
                let (shown, n_values) = ranking.most_frequent(area, self.top);
                if n_values == 0 {
                    continue;
                }
                let mut total = ranking.total(area);
                all.push(series(area.total_name(), &name, &Static::Nil, &total));
                for value in &shown {
                    let spans = ranking.spans(*value, area);
                    all.push(series(area.name(), &name, &ranking.values[*value], &spans));
                    total.iter_mut().zip(spans).for_each(|(others, shown)| *others -= shown);
                }
                if n_values > shown.len() {
                    let sum = left_out.get_or_insert_with(|| vec![0; self.intervals.count()]);
                    sum.iter_mut().zip(total).for_each(|(sum, others)| *sum += others);
                }
            }
            if let Some(spans) = left_out {
                let labels = Labels::default()
                    .with(META_ERROR, Static::String(TOO_MANY_VALUES.to_owned()))
                    .with(&name, Static::Nil);
                all.push(Series { labels, values: floats(&spans), exemplars: Vec::new() });
            }
        }
        tidy(all)
    }
}

#[expect(clippy::cast_precision_loss, reason = "values are floats")]
fn floats(spans: &[u64]) -> Vec<f64> {
    spans.iter().map(|spans| *spans as f64).collect()
}

fn series(meta_type: &str, name: &str, value: &Static, spans: &[u64]) -> Series {
    let labels = Labels::default()
        .with(META_TYPE, Static::String(meta_type.to_owned()))
        .with(name, value.clone());
    Series { labels, values: floats(spans), exemplars: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Static {
        Static::String(text.to_owned())
    }

    #[test]
    fn a_marked_comparison_knows_which_spans_have_a_value() {
        let intervals = Intervals::instant(0, 20).unwrap();
        let empty = Comparison::marked(2, intervals);
        let add = |part: &mut Comparison, name: &str, value: &str, area, mark| {
            let values = part.attribute(name);
            let number = values.add(&text(value), area, 0, 1);
            values.mark(number, mark);
        };
        let part = |first: u64, area| {
            let mut part = empty.empty();
            for mark in [first, first + 1] {
                add(
                    &mut part,
                    "span.parity",
                    if mark % 2 == 0 { "even" } else { "odd" },
                    area,
                    mark,
                );
                add(&mut part, "span.id", &mark.to_string(), area, mark);
                part.all().add(area, 1);
                part.all().mark += mark;
            }
            part.limit_values();
            part
        };
        let (one, two) = (part(10, Area::Baseline), part(20, Area::Selection));
        let counts = |mut whole: Comparison, more: Comparison| {
            whole.merge(more);
            whole.limit_values();
            let mut counts = whole.counts();
            counts.attributes[1].values.sort_by_key(|(_, spans)| spans.mark);
            counts
        };
        let found = counts(one.clone(), two.clone());
        let spans = |mark| SpanCounts { selection: 1, baseline: 1, mark };
        let all = SpanCounts { selection: 2, baseline: 2, mark: 62 };
        assert_eq!(
            found,
            ComparisonCounts {
                all,
                attributes: vec![
                    AttributeCounts {
                        name: "span.id".to_owned(),
                        values: Vec::new(),
                        others: SpanCounts { mark: 0, ..all },
                    },
                    AttributeCounts {
                        name: "span.parity".to_owned(),
                        values: vec![(text("even"), spans(30)), (text("odd"), spans(32))],
                        others: SpanCounts::default(),
                    },
                ],
            }
        );
        assert_eq!(counts(two, one), found, "in any order");
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
        // Three values of two areas, three series besides; each with two intervals.
        assert_eq!(whole.series_bytes(), (2 + 3) * (2 * 8 + SERIES_BYTES));
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

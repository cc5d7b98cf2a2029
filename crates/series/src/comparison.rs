//! `compare`: how often each value of each attribute occurs in a selection of spans, and in the rest.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_traceql::Static;

use crate::labels::order;
use crate::partial::bytes_of;
use crate::series::tidy;
use crate::{Intervals, Labels, Series};

/// The label that says what a series counts.
const META_TYPE: &str = "__meta_type";
/// The label of an attribute of which not all values are shown.
const META_ERROR: &str = "__meta_error";
const TOO_MANY_VALUES: &str = "__too_many_values__";

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

/// Spans of a value, in one interval and area. A value may have several cells of the same slot.
#[derive(Debug, Clone, Copy)]
struct Cell {
    value: u32,
    /// Twice the interval, and one more for the selection.
    slot: u32,
    spans: u64,
}

impl Cell {
    fn area(self) -> usize {
        self.slot as usize % 2
    }

    fn interval(self) -> usize {
        self.slot as usize / 2
    }
}

/// The values of one attribute.
///
/// Most values of most attributes occur once: so counts are a list in the order in which they come, and values are
/// looked up once for each time that they are added.
#[derive(Debug, Clone, Default)]
pub struct AttributeValues {
    /// Numbers of the values, from 0.
    values: HashMap<Static, u32>,
    cells: Vec<Cell>,
    /// How many cells there were when all of a slot were last joined.
    joined: usize,
    texts_bytes: usize,
}

/// Cells are joined when there are twice as many as after the last time, and not below this.
const JOINED_MIN: usize = 1 << 12;

impl AttributeValues {
    /// Adds spans that have a value.
    pub fn add(&mut self, value: &Static, area: Area, interval: usize, spans: u64) {
        let value = match self.values.get(value) {
            Some(value) => *value,
            None => self.number(value.clone()),
        };
        self.push(Cell { value, slot: slot(area, interval), spans });
    }

    /// Adds spans that have a value, by area and interval.
    pub fn add_all(&mut self, value: Static, spans: impl IntoIterator<Item = (Area, usize, u64)>) {
        let value = self.number(value);
        for (area, interval, spans) in spans {
            self.push(Cell { value, slot: slot(area, interval), spans });
        }
    }

    fn number(&mut self, value: Static) -> u32 {
        let next = self.values.len() as u32;
        let bytes = bytes_of(&value);
        match self.values.entry(value) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.texts_bytes += bytes;
                *entry.insert(next)
            }
        }
    }

    fn push(&mut self, cell: Cell) {
        if self.cells.len() >= JOINED_MIN.max(2 * self.joined) {
            self.join();
        }
        self.cells.push(cell);
    }

    /// Sorts the cells by value, and leaves one of each slot.
    fn join(&mut self) {
        self.cells.sort_unstable_by_key(|cell| (cell.value, cell.slot));
        self.cells.dedup_by(|next, kept| {
            let same = (next.value, next.slot) == (kept.value, kept.slot);
            kept.spans += if same { next.spans } else { 0 };
            same
        });
        self.joined = self.cells.len();
    }

    fn merge(&mut self, other: Self) {
        let mut numbers = vec![0; other.values.len()];
        for (value, number) in other.values {
            numbers[number as usize] = self.number(value);
        }
        for cell in other.cells {
            self.push(Cell { value: numbers[cell.value as usize], ..cell });
        }
    }

    fn size_bytes(&self) -> usize {
        let entries = self.values.capacity() * (size_of::<(Static, u32)>() + 1);
        entries + self.texts_bytes + self.cells.capacity() * size_of::<Cell>()
    }
}

fn slot(area: Area, interval: usize) -> u32 {
    2 * interval as u32 + area as u32
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

    /// The series: the most frequent values of each attribute, how many spans have the attribute, and for attributes of
    /// which not all values are shown, how many spans have one of the others.
    pub fn finish(self) -> Vec<Series> {
        let mut all = Vec::new();
        for (name, mut values) in self.attributes {
            values.join();
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

/// The values of an attribute with their cells.
struct Ranking {
    /// By number.
    values: Vec<Static>,
    /// By value, each slot once.
    cells: Vec<Cell>,
    n_intervals: usize,
}

impl Ranking {
    fn of(attribute: AttributeValues, n_intervals: usize) -> Self {
        let mut values = vec![Static::Nil; attribute.values.len()];
        for (value, number) in attribute.values {
            values[number as usize] = value;
        }
        Self { values, cells: attribute.cells, n_intervals }
    }

    /// The numbers of the values with the most spans in an area, the most frequent first, and how many values have any.
    fn most_frequent(&self, area: Area, top: usize) -> (Vec<usize>, usize) {
        let mut totals = vec![0_u64; self.values.len()];
        for cell in self.cells.iter().filter(|cell| cell.area() == area as usize) {
            totals[cell.value as usize] += cell.spans;
        }
        let mut found: Vec<usize> = (0..totals.len()).filter(|value| totals[*value] > 0).collect();
        let n_values = found.len();
        let by_rank = |a: &usize, b: &usize| {
            let by_total = totals[*b].cmp(&totals[*a]);
            by_total.then_with(|| order(&self.values[*a], &self.values[*b]))
        };
        if top < n_values {
            found.select_nth_unstable_by(top, by_rank);
            found.truncate(top);
        }
        found.sort_by(by_rank);
        (found, n_values)
    }

    /// Spans by interval.
    fn spans(&self, value: usize, area: Area) -> Vec<u64> {
        let begin = self.cells.partition_point(|cell| (cell.value as usize) < value);
        let own = self.cells[begin..].iter().take_while(|cell| cell.value as usize == value);
        self.by_interval(own, area)
    }

    /// Spans by interval, of all values.
    fn total(&self, area: Area) -> Vec<u64> {
        self.by_interval(self.cells.iter(), area)
    }

    fn by_interval<'c>(&self, cells: impl Iterator<Item = &'c Cell>, area: Area) -> Vec<u64> {
        let mut sums = vec![0; self.n_intervals];
        for cell in cells.filter(|cell| cell.area() == area as usize) {
            sums[cell.interval()] += cell.spans;
        }
        sums
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

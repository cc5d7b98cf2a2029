//! The loops over the rows of a unit: first each row's cell, then the function over cells.
//!
//! Both go over a few thousand rows at a time, which stay in the nearest cache.

use arrow_buffer::BooleanBuffer;
use hashbrown::HashMap;
use spandrel_series::{ExactSum, Function, Histogram, Partial, bucket_of};

use super::cells::{Cells, NOWHERE};
use super::codes::{Codes, Groups};
use super::exemplars::Ids;
use super::numbers::Numbers;
use super::rows::Rows;
use super::starts::{Starts, UnitIntervals};

const CHUNK_ROWS: usize = 4096;
/// Buckets of a cell: exponents 0 to 63.
const BUCKETS: usize = 64;
/// Counters of buckets that may lie in one table.
const BUCKET_TABLE_MAX: usize = 1 << 21;

/// What the loops work on. Rows of all parts are those of one unit.
pub(super) struct Unit {
    pub(super) starts: Starts,
    pub(super) intervals: UnitIntervals,
    /// Rows that pass.
    pub(super) rows: Rows,
    pub(super) groups: Groups,
    pub(super) numbers: Numbers,
    /// Weights by row of those that pass and have one other than 1.
    pub(super) weights: Vec<(u32, f64)>,
    /// For exemplars.
    pub(super) ids: Option<Ids>,
}

impl Unit {
    /// Adds the rows to a partial.
    pub(super) fn add_to(mut self, partial: &mut Partial) {
        self.add_exemplars(partial);
        let one_by_one = matches!(self.numbers, Numbers::Mixed(_));
        if one_by_one {
            let weights: HashMap<u32, f64> = self.weights.iter().copied().collect();
            let weight = |row: usize| weights.get(&(row as u32)).copied().unwrap_or(1.0);
            self.add_rows(self.rows.iter().map(|row| (row, weight(row))), partial);
            return;
        }
        if !self.weights.is_empty() {
            let weighted = std::mem::take(&mut self.weights);
            self.add_rows(weighted.iter().map(|(row, weight)| (*row as usize, *weight)), partial);
            self.rows = self.rows.without(weighted.iter().map(|(row, _)| *row as usize));
        }
        let mut tally = Tally::new(partial.function(), &self.numbers);
        let mut cells = Cells::new(self.groups.values.len(), self.intervals.count);
        let mut places = vec![NOWHERE; CHUNK_ROWS];
        let n_rows = self.rows.len();
        for first in (0..n_rows).step_by(CHUNK_ROWS) {
            let places = &mut places[..CHUNK_ROWS.min(n_rows - first)];
            self.places(first, &mut cells, places);
            tally.add(first, places, &self.numbers, cells.len());
        }
        self.finish(&tally, &cells, partial);
    }

    /// The slow way, value by value.
    fn add_rows(&self, rows: impl Iterator<Item = (usize, f64)>, partial: &mut Partial) {
        let mut groups = PartialGroups::new(&self.groups);
        for (row, weight) in rows {
            let Some(interval) = self.intervals.index(self.starts.nanos[row]) else { continue };
            let group = groups.of(self.groups.codes.at(row) as usize, partial);
            let interval = self.intervals.first + interval as usize;
            partial.add_span(group, interval, &self.numbers.value(row), weight);
        }
    }

    /// The places of the cells of some rows, the first one of which is given.
    fn places(&self, first: usize, cells: &mut Cells, places: &mut [u32]) {
        let starts = &self.starts.nanos[first..first + places.len()];
        let Cells::Dense { n_intervals, .. } = cells else {
            for (i, place) in places.iter_mut().enumerate() {
                let row = first + i;
                let interval = self.intervals.index(starts[i]).filter(|_| self.rows.contains(row));
                *place = match interval {
                    Some(interval) => cells.place(self.groups.codes.at(row), interval),
                    None => NOWHERE,
                };
            }
            return;
        };
        let width = *n_intervals as u32;
        // One loop for each kind of codes, so that none of them asks which kind it is.
        match &self.groups.codes {
            Codes::One => dense(&self.intervals, width, starts, places, |_| 0),
            Codes::Keys(keys) => {
                let keys = &keys[first..first + places.len()];
                dense(&self.intervals, width, starts, places, |i| keys[i].cast_unsigned());
            }
            Codes::Each(codes) => {
                let codes = &codes[first..first + places.len()];
                dense(&self.intervals, width, starts, places, |i| codes[i]);
            }
        }
        if let Some(mask) = &self.rows.mask {
            for (i, place) in places.iter_mut().enumerate() {
                *place = if mask.value(first + i) { *place } else { NOWHERE };
            }
        }
    }

    fn finish(&self, tally: &Tally, cells: &Cells, partial: &mut Partial) {
        let mut groups = PartialGroups::new(&self.groups);
        let mut at = |place: usize, partial: &mut Partial| {
            let (group, interval) = cells.cell(place);
            (groups.of(group, partial), self.intervals.first + interval)
        };
        match tally {
            Tally::Counts(counts) => {
                for (place, count) in counted(counts) {
                    let (group, interval) = at(place, partial);
                    partial.add_count(group, interval, u64::from(count));
                }
            }
            Tally::Extremes { values, .. } => {
                for (place, value) in values.iter().enumerate().skip(1) {
                    if let Some(value) = value.number() {
                        let (group, interval) = at(place, partial);
                        partial.add_extreme(group, interval, value);
                    }
                }
            }
            Tally::WholeSums { sums, counts } => {
                for (place, count) in counted(counts) {
                    let (group, interval) = at(place, partial);
                    let mut sum = ExactSum::default();
                    sum.add_whole(sums[place]);
                    partial.add_sum(group, interval, &sum, u64::from(count));
                }
            }
            Tally::FloatSums { sums, counts } => {
                for (place, count) in counted(counts) {
                    let (group, interval) = at(place, partial);
                    partial.add_sum(group, interval, &sums[place], u64::from(count));
                }
            }
            Tally::Histograms(buckets) => {
                for (place, histogram) in buckets.histograms() {
                    let (group, interval) = at(place, partial);
                    partial.add_histogram(group, interval, &histogram);
                }
            }
        }
    }

    fn add_exemplars(&self, partial: &mut Partial) {
        let Some(ids) = &self.ids else { return };
        let measures = !matches!(self.numbers, Numbers::None);
        let mut groups = PartialGroups::new(&self.groups);
        let mut best: HashMap<(u32, u32), u64> = HashMap::new();
        for row in self.rows.iter() {
            let Some(interval) = self.intervals.index(self.starts.nanos[row]) else { continue };
            let code = self.groups.codes.at(row);
            let rank = ids.rank(row);
            let known = best.entry((code, interval)).or_insert(u64::MAX);
            if rank > *known {
                continue;
            }
            let value = self.numbers.value(row).as_float();
            if measures && value.is_none_or(f64::is_nan) {
                continue;
            }
            *known = rank;
            let group = groups.of(code as usize, partial);
            let span = ids.span(row, self.starts.nanos[row], value.filter(|_| measures));
            partial.add_exemplar(group, self.intervals.first + interval as usize, span);
        }
    }
}

/// Places where every cell has one.
#[inline]
fn dense(
    intervals: &UnitIntervals,
    width: u32,
    starts: &[i64],
    places: &mut [u32],
    code: impl Fn(usize) -> u32,
) {
    for (i, (place, start)) in places.iter_mut().zip(starts).enumerate() {
        *place = match intervals.index(*start) {
            Some(interval) => code(i) * width + interval + 1,
            None => NOWHERE,
        };
    }
}

/// Places that count something, from 1 on.
fn counted(counts: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    counts.iter().copied().enumerate().skip(1).filter(|(_, count)| *count > 0)
}

/// The groups of a unit in a partial, looked up when they are needed.
struct PartialGroups<'a> {
    groups: &'a Groups,
    numbers: Vec<Option<usize>>,
}

impl<'a> PartialGroups<'a> {
    fn new(groups: &'a Groups) -> Self {
        Self { groups, numbers: vec![None; groups.values.len()] }
    }

    fn of(&mut self, code: usize, partial: &mut Partial) -> usize {
        *self.numbers[code].get_or_insert_with(|| partial.group(&self.groups.values[code]))
    }
}

/// The least or the greatest number of a cell.
#[derive(Clone, Copy)]
enum Extreme {
    None,
    Whole(i64),
    Float(f64),
}

impl Extreme {
    #[expect(clippy::cast_precision_loss, reason = "values are floats")]
    fn number(self) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Whole(number) => Some(number as f64),
            Self::Float(number) => Some(number),
        }
    }
}

/// What a function knows of each cell, by place.
enum Tally {
    Counts(Vec<u32>),
    Extremes { values: Vec<Extreme>, least: bool },
    WholeSums { sums: Vec<i128>, counts: Vec<u32> },
    FloatSums { sums: Vec<ExactSum>, counts: Vec<u32> },
    Histograms(Buckets),
}

impl Tally {
    fn new(function: Function, numbers: &Numbers) -> Self {
        let counts = Vec::new();
        match (function, numbers) {
            (Function::Count, _) => Self::Counts(counts),
            (Function::Min, _) => Self::Extremes { values: Vec::new(), least: true },
            (Function::Max, _) => Self::Extremes { values: Vec::new(), least: false },
            (Function::Sum, Numbers::Float { .. }) => Self::FloatSums { sums: Vec::new(), counts },
            (Function::Sum, _) => Self::WholeSums { sums: Vec::new(), counts },
            (Function::Histogram, _) => Self::Histograms(Buckets::default()),
        }
    }

    /// Adds some rows, the first one of which is given, by the places of their cells.
    fn add(&mut self, first: usize, places: &[u32], numbers: &Numbers, n_places: usize) {
        match self {
            Self::Counts(counts) => {
                counts.resize(n_places, 0);
                places.iter().for_each(|place| counts[*place as usize] += 1);
            }
            Self::Extremes { values: extremes, least } => {
                extremes.resize(n_places, Extreme::None);
                let least = *least;
                whole(first, places, numbers, |place, value| {
                    extremes[place] = match extremes[place] {
                        Extreme::Whole(known) if least => Extreme::Whole(known.min(value)),
                        Extreme::Whole(known) => Extreme::Whole(known.max(value)),
                        _ => Extreme::Whole(value),
                    };
                });
                float(first, places, numbers, |place, value| {
                    extremes[place] = match extremes[place] {
                        Extreme::Float(known) if least => Extreme::Float(known.min(value)),
                        Extreme::Float(known) => Extreme::Float(known.max(value)),
                        _ => Extreme::Float(value),
                    };
                });
            }
            Self::WholeSums { sums, counts } => {
                sums.resize(n_places, 0);
                counts.resize(n_places, 0);
                whole(first, places, numbers, |place, value| {
                    sums[place] += i128::from(value);
                    counts[place] += 1;
                });
            }
            Self::FloatSums { sums, counts } => {
                sums.resize(n_places, ExactSum::default());
                counts.resize(n_places, 0);
                float(first, places, numbers, |place, value| {
                    sums[place].add(value);
                    counts[place] += 1;
                });
            }
            Self::Histograms(buckets) => {
                buckets.make_room(n_places);
                whole(first, places, numbers, |place, value| buckets.add(place, value));
            }
        }
    }
}

/// Calls `add` with the place and the whole number of each row that has one; also for rows that do not count, whose
/// place is nowhere.
#[inline]
fn whole(first: usize, places: &[u32], numbers: &Numbers, mut add: impl FnMut(usize, i64)) {
    let Numbers::Whole { values, valid, .. } = numbers else { return };
    let values = &values[first..first + places.len()];
    each_valid(first, places, valid.as_ref(), |i, place| add(place, values[i]));
}

/// As [`whole`], with floats that are numbers.
#[inline]
fn float(first: usize, places: &[u32], numbers: &Numbers, mut add: impl FnMut(usize, f64)) {
    let Numbers::Float { values, valid } = numbers else { return };
    let values = &values[first..first + places.len()];
    each_valid(first, places, valid.as_ref(), |i, place| {
        if !values[i].is_nan() && place != NOWHERE as usize {
            add(place, values[i]);
        }
    });
}

#[inline]
fn each_valid(
    first: usize,
    places: &[u32],
    valid: Option<&BooleanBuffer>,
    mut each: impl FnMut(usize, usize),
) {
    match valid {
        None => places.iter().enumerate().for_each(|(i, place)| each(i, *place as usize)),
        Some(valid) => {
            for i in valid.slice(first, places.len()).set_indices() {
                each(i, places[i] as usize);
            }
        }
    }
}

/// Counts by place and bucket.
#[derive(Default)]
struct Buckets {
    table: Vec<u32>,
    hashed: HashMap<(u32, u8), u32>,
    is_hashed: bool,
}

impl Buckets {
    fn make_room(&mut self, n_places: usize) {
        if self.is_hashed || n_places * BUCKETS <= BUCKET_TABLE_MAX {
            if !self.is_hashed {
                self.table.resize(n_places * BUCKETS, 0);
            }
            return;
        }
        self.is_hashed = true;
        for (i, count) in std::mem::take(&mut self.table).into_iter().enumerate() {
            if count > 0 {
                self.hashed.insert(((i / BUCKETS) as u32, (i % BUCKETS) as u8), count);
            }
        }
    }

    #[inline]
    fn add(&mut self, place: usize, value: i64) {
        // Whole numbers have exponents up to 63.
        let Some(bucket) = bucket_of(value) else { return };
        if self.is_hashed {
            *self.hashed.entry((place as u32, bucket)).or_insert(0) += 1;
        } else {
            self.table[place * BUCKETS + bucket as usize] += 1;
        }
    }

    /// The histogram of each place from 1 on that has a value.
    fn histograms(&self) -> Vec<(usize, Histogram)> {
        let mut found: HashMap<usize, Histogram> = HashMap::new();
        let table = self.table.iter().enumerate();
        let table = table.map(|(i, count)| ((i / BUCKETS) as u32, (i % BUCKETS) as u8, *count));
        let hashed = self.hashed.iter().map(|((place, bucket), count)| (*place, *bucket, *count));
        for (place, bucket, count) in table.chain(hashed) {
            if place != NOWHERE && count > 0 {
                found.entry(place as usize).or_default().bucket(bucket).add(u64::from(count));
            }
        }
        found.into_iter().collect()
    }
}

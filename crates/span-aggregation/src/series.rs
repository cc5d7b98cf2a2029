//! Series by key: how many there may be, what each has counted, and when it ends.

use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use spandrel_base::memory::{MemoryBudget, Reservation};

use crate::{Buckets, Exemplar, Histogram};

/// What a series takes beside its key and its histograms: the entry, its labels' structure, allocations.
const SERIES_BYTES: usize = 512;

/// What the numbers of one interval mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Temporality {
    /// Everything since the series began.
    Cumulative,
    /// What is new since the last interval.
    Delta {
        /// Series without anything new that are remembered, so that their next interval begins where the last
        /// one ended.
        idle_max: usize,
    },
}

/// How the series of a table are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSettings {
    /// One histogram for each value of an [`Observation`].
    pub histograms: Vec<Buckets>,
    /// Series beyond which everything new goes into the overflow series; 0 for as many as memory allows.
    pub cardinality_limit: usize,
    /// Exemplars of a series in one interval.
    pub exemplars_max: usize,
    /// What the numbers of an interval mean.
    pub temporality: Temporality,
    /// Nanoseconds after its last observation that a series ends; 0 for never.
    pub expiration_nanos: u64,
}

/// What a span, or a pair of them, adds to a series.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// A value for each histogram of the table; in the same order.
    pub values: &'a [f64],
    /// How many spans this one stands for, when a sampler said so.
    pub adjusted_count: Option<f64>,
    /// Added to the amount of the series as it is, such as bytes of a span.
    pub amount: u64,
    /// Kept when there is room for it.
    pub exemplar: Option<Exemplar>,
    /// Now, nanoseconds since 1970.
    pub unix_nanos: u64,
}

/// What one series has counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// When counting began, nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// When the last observation was made, nanoseconds since 1970.
    pub updated_unix_nanos: u64,
    /// How many observations there were, sampled ones counted as often as they stand for others.
    pub count: u64,
    /// The sum of the amounts of all observations.
    pub amount: u64,
    /// One for each value of an observation.
    pub histograms: Vec<Histogram>,
    /// Those of this interval, first come.
    pub exemplars: Vec<Exemplar>,
    /// The part of a span that adjusted counts have left over: counts are whole, and their sum is right.
    remainder: f64,
    /// Something was observed in this interval; always set when numbers are cumulative.
    active: bool,
}

impl Series {
    fn new(settings: &TableSettings, unix_nanos: u64) -> Self {
        Self {
            start_unix_nanos: unix_nanos,
            updated_unix_nanos: unix_nanos,
            count: 0,
            amount: 0,
            histograms: settings.histograms.iter().map(Histogram::new).collect(),
            exemplars: Vec::new(),
            remainder: 0.0,
            active: true,
        }
    }

    fn record(&mut self, observation: &Observation<'_>, exemplars_max: usize) {
        let times = match observation.adjusted_count {
            None => 1,
            Some(adjusted) => {
                let due = adjusted + self.remainder;
                self.remainder = due.fract();
                due as u64
            }
        };
        self.count = self.count.saturating_add(times);
        self.amount = self.amount.saturating_add(observation.amount);
        for (histogram, value) in self.histograms.iter_mut().zip(observation.values) {
            histogram.observe(*value, times);
        }
        if let Some(exemplar) = observation.exemplar
            && self.exemplars.len() < exemplars_max
        {
            self.exemplars.push(exemplar);
        }
        self.updated_unix_nanos = self.updated_unix_nanos.max(observation.unix_nanos);
    }

    /// Begins the next interval at `unix_nanos`.
    fn restart(&mut self, settings: &TableSettings, unix_nanos: u64) {
        let remainder = self.remainder;
        *self = Self { remainder, active: false, ..Self::new(settings, unix_nanos) };
    }
}

/// What tells a series from the others of its table.
#[derive(Debug, PartialEq)]
pub enum SeriesLabels<'a, L> {
    /// Its own labels.
    Own(&'a L),
    /// It has counted what found no room in a series of its own.
    Overflow,
}

impl<L> Clone for SeriesLabels<'_, L> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L> Copy for SeriesLabels<'_, L> {}

/// Series by key, each with labels of the kind `L`.
#[derive(Debug)]
pub struct SeriesTable<L> {
    settings: Arc<TableSettings>,
    series: HashMap<Box<[u8]>, Entry<L>, RandomState>,
    /// How many of them are active.
    n_active: usize,
    overflow: Option<Series>,
    reservation: Reservation,
    histogram_bytes: usize,
}

#[derive(Debug)]
struct Entry<L> {
    labels: L,
    series: Series,
    bytes: usize,
}

impl<L> SeriesTable<L> {
    /// A table without series that takes its memory from `memory`.
    pub fn new(settings: Arc<TableSettings>, memory: &MemoryBudget) -> Self {
        let histogram_bytes = settings.histograms.iter().map(Buckets::bytes_max).sum();
        Self {
            settings,
            series: HashMap::default(),
            n_active: 0,
            overflow: None,
            reservation: memory.reservation(),
            histogram_bytes,
        }
    }

    /// Adds an observation to the series of `key`. Equal keys must have equal labels.
    pub fn record(
        &mut self,
        key: &[u8],
        observation: &Observation<'_>,
        labels: impl FnOnce() -> L,
    ) {
        let exemplars_max = self.settings.exemplars_max;
        if let Some(entry) = self.series.get_mut(key) {
            let limit = self.settings.cardinality_limit;
            if entry.series.active || limit == 0 || self.n_active < limit {
                self.n_active += usize::from(!entry.series.active);
                entry.series.active = true;
                entry.series.record(observation, exemplars_max);
                return;
            }
        } else if let Some(bytes) = self.room_for(key) {
            let mut series = Series::new(&self.settings, observation.unix_nanos);
            series.record(observation, exemplars_max);
            self.series.insert(key.into(), Entry { labels: labels(), series, bytes });
            self.n_active += 1;
            return;
        }
        let settings = &self.settings;
        let overflow =
            self.overflow.get_or_insert_with(|| Series::new(settings, observation.unix_nanos));
        overflow.active = true;
        overflow.record(observation, exemplars_max);
    }

    /// Reserves what another series takes, unless there may be none.
    fn room_for(&mut self, key: &[u8]) -> Option<usize> {
        let limit = self.settings.cardinality_limit;
        if limit > 0 && self.n_active >= limit {
            return None;
        }
        let exemplars = self.settings.exemplars_max.saturating_mul(size_of::<Exemplar>());
        // The labels repeat what is in the key.
        let bytes = (SERIES_BYTES + self.histogram_bytes + 2 * key.len()).saturating_add(exemplars);
        self.reservation.try_grow(bytes).ok()?;
        Some(bytes)
    }

    /// The series that have something to show, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (SeriesLabels<'_, L>, &Series)> {
        let own =
            self.series.values().map(|entry| (SeriesLabels::Own(&entry.labels), &entry.series));
        let overflow = self.overflow.iter().map(|series| (SeriesLabels::Overflow, series));
        own.chain(overflow).filter(|(_, series)| series.active)
    }

    /// How many series have something to show.
    pub fn len(&self) -> usize {
        self.n_active + usize::from(self.overflow.as_ref().is_some_and(|series| series.active))
    }

    /// Whether no series has anything to show.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends an interval after its series have been shown: exemplars are gone, deltas begin again, and series
    /// end that have had nothing new for too long.
    pub fn end_interval(&mut self, unix_nanos: u64) {
        match self.settings.temporality {
            Temporality::Cumulative => {
                let all = self.series.values_mut().map(|entry| &mut entry.series);
                all.chain(&mut self.overflow).for_each(|series| series.exemplars.clear());
            }
            Temporality::Delta { idle_max } => self.restart_deltas(unix_nanos, idle_max),
        }
        self.expire(unix_nanos, self.settings.expiration_nanos);
    }

    /// Observations that found no room in a series of their own.
    pub fn overflow_count(&self) -> u64 {
        self.overflow.as_ref().map_or(0, |series| series.count)
    }

    /// Ends the series that have had nothing new for `nanos`, and returns their labels; 0 ends none. The overflow
    /// series stays.
    pub fn take_expired(&mut self, unix_nanos: u64, nanos: u64) -> Vec<L> {
        if nanos == 0 {
            return Vec::new();
        }
        let mut bytes = self.reservation.bytes();
        let mut n_active = self.n_active;
        let expired = self.series.extract_if(|_, entry| {
            unix_nanos.saturating_sub(entry.series.updated_unix_nanos) >= nanos
        });
        let labels = expired.map(|(_, entry)| {
            bytes = bytes.saturating_sub(entry.bytes);
            n_active -= usize::from(entry.series.active);
            entry.labels
        });
        let labels = labels.collect();
        self.n_active = n_active;
        self.reservation.shrink_to(bytes);
        labels
    }

    /// Ends the series that have had nothing new for `nanos`; 0 ends none.
    pub fn expire(&mut self, unix_nanos: u64, nanos: u64) {
        if nanos == 0 {
            return;
        }
        let expired =
            |series: &Series| unix_nanos.saturating_sub(series.updated_unix_nanos) >= nanos;
        self.retain(|series| !expired(series));
        self.overflow = self.overflow.take().filter(|series| !expired(series));
    }

    fn restart_deltas(&mut self, unix_nanos: u64, idle_max: usize) {
        for entry in self.series.values_mut() {
            if entry.series.active {
                entry.series.restart(&self.settings, unix_nanos);
            }
        }
        self.n_active = 0;
        if let Some(overflow) = &mut self.overflow
            && overflow.active
        {
            overflow.restart(&self.settings, unix_nanos);
        }
        let surplus = self.series.len().saturating_sub(idle_max);
        if surplus > 0 {
            // A series that starts now was idle for the shortest time.
            let mut starts: Vec<u64> =
                self.series.values().map(|entry| entry.series.start_unix_nanos).collect();
            let (_, newest_dropped, _) = starts.select_nth_unstable(surplus - 1);
            let newest_dropped = *newest_dropped;
            let mut left = surplus;
            self.retain(|series| {
                let dropped = left > 0 && series.start_unix_nanos <= newest_dropped;
                left -= usize::from(dropped);
                !dropped
            });
        }
    }

    fn retain(&mut self, mut keep: impl FnMut(&Series) -> bool) {
        let mut bytes = self.reservation.bytes();
        let mut n_active = self.n_active;
        self.series.retain(|_, entry| {
            let kept = keep(&entry.series);
            if !kept {
                bytes = bytes.saturating_sub(entry.bytes);
                n_active -= usize::from(entry.series.active);
            }
            kept
        });
        self.n_active = n_active;
        self.reservation.shrink_to(bytes);
    }
}

#[cfg(test)]
mod tests;

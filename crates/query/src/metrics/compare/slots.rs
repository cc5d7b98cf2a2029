//! Where rows count: in which interval, and on which side.

use std::sync::Arc;

use spandrel_series::{Area, AttributeValues};
use spandrel_traceql::Static;

use super::counts;
use crate::metrics::codes::Coded;
use crate::metrics::rows::Rows;

/// Where each row counts: its interval and area as one number, the same for all attributes.
#[derive(Clone)]
pub(super) struct Slots {
    /// Twice the interval, and one more for the selection; [`NONE`] for rows that do not count.
    pub(super) of_rows: Arc<[u32]>,
    pub(super) n: usize,
    pub(super) first_interval: usize,
    pub(super) rows: Rows,
    /// The number of the unit, where spans are marked.
    pub(super) unit: Option<u64>,
}

pub(super) const NONE: u32 = u32::MAX;

impl Slots {
    /// Spans of a slot, as a comparison takes them.
    pub(super) fn cell(&self, slot: usize, spans: u64) -> (Area, usize, u64) {
        let area = if slot % 2 == 1 { Area::Selection } else { Area::Baseline };
        (area, self.first_interval + slot / 2, spans)
    }

    /// The mark of a row, where spans are marked. A row counts in one place only, so its number tells it from all
    /// others without an id being read.
    pub(super) fn mark(&self, row: usize) -> Option<u64> {
        self.unit.map(|unit| scattered(scattered(unit).wrapping_add(row as u64)))
    }
}

/// A number that looks like chance (the finalizer of SplitMix64), so that sums of some of them are hardly ever equal.
pub(super) fn scattered(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// The slots of rows, those of one code after the other.
pub(super) struct ByCode {
    slots: Vec<u32>,
    /// Where those of each code end.
    ends: Vec<u32>,
    /// The marks of each code; none where spans are not marked.
    marks: Vec<u64>,
}

impl ByCode {
    /// Sorts the rows by counting. A table by code and slot would be large where an attribute has many values, and a
    /// hash of both slow.
    pub(super) fn of(coded: &Coded, slots: &Slots) -> Self {
        let mut ends = vec![0_u32; coded.values.len()];
        for_each_counted(coded, slots, |code, _, _| ends[code] += 1);
        let mut n = 0;
        for end in &mut ends {
            n += std::mem::replace(end, n);
        }
        let mut sorted = vec![0; n as usize];
        let mut marks = vec![0_u64; if slots.unit.is_some() { ends.len() } else { 0 }];
        for_each_counted(coded, slots, |code, slot, row| {
            sorted[ends[code] as usize] = slot;
            ends[code] += 1;
            if let Some(mark) = slots.mark(row) {
                marks[code] = marks[code].wrapping_add(mark);
            }
        });
        Self { slots: sorted, ends, marks }
    }

    pub(super) fn add_to(
        mut self,
        known: &mut AttributeValues,
        values: Vec<Static>,
        slots: &Slots,
    ) {
        let mut spans_of_slots = vec![0_u64; slots.n];
        let mut begin = 0;
        for (code, (value, end)) in values.into_iter().zip(self.ends).enumerate() {
            let own = &mut self.slots[begin..end as usize];
            begin = end as usize;
            if own.is_empty() {
                continue;
            }
            let number = if own.len() < slots.n {
                own.sort_unstable();
                let runs = own.chunk_by(|one, next| one == next);
                let spans = runs.map(|run| slots.cell(run[0] as usize, run.len() as u64));
                known.add_all(value, spans)
            } else {
                own.iter().for_each(|slot| spans_of_slots[*slot as usize] += 1);
                let spans = spans_of_slots.iter_mut().enumerate().filter(|(_, n)| **n > 0);
                known.add_all(value, spans.map(|(slot, n)| slots.cell(slot, std::mem::take(n))))
            };
            if let Some(mark) = self.marks.get(code) {
                known.mark(number, *mark);
            }
        }
    }
}

/// The code and slot of each row that counts, and the row.
fn for_each_counted(coded: &Coded, slots: &Slots, mut each: impl FnMut(usize, u32, usize)) {
    let counted: Vec<bool> = coded.values.iter().map(counts).collect();
    slots.rows.for_each(|row| {
        let (code, slot) = (coded.codes.at(row) as usize, slots.of_rows[row]);
        if counted[code] && slot != NONE {
            each(code, slot, row);
        }
    });
}

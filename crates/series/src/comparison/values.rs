//! The values of one attribute, and how many spans have them.

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use spandrel_traceql::Static;

use super::Area;
use crate::partial::bytes_of;

/// Spans of a value, in one interval and area. A value may have several cells of the same slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) value: u32,
    /// Twice the interval, and one more for the selection.
    slot: u32,
    pub(super) spans: u64,
}

impl Cell {
    pub(super) fn is_in(self, area: Area) -> bool {
        self.slot % 2 == area as u32
    }

    pub(super) fn interval(self) -> usize {
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
    pub(super) values: HashMap<Static, u32>,
    pub(super) cells: Vec<Cell>,
    /// How many cells there were when all of a slot were last joined.
    joined: usize,
    texts_bytes: usize,
    /// Of each value the sum of the marks of its spans; empty where nobody marks them.
    pub(super) marks: Vec<u64>,
    /// Whether there were too many values: then none is known, and all cells are of number 0.
    pub(super) is_cut: bool,
}

/// Cells are joined when there are twice as many as after the last time, and not below this.
const JOINED_MIN: usize = 1 << 12;

impl AttributeValues {
    /// Adds spans that have a value. Returns its number.
    pub fn add(&mut self, value: &Static, area: Area, interval: usize, spans: u64) -> u32 {
        let value = match self.values.get(value) {
            Some(value) => *value,
            None => self.number(value.clone()),
        };
        self.push(Cell { value, slot: slot(area, interval), spans });
        value
    }

    /// Adds spans that have a value, by area and interval. Returns its number.
    pub fn add_all(
        &mut self,
        value: Static,
        spans: impl IntoIterator<Item = (Area, usize, u64)>,
    ) -> u32 {
        let value = self.number(value);
        for (area, interval, spans) in spans {
            self.push(Cell { value, slot: slot(area, interval), spans });
        }
        value
    }

    /// Adds the marks of spans to those of the value with this number.
    pub fn mark(&mut self, number: u32, mark: u64) {
        if self.is_cut {
            return;
        }
        let number = number as usize;
        if self.marks.len() <= number {
            self.marks.resize(number + 1, 0);
        }
        self.marks[number] = self.marks[number].wrapping_add(mark);
    }

    /// Forgets the values when there are too many.
    pub(super) fn limit(&mut self, values_max: usize) {
        if self.values.len() > values_max {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.is_cut = true;
        (self.values, self.marks, self.texts_bytes) = (HashMap::new(), Vec::new(), 0);
        self.cells.iter_mut().for_each(|cell| cell.value = 0);
        self.join();
        self.cells.shrink_to(JOINED_MIN);
    }

    fn number(&mut self, value: Static) -> u32 {
        if self.is_cut {
            return 0;
        }
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
    pub(super) fn join(&mut self) {
        self.cells.sort_unstable_by_key(|cell| (cell.value, cell.slot));
        self.cells.dedup_by(|next, kept| {
            let same = (next.value, next.slot) == (kept.value, kept.slot);
            kept.spans += if same { next.spans } else { 0 };
            same
        });
        self.joined = self.cells.len();
    }

    pub(super) fn merge(&mut self, other: Self) {
        if other.is_cut && !self.is_cut {
            self.cut();
        }
        if self.is_cut {
            other.cells.into_iter().for_each(|cell| self.push(Cell { value: 0, ..cell }));
            return;
        }
        let mut numbers = vec![0; other.values.len()];
        for (value, number) in other.values {
            numbers[number as usize] = self.number(value);
        }
        for (number, mark) in numbers.iter().zip(other.marks) {
            self.mark(*number, mark);
        }
        for cell in other.cells {
            self.push(Cell { value: numbers[cell.value as usize], ..cell });
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn size_bytes(&self) -> usize {
        let entries = self.values.capacity() * (size_of::<(Static, u32)>() + 1);
        let marks = self.marks.capacity() * size_of::<u64>();
        entries + marks + self.texts_bytes + self.cells.capacity() * size_of::<Cell>()
    }
}

fn slot(area: Area, interval: usize) -> u32 {
    2 * interval as u32 + area as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_grows_with_values_and_intervals_and_not_with_spans() {
        let mut values = AttributeValues::default();
        for n in 0..100_000 {
            let area = Area::ALL[n % 2];
            values.add(&Static::Int((n % 7) as i64), area, n % 11, 1);
        }
        assert!(values.cells.len() <= 2 * JOINED_MIN, "{}", values.cells.len());
        values.join();
        assert_eq!(values.cells.len(), 2 * 7 * 11);
        assert_eq!(values.cells.iter().map(|cell| cell.spans).sum::<u64>(), 100_000);
    }
}

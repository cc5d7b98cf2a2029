//! Which of the wanted rows have values, and which of a page's values these are.

use std::ops::Range;

use super::Damage;
use super::hybrid::{self, Run, Runs, is_set, n_set};

/// Which of the wanted rows, or of the elements of their lists, have a value.
#[derive(Default)]
pub(super) struct Presence {
    pub(super) present: Vec<bool>,
    /// Of a list's leaf: how many elements each row has.
    pub(super) lengths: Vec<u32>,
}

/// The part of levels in front of the rest, by the length in front of it.
pub(super) fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), Damage> {
    let (length, rest) = bytes.split_first_chunk().ok_or("has a page without levels")?;
    let length = u32::from_le_bytes(*length) as usize;
    rest.split_at_checked(length).ok_or("has a page whose levels are cut")
}

/// Appends whether each of these rows of a page of `n_rows` rows has a value, and says which of the page's values
/// they have.
pub(super) fn flat(
    definition: &[u8],
    n_rows: usize,
    rows: &[Range<usize>],
    presence: &mut Presence,
) -> Result<Vec<Range<usize>>, Damage> {
    let mut walk = Walk {
        runs: Runs::new(definition, 1, n_rows)?,
        run: Run::Same(0),
        places: 0..0,
        passed: 0,
        n_values: 0,
    };
    let slots = rows.iter().map(|rows| {
        walk.pass(rows.start, |_, _| ())?;
        let first = walk.n_values;
        walk.pass(rows.end, |run, places| {
            presence.present.extend(places.map(|place| match run {
                Run::Same(level) => level == 1,
                Run::Packed(packed) => is_set(packed, place),
            }));
        })?;
        Ok(first..walk.n_values)
    });
    slots.collect()
}

/// Passes by rows, and counts those that have a value.
struct Walk<'a> {
    runs: Runs<'a>,
    /// The run in which the next row lies, and the rows of that run.
    run: Run<'a>,
    places: Range<usize>,
    passed: usize,
    n_values: usize,
}

impl<'a> Walk<'a> {
    /// Goes on to this row, and calls `see` with the runs on the way and the places within each.
    fn pass(
        &mut self,
        to: usize,
        mut see: impl FnMut(Run<'a>, Range<usize>),
    ) -> Result<(), Damage> {
        while self.passed < to {
            if self.places.end <= self.passed {
                let (run, n) = self.runs.next()?.ok_or("has a page with too few levels")?;
                self.run = run;
                self.places = self.passed..self.passed + n;
            }
            let until = to.min(self.places.end);
            let within = self.passed - self.places.start..until - self.places.start;
            self.n_values += match self.run {
                Run::Same(level) => within.len() * usize::from(level == 1),
                Run::Packed(packed) => n_set(packed, within.clone()),
            };
            see(self.run, within);
            self.passed = until;
        }
        Ok(())
    }
}

/// Levels of a page of a list's leaf.
pub(super) struct ListLevels<'a> {
    /// 0 begins a row.
    pub(super) repetition: &'a [u8],
    pub(super) definition: &'a [u8],
    pub(super) n_levels: usize,
    /// The level of an element that has a value.
    pub(super) value: u32,
    /// The least level of an element, with or without a value.
    pub(super) element: u32,
}

impl ListLevels<'_> {
    /// As [`flat`], by element.
    pub(super) fn elements(
        &self,
        rows: &[Range<usize>],
        presence: &mut Presence,
    ) -> Result<Vec<Range<usize>>, Damage> {
        let all = |bytes, max: u32| {
            let mut levels = Vec::with_capacity(self.n_levels);
            let width = 32 - max.leading_zeros();
            let every = std::iter::once(0..self.n_levels);
            hybrid::pick(bytes, width, self.n_levels, every, &mut levels).map(|()| levels)
        };
        let (repetition, definition) =
            (all(self.repetition, 1)?, all(self.definition, self.value)?);
        let mut slots = Vec::with_capacity(rows.len());
        let (mut row, mut n_values, mut at) = (0, 0, 0);
        // The levels of the next list.
        let mut next = || -> Result<&[u32], Damage> {
            let begin = at;
            if begin == definition.len() {
                return Err("has a page with too few lists");
            }
            at += 1;
            while repetition.get(at).is_some_and(|level| *level != 0) {
                at += 1;
            }
            Ok(&definition[begin..at])
        };
        let n_present =
            |levels: &[u32]| levels.iter().filter(|level| **level == self.value).count();
        for rows in rows {
            while row < rows.start {
                n_values += n_present(next()?);
                row += 1;
            }
            let first = n_values;
            while row < rows.end {
                let levels = next()?;
                n_values += n_present(levels);
                let n_before = presence.present.len();
                let elements = levels.iter().filter(|level| **level >= self.element);
                presence.present.extend(elements.map(|level| *level == self.value));
                presence.lengths.push((presence.present.len() - n_before) as u32);
                row += 1;
            }
            slots.push(first..n_values);
        }
        Ok(slots)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            repetition in prop::collection::vec(any::<u8>(), 0..40),
            definition in prop::collection::vec(any::<u8>(), 0..40),
            n_levels in 0_usize..300,
            start in 0_usize..100,
            n in 0_usize..200,
        ) {
            let (rows, mut presence) = (start..start + n, Presence::default());
            let rows = std::slice::from_ref(&rows);
            let slots = flat(&definition, n_levels, rows, &mut presence);
            prop_assert!(slots.is_err() || presence.present.len() == n);
            presence.present.clear();
            let levels = ListLevels {
                repetition: &repetition,
                definition: &definition,
                n_levels,
                value: 3,
                element: 2,
            };
            let slots = levels.elements(rows, &mut presence);
            let (n_rows, n_elements) = (presence.lengths.len(), presence.present.len());
            prop_assert!(slots.is_err() || n_rows == n && n_elements <= n_levels);
        }
    }
}

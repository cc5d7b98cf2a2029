//! Some of the rows of a unit.

use arrow_buffer::BooleanBuffer;

use crate::filter::RowMask;

/// Rows of a unit.
#[derive(Clone)]
pub(crate) struct Rows {
    n: usize,
    /// All rows when there is none.
    pub(crate) mask: Option<RowMask>,
}

impl Rows {
    pub(crate) fn all(n: usize) -> Self {
        Self { n, mask: None }
    }

    pub(crate) fn of(mask: RowMask) -> Self {
        if mask.count_set_bits() == mask.len() {
            return Self::all(mask.len());
        }
        Self { n: mask.len(), mask: Some(mask) }
    }

    /// Rows of the unit, whether they are among these or not.
    pub(crate) fn len(&self) -> usize {
        self.n
    }

    pub(crate) fn is_empty(&self) -> bool {
        match &self.mask {
            None => self.n == 0,
            Some(mask) => mask.count_set_bits() == 0,
        }
    }

    #[inline]
    pub(crate) fn contains(&self, row: usize) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask.value(row))
    }

    pub(crate) fn iter(&self) -> Box<dyn Iterator<Item = usize> + '_> {
        match &self.mask {
            None => Box::new(0..self.n),
            Some(mask) => Box::new(mask.set_indices()),
        }
    }

    pub(crate) fn for_each(&self, each: impl FnMut(usize)) {
        match &self.mask {
            None => (0..self.n).for_each(each),
            Some(mask) => mask.set_indices().for_each(each),
        }
    }

    pub(crate) fn and(self, mask: &RowMask) -> Self {
        Self::of(match self.mask {
            None => mask.clone(),
            Some(own) => &own & mask,
        })
    }

    /// Without these rows.
    pub(crate) fn without(&self, rows: impl Iterator<Item = usize>) -> Self {
        let mut kept = vec![true; self.n];
        rows.for_each(|row| kept[row] = false);
        self.clone().and(&BooleanBuffer::from(kept))
    }
}

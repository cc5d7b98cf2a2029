//! Which rows a page covers, and the levels that say which of them have values.

use std::ops::Range;

use super::hybrid;
use crate::column::Presence;

/// Definition levels of a list of structs: a list without elements is null.
const ELEMENT: u8 = 2;

/// How the values of a leaf lie in the rows of the block.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    /// Which rows, or elements of the list, have a value.
    pub(crate) presence: &'a Presence,
    /// The row of each element, when the leaf lies in a list.
    pub(crate) elements: Option<&'a [u32]>,
}

/// The part of a page in front of its values.
pub(crate) struct PageLevels {
    /// Values and nulls.
    pub(crate) n_levels: usize,
    /// Positions of the values.
    pub(crate) values: Range<usize>,
}

impl Shape<'_> {
    /// Positions of the values that lie in these rows.
    pub(crate) fn values(&self, rows: Range<u32>) -> Range<usize> {
        let owners = match self.elements {
            Some(elements) => {
                let elements = positions(elements, rows);
                elements.start as u32..elements.end as u32
            }
            None => rows,
        };
        match self.presence {
            Presence::Required => owners.start as usize..owners.end as usize,
            Presence::Rows(present) => positions(present, owners),
        }
    }

    /// Appends the levels of a page of these rows.
    pub(crate) fn push(&self, rows: Range<u32>, out: &mut Vec<u8>) -> PageLevels {
        let values = self.values(rows.clone());
        let Some(elements) = self.elements else {
            let n_levels = rows.len();
            if let Presence::Rows(present) = self.presence {
                let mut definition = vec![0_u8; n_levels];
                for row in &present[values.clone()] {
                    definition[(row - rows.start) as usize] = 1;
                }
                push_levels(&definition, 1, out);
            }
            return PageLevels { n_levels, values };
        };
        let range = positions(elements, rows.clone());
        let mut present = match self.presence {
            Presence::Required => &[],
            Presence::Rows(present) => &present[values.clone()],
        };
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        let mut element = range.start;
        for row in rows {
            let first = element;
            while element < range.end && elements[element] == row {
                let is_present = present.first() == Some(&(element as u32));
                if is_present {
                    present = &present[1..];
                }
                definition.push(ELEMENT + u8::from(is_present));
                repetition.push(u8::from(element > first));
                element += 1;
            }
            if element == first {
                definition.push(0);
                repetition.push(0);
            }
        }
        push_levels(&repetition, 1, out);
        push_levels(&definition, 2, out);
        PageLevels { n_levels: definition.len(), values }
    }
}

/// Positions within `sorted` of those that lie in `range`.
fn positions(sorted: &[u32], range: Range<u32>) -> Range<usize> {
    sorted.partition_point(|row| *row < range.start)..sorted.partition_point(|row| *row < range.end)
}

/// Levels carry their length in front.
fn push_levels(levels: &[u8], width: u32, out: &mut Vec<u8>) {
    let length_at = out.len();
    out.extend_from_slice(&[0; 4]);
    hybrid::encode(levels, width, out);
    let length = (out.len() - length_at - 4) as u32;
    out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
}

//! Ranges of an object against its chunks: which ones a range needs, what to ask the store for, and back.

use std::collections::BTreeMap;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use object_store::ObjectMeta;

use super::chunk_file::Chunk;

/// The longest range that is asked for at once: what is longer arrives sooner in pieces side by side.
const RUN_BYTES_MAX: u64 = 8 << 20;

/// Chunks of an object that are in memory.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What the store says about the object, once anything of it is known.
    pub(super) meta: Option<ObjectMeta>,
    chunks: BTreeMap<u32, Bytes>,
}

impl Known {
    pub(super) fn add(&mut self, number: u32, chunk: Chunk) {
        self.meta.get_or_insert(chunk.meta);
        self.chunks.insert(number, chunk.bytes);
    }
}

/// Where chunks begin: every so many bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    chunk_bytes: u64,
}

impl Grid {
    pub(super) fn new(chunk_bytes: u32) -> Self {
        Self { chunk_bytes: u64::from(chunk_bytes.max(1)) }
    }

    fn number(&self, offset: u64) -> u32 {
        // Beyond 2^32 chunks, a thousand TiB, everything is the last chunk, which is then never whole.
        u32::try_from(offset / self.chunk_bytes).unwrap_or(u32::MAX)
    }

    fn start(&self, number: u32) -> u64 {
        u64::from(number).saturating_mul(self.chunk_bytes)
    }

    /// The chunks that these ranges, none of them empty, touch; ascending.
    pub(super) fn numbers(&self, ranges: &[Range<u64>]) -> Vec<u32> {
        let mut numbers: Vec<u32> = ranges
            .iter()
            .flat_map(|range| self.number(range.start)..=self.number(range.end.saturating_sub(1)))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    /// What to ask the store for, so that with `known` all of `wanted` is there. Chunks beyond the end of
    /// the object are left out once its size is known.
    pub(super) fn runs(&self, wanted: &[u32], known: &Known) -> Vec<Range<u64>> {
        let size = known.meta.as_ref().map_or(u64::MAX, |meta| meta.size);
        let mut runs: Vec<Range<u64>> = Vec::new();
        for &number in wanted.iter().filter(|number| !known.chunks.contains_key(number)) {
            let start = self.start(number);
            let end = start.saturating_add(self.chunk_bytes).min(size);
            match runs.last_mut() {
                _ if start >= end => {}
                Some(last) if last.end == start && end - last.start <= RUN_BYTES_MAX => {
                    last.end = end
                }
                _ => runs.push(start..end),
            }
        }
        runs
    }

    /// The chunks in what the store answered for a run. A last piece that is neither a whole chunk nor the end
    /// of the object is left out.
    pub(super) fn cut(&self, run: &Range<u64>, answer: &Chunk) -> Vec<(u32, Chunk)> {
        let first = self.number(run.start);
        let mut cut = Vec::new();
        let mut rest = answer.bytes.clone();
        for number in first..u32::MAX {
            let left = answer.meta.size.saturating_sub(self.start(number));
            let length = usize::try_from(left.min(self.chunk_bytes)).unwrap_or(usize::MAX);
            if length == 0 || rest.len() < length {
                break;
            }
            let chunk = Chunk { meta: answer.meta.clone(), bytes: rest.split_to(length) };
            cut.push((number, chunk));
        }
        cut
    }

    /// The bytes of a range, which ends with the object if not before; `None` when they are not all there.
    pub(super) fn slice(&self, known: &Known, range: &Range<u64>) -> Option<Bytes> {
        let end = range.end.min(known.meta.as_ref()?.size);
        if range.start >= end {
            return None;
        }
        let part = |number: u32| {
            let chunk = known.chunks.get(&number)?;
            let start = self.start(number);
            let from = usize::try_from(range.start.saturating_sub(start)).ok()?;
            let to = usize::try_from(end - start).ok()?.min(chunk.len());
            (from <= to).then(|| chunk.slice(from..to))
        };
        let (first, last) = (self.number(range.start), self.number(end - 1));
        let length = usize::try_from(end - range.start).ok()?;
        let bytes = if first == last {
            part(first)?
        } else {
            let mut joined = BytesMut::with_capacity(length);
            for number in first..=last {
                joined.extend_from_slice(&part(number)?);
            }
            joined.freeze()
        };
        (bytes.len() == length).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 95;

    fn chunk(range: Range<u64>) -> Chunk {
        let bytes = (range.start..range.end.min(SIZE)).map(|byte| byte as u8).collect();
        let meta = ObjectMeta {
            location: "blocks/a.parquet".into(),
            last_modified: std::time::UNIX_EPOCH.into(),
            size: SIZE,
            e_tag: None,
            version: None,
        };
        Chunk { meta, bytes }
    }

    /// Every range of a small object, with every set of three chunks known before.
    #[test]
    fn every_range_is_put_together_from_its_chunks() {
        let grid = Grid::new(10);
        for start in 0..SIZE + 15 {
            for end in start + 1..SIZE + 15 {
                let range = start..end;
                let mut known = Known::default();
                for number in [start % 10, end % 10, 9] {
                    let number = number as u32;
                    let first = grid.start(number);
                    known.add(number, chunk(first..first + 10));
                }
                for run in grid.runs(&grid.numbers(std::slice::from_ref(&range)), &known) {
                    assert!(run.start < SIZE, "{run:?}");
                    for (number, chunk) in grid.cut(&run, &chunk(run.clone())) {
                        known.add(number, chunk);
                    }
                }
                let expected: Vec<u8> = (start..end.min(SIZE)).map(|byte| byte as u8).collect();
                let slice = grid.slice(&known, &range);
                let expected = (start < SIZE).then(|| Bytes::from(expected));
                assert_eq!(slice, expected, "{start}..{end}");
            }
        }
    }

    #[test]
    fn neighbors_are_asked_for_at_once_but_not_without_limit() {
        let grid = Grid::new(1 << 20);
        let wanted = grid.numbers(&[0..(20 << 20), 3..4, (30 << 20) + 5..(30 << 20) + 6]);
        let mib = |range: Range<u64>| range.start << 20..range.end << 20;
        let runs = grid.runs(&wanted, &Known::default());
        assert_eq!(runs, [mib(0..8), mib(8..16), mib(16..20), mib(30..31)]);
    }

    #[test]
    fn a_short_answer_is_not_a_chunk() {
        let grid = Grid::new(10);
        let mut answer = chunk(0..30);
        answer.bytes.truncate(25);
        let numbers: Vec<u32> = grid.cut(&(0..30), &answer).iter().map(|(n, _)| *n).collect();
        assert_eq!(numbers, [0, 1]);
    }
}

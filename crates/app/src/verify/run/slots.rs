//! Slots of time, which of them were acknowledged, and the file that remembers it.
//!
//! ```text
//! spandrel-verify-run 1 <seed in hexadecimal> <spans per trace> <interval in nanoseconds>
//! <first slot> <end>
//! ```
//! The second kind of line is repeated, ascending; `end` is the slot behind the last one.

use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use spandrel_base::fs;

use crate::verify::content::Run;

const MAGIC: &str = "spandrel-verify-run";
const VERSION: &str = "1";

/// Where all content follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) run: Run,
    pub(super) interval_nanos: u64,
}

impl Plan {
    /// The slot that a time lies in, Unix nanoseconds.
    pub(super) fn slot_at(self, unix_nanos: u64) -> u64 {
        unix_nanos / self.interval_nanos.max(1)
    }

    /// When a slot begins; also the start of its trace.
    pub(super) fn start_of(self, slot: u64) -> u64 {
        slot.saturating_mul(self.interval_nanos)
    }
}

/// A set of slots as ascending ranges without overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Slots {
    ranges: Vec<Range<u64>>,
}

impl Slots {
    /// Adds slots.
    pub(super) fn insert(&mut self, slots: Range<u64>) {
        if slots.is_empty() {
            return;
        }
        let mut merged = slots;
        self.ranges.retain(|range| {
            let apart = range.end < merged.start || merged.end < range.start;
            if !apart {
                merged = range.start.min(merged.start)..range.end.max(merged.end);
            }
            apart
        });
        let place = self.ranges.partition_point(|range| range.start < merged.start);
        self.ranges.insert(place, merged);
    }

    /// Forgets slots below this one.
    pub(super) fn forget_before(&mut self, slot: u64) {
        for range in &mut self.ranges {
            range.start = range.start.max(slot);
        }
        self.ranges.retain(|range| !range.is_empty());
    }

    /// The slots within a range, ascending.
    pub(super) fn within(&self, bounds: Range<u64>) -> impl Iterator<Item = u64> {
        let clamp = move |range: &Range<u64>| {
            range.start.clamp(bounds.start, bounds.end.max(bounds.start))
                ..range.end.clamp(bounds.start, bounds.end.max(bounds.start))
        };
        self.ranges.iter().flat_map(clamp)
    }

    /// One of the slots below `end`, chosen by `random`.
    pub(super) fn choose_before(&self, end: u64, random: u64) -> Option<u64> {
        let below = |range: &Range<u64>| range.start..range.end.min(end).max(range.start);
        let total: u64 = self.ranges.iter().map(|range| below(range).end - range.start).sum();
        let mut number = random.checked_rem(total)?;
        for range in self.ranges.iter().map(below) {
            let length = range.end - range.start;
            if number < length {
                return Some(range.start + number);
            }
            number -= length;
        }
        None
    }
}

/// Where acknowledged slots are remembered, if anywhere.
#[derive(Debug)]
pub(super) struct StateFile {
    path: Option<PathBuf>,
}

impl StateFile {
    /// Remembers nothing.
    pub(super) fn none() -> Self {
        Self { path: None }
    }

    /// Reads a file to go on with it, or begins one for `fresh`. A seed that the user gave must be the
    /// file's.
    pub(super) fn open(
        path: &Path,
        fresh: Plan,
        seed_is_given: bool,
    ) -> anyhow::Result<(Self, Plan, Slots)> {
        let file = Self { path: Some(path.to_owned()) };
        if !fs::try_exists(path)? {
            file.write(fresh, &Slots::default())?;
            return Ok((file, fresh, Slots::default()));
        }
        let text = String::from_utf8(fs::read(path)?).ok();
        let (plan, slots) = text
            .as_deref()
            .and_then(parse)
            .with_context(|| format!("{} is not the state of `verify run`", path.display()))?;
        let known = Plan { run: Run { seed: fresh.run.seed, ..plan.run }, ..plan };
        if plan.interval_nanos != fresh.interval_nanos
            || plan.run.spans_per_trace != fresh.run.spans_per_trace
            || (seed_is_given && known != plan)
        {
            bail!(
                "{} belongs to a run with seed {}, an interval of {:?} and {} spans; use these, or another file",
                path.display(),
                plan.run.seed,
                std::time::Duration::from_nanos(plan.interval_nanos),
                plan.run.spans_per_trace,
            );
        }
        Ok((file, plan, slots))
    }

    /// Replaces the content.
    pub(super) fn write(&self, plan: Plan, slots: &Slots) -> anyhow::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let Run { seed, spans_per_trace } = plan.run;
        let mut text =
            format!("{MAGIC} {VERSION} {seed:016x} {spans_per_trace} {}\n", plan.interval_nanos);
        for range in &slots.ranges {
            text.push_str(&format!("{} {}\n", range.start, range.end));
        }
        fs::replace(path, text.as_bytes())?;
        Ok(())
    }
}

fn parse(text: &str) -> Option<(Plan, Slots)> {
    let mut lines = text.strip_suffix('\n')?.lines();
    let head: Vec<&str> = lines.next()?.split(' ').collect();
    let [MAGIC, VERSION, seed, spans, interval] = head[..] else { return None };
    let seed = u64::from_str_radix(seed, 16).ok()?;
    let run = Run { seed, spans_per_trace: spans.parse().ok()? };
    let interval_nanos = interval.parse().ok().filter(|nanos| *nanos > 0)?;
    let mut slots = Slots::default();
    for line in lines {
        let (first, end) = line.split_once(' ')?;
        slots.insert(first.parse().ok()?..end.parse().ok()?);
    }
    Some((Plan { run, interval_nanos }, slots))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: Plan =
        Plan { run: Run { seed: 7, spans_per_trace: 3 }, interval_nanos: 1_000_000_000 };

    fn slots(ranges: &[(u64, u64)]) -> Slots {
        let mut slots = Slots::default();
        for &(first, end) in ranges {
            slots.insert(first..end);
        }
        slots
    }

    fn ranges(slots: &Slots) -> Vec<(u64, u64)> {
        slots.ranges.iter().map(|range| (range.start, range.end)).collect()
    }

    #[test]
    fn ranges_grow_together() {
        assert_eq!(ranges(&slots(&[(5, 6), (7, 9), (6, 7)])), [(5, 9)]);
        assert_eq!(ranges(&slots(&[(10, 20), (1, 3), (12, 13), (3, 4)])), [(1, 4), (10, 20)]);
        assert_eq!(ranges(&slots(&[(1, 1)])), []);
        let mut some = slots(&[(1, 4), (10, 20)]);
        assert_eq!(some.within(3..12).collect::<Vec<_>>(), [3, 10, 11]);
        assert_eq!(some.within(30..40).count(), 0);
        some.forget_before(11);
        assert_eq!(ranges(&some), [(11, 20)]);
    }

    #[test]
    fn every_slot_below_the_end_can_be_chosen() {
        let some = slots(&[(1, 3), (10, 20)]);
        let chosen: Vec<_> = (0..4).filter_map(|random| some.choose_before(12, random)).collect();
        assert_eq!(chosen, [1, 2, 10, 11]);
        assert_eq!(some.choose_before(12, 4), Some(1));
        assert_eq!(some.choose_before(1, 4), None);
    }

    #[test]
    fn the_file_is_gone_on_with() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let (file, plan, none) = StateFile::open(&path, PLAN, true).unwrap();
        assert_eq!((plan, none), (PLAN, Slots::default()));
        file.write(PLAN, &slots(&[(1, 4), (10, 20)])).unwrap();

        let other_seed = Plan { run: Run { seed: 8, ..PLAN.run }, ..PLAN };
        let (_, plan, found) = StateFile::open(&path, other_seed, false).unwrap();
        assert_eq!((plan, found), (PLAN, slots(&[(1, 4), (10, 20)])));
        assert!(StateFile::open(&path, other_seed, true).is_err());
        let faster = Plan { interval_nanos: 5, ..PLAN };
        assert!(StateFile::open(&path, faster, false).is_err());
        for damaged in ["", "spandrel-verify-run 1 7 3 0\n", "spandrel-verify-run 1 7 3 5\n1\n"] {
            assert_eq!(parse(damaged), None, "{damaged}");
        }
    }
}

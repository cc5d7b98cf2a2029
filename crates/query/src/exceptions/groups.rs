//! Occurrences of exceptions, counted by what makes them the same.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use spandrel_base::memory::Reservation;
use spandrel_model::{SpanId, TraceId};

use super::fold::folded;
use super::{ExceptionGroup, Exceptions, ExceptionsQuery};
use crate::{QueryError, TimeRange, memory};

/// Groups that are counted: those that come later are left out, by number of occurrences.
const COUNTED_MAX: usize = 10_000;
const EXAMPLES_MAX: usize = 5;
const VERSIONS_SHOWN_MAX: usize = 5;
/// Versions of a group that are told apart while it is counted.
const VERSIONS_MAX: usize = 50;
/// About what a group takes besides its texts and series.
const GROUP_BYTES: usize = 1024;

/// One exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) type_name: String,
    pub(super) message: String,
    pub(super) frame: Option<String>,
    pub(super) service: String,
    pub(super) version: Option<String>,
    pub(super) unix_nanos: i64,
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
}

/// What makes exceptions the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    service: String,
    type_name: String,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place {
    Frame(String),
    /// Folded.
    Message(String),
}

struct Group {
    count: u64,
    first_unix_nanos: i64,
    /// The last occurrence, and its message.
    last: (i64, String),
    series: Vec<u64>,
    /// When each was seen last.
    versions: BTreeMap<String, i64>,
    /// The newest ones, newest first.
    examples: Vec<(Reverse<i64>, TraceId, SpanId)>,
}

/// Groups under construction.
pub(super) struct Groups {
    by_key: HashMap<Key, Group>,
    left_out: u64,
    range: TimeRange,
    n_steps: usize,
    held: Reservation,
}

impl Groups {
    pub(super) fn new(range: TimeRange, n_steps: usize) -> Result<Self, QueryError> {
        let held = memory::reserve(0)?;
        Ok(Self { by_key: HashMap::new(), left_out: 0, range, n_steps, held })
    }

    /// None of the same question.
    pub(super) fn empty(&self) -> Result<Self, QueryError> {
        Self::new(self.range, self.n_steps)
    }

    /// When exceptions count.
    pub(super) fn range(&self) -> TimeRange {
        self.range
    }

    pub(super) fn add(&mut self, occurrence: Occurrence) -> Result<(), QueryError> {
        let Occurrence { type_name, message, frame, service, version, .. } = occurrence;
        let (at, ids) = (occurrence.unix_nanos, (occurrence.trace_id, occurrence.span_id));
        let Some(step) = self.step(at) else { return Ok(()) };
        let place = frame.map_or_else(|| Place::Message(folded(&message)), Place::Frame);
        let mut series = vec![0; self.n_steps];
        series.iter_mut().skip(step).take(1).for_each(|count| *count = 1);
        let group = Group {
            count: 1,
            first_unix_nanos: at,
            last: (at, message),
            series,
            versions: version.map(|version| (version, at)).into_iter().collect(),
            examples: vec![(Reverse(at), ids.0, ids.1)],
        };
        self.merge_group(Key { service, type_name, place }, group)
    }

    pub(super) fn merge(&mut self, other: Self) -> Result<(), QueryError> {
        self.left_out += other.left_out;
        // In the order of the keys, so that which groups are left out depends on nothing else.
        let mut groups: Vec<(Key, Group)> = other.by_key.into_iter().collect();
        groups.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        groups.into_iter().try_for_each(|(key, group)| self.merge_group(key, group))
    }

    fn merge_group(&mut self, key: Key, group: Group) -> Result<(), QueryError> {
        if let Some(known) = self.by_key.get_mut(&key) {
            known.merge(group);
            return Ok(());
        }
        if self.by_key.len() >= COUNTED_MAX {
            self.left_out += group.count;
            return Ok(());
        }
        let texts = key.service.len() + key.type_name.len() + 2 * group.last.1.len();
        self.held.try_grow(GROUP_BYTES + texts + size_of_val(&*group.series))?;
        self.by_key.insert(key, group);
        Ok(())
    }

    /// The step that a time falls in.
    fn step(&self, at: i64) -> Option<usize> {
        let TimeRange { start_unix_nanos: start, end_unix_nanos: end } = self.range;
        if at < start || at > end {
            return None;
        }
        let (from, to) = (i128::from(start), i128::from(end));
        let step = (i128::from(at) - from) * self.n_steps as i128 / (to - from + 1);
        usize::try_from(step).ok()
    }

    /// The most frequent groups.
    pub(super) fn finish(self, query: &ExceptionsQuery<'_>) -> Exceptions {
        let mut groups: Vec<(Key, Group)> = self.by_key.into_iter().collect();
        groups.sort_unstable_by(|(a_key, a), (b_key, b)| {
            (Reverse(a.count), Reverse(a.last.0), a_key).cmp(&(
                Reverse(b.count),
                Reverse(b.last.0),
                b_key,
            ))
        });
        let rest = groups.split_off(groups.len().min(query.groups_max));
        let left_out = self.left_out + rest.iter().map(|(_, group)| group.count).sum::<u64>();
        let groups = groups.into_iter().map(|(key, group)| group.shown(key)).collect();
        Exceptions { groups, left_out, range: self.range }
    }
}

impl Group {
    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.first_unix_nanos = self.first_unix_nanos.min(other.first_unix_nanos);
        if other.last > self.last {
            self.last = other.last;
        }
        self.series.iter_mut().zip(other.series).for_each(|(own, more)| *own += more);
        for (version, at) in other.versions {
            let is_known = self.versions.contains_key(&version);
            if is_known || self.versions.len() < VERSIONS_MAX {
                let last = self.versions.entry(version).or_insert(at);
                *last = at.max(*last);
            }
        }
        self.examples.extend(other.examples);
        self.examples.sort_unstable();
        self.examples.dedup_by_key(|(_, trace_id, span_id)| (*trace_id, *span_id));
        self.examples.truncate(EXAMPLES_MAX);
    }

    fn shown(self, key: Key) -> ExceptionGroup {
        let mut versions: Vec<(String, i64)> = self.versions.into_iter().collect();
        versions.sort_by_key(|(_, last)| Reverse(*last));
        versions.truncate(VERSIONS_SHOWN_MAX);
        ExceptionGroup {
            type_name: key.type_name,
            message: self.last.1,
            frame: match key.place {
                Place::Frame(frame) => Some(frame),
                Place::Message(_) => None,
            },
            service: key.service,
            count: self.count,
            first_unix_nanos: self.first_unix_nanos,
            last_unix_nanos: self.last.0,
            series: self.series,
            versions: versions.into_iter().map(|(version, _)| version).collect(),
            examples: self.examples.into_iter().map(|(_, trace, span)| (trace, span)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn occurrence(number: i64, message: &str, frame: Option<&str>) -> Occurrence {
        Occurrence {
            type_name: "E".to_owned(),
            message: message.to_owned(),
            frame: frame.map(str::to_owned),
            service: "shop".to_owned(),
            version: Some(format!("1.{}", number % 2)),
            unix_nanos: number,
            trace_id: TraceId([number as u8; 16]),
            span_id: SpanId([number as u8; 8]),
        }
    }

    fn query(groups_max: usize) -> ExceptionsQuery<'static> {
        let range = TimeRange { start_unix_nanos: 0, end_unix_nanos: 9 };
        ExceptionsQuery { filter: None, range, n_steps: 5, groups_max }
    }

    #[test]
    fn the_same_frame_or_folded_message_is_one_group() {
        let mut groups = Groups::new(query(10).range, 5).unwrap();
        let mut others = groups.empty().unwrap();
        groups.add(occurrence(1, "order 1", None)).unwrap();
        groups.add(occurrence(9, "order 22", None)).unwrap();
        others.add(occurrence(4, "order 333", None)).unwrap();
        others.add(occurrence(5, "order 4", Some("pay"))).unwrap();
        // Out of the range.
        others.add(occurrence(10, "order 5", Some("pay"))).unwrap();
        groups.merge(others).unwrap();
        let found = groups.finish(&query(10));
        assert_eq!(found.left_out, 0);
        let [orders, pay] = found.groups.as_slice() else { panic!("{found:?}") };
        assert_eq!((orders.count, orders.first_unix_nanos, orders.last_unix_nanos), (3, 1, 9));
        assert_eq!((orders.message.as_str(), &orders.frame), ("order 22", &None));
        assert_eq!(orders.series, [1, 0, 1, 0, 1]);
        assert_eq!(orders.versions, ["1.1", "1.0"]);
        let newest: Vec<u8> = orders.examples.iter().map(|(trace, _)| trace.0[0]).collect();
        assert_eq!(newest, [9, 4, 1]);
        assert_eq!((pay.count, pay.frame.as_deref()), (1, Some("pay")));
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let mut groups = Groups::new(query(1).range, 5).unwrap();
        groups.add(occurrence(1, "a", None)).unwrap();
        groups.add(occurrence(2, "b", None)).unwrap();
        groups.add(occurrence(3, "b", None)).unwrap();
        let found = groups.finish(&query(1));
        assert_eq!((found.groups.len(), found.groups[0].count, found.left_out), (1, 2, 1));
    }
}

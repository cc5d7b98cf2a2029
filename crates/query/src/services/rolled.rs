//! What the roll-up of a block adds to a tally, and what of the block has to be read all the same.

use spandrel_catalog::BlockEntry;
use spandrel_service_model::{EdgeFigures, EdgeKey, Figures, OperationKey, Rollup, bucket_at};

use super::steps::Steps;
use super::tally::{Question, Tally};

/// Which calls and spans of a block its roll-up has counted, by their time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rolled {
    steps: Steps,
    /// `None`: none of them.
    bucket_nanos: Option<i64>,
    /// From when to when spans of the block start, at most.
    first: i64,
    last: i64,
    /// Whether some have to be read.
    pub(super) leaves_rows: bool,
}

/// Where the times of a bucket lie.
enum Place {
    /// In this interval.
    In(usize),
    /// None of them is asked for.
    Outside,
    /// In several intervals, or some are not asked for.
    Cut,
}

impl Rolled {
    /// Nothing is counted.
    pub(super) fn nothing(entry: &BlockEntry, steps: Steps) -> Self {
        let signed = |nanos: u64| i64::try_from(nanos).unwrap_or(i64::MAX);
        let first = signed(entry.min_start_unix_nanos);
        let last = signed(entry.max_end_unix_nanos);
        Self { steps, bucket_nanos: None, first, last, leaves_rows: true }
    }

    /// Whether the roll-up has counted what happened at a time.
    pub(super) fn has_counted(&self, unix_nanos: i64) -> bool {
        self.bucket_nanos.is_some_and(|nanos| {
            matches!(self.place(bucket_at(unix_nanos, nanos), nanos), Place::In(_))
        })
    }

    /// Whether it has counted anything.
    pub(super) fn has_some(&self) -> bool {
        self.bucket_nanos.is_some()
    }

    fn place(&self, bucket: i64, bucket_nanos: i64) -> Place {
        let start = bucket.saturating_mul(bucket_nanos);
        let first = start.max(self.first);
        let last = start.saturating_add(bucket_nanos - 1).min(self.last.max(first));
        match self.steps.of_all(first, last) {
            Some(interval) => Place::In(interval),
            None if self.steps.touches(first, last) => Place::Cut,
            None => Place::Outside,
        }
    }
}

/// Adds what the roll-up of a block knows.
pub(super) fn add(entry: &BlockEntry, rollup: &Rollup, tally: &mut Tally) -> Rolled {
    let mut rolled = Rolled::nothing(entry, tally.steps);
    let codes: Vec<u32> = rollup.names.iter().map(|name| tally.names.code_of(name)).collect();
    let code = |code: u32| codes.get(code as usize).copied().unwrap_or(0);
    match &tally.question {
        Question::Spans { by_name, name, .. } => {
            let needs_names = *by_name || name.is_some();
            let operations = rollup.operations.as_ref();
            let operations = operations.filter(|_| rollup.has_operation_names || !needs_names);
            let Some(operations) = operations else { return rolled };
            rolled.start(operations.bucket_nanos);
            for cell in &operations.cells {
                let OperationKey { service, name, kind } = cell.key;
                let key = OperationKey { service: code(service), name: code(name), kind };
                let Some(key) = tally.group(key) else { continue };
                if let Some(interval) = rolled.interval_of(cell.bucket) {
                    let n = tally.steps.len();
                    let points = tally.spans.entry(key);
                    let points = points.or_insert_with(|| vec![Figures::default(); n]);
                    points.get_mut(interval).into_iter().for_each(|to| to.merge(&cell.figures));
                }
            }
        }
        Question::Calls { .. } => {
            let Some(edges) = &rollup.edges else { return rolled };
            rolled.start(edges.bucket_nanos);
            for cell in &edges.cells {
                let EdgeKey { client, server, system, connection } = cell.key;
                let [client, server, system] = [client, server, system].map(code);
                let key = EdgeKey { client, server, system, connection };
                if !tally.wants_edge(&key) {
                    continue;
                }
                if let Some(interval) = rolled.interval_of(cell.bucket) {
                    let n = tally.steps.len();
                    let points = tally.calls.entry(key);
                    let points = points.or_insert_with(|| vec![EdgeFigures::default(); n]);
                    points.get_mut(interval).into_iter().for_each(|to| to.merge(&cell.figures));
                }
            }
        }
        Question::Children | Question::ZipkinLinks => {
            let pairs: Option<Vec<(u32, u32, u64, u64)>> = match tally.question {
                Question::Children => rollup.children.as_ref().map(|pairs| {
                    pairs.iter().map(|(parent, child, n)| (*parent, *child, *n, 0)).collect()
                }),
                _ => rollup.zipkin_links.clone(),
            };
            // Whether a trace counts depends on all of it: only where every trace does they can be taken together.
            let Some(pairs) = pairs.filter(|_| tally.range.covers_block(entry)) else {
                return rolled;
            };
            (rolled.bucket_nanos, rolled.leaves_rows) = (Some(i64::MAX), false);
            let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
            for (parent, child, calls, errors) in pairs {
                let sums = tally.pairs.entry((code(parent), code(child))).or_default();
                sums.0 = sums.0.saturating_add(signed(calls));
                sums.1 = sums.1.saturating_add(signed(errors));
            }
        }
    }
    rolled
}

impl Rolled {
    fn start(&mut self, bucket_nanos: i64) {
        self.bucket_nanos = Some(bucket_nanos);
        self.leaves_rows = false;
    }

    /// The interval to which a cell of a bucket adds, if it does.
    fn interval_of(&mut self, bucket: i64) -> Option<usize> {
        match self.place(bucket, self.bucket_nanos.unwrap_or(i64::MAX)) {
            Place::In(interval) => Some(interval),
            Place::Outside => None,
            Place::Cut => {
                self.leaves_rows = true;
                None
            }
        }
    }
}

//! Which rows make a trace, and the order of traces and of spans.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use spandrel_model::TraceId;

use crate::SpanColumns;

/// The rows of a run by trace.
///
/// Shape: the rows of a group are `rows[first_row .. first_row + n_rows]`, in order of arrival.
pub(super) struct Groups {
    rows: Vec<u32>,
    pub(super) in_block_order: Vec<Group>,
}

/// The rows of one trace.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) trace_id: TraceId,
    pub(super) start_unix_nanos: i64,
    /// Row in the run of the first root.
    pub(super) root: Option<u32>,
    first_row: u32,
    n_rows: u32,
}

impl Groups {
    pub(super) fn sorted(spans: &SpanColumns) -> Self {
        let (group_of_row, mut groups) = find_groups(spans);
        let mut first_row = 0;
        for group in &mut groups {
            group.first_row = first_row;
            first_row += group.n_rows;
        }
        let mut next_rows: Vec<u32> = groups.iter().map(|group| group.first_row).collect();
        let mut rows = vec![0; group_of_row.len()];
        for (row, group) in group_of_row.into_iter().enumerate() {
            let next_row = &mut next_rows[group as usize];
            rows[*next_row as usize] = row as u32;
            *next_row += 1;
        }
        sort_groups(spans, &mut groups);
        Self { rows, in_block_order: groups }
    }

    pub(super) fn rows_of(&self, group: &Group) -> &[u32] {
        &self.rows[group.first_row as usize..][..group.n_rows as usize]
    }
}

/// The group number of every row, and the groups, complete but for `first_row`.
fn find_groups(spans: &SpanColumns) -> (Vec<u32>, Vec<Group>) {
    // The seed differs between processes, against senders that forge collisions. The order in which
    // groups are found does not depend on it.
    let hasher = RandomState::default();
    let hash = |id: TraceId| hasher.hash_one(u128::from_ne_bytes(id.0));
    let mut groups: Vec<Group> = Vec::new();
    let mut numbers: HashTable<u32> = HashTable::new();
    let mut group_of_row = Vec::with_capacity(spans.trace_ids.len());
    // Spans of a trace often arrive together, which saves the look-up.
    let mut current = 0;
    for (row, &trace_id) in spans.trace_ids.iter().enumerate() {
        if groups.get(current as usize).is_none_or(|group| group.trace_id != trace_id) {
            current = *numbers
                .entry(
                    hash(trace_id),
                    |&number| groups[number as usize].trace_id == trace_id,
                    |&number| hash(groups[number as usize].trace_id),
                )
                .or_insert(groups.len() as u32)
                .get();
        }
        if current as usize == groups.len() {
            groups.push(Group {
                trace_id,
                start_unix_nanos: i64::MAX,
                root: None,
                first_row: 0,
                n_rows: 0,
            });
        }
        groups[current as usize].add(spans, row as u32);
        group_of_row.push(current);
    }
    (group_of_row, groups)
}

impl Group {
    fn add(&mut self, spans: &SpanColumns, row: u32) {
        self.n_rows += 1;
        self.start_unix_nanos = self.start_unix_nanos.min(spans.start_unix_nanos[row as usize]);
        if spans.parent_span_ids[row as usize].is_zero()
            && self.root.is_none_or(|root| compare_spans(spans, row, root).is_lt())
        {
            self.root = Some(row);
        }
    }
}

fn sort_groups(spans: &SpanColumns, groups: &mut [Group]) {
    let roots = || groups.iter().filter_map(|group| group.root);
    let name_ranks = Ranks::new(
        spans.name_dictionary.len(),
        roots().map(|row| spans.names[row as usize]),
        |code| spans.name_dictionary.get(code),
    );
    let service_ranks = Ranks::new(
        spans.resource_table.values().len(),
        roots().map(|row| spans.resources[row as usize]),
        |number| service_name(spans, number),
    );
    groups.sort_by_cached_key(|group| {
        let (has_no_root, name, service) = match group.root {
            Some(row) => (
                false,
                name_ranks.of(spans.names[row as usize]),
                service_ranks.of(spans.resources[row as usize]),
            ),
            None => (true, 0, 0),
        };
        (has_no_root, name, service, group.start_unix_nanos, group.trace_id)
    });
}

/// Numbers that compare like the texts that codes stand for, for those codes that are needed.
///
/// Shape: one element per code; those of codes that are not needed are 0.
struct Ranks(Vec<u32>);

impl Ranks {
    fn new<'a>(
        n_codes: usize,
        needed: impl Iterator<Item = u32>,
        text: impl Fn(u32) -> &'a str,
    ) -> Self {
        let mut is_needed = vec![false; n_codes];
        for code in needed {
            is_needed[code as usize] = true;
        }
        let needed = (0..n_codes as u32).filter(|&code| is_needed[code as usize]);
        let mut texts: Vec<(&str, u32)> = needed.map(|code| (text(code), code)).collect();
        texts.sort_unstable();
        let mut ranks = vec![0; n_codes];
        for (rank, same) in texts.chunk_by(|a, b| a.0 == b.0).enumerate() {
            for &(_, code) in same {
                ranks[code as usize] = rank as u32;
            }
        }
        Self(ranks)
    }

    fn of(&self, code: u32) -> u32 {
        self.0[code as usize]
    }
}

fn service_name(spans: &SpanColumns, resource: u32) -> &str {
    spans.resource_table.values()[resource as usize].service_name().unwrap_or_default()
}

/// The order of siblings: by start, then span id, then, for spans that share an id, whatever else
/// is cheap to compare. Equal only for copies of a span, as far as the columns compared here tell.
pub(super) fn compare_spans(spans: &SpanColumns, a: u32, b: u32) -> Ordering {
    let key = |row: u32| {
        let row = row as usize;
        (
            spans.start_unix_nanos[row],
            spans.span_ids[row],
            spans.duration_nanos[row],
            spans.kinds[row],
            spans.parent_span_ids[row],
            spans.status_codes[row],
        )
    };
    key(a).cmp(&key(b)).then_with(|| compare_texts(spans, a as usize, b as usize))
}

fn compare_texts(spans: &SpanColumns, a: usize, b: usize) -> Ordering {
    let by_name = || {
        let [a, b] = [a, b].map(|row| spans.name_dictionary.get_bytes(spans.names[row]));
        a.cmp(b)
    };
    let by_service = || {
        let [a, b] = [a, b].map(|row| spans.resources[row]);
        if a == b {
            return Ordering::Equal;
        }
        service_name(spans, a).cmp(service_name(spans, b))
    };
    by_name().then_with(by_service)
}

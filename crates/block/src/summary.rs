//! The block index of a block in the making.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashMap;
use spandrel_columns::Sparse;
use spandrel_model::{Attribute, AttributeScope, AttributeValue, SpanKind, StatusCode};
use spandrel_otlp::{decode_key_value_list, encode_any_value};
use spandrel_service_model::{CellLimits, Names, Peers, Rollup, RollupBuilder, facts_of_run};

use crate::attributes::{Attributes, Candidate, CandidateValues};
use crate::error::BlockError;
use crate::gather::Source;
use crate::index::{
    AttributeDirectory, AttributeEntry, BlockFacts, BlockIndex, Filter, KeyHasher,
    OperationDirectory, OperationDirectoryBuilder, Oversized, TokenFilters, TokenValue, TraceFacts,
    TraceTable, TraceTableBuilder, TypeSummary,
};

/// Collects what the index says about attributes.
pub(crate) struct AttributeSummary {
    row_groups: Vec<Range<u32>>,
    entries: BTreeMap<(AttributeScope, String), Vec<TypeSummary>>,
    /// Tokens of each row group; may repeat.
    tokens: Vec<Vec<u64>>,
    oversized_bytes: usize,
}

impl AttributeSummary {
    pub(crate) fn new(row_groups: Vec<Range<u32>>, oversized_bytes: usize) -> Self {
        let tokens = vec![Vec::new(); row_groups.len()];
        Self { row_groups, entries: BTreeMap::new(), tokens, oversized_bytes }
    }

    /// Takes note of the attributes of one owner.
    pub(crate) fn add(&mut self, attributes: &Attributes<'_>) {
        for (candidate, dense) in attributes.candidates.iter().zip(&attributes.dense) {
            self.add_candidate(attributes.scope, candidate, *dense);
        }
    }

    fn add_candidate(&mut self, scope: AttributeScope, candidate: &Candidate<'_>, column: bool) {
        let hasher = KeyHasher::new(scope, candidate.key);
        let summary = match &candidate.values {
            CandidateValues::String(strings, codes) => {
                let mut counts = vec![0_u64; strings.len()];
                let mut seen_in = vec![usize::MAX; strings.len()];
                self.each_row_group(codes, |tokens, row_group, codes| {
                    for &code in codes {
                        counts[code as usize] += 1;
                        if seen_in[code as usize] != row_group {
                            seen_in[code as usize] = row_group;
                            tokens.push(hasher.text(strings[code as usize].as_bytes()));
                        }
                    }
                });
                let counted = strings.iter().copied().zip(counts).filter(|(_, count)| *count > 0);
                Some(TypeSummary::strings(counted, column))
            }
            CandidateValues::Int(ints) => {
                self.each_row_group(ints, |tokens, _, ints| {
                    let mut ints = ints.to_vec();
                    ints.sort_unstable();
                    ints.dedup();
                    tokens.extend(ints.iter().map(|&value| hasher.token(TokenValue::Int(value))));
                });
                TypeSummary::ints(&mut ints.values.clone(), column)
            }
            CandidateValues::Double(doubles) => {
                self.each_row_group(doubles, |tokens, _, doubles| {
                    let values = doubles.iter().copied().map(TokenValue::Double);
                    tokens.extend(values.map(|value| hasher.token(value)));
                });
                TypeSummary::doubles(&mut doubles.values.clone(), column)
            }
            CandidateValues::Bool(bools) => {
                self.each_row_group(bools, |tokens, _, bools| {
                    let seen = [false, true].into_iter().filter(|value| bools.contains(value));
                    tokens.extend(seen.map(|value| hasher.token(TokenValue::Bool(value))));
                });
                let n_true = bools.values.iter().filter(|value| **value).count() as u64;
                TypeSummary::bools(bools.len() as u64 - n_true, n_true, column)
            }
            CandidateValues::Other(_, codes) => {
                Some(TypeSummary::others(codes.len() as u64, false))
            }
        };
        let summary = summary
            .map(|summary| TypeSummary { oversized: self.oversized(&candidate.values), ..summary });
        self.entries.entry((scope, candidate.key.to_owned())).or_default().extend(summary);
    }

    fn oversized(&self, values: &CandidateValues<'_>) -> Option<Oversized> {
        let (sizes, codes) = values.sizes_above(self.oversized_bytes)?;
        let sizes = codes.values.iter().map(|code| sizes[*code as usize]);
        Oversized::of(sizes.filter(|size| *size > self.oversized_bytes).map(|size| size as u64))
    }

    fn each_row_group<T>(
        &mut self,
        column: &Sparse<T>,
        mut visit: impl FnMut(&mut Vec<u64>, usize, &[T]),
    ) {
        let numbered = self.row_groups.iter().enumerate();
        for ((row_group, rows), tokens) in numbered.zip(&mut self.tokens) {
            let start = column.rows.partition_point(|row| *row < rows.start);
            let end = column.rows.partition_point(|row| *row < rows.end);
            if start < end {
                visit(tokens, row_group, &column.values[start..end]);
            }
        }
    }

    /// Takes note of the attributes of events and links, which have no columns of their own.
    pub(crate) fn add_events_and_links(&mut self, source: &Source<'_>) -> Result<(), BlockError> {
        let events = &source.spans.events;
        let lists = events.rows.iter().zip(&events.attributes);
        let lists = lists.map(|(&row, &list)| (row, events.attribute_lists.get(list)));
        self.add_lists(AttributeScope::Event, source, lists)?;
        let links = &source.spans.links;
        let lists = links.rows.iter().zip(&links.attributes);
        let lists = lists.map(|(&row, &list)| (row, links.attribute_lists.get(list)));
        self.add_lists(AttributeScope::Link, source, lists)
    }

    fn add_lists<'l>(
        &mut self,
        scope: AttributeScope,
        source: &Source<'_>,
        lists: impl Iterator<Item = (u32, &'l [u8])>,
    ) -> Result<(), BlockError> {
        let mut keys: BTreeMap<String, Vec<(u32, AttributeValue)>> = BTreeMap::new();
        for (row, list) in lists.filter(|(_, list)| !list.is_empty()) {
            let decoded = decode_key_value_list(list)
                .map_err(|source| BlockError::Attributes { row, source })?;
            for Attribute { key, value } in decoded {
                keys.entry(key).or_default().push((source.positions[row as usize], value));
            }
        }
        for (key, mut values) in keys {
            values.sort_by_key(|pair| pair.0);
            for values in by_type(&values) {
                self.add_candidate(scope, &Candidate { key: &key, values }, false);
            }
        }
        Ok(())
    }

    /// The finished parts of the index.
    pub(crate) fn finish(self) -> (AttributeDirectory, TokenFilters) {
        let entries = self.entries.into_iter().map(|((scope, key), types)| AttributeEntry {
            scope,
            key: key.into(),
            types,
        });
        let row_groups = self.tokens.iter().map(|tokens| Filter::build(tokens)).collect();
        (AttributeDirectory::new(entries.collect()), TokenFilters { row_groups })
    }
}

/// The values of one key, separated by type in the order of the directory. A span may have several.
fn by_type(pairs: &[(u32, AttributeValue)]) -> Vec<CandidateValues<'_>> {
    let mut known: HashMap<&str, u32> = HashMap::new();
    let mut strings: Vec<&str> = Vec::new();
    let (mut texts, mut others) = (Sparse::default(), Sparse::default());
    let mut messages = Vec::new();
    let (mut ints, mut doubles) = (Sparse::default(), Sparse::default());
    let mut bools = Sparse::default();
    for (row, value) in pairs {
        match value {
            AttributeValue::String(text) => {
                let code = *known.entry(text).or_insert_with(|| {
                    strings.push(text);
                    strings.len() as u32 - 1
                });
                push(&mut texts, *row, code);
            }
            AttributeValue::Int(number) => push(&mut ints, *row, *number),
            AttributeValue::Double(number) => push(&mut doubles, *row, *number),
            AttributeValue::Bool(truth) => push(&mut bools, *row, *truth),
            other => {
                push(&mut others, *row, messages.len() as u32);
                let mut message = Vec::new();
                encode_any_value(other, &mut message);
                messages.push(Cow::Owned(message));
            }
        }
    }
    let all = [
        CandidateValues::String(strings, texts),
        CandidateValues::Int(ints),
        CandidateValues::Double(doubles),
        CandidateValues::Bool(bools),
        CandidateValues::Other(messages, others),
    ];
    all.into_iter().filter(|values| values.len() > 0).collect()
}

/// Unlike [`Sparse::push`] keeps all values of a row.
fn push<T>(column: &mut Sparse<T>, row: u32, value: T) {
    column.rows.push(row);
    column.values.push(value);
}

/// The trace table of the block.
fn traces(source: &Source<'_>) -> Result<TraceTable, BlockError> {
    let (spans, arrangement) = (source.spans, source.arrangement);
    let mut table = TraceTableBuilder::default();
    for trace in &arrangement.traces {
        let root = trace.root_row.map(|row| arrangement.order[row as usize] as usize);
        let service = |row: usize| {
            spans.resource_table.values()[spans.resources[row] as usize].service_name()
        };
        table.push(&TraceFacts {
            trace_id: trace.trace_id,
            n_rows: trace.n_rows,
            start_unix_nanos: trace.start_unix_nanos,
            end_unix_nanos: trace.end_unix_nanos,
            root_name: root.map(|row| spans.name_dictionary.get(spans.names[row])),
            root_service: root.and_then(service),
            n_errors: trace.n_errors,
        })?;
    }
    Ok(table.finish())
}

/// The operation directory of the block.
fn operations(source: &Source<'_>) -> OperationDirectory {
    let spans = source.spans;
    let resources = spans.resource_table.values();
    let services: Vec<_> = resources.iter().map(|resource| resource.service_name()).collect();
    let mut builder = OperationDirectoryBuilder::default();
    let mut known = HashMap::new();
    for row in 0..spans.len() as usize {
        let (resource, name, kind) = (spans.resources[row], spans.names[row], spans.kinds[row]);
        let operation = *known.entry((resource, name, kind)).or_insert_with(|| {
            let name = spans.name_dictionary.get(name);
            builder.operation(services[resource as usize], name, SpanKind::from_number(kind))
        });
        builder.stats_mut(operation).record(
            u64::try_from(spans.duration_nanos[row]).unwrap_or(0),
            spans.status_codes[row] == StatusCode::Error as u8,
            spans.parent_span_ids[row].is_zero(),
        );
    }
    builder.finish()
}

/// The roll-up of services of the block.
fn services(source: &Source<'_>) -> Rollup {
    let (spans, arrangement) = (source.spans, source.arrangement);
    let (mut names, mut peers) = (Names::default(), Peers::default());
    let facts = facts_of_run(spans, &mut names, &mut peers);
    let mut builder = RollupBuilder::default();
    let mut own = Vec::new();
    for (trace, number) in arrangement.traces.iter().zip(0..) {
        let rows = trace.first_row as usize..(trace.first_row + trace.n_rows) as usize;
        own.clear();
        own.extend(arrangement.order[rows].iter().map(|row| facts[*row as usize]));
        builder.add_trace(number, &own, &names, &peers);
    }
    builder.finish(&names, CellLimits::of_block(facts.len()))
}

/// The whole index.
pub(crate) fn index(
    source: &Source<'_>,
    attributes: AttributeSummary,
) -> Result<BlockIndex, BlockError> {
    let traces = traces(source)?;
    let row_groups = attributes.row_groups.iter().map(|rows| rows.start).collect();
    let (attributes, token_filters) = attributes.finish();
    let writer = concat!("spandrel ", env!("CARGO_PKG_VERSION"));
    let latest_start = source.spans.start_unix_nanos.iter().copied().max().unwrap_or(0);
    let facts = BlockFacts::of(&traces, latest_start, row_groups, writer);
    let (operations, services) = (operations(source), Some(services(source)));
    Ok(BlockIndex { facts, traces, token_filters, attributes, operations, services })
}

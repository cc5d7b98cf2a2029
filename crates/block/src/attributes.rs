//! Attributes on their way into a block: which keys get a column, which go to the residual, and what the
//! block index should know about both.

use std::collections::BTreeMap;

use spandrel_columns::{Dictionary, KeyColumns, Sparse};
use spandrel_model::{Attribute, AttributeScope, AttributeValue};
use spandrel_otlp::encode_any_value;

use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::schema::{self, AttributeType, attribute_column, is_column_key};

/// A column costs about 400 bytes of pages and footer, a residual value about 8 compressed: below this
/// many values the residual is smaller.
const COLUMN_VALUES_MIN: usize = 64;
/// Columns of one owner; the footer, which every query reads, grows with each.
const COLUMNS_MAX: usize = 400;

/// One key with one type, in block order, on its way to a column or to the residual.
pub(crate) struct Candidate<'a> {
    pub(crate) key: &'a str,
    pub(crate) values: CandidateValues<'a>,
}

/// Block rows, ascending, with their values.
pub(crate) enum CandidateValues<'a> {
    /// Distinct strings and codes. Not all of the strings need occur.
    String(Vec<&'a str>, Vec<(u32, u32)>),
    Int(Vec<(u32, i64)>),
    Double(Vec<(u32, f64)>),
    Bool(Vec<(u32, bool)>),
    /// Encoded `AnyValue` messages.
    Other(Vec<(u32, Vec<u8>)>),
}

impl CandidateValues<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::String(_, pairs) => pairs.len(),
            Self::Int(pairs) => pairs.len(),
            Self::Double(pairs) => pairs.len(),
            Self::Bool(pairs) => pairs.len(),
            Self::Other(pairs) => pairs.len(),
        }
    }

    fn column_type(&self) -> Option<AttributeType> {
        match self {
            Self::String(..) => Some(AttributeType::String),
            Self::Int(_) => Some(AttributeType::Int),
            Self::Double(_) => Some(AttributeType::Double),
            Self::Bool(_) => Some(AttributeType::Bool),
            Self::Other(_) => None,
        }
    }
}

/// The attributes of one owner (span, resource or scope).
pub(crate) struct Attributes<'a> {
    pub(crate) scope: AttributeScope,
    pub(crate) candidates: Vec<Candidate<'a>>,
    /// Parallel to `candidates`: whether it gets a column.
    pub(crate) dense: Vec<bool>,
}

impl<'a> Attributes<'a> {
    /// The attributes of the spans themselves.
    pub(crate) fn of_spans(source: &Source<'a>) -> Self {
        let mut candidates = Vec::new();
        for columns in source.spans.attributes.keys() {
            push_span_key(source, columns, &mut candidates);
        }
        Self::new(AttributeScope::Span, candidates, source.positions.len())
    }

    /// The attributes of the resources, repeated for each span.
    pub(crate) fn of_resources(source: &Source<'a>) -> Self {
        let spans = source.spans;
        let lists = spans.resource_table.values().iter().map(|resource| &*resource.attributes);
        let owners: Vec<u32> =
            source.arrangement.order.iter().map(|&row| spans.resources[row as usize]).collect();
        Self::of_owners(AttributeScope::Resource, &lists.collect::<Vec<_>>(), &owners)
    }

    /// The attributes of the scopes, repeated for each span.
    pub(crate) fn of_scopes(source: &Source<'a>) -> Self {
        let spans = source.spans;
        let lists = spans.scope_table.values().iter().map(|scope| &*scope.attributes);
        let owners: Vec<u32> =
            source.arrangement.order.iter().map(|&row| spans.scopes[row as usize]).collect();
        Self::of_owners(AttributeScope::Instrumentation, &lists.collect::<Vec<_>>(), &owners)
    }

    /// `lists` holds the attributes of each owner, `owners` the owner of each block row.
    fn of_owners(scope: AttributeScope, lists: &[&'a [Attribute]], owners: &[u32]) -> Self {
        let mut keys: BTreeMap<&'a str, Vec<Option<&'a AttributeValue>>> = BTreeMap::new();
        for (owner, list) in lists.iter().enumerate() {
            for attribute in *list {
                let values = keys.entry(&attribute.key).or_insert_with(|| vec![None; lists.len()]);
                values[owner] = Some(&attribute.value);
            }
        }
        let mut candidates = Vec::new();
        for (key, values) in keys {
            push_owner_key(key, &values, owners, &mut candidates);
        }
        Self::new(scope, candidates, owners.len())
    }

    fn new(scope: AttributeScope, mut candidates: Vec<Candidate<'a>>, n_rows: usize) -> Self {
        candidates.retain(|candidate| candidate.values.len() > 0);
        let mut dense: Vec<bool> = candidates
            .iter()
            .map(|candidate| {
                let n_values = candidate.values.len();
                candidate.values.column_type().is_some()
                    && is_column_key(candidate.key)
                    && (n_values >= COLUMN_VALUES_MIN || n_values * 16 >= n_rows)
            })
            .collect();
        let mut by_size: Vec<usize> = (0..dense.len()).filter(|&i| dense[i]).collect();
        by_size.sort_by_key(|&i| std::cmp::Reverse(candidates[i].values.len()));
        by_size.iter().skip(COLUMNS_MAX).for_each(|&i| dense[i] = false);
        Self { scope, candidates, dense }
    }

    /// The columns of the dense candidates and the residual of all others.
    pub(crate) fn into_columns(self) -> Vec<Column> {
        let mut columns = Vec::new();
        let mut residual = Residual::default();
        for (candidate, dense) in self.candidates.into_iter().zip(self.dense) {
            match candidate.values.column_type() {
                Some(kind) if dense => {
                    let name = attribute_column(self.scope, candidate.key, kind);
                    columns.extend(into_column(name, candidate.values));
                }
                _ => residual.push(candidate),
            }
        }
        columns.extend(residual.into_column(schema::residual_column(self.scope)));
        columns
    }
}

fn push_span_key<'a>(
    source: &Source<'a>,
    columns: &'a KeyColumns,
    candidates: &mut Vec<Candidate<'a>>,
) {
    let key = &*columns.key;
    let dictionary: &'a Dictionary = &columns.strings.dictionary;
    let mut push = |values: CandidateValues<'a>| candidates.push(Candidate { key, values });
    let has = |column: &Sparse<u32>| !column.is_empty();
    if has(&columns.strings.codes) {
        let strings = dictionary.iter().collect();
        push(CandidateValues::String(strings, source.pairs(&columns.strings.codes)));
    }
    if !columns.ints.is_empty() {
        push(CandidateValues::Int(source.pairs(&columns.ints)));
    }
    if !columns.doubles.is_empty() {
        push(CandidateValues::Double(source.pairs(&columns.doubles)));
    }
    if !columns.bools.is_empty() {
        push(CandidateValues::Bool(source.pairs(&columns.bools)));
    }
    if !columns.others.is_empty() {
        let moved = columns.others.iter();
        let mut pairs: Vec<_> = moved
            .map(|(row, bytes)| (source.positions[row as usize], bytes.to_vec()))
            .collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        push(CandidateValues::Other(pairs));
    }
}

/// `values` holds the key's value of each owner.
fn push_owner_key<'a>(
    key: &'a str,
    values: &[Option<&'a AttributeValue>],
    owners: &[u32],
    candidates: &mut Vec<Candidate<'a>>,
) {
    let mut strings = Vec::new();
    let codes = owner_table(values, |value| match value {
        AttributeValue::String(text) if text.len() <= spandrel_columns::TEXT_BYTES_MAX => {
            strings.push(text.as_str());
            Some(strings.len() as u32 - 1)
        }
        _ => None,
    });
    let mut push = |values: CandidateValues<'a>| candidates.push(Candidate { key, values });
    push(CandidateValues::String(strings, owner_pairs(&codes, owners)));
    let ints = owner_table(values, |value| match value {
        AttributeValue::Int(number) => Some(*number),
        _ => None,
    });
    push(CandidateValues::Int(owner_pairs(&ints, owners)));
    let doubles = owner_table(values, |value| match value {
        AttributeValue::Double(number) => Some(*number),
        _ => None,
    });
    push(CandidateValues::Double(owner_pairs(&doubles, owners)));
    let bools = owner_table(values, |value| match value {
        AttributeValue::Bool(truth) => Some(*truth),
        _ => None,
    });
    push(CandidateValues::Bool(owner_pairs(&bools, owners)));
    let others = owner_table(values, |value| match value {
        AttributeValue::String(text) if text.len() <= spandrel_columns::TEXT_BYTES_MAX => None,
        AttributeValue::Int(_) | AttributeValue::Double(_) | AttributeValue::Bool(_) => None,
        other => Some(any_value(other)),
    });
    push(CandidateValues::Other(owner_pairs(&others, owners)));
}

fn owner_table<'a, T>(
    values: &[Option<&'a AttributeValue>],
    mut pick: impl FnMut(&'a AttributeValue) -> Option<T>,
) -> Vec<Option<T>> {
    values.iter().map(|value| value.and_then(&mut pick)).collect()
}

fn owner_pairs<T: Clone>(table: &[Option<T>], owners: &[u32]) -> Vec<(u32, T)> {
    if table.iter().all(Option::is_none) {
        return Vec::new();
    }
    let rows = owners.iter().enumerate();
    rows.filter_map(|(row, &owner)| Some((row as u32, table[owner as usize].clone()?))).collect()
}

fn into_column(name: String, values: CandidateValues<'_>) -> Option<Column> {
    match values {
        CandidateValues::String(strings, pairs) => {
            // Half of the values distinct: a dictionary would be as large as the values.
            let mostly_distinct = strings.len() * 2 > pairs.len() && pairs.len() > 1000;
            let encoding = if mostly_distinct { Encoding::Plain } else { Encoding::Dictionary };
            let strings: Strings = strings.into_iter().collect();
            Column::optional(name, pairs, encoding, |codes| Values::Text(strings, codes))
        }
        CandidateValues::Int(pairs) => {
            Column::optional(name, pairs, Encoding::Dictionary, Values::I64)
        }
        CandidateValues::Double(pairs) => {
            Column::optional(name, pairs, Encoding::Dictionary, Values::F64)
        }
        CandidateValues::Bool(pairs) => {
            Column::optional(name, pairs, Encoding::Dictionary, Values::Bool)
        }
        CandidateValues::Other(_) => None,
    }
}

fn any_value(value: &AttributeValue) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_any_value(value, &mut bytes);
    bytes
}

/// Attribute lists of rows, gathered key by key.
#[derive(Default)]
struct Residual {
    /// Block row and encoded `KeyValueList` with one element.
    elements: Vec<(u32, Vec<u8>)>,
}

impl Residual {
    fn push(&mut self, candidate: Candidate<'_>) {
        let key = candidate.key;
        let mut push = |row, value: &[u8]| self.elements.push((row, key_value(key, value)));
        match candidate.values {
            CandidateValues::String(strings, pairs) => {
                let encoded: Vec<_> = strings
                    .iter()
                    .map(|text| any_value(&AttributeValue::String((*text).to_owned())))
                    .collect();
                pairs.iter().for_each(|&(row, code)| push(row, &encoded[code as usize]));
            }
            CandidateValues::Int(pairs) => pairs
                .iter()
                .for_each(|&(row, number)| push(row, &any_value(&AttributeValue::Int(number)))),
            CandidateValues::Double(pairs) => pairs
                .iter()
                .for_each(|&(row, number)| push(row, &any_value(&AttributeValue::Double(number)))),
            CandidateValues::Bool(pairs) => pairs
                .iter()
                .for_each(|&(row, truth)| push(row, &any_value(&AttributeValue::Bool(truth)))),
            CandidateValues::Other(pairs) => {
                pairs.iter().for_each(|(row, value)| push(*row, value));
            }
        }
    }

    fn into_column(mut self, name: &str) -> Option<Column> {
        // Stable: the elements of a row keep the order of the keys.
        self.elements.sort_by_key(|element| element.0);
        let mut pairs: Vec<(u32, Vec<u8>)> = Vec::new();
        for (row, element) in self.elements {
            match pairs.last_mut() {
                Some((last, list)) if *last == row => list.extend_from_slice(&element),
                _ => pairs.push((row, element)),
            }
        }
        let pairs = pairs.into_iter().map(|(row, list)| (row, list.into())).collect();
        Column::optional(name, pairs, Encoding::Dictionary, Values::Binary)
    }
}

/// A `KeyValueList` message with one element: field 1, a `KeyValue` with key (1) and value (2).
fn key_value(key: &str, any_value: &[u8]) -> Vec<u8> {
    let mut element = Vec::with_capacity(key.len() + any_value.len() + 8);
    push_field(&mut element, 1, key.as_bytes());
    push_field(&mut element, 2, any_value);
    let mut list = Vec::with_capacity(element.len() + 6);
    push_field(&mut list, 1, &element);
    list
}

fn push_field(into: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    into.push(number << 3 | 2);
    let mut length = bytes.len();
    while length >= 0x80 {
        into.push(length as u8 | 0x80);
        length >>= 7;
    }
    into.push(length as u8);
    into.extend_from_slice(bytes);
}

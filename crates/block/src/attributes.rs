//! Attributes on their way into a block: which keys get a column, which go to the residual, which values are
//! kept apart from both because of their size, and what the block index should know about all of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use spandrel_columns::{KeyColumns, Sparse};
use spandrel_model::{Attribute, AttributeScope, AttributeValue};
use spandrel_otlp::encode_any_value;

use crate::column::{Column, Encoding, Strings, Values};
use crate::gather::Source;
use crate::oversized::{self, Oversized, TextsAndMessages};
use crate::residual::AttributeLists;
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

/// Values of block rows, ascending.
pub(crate) enum CandidateValues<'a> {
    /// Distinct strings, and codes. Not all of the strings need occur.
    String(Vec<&'a str>, Sparse<u32>),
    Int(Sparse<i64>),
    Double(Sparse<f64>),
    Bool(Sparse<bool>),
    /// Encoded `AnyValue` messages, and their numbers.
    Other(Vec<Cow<'a, [u8]>>, Sparse<u32>),
}

impl CandidateValues<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::String(_, codes) | Self::Other(_, codes) => codes.len(),
            Self::Int(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Bool(values) => values.len(),
        }
    }

    /// The size of each distinct value, as [`crate::oversized`] counts, and the codes of the rows; `None` when
    /// no value has more than so many bytes.
    pub(crate) fn sizes_above(&self, bytes: usize) -> Option<(Vec<usize>, &Sparse<u32>)> {
        let (sizes, codes): (Vec<usize>, _) = match self {
            Self::String(texts, codes) if texts.iter().any(|text| text.len() > bytes) => {
                (texts.iter().map(|text| text.len()).collect(), codes)
            }
            Self::Other(messages, codes) if messages.iter().any(|m| m.len() > bytes) => {
                (messages.iter().map(|message| message.len()).collect(), codes)
            }
            _ => return None,
        };
        Some((sizes, codes))
    }

    fn column_type(&self) -> Option<AttributeType> {
        match self {
            Self::String(..) => Some(AttributeType::String),
            Self::Int(_) => Some(AttributeType::Int),
            Self::Double(_) => Some(AttributeType::Double),
            Self::Bool(_) => Some(AttributeType::Bool),
            Self::Other(..) => None,
        }
    }
}

/// The attributes of one owner (span, resource or scope).
pub(crate) struct Attributes<'a> {
    pub(crate) scope: AttributeScope,
    pub(crate) candidates: Vec<Candidate<'a>>,
    /// Parallel to `candidates`: whether it gets a column, for all values but the oversized ones.
    pub(crate) dense: Vec<bool>,
    /// Values of more bytes are oversized.
    oversized_bytes: usize,
}

impl<'a> Attributes<'a> {
    /// The attributes of the spans themselves.
    pub(crate) fn of_spans(source: &Source<'a>, oversized_bytes: usize) -> Self {
        let mut candidates = Vec::new();
        for columns in source.spans.attributes.keys() {
            push_span_key(source, columns, &mut candidates);
        }
        Self::new(AttributeScope::Span, candidates, source.positions.len(), oversized_bytes)
    }

    /// The attributes of the resources, repeated for each span.
    pub(crate) fn of_resources(source: &Source<'a>, oversized_bytes: usize) -> Self {
        let lists = source.spans.resource_table.values().iter();
        let lists: Vec<_> = lists.map(|resource| &*resource.attributes).collect();
        let candidates = of_owners(&lists, &source.resources);
        Self::new(AttributeScope::Resource, candidates, source.resources.len(), oversized_bytes)
    }

    /// The attributes of the scopes, repeated for each span.
    pub(crate) fn of_scopes(source: &Source<'a>, oversized_bytes: usize) -> Self {
        let lists = source.spans.scope_table.values().iter();
        let lists: Vec<_> = lists.map(|scope| &*scope.attributes).collect();
        let candidates = of_owners(&lists, &source.scopes);
        Self::new(AttributeScope::Instrumentation, candidates, source.scopes.len(), oversized_bytes)
    }

    fn new(
        scope: AttributeScope,
        mut candidates: Vec<Candidate<'a>>,
        n_rows: usize,
        oversized_bytes: usize,
    ) -> Self {
        candidates.retain(|candidate| candidate.values.len() > 0);
        let mut dense: Vec<bool> = candidates
            .iter()
            .map(|candidate| {
                let n_values = oversized::n_others(&candidate.values, oversized_bytes);
                candidate.values.column_type().is_some()
                    && is_column_key(candidate.key)
                    && (n_values >= COLUMN_VALUES_MIN || n_values * 16 >= n_rows)
            })
            .collect();
        let mut by_size: Vec<usize> = (0..dense.len()).filter(|&i| dense[i]).collect();
        by_size.sort_by_key(|&i| std::cmp::Reverse(candidates[i].values.len()));
        by_size.iter().skip(COLUMNS_MAX).for_each(|&i| dense[i] = false);
        Self { scope, candidates, dense, oversized_bytes }
    }

    /// Adds the columns of the dense candidates and the residual of all others to `columns`, those of
    /// oversized values to `apart`.
    pub(crate) fn into_columns(self, columns: &mut Vec<Column<'a>>, apart: &mut Vec<Column<'a>>) {
        let mut residual = AttributeLists::default();
        let mut oversized = Oversized::new(self.scope);
        for (Candidate { key, values }, dense) in self.candidates.into_iter().zip(self.dense) {
            let (values, large) = oversized::split(values, self.oversized_bytes);
            if let Some(large) = large {
                oversized.push(key, large);
            }
            match values.column_type() {
                Some(kind) if dense => {
                    columns.extend(into_column(attribute_column(self.scope, key, kind), values));
                }
                _ => residual.push(key, values),
            }
        }
        columns.extend(residual.into_column(schema::residual_column(self.scope)));
        apart.extend(oversized.into_columns());
    }
}

/// The candidates of resources or scopes. `lists` holds the attributes of each owner, `owners` the owner of
/// each block row.
fn of_owners<'a>(lists: &[&'a [Attribute]], owners: &[u32]) -> Vec<Candidate<'a>> {
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
    candidates
}

fn push_span_key<'a>(
    source: &Source<'a>,
    columns: &'a KeyColumns,
    candidates: &mut Vec<Candidate<'a>>,
) {
    let mut push = |values| candidates.push(Candidate { key: &columns.key, values });
    let others = TextsAndMessages::of(columns.others.iter());
    let (texts, codes) = others.with_strings(&columns.strings);
    if !codes.is_empty() {
        push(CandidateValues::String(texts, source.moved(&codes)));
    }
    if !columns.ints.is_empty() {
        push(CandidateValues::Int(source.moved(&columns.ints)));
    }
    if !columns.doubles.is_empty() {
        push(CandidateValues::Double(source.moved(&columns.doubles)));
    }
    if !columns.bools.is_empty() {
        push(CandidateValues::Bool(source.moved(&columns.bools)));
    }
    if !others.message_codes.is_empty() {
        push(CandidateValues::Other(others.messages, source.moved(&others.message_codes)));
    }
}

/// `values` holds the key's value of each owner.
fn push_owner_key<'a>(
    key: &'a str,
    values: &[Option<&'a AttributeValue>],
    owners: &[u32],
    candidates: &mut Vec<Candidate<'a>>,
) {
    let (mut known, mut strings, mut messages) = (HashMap::new(), Vec::new(), Vec::new());
    let (mut texts, mut others) = (vec![None; values.len()], vec![None; values.len()]);
    let (mut ints, mut doubles) = (vec![None; values.len()], vec![None; values.len()]);
    let mut bools = vec![None; values.len()];
    for (owner, value) in values.iter().enumerate() {
        match *value {
            None => {}
            Some(AttributeValue::String(text)) => {
                let code = *known.entry(text.as_str()).or_insert_with(|| {
                    strings.push(text.as_str());
                    strings.len() as u32 - 1
                });
                texts[owner] = Some(code);
            }
            Some(AttributeValue::Int(number)) => ints[owner] = Some(*number),
            Some(AttributeValue::Double(number)) => doubles[owner] = Some(*number),
            Some(AttributeValue::Bool(truth)) => bools[owner] = Some(*truth),
            Some(other) => {
                let mut message = Vec::new();
                encode_any_value(other, &mut message);
                others[owner] = Some(messages.len() as u32);
                messages.push(Cow::Owned(message));
            }
        }
    }
    let mut push = |values| candidates.push(Candidate { key, values });
    push(CandidateValues::String(strings, repeated(&texts, owners)));
    push(CandidateValues::Int(repeated(&ints, owners)));
    push(CandidateValues::Double(repeated(&doubles, owners)));
    push(CandidateValues::Bool(repeated(&bools, owners)));
    push(CandidateValues::Other(messages, repeated(&others, owners)));
}

/// The values of the owners for each of their rows.
pub(crate) fn repeated<T: Copy>(values: &[Option<T>], owners: &[u32]) -> Sparse<T> {
    let mut rows_and_values = Sparse::default();
    if values.iter().all(Option::is_none) {
        return rows_and_values;
    }
    for (row, &owner) in owners.iter().enumerate() {
        if let Some(value) = values[owner as usize] {
            rows_and_values.rows.push(row as u32);
            rows_and_values.values.push(value);
        }
    }
    rows_and_values
}

fn into_column(name: String, values: CandidateValues<'_>) -> Option<Column<'_>> {
    let dictionary = Encoding::Dictionary;
    match values {
        CandidateValues::String(strings, Sparse { rows, values }) => {
            let strings = strings.into_iter().map(str::as_bytes).collect();
            let strings = Values::Text(Strings::Borrowed(strings));
            Column::optional_codes(name, rows, strings, values)
        }
        CandidateValues::Int(Sparse { rows, values }) => {
            Column::optional(name, rows, Values::I64(values), dictionary)
        }
        CandidateValues::Double(Sparse { rows, values }) => {
            Column::optional(name, rows, Values::F64(values), dictionary)
        }
        CandidateValues::Bool(Sparse { rows, values }) => {
            Column::optional(name, rows, Values::Bool(values), dictionary)
        }
        CandidateValues::Other(..) => None,
    }
}

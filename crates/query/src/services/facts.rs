//! The facts of spans in the rows of a block.

use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, DictionaryArray, RecordBatch, StringArray};
use spandrel_block::schema::{self, AttributeType, attribute_column, residual_column};
use spandrel_model::{AttributeScope, AttributeValue, SpanKind, StatusCode};
use spandrel_otlp::decode_key_value_list;
use spandrel_service_model::{Names, PEER_KEYS, PeerSets, Peers, SpanFacts, Weight, name_of};

use crate::QueryError;
use crate::block_cache::{Columns, OpenBlock};
use crate::unit::in_residual;

const SERVICE: &str = "service.name";
const FIXED: [&str; 9] = [
    schema::SPAN_ID,
    schema::PARENT_ROW_OFFSET,
    schema::PARENT_SPAN_ID,
    schema::START,
    schema::DURATION,
    schema::NAME,
    schema::KIND,
    schema::STATUS_CODE,
    schema::TRACE_STATE,
];

/// Columns of some rows, and which attributes lie in lists.
pub(super) struct FactColumns {
    columns: Columns,
    /// Whether services lie in the column of lists.
    listed_service: bool,
    /// Numbers of the keys of peers of which some values lie in the column of lists.
    listed_peers: Vec<usize>,
}

/// Reads what facts are made of, of some rows of a row group; without the attributes that name peers unless they
/// are wanted. `None` when the block has no such columns.
pub(super) async fn read(
    block: &OpenBlock,
    row_group: usize,
    rows: Option<&[Range<u32>]>,
    with_peers: bool,
) -> Result<Option<FactColumns>, QueryError> {
    let directory = block.attributes()?;
    let listed = |scope, key: &str| {
        let types = directory.find(scope, key).map_or(&[][..], |entry| &entry.types);
        types.iter().any(in_residual)
    };
    let text = |scope, key| attribute_column(scope, key, AttributeType::String);
    let mut names: Vec<String> = FIXED.map(str::to_owned).into();
    names.push(text(AttributeScope::Resource, SERVICE));
    let listed_service = listed(AttributeScope::Resource, SERVICE);
    if listed_service {
        names.push(residual_column(AttributeScope::Resource).to_owned());
    }
    let mut listed_peers = Vec::new();
    if with_peers {
        for (number, key) in PEER_KEYS.iter().enumerate() {
            names.push(text(AttributeScope::Span, key));
            if listed(AttributeScope::Span, key) {
                listed_peers.push(number);
            }
        }
    }
    if !listed_peers.is_empty() {
        names.push(residual_column(AttributeScope::Span).to_owned());
    }
    let columns = block.columns(row_group, names.iter().map(String::as_str), rows).await?;
    Ok(columns.map(|columns| FactColumns { columns, listed_service, listed_peers }))
}

impl FactColumns {
    /// Bytes that the facts take.
    pub(super) fn facts_bytes(&self) -> usize {
        self.columns.num_rows() * size_of::<SpanFacts>()
    }

    /// The facts of the rows, in their order. A column that is not what the schema says counts as empty.
    pub(super) fn facts(
        &self,
        names: &mut Names,
        peers: &mut Peers,
    ) -> Result<Vec<SpanFacts>, QueryError> {
        let batch: &RecordBatch = &self.columns;
        let n_rows = batch.num_rows();
        let mut facts = vec![EMPTY; n_rows];
        let numbers = |name: &str| {
            let column = batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
            Some(column.values().clone())
        };
        let small = |name: &str| {
            let column = batch.column_by_name(name)?.as_primitive_opt::<Int32Type>()?;
            Some(column.values().clone())
        };
        for (facts, start) in
            facts.iter_mut().zip(numbers(schema::START).iter().flat_map(|c| c.iter()))
        {
            facts.start_unix_nanos = *start;
        }
        for (facts, nanos) in
            facts.iter_mut().zip(numbers(schema::DURATION).iter().flat_map(|c| c.iter()))
        {
            facts.duration_nanos = u64::try_from(*nanos).unwrap_or(0);
        }
        for (facts, kind) in facts.iter_mut().zip(small(schema::KIND).iter().flat_map(|c| c.iter()))
        {
            facts.kind = SpanKind::from_number(u8::try_from(*kind).unwrap_or(0));
        }
        for (facts, code) in
            facts.iter_mut().zip(small(schema::STATUS_CODE).iter().flat_map(|c| c.iter()))
        {
            facts.failed = *code == StatusCode::Error as i32;
        }
        set_ids(batch, &mut facts);
        each_text(batch, schema::NAME, names, |row, code| facts[row].name = code);
        let service = attribute_column(AttributeScope::Resource, SERVICE, AttributeType::String);
        each_text(batch, &service, names, |row, code| facts[row].service = code);
        if self.listed_service {
            let lists = residual_column(AttributeScope::Resource);
            each_listed(batch, lists, &[SERVICE], |row, _, text| {
                facts[row].service = names.code(name_of(text));
            })?;
        }
        if let Some((keys, texts)) = dictionary(batch, schema::TRACE_STATE) {
            let weights: Vec<Weight> =
                texts.iter().map(|text| Weight::of_trace_state(text.unwrap_or(""))).collect();
            for (row, key) in keys.keys().iter().enumerate() {
                let weight = key.and_then(|key| weights.get(key as usize));
                facts[row].weight = weight.copied().unwrap_or_default();
            }
        }
        self.set_peers(&mut facts, names, peers)?;
        Ok(facts)
    }

    fn set_peers(
        &self,
        facts: &mut [SpanFacts],
        names: &mut Names,
        peers: &mut Peers,
    ) -> Result<(), QueryError> {
        let batch: &RecordBatch = &self.columns;
        let keys: Vec<&str> = self.listed_peers.iter().map(|number| PEER_KEYS[*number]).collect();
        let mut listed: Vec<(usize, usize, u32)> = Vec::new();
        if !keys.is_empty() {
            let lists = residual_column(AttributeScope::Span);
            each_listed(batch, lists, &keys, |row, key, text| {
                let code = names.code(name_of(text));
                if code != 0 {
                    listed.push((self.listed_peers[key], row, code));
                }
            })?;
            listed.sort_unstable();
        }
        let mut sets = PeerSets::default();
        for (number, key) in PEER_KEYS.iter().enumerate() {
            let column = attribute_column(AttributeScope::Span, key, AttributeType::String);
            let mut add = |row: usize, code: u32| {
                if code != 0 {
                    facts[row].peer = sets.with(facts[row].peer, number, code);
                }
            };
            each_text(batch, &column, names, &mut add);
            let own = listed.partition_point(|(other, ..)| *other < number);
            let own = listed[own..].iter().take_while(|(other, ..)| *other == number);
            own.for_each(|(_, row, code)| add(*row, *code));
        }
        let numbers = sets.peers(peers);
        facts.iter_mut().for_each(|facts| facts.peer = numbers[facts.peer as usize]);
        Ok(())
    }
}

const EMPTY: SpanFacts = SpanFacts {
    span_id: 0,
    parent_id: 0,
    start_unix_nanos: 0,
    duration_nanos: 0,
    service: 0,
    name: 0,
    peer: 0,
    kind: SpanKind::Unspecified,
    failed: false,
    weight: Weight::NONE,
};

fn set_ids(batch: &RecordBatch, facts: &mut [SpanFacts]) {
    let ids = |name: &str| batch.column_by_name(name)?.as_fixed_size_binary_opt();
    let number = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    if let Some(own) = ids(schema::SPAN_ID) {
        for (row, facts) in facts.iter_mut().enumerate().take(own.len()) {
            facts.span_id = number(own.value(row));
        }
    }
    let offsets = batch.column_by_name(schema::PARENT_ROW_OFFSET);
    let offsets = offsets.and_then(|offsets| offsets.as_primitive_opt::<Int32Type>());
    let missing = ids(schema::PARENT_SPAN_ID);
    for row in 0..facts.len() {
        let offset = offsets.map_or(0, |offsets| offsets.value(row).cast_unsigned() as usize);
        facts[row].parent_id = match row.checked_sub(offset).filter(|_| offset > 0) {
            Some(parent) => facts[parent].span_id,
            None => missing
                .filter(|missing| missing.is_valid(row))
                .map_or(0, |missing| number(missing.value(row))),
        };
    }
}

fn dictionary<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> Option<(&'a DictionaryArray<Int32Type>, &'a StringArray)> {
    let keys = batch.column_by_name(name)?.as_dictionary_opt::<Int32Type>()?;
    Some((keys, keys.values().as_string_opt::<i32>()?))
}

/// Shows the code of the text in each row that has one.
fn each_text(batch: &RecordBatch, name: &str, names: &mut Names, mut each: impl FnMut(usize, u32)) {
    /// No row has asked for it yet: a dictionary may have texts of other rows.
    const UNKNOWN: u32 = u32::MAX;
    let Some((keys, texts)) = dictionary(batch, name) else { return };
    let limited = name != schema::NAME;
    let mut codes = vec![UNKNOWN; texts.len()];
    for (row, key) in keys.keys().iter().enumerate() {
        let Some(key) = key.map(|key| key as usize) else { continue };
        let Some(code) = codes.get_mut(key) else { continue };
        if *code == UNKNOWN {
            let text = texts.value(key);
            *code = names.code(if limited { name_of(text) } else { text });
        }
        each(row, *code);
    }
}

/// Shows the texts under some keys in a column of attribute lists: row, number of the key, text.
fn each_listed(
    batch: &RecordBatch,
    name: &str,
    keys: &[&str],
    mut each: impl FnMut(usize, usize, &str),
) -> Result<(), QueryError> {
    let Some(lists) = batch.column_by_name(name).and_then(|lists| lists.as_binary_opt::<i32>())
    else {
        return Ok(());
    };
    for (row, list) in lists.iter().enumerate() {
        // Looking for the keys' bytes first spares decoding most lists.
        let has = |key: &&str| list.is_some_and(|list| contains(list, key.as_bytes()));
        if !keys.iter().any(has) {
            continue;
        }
        for attribute in decode_key_value_list(list.unwrap_or_default())? {
            let key = keys.iter().position(|key| **key == attribute.key);
            if let (Some(key), AttributeValue::String(text)) = (key, &attribute.value) {
                each(row, key, text);
            }
        }
    }
    Ok(())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len().max(1)).any(|window| window == part)
}

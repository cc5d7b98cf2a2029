//! What the block index says agrees with the rows.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::Array as _;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use spandrel_block::index::{TokenValue, Values, token};
use spandrel_model::{AttributeScope, AttributeValue};

use crate::blocks::Block;
use crate::requests::shop_run;

#[test]
fn each_value_of_a_resource_attribute_is_listed_once_with_its_spans() {
    // Several instances of one service are different resources with the same name.
    let block = Block::of(&shop_run(3_000), 1_000);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for span in block.spans().unwrap() {
        let name = span.resource.service_name().unwrap();
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    let directory = block.file.index().attributes().unwrap();
    let entry = directory.find(AttributeScope::Resource, "service.name").unwrap();
    let [summary] = &*entry.types else { panic!("{entry:?}") };
    let Values::Strings(listed) = &summary.values else { panic!("{summary:?}") };
    let listed: BTreeMap<_, _> = listed.iter().map(|(name, n)| (name.to_string(), *n)).collect();
    assert_eq!(listed, counts);
    assert_eq!(summary.distinct, counts.len() as u64);
}

#[test]
fn values_of_a_dictionary_differ() {
    let block = Block::of(&shop_run(3_000), 1_000);
    let columns = ["resource.service.name", "root_service_name", "scope_name", "name"];
    let batch = block.read(0, columns, None).unwrap().unwrap();
    for (column, field) in batch.columns().iter().zip(batch.schema().fields()) {
        let dictionary = column.as_dictionary::<Int32Type>();
        let values = dictionary.values().as_string::<i32>();
        let distinct: BTreeSet<_> = values.iter().collect();
        assert_eq!(distinct.len(), values.len(), "{field}");
    }
}

#[test]
fn every_attribute_of_every_row_passes_its_filter() {
    let block = Block::of(&shop_run(2_000), 500);
    let filters = block.file.index().token_filters().unwrap();
    let spans = block.spans().unwrap();
    for (row, span) in spans.iter().enumerate() {
        let filter = &filters.row_groups[block.file.row_group_of(row as u32)];
        let owned = span.attributes.iter().map(|attribute| (AttributeScope::Span, attribute));
        let shared = span.resource.attributes.iter();
        let shared = shared.map(|attribute| (AttributeScope::Resource, attribute));
        for (scope, attribute) in owned.chain(shared) {
            let value = match &attribute.value {
                AttributeValue::String(text) => TokenValue::Str(text),
                AttributeValue::Int(number) => TokenValue::Int(*number),
                AttributeValue::Double(number) => TokenValue::Double(*number),
                AttributeValue::Bool(truth) => TokenValue::Bool(*truth),
                _ => continue,
            };
            assert!(filter.contains(token(scope, &attribute.key, value)), "{attribute:?}");
        }
    }
}

//! Values against prost.

use opentelemetry_proto::tonic::common::v1::AnyValue;
use proptest::prelude::*;
use prost::Message as _;
use spandrel_model::{Attribute, AttributeValue};

use super::{decode_any_value, decode_key_value_list, encode_any_value, encode_key_value_list};
use crate::oracle::scramble::{Message, Random, scramble};
use crate::oracle::{any_value, arbitrary, proptest_config};

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn values_mean_what_prost_says(value in arbitrary::any_value(), seed in any::<u64>()) {
        let bytes = scramble(&value.encode_to_vec(), Message::AnyValue, &mut Random(seed));
        let theirs = any_value(&AnyValue::decode(bytes.as_slice()).unwrap());
        let ours = decode_any_value(&bytes).unwrap();
        prop_assert_eq!(format!("{ours:?}"), format!("{theirs:?}"));
        let mut encoded = Vec::new();
        encode_any_value(&ours, &mut encoded);
        let again = any_value(&AnyValue::decode(encoded.as_slice()).unwrap());
        prop_assert_eq!(format!("{again:?}"), format!("{theirs:?}"));
    }
}

#[test]
fn of_duplicate_keys_the_last_value_stands_at_the_first_place() {
    let pair =
        |key: &str, number| Attribute { key: key.to_owned(), value: AttributeValue::Int(number) };
    let mut bytes = Vec::new();
    encode_key_value_list(&[pair("a", 1), pair("b", 2), pair("a", 3), pair("a", 4)], &mut bytes);
    assert_eq!(decode_key_value_list(&bytes).unwrap(), [pair("a", 4), pair("b", 2)]);
}

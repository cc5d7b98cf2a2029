//! The decoder against prost, and the cases in which we differ from it on purpose.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use proptest::prelude::*;
use prost::Message as _;
use spandrel_columns::{SpanColumns, TEXT_BYTES_MAX};
use spandrel_model::{Attribute, AttributeValue, Span};

use super::{DecodeLimits, DecodeSummary, Rejected, decode_request};
use crate::oracle::scramble::{Message, Random, corrupt, scramble};
use crate::oracle::{all_spans, arbitrary, canonical, expected, proptest_config};
use crate::wire::{put_bytes_field, put_fixed64_field, put_message_field};
use crate::{DecodeError, NESTING_MAX, encode_any_value};

fn decode(bytes: &[u8]) -> Result<(Vec<Span>, DecodeSummary), DecodeError> {
    let mut columns = SpanColumns::default();
    let summary = decode_request(bytes, &DecodeLimits::default(), &mut columns)?;
    Ok((all_spans(&columns), summary))
}

/// Checks that both decoders agree on the bytes; says whether prost accepted them.
fn agree_with_prost(bytes: &[u8]) -> Result<bool, TestCaseError> {
    let ours = decode(bytes);
    match ExportTraceServiceRequest::decode(bytes) {
        Ok(request) => {
            let (spans, summary) = expected(&request);
            let (our_spans, our_summary) = ours.map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(canonical(&our_spans), canonical(&spans));
            prop_assert_eq!(our_summary, summary);
            Ok(true)
        }
        Err(error) => {
            // We replace what is not UTF-8; prost may find that before or after another fault.
            prop_assert!(ours.is_err() || error.to_string().contains("UTF-8"), "prost: {}", error);
            Ok(false)
        }
    }
}

proptest! {
    #![proptest_config(proptest_config())]

    #[test]
    fn decodes_what_prost_decodes(request in arbitrary::request(), seed in any::<u64>()) {
        let bytes = request.encode_to_vec();
        prop_assert!(agree_with_prost(&bytes)?);
        let scrambled = scramble(&bytes, Message::Request, &mut Random(seed));
        prop_assert!(agree_with_prost(&scrambled)?);
    }

    #[test]
    fn rejects_what_prost_rejects(request in arbitrary::request(), seed in any::<u64>()) {
        let random = &mut Random(seed);
        let original = scramble(&request.encode_to_vec(), Message::Request, random);
        for _ in 0..20 {
            let mut bytes = original.clone();
            corrupt(&mut bytes, random);
            agree_with_prost(&bytes)?;
        }
    }

    #[test]
    fn a_rejected_request_leaves_no_row(
        before in arbitrary::request(),
        rejected in arbitrary::request(),
        after in arbitrary::request(),
    ) {
        let mut columns = SpanColumns::default();
        let limits = DecodeLimits::default();
        decode_request(&before.encode_to_vec(), &limits, &mut columns).unwrap();
        // Field 9 (attributes) of a span, cut off within the value: the last thing that is read.
        let mut bytes = rejected.encode_to_vec();
        put_message_field(&mut bytes, 1, |out| put_message_field(out, 2, |out| {
            put_message_field(out, 2, |out| {
                put_bytes_field(out, 1, &[1; 16]);
                put_bytes_field(out, 2, &[1; 8]);
                put_message_field(out, 11, |out| put_bytes_field(out, 2, b"event"));
                put_message_field(out, 9, |out| put_bytes_field(out, 1, b"a"));
                put_message_field(out, 9, |out| out.extend_from_slice(b"\x0a\x01b\x12\x05\x0a"));
            });
        }));
        let error = decode_request(&bytes, &limits, &mut columns).unwrap_err();
        prop_assert_eq!(error, DecodeError::Truncated { message: "KeyValue" });
        decode_request(&after.encode_to_vec(), &limits, &mut columns).unwrap();
        let spans = [expected(&before).0, expected(&after).0].concat();
        prop_assert_eq!(canonical(&all_spans(&columns)), canonical(&spans));
    }
}

/// A request of one span with valid ids to which `write` adds fields.
fn one_span(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_message_field(&mut bytes, 1, |out| {
        put_message_field(out, 2, |out| {
            put_message_field(out, 2, |out| {
                put_bytes_field(out, 1, &[1; 16]);
                put_bytes_field(out, 2, &[1; 8]);
                write(out);
            });
        });
    });
    bytes
}

fn put_attribute(out: &mut Vec<u8>, key: &[u8], value: &AttributeValue) {
    put_message_field(out, 9, |out| {
        put_bytes_field(out, 1, key);
        put_message_field(out, 2, |out| encode_any_value(value, out));
    });
}

fn nested(levels: u32) -> AttributeValue {
    (0..levels).fold(AttributeValue::Int(1), |value, _| AttributeValue::Array(vec![value]))
}

#[test]
fn invalid_utf8_is_replaced() {
    let bytes = one_span(|out| {
        put_bytes_field(out, 5, b"a\xff");
        put_message_field(out, 9, |out| {
            put_bytes_field(out, 1, b"\xff");
            put_message_field(out, 2, |out| put_bytes_field(out, 1, b"\xffb"));
        });
    });
    let span = decode(&bytes).unwrap().0.remove(0);
    assert_eq!(span.name, "a\u{fffd}");
    let value = AttributeValue::String("\u{fffd}b".to_owned());
    assert_eq!(span.attributes, [Attribute { key: "\u{fffd}".to_owned(), value }]);
}

#[test]
fn long_texts_stay_out_of_the_typed_columns() {
    for (length, is_typed) in [(TEXT_BYTES_MAX, true), (TEXT_BYTES_MAX + 1, false)] {
        let value = AttributeValue::String("x".repeat(length));
        let bytes = one_span(|out| put_attribute(out, b"a", &value));
        let mut columns = SpanColumns::default();
        decode_request(&bytes, &DecodeLimits::default(), &mut columns).unwrap();
        let key = columns.attributes.find("a").unwrap();
        assert_eq!((key.strings.get(0).is_some(), key.others.is_empty()), (is_typed, is_typed));
        assert_eq!(all_spans(&columns)[0].attributes[0].value, value);
    }
}

#[test]
fn nesting_ends_at_the_limit_wherever_values_are() {
    let too_deep = Err(DecodeError::TooDeep { message: "AnyValue", max: NESTING_MAX });
    for (levels, expected) in [(NESTING_MAX, Ok(())), (NESTING_MAX + 1, too_deep)] {
        let mut pair = Vec::new();
        put_message_field(&mut pair, 2, |out| encode_any_value(&nested(levels), out));
        let list = |field, number| {
            one_span(|out| put_message_field(out, field, |out| put_bytes_field(out, number, &pair)))
        };
        let in_resource = |producer: &[u8]| {
            let mut bytes = Vec::new();
            put_message_field(&mut bytes, 1, |out| put_bytes_field(out, 1, producer));
            bytes
        };
        let mut resource = Vec::new();
        put_bytes_field(&mut resource, 1, &pair);
        for bytes in [
            one_span(|out| put_bytes_field(out, 9, &pair)),
            list(11, 3),
            list(13, 4),
            in_resource(&resource),
        ] {
            assert_eq!(decode(&bytes).map(drop), expected, "{levels} levels");
        }
    }
}

#[test]
fn limits_bound_what_one_request_may_hold() {
    let limits = DecodeLimits { spans_max: 2, events_and_links_max: 2, new_keys_max: 2 };
    let attribute = |out: &mut Vec<u8>, key| put_attribute(out, key, &AttributeValue::Bool(true));
    let decode = |bytes: &[u8], columns: &mut SpanColumns| {
        decode_request(bytes, &limits, columns).map(|summary| summary.spans)
    };
    let too_many = |what| Err(DecodeError::TooMany { what, max: 2 });
    let columns = &mut SpanColumns::default();
    let span = one_span(|out| {
        put_bytes_field(out, 11, b"");
        put_bytes_field(out, 13, b"");
        attribute(out, b"a");
        attribute(out, b"b");
    });
    assert_eq!(decode(&span, columns), Ok(1));
    let known_keys = one_span(|out| {
        [b"a", b"b", b"c", b"d"].into_iter().for_each(|key| attribute(out, key));
    });
    assert_eq!(decode(&known_keys, columns), Ok(1));
    assert_eq!(decode(&known_keys, &mut SpanColumns::default()), too_many("new attribute keys"));
    let events = one_span(|out| (0..3).for_each(|_| put_bytes_field(out, 11, b"")));
    assert_eq!(decode(&events, columns), too_many("events and links"));
    assert_eq!(decode(&one_span(|_| {}).repeat(3), columns), too_many("spans"));
    assert_eq!(columns.len(), 2);
}

#[test]
fn rejections_are_told_in_words() {
    let mut bytes = one_span(|out| put_bytes_field(out, 1, &[0; 16])).repeat(2);
    bytes.extend(one_span(|out| put_bytes_field(out, 4, b"abc")));
    bytes.extend(one_span(|out| put_fixed64_field(out, 7, 1 << 63)));
    bytes.extend(one_span(|out| put_fixed64_field(out, 7, 5)));
    let summary = decode(&bytes).unwrap().1;
    assert_eq!((summary.spans, summary.ended_before_start, summary.rejected.total()), (1, 1, 4));
    assert_eq!(
        summary.rejected.message(),
        "rejected spans: 2 with invalid trace id, 1 with invalid parent span id, \
         1 with start time out of range"
    );
    assert_eq!(Rejected::default().message(), "");
}

#[test]
fn one_producer_is_decoded_once() {
    let mut columns = SpanColumns::default();
    let bytes = one_span(|_| {}).repeat(3);
    decode_request(&bytes, &DecodeLimits::default(), &mut columns).unwrap();
    decode_request(&bytes, &DecodeLimits::default(), &mut columns).unwrap();
    assert_eq!(columns.len(), 6);
    assert_eq!((columns.resource_table.values().len(), columns.scope_table.values().len()), (1, 1));
}

//! Bytes of strangers: they end in an error or in spans, and in no more memory than was granted.

use bytes::Bytes;
use proptest::prelude::*;
use spandrel_jaeger::{JaegerError, agent_call, post_spans, thrift_batch};
use spandrel_proto::jaeger::{Batch, KeyValue, PostSpansRequest, Span, ValueType};
use spandrel_translate::thrift::{Protocol, Writer};
use spandrel_translate::{NoRoom, Room};

use crate::senders::{datagram, process, span, text};

fn batch() -> Batch {
    let number = KeyValue { v_type: ValueType::Int64 as i32, v_int64: 7, ..text("n", "") };
    let tags = vec![text("k", "v"), number];
    Batch { process: Some(process("api", &tags)), spans: vec![Span { tags, ..span(1, 2, "s") }] }
}

/// What a translation takes for these bytes, or its error.
fn taken(bytes: &[u8], protocol: Protocol, limit: usize) -> Result<usize, JaegerError> {
    let mut taken = 0;
    let mut grant = |bytes| {
        taken += bytes;
        taken <= limit
    };
    agent_call(bytes, protocol, &mut Room::new(&mut grant))?;
    Ok(taken)
}

#[test]
fn every_truncation_is_an_error() {
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let whole = datagram(&batch(), protocol);
        assert!(taken(&whole, protocol, usize::MAX).is_ok());
        for end in 0..whole.len() - 2 {
            let cut = taken(&whole[..end], protocol, usize::MAX);
            assert!(cut.is_err(), "{protocol:?} cut at {end}");
        }
    }
}

#[test]
fn the_room_is_a_limit() {
    // Spans of 19 bytes each, which take ten times that decoded.
    let spans = vec![span(0, 0, ""); 10_000];
    let many = datagram(&Batch { spans, ..batch() }, Protocol::Compact);
    let refused = taken(&many, Protocol::Compact, 256 << 10);
    assert_eq!(refused, Err(JaegerError::NoRoom(NoRoom)));
    // Two bytes each, which would be hundreds.
    let mut empty_spans = vec![0x0a, 0];
    let message = [0x0a_u8, 0].repeat(50_000);
    empty_spans.clear();
    prost::encoding::encode_key(1, prost::encoding::WireType::LengthDelimited, &mut empty_spans);
    prost::encoding::encode_varint(message.len() as u64, &mut empty_spans);
    empty_spans.extend(message);
    let mut grant = {
        let mut left = 1_usize << 20;
        move |bytes| left.checked_sub(bytes).map(|rest| left = rest).is_some()
    };
    let refused = post_spans(&Bytes::from(empty_spans), &mut Room::new(&mut grant));
    assert_eq!(refused, Err(JaegerError::NoRoom(NoRoom)));
}

#[test]
fn calls_that_are_none() {
    let mut call = Writer::new(Protocol::Compact);
    call.oneway("emitZipkinBatch");
    call.body(|_| {});
    let refused = taken(&call.into_bytes(), Protocol::Compact, usize::MAX).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "unsupported method \"emitZipkinBatch\", only emitBatch is taken"
    );
    let mut call = Writer::new(Protocol::Compact);
    call.oneway("emitBatch");
    call.body(|arguments| arguments.structure(1, |batch| batch.structure(1, |_| {})));
    let refused = taken(&call.into_bytes(), Protocol::Compact, usize::MAX).unwrap_err();
    assert_eq!(refused.to_string(), "required field serviceName is not set in Process");
}

proptest! {
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut grant = |_| true;
        let mut room = Room::new(&mut grant);
        for protocol in [Protocol::Binary, Protocol::Compact] {
            drop(agent_call(&bytes, protocol, &mut room));
            drop(thrift_batch(&bytes, protocol, &mut room));
        }
        drop(post_spans(&Bytes::from(bytes), &mut room));
    }

    #[test]
    fn damaged_batches_end(at in 0_usize..10_000, value: u8, compact: bool) {
        let protocol = if compact { Protocol::Compact } else { Protocol::Binary };
        let mut bytes = datagram(&batch(), protocol);
        let at = at % bytes.len();
        bytes[at] = value;
        drop(taken(&bytes, protocol, 1 << 20));
        let request = PostSpansRequest { batch: Some(batch()) };
        let mut bytes = prost::Message::encode_to_vec(&request);
        let at = at % bytes.len();
        bytes[at] = value;
        let mut grant = |_| true;
        drop(post_spans(&Bytes::from(bytes), &mut Room::new(&mut grant)));
    }
}

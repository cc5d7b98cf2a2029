//! Records of the log as bytes.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};
use serde_json::{Map, Value, json};
use spandrel_model::TenantId;
use spandrel_pipeline::Client;

use crate::sending::payload::Payload;

/// Length and checksum in front of a body.
pub(super) const FRAME_BYTES: usize = 8;
const REQUEST: u8 = 1;
const DONE: u8 = 2;
/// Kind and sequence number.
const DONE_BYTES: usize = 9;
/// Kind, sequence number, spans, bytes of the head.
const REQUEST_BYTES: usize = 21;

/// What recovery needs of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Record {
    Request { sequence: u64, spans: u64, otlp_bytes: usize },
    Done { sequence: u64 },
}

/// The record of a request.
pub(super) fn encode_request(sequence: u64, payload: &Payload) -> Vec<u8> {
    let head = encode_head(payload);
    let n_bytes = FRAME_BYTES + REQUEST_BYTES + head.len() + payload.otlp.len();
    let mut record = Vec::with_capacity(n_bytes);
    record.put_bytes(0, FRAME_BYTES);
    record.put_u8(REQUEST);
    record.put_u64_le(sequence);
    record.put_u64_le(payload.spans);
    record.put_u32_le(head.len() as u32);
    record.extend_from_slice(head.as_bytes());
    record.extend_from_slice(&payload.otlp);
    framed(record)
}

/// The record that a request is done with.
pub(super) fn encode_done(sequence: u64) -> Vec<u8> {
    let mut record = Vec::with_capacity(FRAME_BYTES + DONE_BYTES);
    record.put_bytes(0, FRAME_BYTES);
    record.put_u8(DONE);
    record.put_u64_le(sequence);
    framed(record)
}

/// Fills in length and checksum.
fn framed(mut record: Vec<u8>) -> Vec<u8> {
    let body = record.get(FRAME_BYTES..).unwrap_or_default();
    // A request is far below 4 GiB: receivers limit it to megabytes.
    let (n_bytes, crc) = (body.len() as u32, crc32fast::hash(body));
    if let Some(mut frame) = record.get_mut(..FRAME_BYTES) {
        frame.put_u32_le(n_bytes);
        frame.put_u32_le(crc);
    }
    record
}

/// The body of a record whose checksum matches.
pub(super) fn split_frame(record: &[u8]) -> Option<&[u8]> {
    let (mut frame, body) = record.split_at_checked(FRAME_BYTES)?;
    let (n_bytes, crc) = (frame.get_u32_le() as usize, frame.get_u32_le());
    let body = body.get(..n_bytes)?;
    (crc32fast::hash(body) == crc).then_some(body)
}

/// Reads the next record of a file that has `left` bytes; `None` at the end, torn or not.
pub(super) fn read_record(
    reader: &mut impl Read,
    left: u64,
) -> io::Result<Option<(usize, Record)>> {
    if left < FRAME_BYTES as u64 {
        return Ok(None);
    }
    let mut record = vec![0; FRAME_BYTES];
    reader.read_exact(&mut record)?;
    let n_bytes = record.as_slice().get_u32_le() as usize;
    if (n_bytes + FRAME_BYTES) as u64 > left {
        return Ok(None);
    }
    record.resize(FRAME_BYTES + n_bytes, 0);
    reader.read_exact(record.get_mut(FRAME_BYTES..).unwrap_or_default())?;
    let parsed = split_frame(&record).and_then(parse);
    Ok(parsed.map(|parsed| (record.len(), parsed)))
}

fn parse(mut body: &[u8]) -> Option<Record> {
    match (body.first()?, body.len()) {
        (&DONE, DONE_BYTES) => {
            body.advance(1);
            Some(Record::Done { sequence: body.get_u64_le() })
        }
        (&REQUEST, n_bytes) if n_bytes >= REQUEST_BYTES => {
            body.advance(1);
            let (sequence, spans) = (body.get_u64_le(), body.get_u64_le());
            let head_bytes = body.get_u32_le() as usize;
            let otlp_bytes = body.len().checked_sub(head_bytes)?;
            Some(Record::Request { sequence, spans, otlp_bytes })
        }
        _ => None,
    }
}

/// The request of a record that was checked.
pub(super) fn decode_payload(record: Vec<u8>) -> Option<Payload> {
    let mut record = Bytes::from(record);
    if record.len() < FRAME_BYTES + REQUEST_BYTES {
        return None;
    }
    record.advance(FRAME_BYTES + 1 + 8);
    let spans = record.get_u64_le();
    let head_bytes = record.get_u32_le() as usize;
    if record.len() < head_bytes {
        return None;
    }
    let head = record.split_to(head_bytes);
    let (tenant, client) = decode_head(&head)?;
    Some(Payload { tenant, client: Arc::new(client), otlp: record, spans })
}

/// Tenant, address and metadata. What authenticators found out about the client is not kept: it may have
/// been a secret.
fn encode_head(payload: &Payload) -> String {
    let mut head = Map::new();
    head.insert("tenant".to_owned(), json!(payload.tenant.as_str()));
    if let Some(address) = payload.client.address {
        head.insert("address".to_owned(), json!(address.to_string()));
    }
    if !payload.client.metadata.is_empty() {
        head.insert("metadata".to_owned(), json!(payload.client.metadata));
    }
    Value::Object(head).to_string()
}

fn decode_head(head: &[u8]) -> Option<(TenantId, Client)> {
    let head: Value = serde_json::from_slice(head).ok()?;
    let tenant = TenantId::new(head.get("tenant")?.as_str()?).ok()?;
    let address = head.get("address").and_then(Value::as_str);
    let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
    let metadata = head.get("metadata").cloned().map(serde_json::from_value).transpose();
    let metadata: BTreeMap<String, Vec<String>> = metadata.ok()?.unwrap_or_default();
    Some((tenant, Client { address, metadata, ..Client::default() }))
}

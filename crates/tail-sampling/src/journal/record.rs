//! The records of the journal.
//!
//! A fragment: `1: u8, tenant: text, trace id: [u8; 16], has root: u8, spans: u64, head bytes: u32, head, body`.
//! Finished places: `2: u8, (segment: u64, offset: u32)*`.

use bytes::Bytes;
use spandrel_model::{TenantId, TraceId};

use super::Place;
use crate::fragment::Content;
use crate::frame::{put_frame, put_text, take, take_text, take_u32, take_u64};

const FRAGMENT: u8 = 1;
const FINISHED: u8 = 2;

/// A fragment that is written, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFragment {
    pub(crate) tenant: TenantId,
    pub(crate) trace_id: TraceId,
    pub(crate) has_root: bool,
    pub(crate) spans: u64,
}

/// What a frame says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// With the bytes of its content.
    Fragment(NewFragment, usize),
    /// Segments and offsets.
    Finished(Vec<(u64, u32)>),
}

/// Appends the frame of a fragment; returns its length.
pub(crate) fn fragment_record(
    out: &mut Vec<u8>,
    fragment: &NewFragment,
    content: &Content,
) -> usize {
    let start = out.len();
    put_frame(out, |out| {
        out.push(FRAGMENT);
        put_text(out, fragment.tenant.as_str());
        out.extend_from_slice(&fragment.trace_id.0);
        out.push(u8::from(fragment.has_root));
        out.extend_from_slice(&fragment.spans.to_le_bytes());
        out.extend_from_slice(&(content.head.len() as u32).to_le_bytes());
        out.extend_from_slice(&content.head);
        out.extend_from_slice(&content.body);
    });
    out.len() - start
}

pub(super) fn finished_record(places: &[Place]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + places.len() * 12);
    put_frame(&mut out, |out| {
        out.push(FINISHED);
        for place in places {
            out.extend_from_slice(&place.segment.to_le_bytes());
            out.extend_from_slice(&place.offset.to_le_bytes());
        }
    });
    out
}

/// Reads a payload; `None` when it is none of ours.
pub(super) fn parse(payload: &[u8]) -> Option<Record> {
    let mut rest = payload;
    match take(&mut rest)? {
        [FRAGMENT] => {
            let (fragment, head_bytes) = fragment_header(&mut rest)?;
            (head_bytes <= rest.len()).then_some(Record::Fragment(fragment, rest.len()))
        }
        [FINISHED] => {
            let mut places = Vec::new();
            while !rest.is_empty() {
                places.push((take_u64(&mut rest)?, take_u32(&mut rest)?));
            }
            Some(Record::Finished(places))
        }
        _ => None,
    }
}

/// The content of a fragment, as slices of `frame`, of which `payload` is a part.
pub(super) fn content(frame: &Bytes, payload: &[u8]) -> Option<Content> {
    let mut rest = payload;
    if take(&mut rest)? != [FRAGMENT] {
        return None;
    }
    let (_, head_bytes) = fragment_header(&mut rest)?;
    let (head, body) = rest.split_at_checked(head_bytes)?;
    Some(Content { head: frame.slice_ref(head), body: frame.slice_ref(body) })
}

fn fragment_header(rest: &mut &[u8]) -> Option<(NewFragment, usize)> {
    let tenant = TenantId::new(take_text(rest)?).ok()?;
    let trace_id = TraceId(take(rest)?);
    let [has_root] = take(rest)?;
    let spans = take_u64(rest)?;
    let head_bytes = take_u32(rest)? as usize;
    Some((NewFragment { tenant, trace_id, has_root: has_root != 0, spans }, head_bytes))
}

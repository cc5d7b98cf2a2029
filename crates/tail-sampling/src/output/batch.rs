//! Traces as one OTLP request.

use bytes::Bytes;
use spandrel_retention::Threshold;

use super::{Outgoing, trace_state};

/// Appends the fragments that are in memory to an `ExportTraceServiceRequest`.
pub(crate) fn encode(batch: &[Outgoing]) -> Bytes {
    let mut request = Vec::with_capacity(batch.iter().map(Outgoing::encoded_bytes).sum());
    for trace in batch {
        for content in trace.fragments.iter().filter_map(|fragment| fragment.content()) {
            if trace.threshold == Threshold::ALL {
                content.append_to(&mut request);
            } else {
                trace_state::recording(content, trace.threshold).append_to(&mut request);
            }
        }
    }
    request.into()
}

//! The spans of a batch: bytes for as long as nobody looks into them.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;
use spandrel_proto::otlp::collector_trace::ExportTraceServiceRequest;

use crate::{ConsumeError, Otlp};

/// Spans as OTLP: bytes until a component has to change them, messages from there on.
///
/// Several consumers may hold the same spans; who changes them does so on a copy of its own ([`Arc::make_mut`]).
#[derive(Debug, Clone)]
pub enum Traces {
    /// An `ExportTraceServiceRequest` in protobuf encoding.
    Otlp(Otlp),
    /// The same, decoded.
    Decoded(Arc<ExportTraceServiceRequest>),
}

impl Traces {
    /// How many spans these are; of malformed bytes, those before the fault.
    pub fn span_count(&self) -> u64 {
        match self {
            Self::Otlp(otlp) => otlp.span_count(),
            Self::Decoded(request) => {
                let scopes =
                    request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
                scopes.map(|scope| scope.spans.len() as u64).sum()
            }
        }
    }

    /// As protobuf bytes.
    pub fn into_otlp(self) -> Bytes {
        match self {
            Self::Otlp(otlp) => otlp.into_bytes(),
            Self::Decoded(request) => request.encode_to_vec().into(),
        }
    }

    /// As protobuf bytes that know how many spans they hold, if they have been counted.
    pub fn into_counted(self) -> Otlp {
        match self {
            Self::Otlp(otlp) => otlp,
            Self::Decoded(_) => {
                let spans = self.span_count();
                Otlp::counted(self.into_otlp(), spans)
            }
        }
    }

    /// As messages.
    ///
    /// # Errors
    /// [`ConsumeError::Malformed`] when the bytes are no request.
    pub fn decoded(self) -> Result<Arc<ExportTraceServiceRequest>, ConsumeError> {
        match self {
            Self::Otlp(otlp) => match ExportTraceServiceRequest::decode(otlp.into_bytes()) {
                Ok(request) => Ok(Arc::new(request)),
                Err(error) => Err(ConsumeError::Malformed(format!("not an OTLP request: {error}"))),
            },
            Self::Decoded(request) => Ok(request),
        }
    }

    /// Bytes that they take as protobuf.
    pub fn otlp_bytes(&self) -> usize {
        match self {
            Self::Otlp(otlp) => otlp.bytes().len(),
            Self::Decoded(request) => request.encoded_len(),
        }
    }

    /// Whether there is nothing to hand on.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Otlp(otlp) => otlp.bytes().is_empty(),
            Self::Decoded(request) => request.resource_spans.is_empty(),
        }
    }
}

impl From<ExportTraceServiceRequest> for Traces {
    fn from(request: ExportTraceServiceRequest) -> Self {
        Self::Decoded(Arc::new(request))
    }
}

#[cfg(test)]
mod tests {
    use spandrel_proto::otlp::trace::{ResourceSpans, ScopeSpans, Span};

    use super::*;

    fn three_spans() -> ExportTraceServiceRequest {
        let scope =
            |spans| ScopeSpans { spans: vec![Span::default(); spans], ..Default::default() };
        let resource =
            ResourceSpans { scope_spans: vec![scope(1), scope(2)], ..Default::default() };
        ExportTraceServiceRequest { resource_spans: vec![resource] }
    }

    #[test]
    fn both_forms_say_the_same() {
        let decoded = Traces::from(three_spans());
        let otlp = Traces::Otlp(decoded.clone().into_otlp().into());
        assert_eq!((decoded.span_count(), otlp.span_count()), (3, 3));
        assert_eq!(decoded.otlp_bytes(), otlp.otlp_bytes());
        assert_eq!(*otlp.decoded().expect("OTLP"), three_spans());
    }

    #[test]
    fn garbage_is_malformed() {
        let decoded = Traces::Otlp(Bytes::from_static(b"\x0a\xff").into()).decoded();
        assert!(matches!(decoded, Err(ConsumeError::Malformed(_))), "{decoded:?}");
    }
}

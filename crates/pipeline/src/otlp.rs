//! Spans as bytes, counted once.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use spandrel_otlp::{DecodeError, check_frames, count_spans};

/// What stands for a number that is not known.
const UNKNOWN: u64 = u64::MAX;

/// An `ExportTraceServiceRequest` in protobuf encoding, decompressed; not checked when it is made.
///
/// Everybody on the way of a batch wants to know how many spans it has, and finding that out reads memory from one
/// end to the other; so the number is kept once the frames were found sound.
#[derive(Debug, Default)]
pub struct Otlp {
    bytes: Bytes,
    /// Spans, when all frames down to theirs are sound.
    spans: AtomicU64,
}

impl Otlp {
    /// A request whose frames are sound and hold so many spans.
    pub fn counted(bytes: Bytes, spans: u64) -> Self {
        Self { bytes, spans: AtomicU64::new(spans) }
    }

    /// The request.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The request.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Its spans, when its frames are sound down to those of the spans, so that it can be put together with others.
    ///
    /// # Errors
    /// [`DecodeError`] when a message on the way to a span is damaged.
    pub fn check_frames(&self) -> Result<u64, DecodeError> {
        match self.known() {
            Some(spans) => Ok(spans),
            None => {
                let spans = check_frames(&self.bytes)?;
                self.spans.store(spans, Ordering::Relaxed);
                Ok(spans)
            }
        }
    }

    /// Its spans; of a malformed request, those before the fault.
    pub fn span_count(&self) -> u64 {
        self.check_frames().unwrap_or_else(|_| count_spans(&self.bytes))
    }

    /// What this has become by an edit that keeps frames sound and took so many spans out.
    #[must_use]
    pub fn edited(&self, bytes: Bytes, removed_spans: u64) -> Self {
        match self.known() {
            Some(spans) => Self::counted(bytes, spans.saturating_sub(removed_spans)),
            None => Self::from(bytes),
        }
    }

    fn known(&self) -> Option<u64> {
        Some(self.spans.load(Ordering::Relaxed)).filter(|spans| *spans != UNKNOWN)
    }
}

impl Clone for Otlp {
    fn clone(&self) -> Self {
        let spans = AtomicU64::new(self.spans.load(Ordering::Relaxed));
        Self { bytes: self.bytes.clone(), spans }
    }
}

impl<T: Into<Bytes>> From<T> for Otlp {
    fn from(bytes: T) -> Self {
        Self { bytes: bytes.into(), spans: AtomicU64::new(UNKNOWN) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A resource with a scope of two empty spans.
    const TWO_SPANS: [u8; 8] = [0x0a, 6, 0x12, 4, 0x12, 0, 0x12, 0];

    #[test]
    fn spans_are_counted_once_and_edits_know_them() {
        let otlp = Otlp::from(TWO_SPANS.to_vec());
        assert_eq!(otlp.edited(Bytes::new(), 1).known(), None);
        assert_eq!((otlp.span_count(), otlp.check_frames()), (2, Ok(2)));
        assert_eq!(otlp.clone().known(), Some(2));
        assert_eq!(otlp.edited(Bytes::new(), 1).known(), Some(1));
        assert_eq!(Otlp::counted(Bytes::new(), 7).span_count(), 7);
        assert_eq!(Otlp::default().span_count(), 0);
    }

    #[test]
    fn damage_is_told_every_time() {
        let otlp = Otlp::from(TWO_SPANS[..7].to_vec());
        for _ in 0..2 {
            assert!(otlp.check_frames().is_err());
            assert_eq!(otlp.span_count(), 0);
        }
    }
}

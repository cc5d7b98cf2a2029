//! A span that stands for the others of its series.

/// Where to look when a number is surprising.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exemplar {
    /// Its trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
    /// What was observed of it, in the unit of the series.
    pub value: f64,
    /// When it was observed, nanoseconds since 1970.
    pub unix_nanos: u64,
}

impl Exemplar {
    /// An exemplar, unless an id has not its length or is all zeros.
    pub fn new(trace_id: &[u8], span_id: &[u8], value: f64, unix_nanos: u64) -> Option<Self> {
        let trace_id: [u8; 16] = trace_id.try_into().ok()?;
        let span_id: [u8; 8] = span_id.try_into().ok()?;
        (trace_id != [0; 16]).then_some(Self { trace_id, span_id, value, unix_nanos })
    }
}

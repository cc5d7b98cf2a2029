//! Random policies and random traces from a seed.

use std::sync::Arc;

use spandrel_model::{
    Attribute, AttributeValue, Resource, Span, SpanId, SpanKind, StatusCode, Trace, TraceId,
};
use spandrel_retention::{Threshold, record_threshold, trace_randomness};

pub(crate) const DAY: i64 = 86_400 * 1_000_000_000;
/// When all traces ended.
pub(crate) const ENDED: i64 = 20_000 * DAY;

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// Filters of rules, and whether a trace of a kind matches, said a second time in another language.
type Condition = (&'static str, fn(&Kind) -> bool);
const CONDITIONS: [Condition; 6] = [
    ("{ }", |_| true),
    ("{ status = error }", |kind| kind.failed),
    ("{ traceDuration > 2s }", |kind| kind.seconds > 2),
    ("{ rootServiceName = `cart` }", |kind| kind.service == "cart"),
    ("{ rootServiceName = `cart` && traceDuration > 2s }", |kind| {
        kind.service == "cart" && kind.seconds > 2
    }),
    ("{ span.n >= 2 }", |kind| kind.n_spans > 2),
];

/// One rule, as the test understands it.
pub(crate) struct Wanted {
    pub(crate) matches: fn(&Kind) -> bool,
    pub(crate) keep_days: i64,
    pub(crate) fraction: f64,
}

/// A policy file and what it should mean.
pub(crate) fn policy(random: &mut Random) -> (String, Vec<Wanted>) {
    let mut text = "default:\n".to_owned();
    let mut wanted = Vec::new();
    for number in 0..1 + random.below(5) {
        let (filter, matches) = random.pick(&CONDITIONS);
        let keep_days = random.pick(&[1, 2, 7, 30]);
        let fraction = random.pick(&[1.0, 1.0, 0.5, 0.3, 0.1, 0.02]);
        text.push_str(&format!(
            "  - {{ name: r{number}, match: '{filter}', keep: {keep_days}d, fraction: {fraction} }}\n"
        ));
        wanted.push(Wanted { matches, keep_days, fraction });
    }
    (text, wanted)
}

/// Everything about a trace but its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) service: &'static str,
    pub(crate) failed: bool,
    pub(crate) seconds: u64,
    pub(crate) n_spans: usize,
    /// The threshold with which the sender sampled, in digits.
    pub(crate) sampled_before: Option<&'static str>,
}

pub(crate) fn kind(random: &mut Random) -> Kind {
    Kind {
        service: random.pick(&["cart", "pay", "search"]),
        failed: random.below(10) == 0,
        seconds: random.pick(&[1, 2, 3]),
        n_spans: random.pick(&[1, 2, 3]),
        sampled_before: random.pick(&[None, None, Some("8"), Some("c")]),
    }
}

/// A trace of this kind as its sender would have sent it; `None` when the sender did not sample it.
pub(crate) fn sent(kind: Kind, random: &mut Random) -> Option<Trace> {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&random.next().to_be_bytes());
    id[8..].copy_from_slice(&random.next().to_be_bytes());
    let trace_id = TraceId(id);
    let service = Attribute {
        key: "service.name".to_owned(),
        value: AttributeValue::String(kind.service.to_owned()),
    };
    let resource = Arc::new(Resource { attributes: vec![service], ..Resource::default() });
    // One sender in two makes its randomness explicit.
    let explicit = random.next().is_multiple_of(2);
    let state = if explicit { format!("ot=rv:{:014x}", random.next() >> 8) } else { String::new() };
    let spans = (0..kind.n_spans).map(|number| Span {
        trace_id,
        span_id: SpanId((number as u64 + 1).to_be_bytes()),
        parent_span_id: (number > 0).then_some(SpanId(1_u64.to_be_bytes())),
        trace_state: state.clone(),
        flags: 0,
        name: "op".to_owned(),
        kind: SpanKind::Internal,
        start_unix_nanos: ENDED.cast_unsigned() - kind.seconds * 1_000_000_000,
        end_unix_nanos: ENDED.cast_unsigned(),
        attributes: vec![Attribute {
            key: "n".to_owned(),
            value: AttributeValue::Int(number as i64),
        }],
        dropped_attributes_count: 0,
        events: Vec::new(),
        dropped_events_count: 0,
        links: Vec::new(),
        dropped_links_count: 0,
        status_code: if kind.failed { StatusCode::Error } else { StatusCode::Ok },
        status_message: String::new(),
        resource: Arc::clone(&resource),
        scope: Arc::default(),
    });
    let mut trace = Trace { trace_id, spans: spans.collect() };
    if let Some(threshold) = kind.sampled_before.and_then(Threshold::parse) {
        if !threshold.samples(trace_randomness(&trace)) {
            return None;
        }
        record_threshold(&mut trace, threshold);
    }
    Some(trace)
}

//! Senders that know what was acknowledged, and the check that exactly this is found.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use spandrel_tests::{
    Home, Http, Random, SpanView, Tempo, attribute, post_protobuf, python, request, resource_spans,
    run, span, span_id, span_views, trace_id, unix_nanos,
};

/// Spans of the traces of one request: enough that a request cut in half would show.
const TRACES: u64 = 3;
const SPANS_PER_TRACE: u64 = 4;

/// One request: all of its spans are stored or none.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    /// Unique in a test; the value of the span attribute `load.batch`.
    pub(crate) name: String,
    /// What was sent, ordered as [`span_views`] does.
    pub(crate) spans: Vec<SpanView>,
}

/// What became of the requests of a sender.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Answered with success.
    pub(crate) acknowledged: Vec<Batch>,
    /// Not answered: stored or not, but not in part.
    pub(crate) unanswered: Vec<Batch>,
    /// Answered with something else: must not be stored.
    pub(crate) refused: Vec<Batch>,
}

impl Outcome {
    pub(crate) fn extend(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.unanswered.extend(other.unanswered);
        self.refused.extend(other.refused);
    }
}

/// A request with traces of its own, and what is expected of it. Its name is the sender's and a number:
/// `sender/number`.
pub(crate) fn batch(random: &mut Random, name: &str) -> (Vec<u8>, Batch) {
    let sender = name.split('/').next().unwrap();
    let mut spans = Vec::new();
    for _ in 0..TRACES {
        let trace = trace_id(random.next_u64(), random.next_u64());
        let start = unix_nanos();
        let root = random.next_u64();
        for i in 0..SPANS_PER_TRACE {
            let mut span = span(&trace, root.wrapping_add(i), "load", start + i * 1000);
            if i > 0 {
                span.parent_span_id = span_id(root);
            }
            span.attributes = vec![
                attribute("load.batch", name),
                attribute("load.sender", sender),
                attribute("load.filler", &"x".repeat(random.below(200) as usize)),
            ];
            spans.push(span);
        }
    }
    let views = span_views(&[resource_spans("load", spans.clone())]);
    (request("load", spans), Batch { name: name.to_owned(), spans: views })
}

/// Sends one batch.
pub(crate) fn send_batch(http: &mut Http, body: &[u8], batch: Batch, outcome: &mut Outcome) {
    match post_protobuf(http, body) {
        Ok(reply) if reply.status == 200 && reply.body.is_empty() => {
            outcome.acknowledged.push(batch)
        }
        Ok(reply) => {
            assert!([429, 503].contains(&reply.status), "{}: {}", reply.status, reply.text());
            outcome.refused.push(batch);
        }
        Err(_closed) => outcome.unanswered.push(batch),
    }
}

/// Threads that send as fast as they are answered.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Outcome>>,
}

impl Load {
    /// Starts the senders. Names of batches begin with `name`.
    pub(crate) fn start(addr: SocketAddr, n_senders: u64, name: &str, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let sender = |i: u64| {
            let (stop, name) = (Arc::clone(&stop), format!("{name}-{i}"));
            let mut random = Random::new(seed ^ (i + 1));
            std::thread::spawn(move || {
                let mut outcome = Outcome::default();
                let mut http = Http::new(addr);
                for n in 0_u64.. {
                    // A refused sender keeps trying; one without a server has nothing to do.
                    if stop.load(Ordering::Relaxed) || !outcome.unanswered.is_empty() {
                        break;
                    }
                    let (body, batch) = batch(&mut random, &format!("{name}/{n}"));
                    send_batch(&mut http, &body, batch, &mut outcome);
                }
                outcome
            })
        };
        let senders = (0..n_senders).map(sender).collect();
        Self { stop, senders }
    }

    /// Stops the senders, or learns from those that have stopped.
    pub(crate) fn finish(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        let mut outcome = Outcome::default();
        for sender in self.senders {
            outcome.extend(sender.join().unwrap());
        }
        outcome
    }
}

/// Every acknowledged span is found by id, equal and once; of an unanswered batch all spans or none.
/// Returns how many unanswered batches were stored.
pub(crate) fn check_by_id(outcome: &Outcome, tempo: &mut Tempo) -> usize {
    for batch in &outcome.acknowledged {
        assert_eq!(&stored(batch, tempo), &batch.spans, "acknowledged: {}", batch.name);
    }
    for batch in &outcome.refused {
        assert_eq!(stored(batch, tempo), [], "refused: {}", batch.name);
    }
    let is_stored = |batch: &&Batch| {
        let spans = stored(batch, tempo);
        assert!(spans.is_empty() || spans == batch.spans, "in part: {}: {spans:#?}", batch.name);
        !spans.is_empty()
    };
    outcome.unanswered.iter().filter(is_stored).count()
}

/// What is there of the traces of a batch.
fn stored(batch: &Batch, tempo: &mut Tempo) -> Vec<SpanView> {
    let ids: BTreeSet<String> = batch.spans.iter().map(SpanView::trace_id).collect();
    let mut spans: Vec<SpanView> = ids.iter().flat_map(|id| tempo.trace(id)).collect();
    spans.sort_by(|a, b| key(a).cmp(&key(b)));
    spans
}

fn key(view: &SpanView) -> (&[u8], u64) {
    (&view.span.trace_id, view.span.start_time_unix_nano)
}

/// Queries find every acknowledged span, and nothing that was not sent.
pub(crate) fn check_by_query(outcome: &Outcome, tempo: &mut Tempo) {
    let (acknowledged, unanswered) =
        (by_sender(&outcome.acknowledged), by_sender(&outcome.unanswered));
    for sender in acknowledged.keys().chain(unanswered.keys()).collect::<BTreeSet<_>>() {
        let none = Traces::new();
        let acknowledged = acknowledged.get(sender).unwrap_or(&none);
        let unanswered = unanswered.get(sender).unwrap_or(&none);
        let limit = acknowledged.len() + unanswered.len() + 100;
        let query = format!("{{ span.load.sender = \"{sender}\" }}");
        let found = tempo.search(&query, limit);
        let mut matched = Traces::new();
        for trace in found["traces"].as_array().map_or(&[][..], Vec::as_slice) {
            let id = format!("{:0>32}", trace["traceID"].as_str().unwrap());
            let n = trace["spanSet"]["matched"].as_u64().unwrap();
            assert_eq!(matched.insert(id.clone(), n), None, "{id} is found twice");
        }
        check_traces(&matched, acknowledged, unanswered);
    }
    // By a value that few spans have, too.
    for batch in outcome.acknowledged.iter().step_by(outcome.acknowledged.len() / 50 + 1) {
        let mut found = tempo.find(&format!("{{ span.load.batch = \"{}\" }}", batch.name), 10);
        found.sort();
        let ids: BTreeSet<String> = batch.spans.iter().map(SpanView::trace_id).collect();
        assert_eq!(found, ids.into_iter().collect::<Vec<_>>(), "{}", batch.name);
    }
}

/// Another engine finds the same in the blocks, when all live spans have become blocks.
pub(crate) fn check_by_table(outcome: &Outcome, home: &Home) {
    let mut reader = python();
    reader.arg("readers/trace_spans.py").arg(home.table()).arg("load");
    let found: Traces = run(&mut reader)
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, n)| (id.clone(), n.as_u64().unwrap()))
        .collect();
    check_traces(&found, &traces_of(&outcome.acknowledged), &traces_of(&outcome.unanswered));
}

/// Trace ids in hex, and how many spans the traces have.
type Traces = BTreeMap<String, u64>;

fn traces_of<'a>(batches: impl IntoIterator<Item = &'a Batch>) -> Traces {
    let mut traces = Traces::new();
    for span in batches.into_iter().flat_map(|batch| &batch.spans) {
        *traces.entry(span.trace_id()).or_default() += 1;
    }
    traces
}

fn by_sender(batches: &[Batch]) -> BTreeMap<String, Traces> {
    let mut senders: BTreeMap<String, Vec<&Batch>> = BTreeMap::new();
    for batch in batches {
        senders.entry(batch.spans[0].text("load.sender")).or_default().push(batch);
    }
    senders.into_iter().map(|(sender, batches)| (sender, traces_of(batches))).collect()
}

#[track_caller]
fn check_traces(found: &Traces, acknowledged: &Traces, unanswered: &Traces) {
    for (id, n) in found {
        let sent = acknowledged.get(id).or_else(|| unanswered.get(id));
        assert_eq!(sent, Some(n), "{id} was never sent so");
    }
    let lost: Vec<&String> = acknowledged.keys().filter(|id| !found.contains_key(*id)).collect();
    assert_eq!(lost, [""; 0], "acknowledged, but not found");
}

//! What is counted for a question, from roll-ups of blocks and from traces.

use std::cmp::Reverse;
use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::SpanKind;
use spandrel_service_model::{
    Call, Connection, Counts, EdgeChange, EdgeFigures, EdgeKey, Figures, Names, OperationKey, Peer,
    Peers, SpanFacts, TraceTree, USER,
};

use super::answer::{Dependency, Edge, Overflow, RedBy, RedKey, RedQuery, RedSeries};
use super::steps::Steps;
use crate::TimeRange;

/// What is counted.
#[derive(Debug, Clone)]
pub(super) enum Question {
    /// Spans by service, or by operation.
    Spans { by_name: bool, services: Vec<u32>, name: Option<u32>, kinds: Vec<SpanKind> },
    /// Calls; of some services where there are any.
    Calls { services: Vec<u32> },
    /// Parents and children of traces that lie in the range.
    Children,
    /// Links of traces that start in the range.
    ZipkinLinks,
}

/// Whether something is counted, or taken away that was counted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Remove,
}

/// Figures by key and interval.
pub(super) struct Tally {
    pub(super) question: Question,
    pub(super) steps: Steps,
    pub(super) range: TimeRange,
    /// Names that the question has.
    asked: Names,
    pub(super) names: Names,
    pub(super) peers: Peers,
    tree: TraceTree,
    pub(super) spans: HashMap<OperationKey, Vec<Figures>>,
    pub(super) calls: HashMap<EdgeKey, Vec<EdgeFigures>>,
    pub(super) pairs: HashMap<(u32, u32), (i64, i64)>,
}

impl Tally {
    pub(super) fn new(question: Question, names: Names, steps: Steps, range: TimeRange) -> Self {
        Self {
            question,
            steps,
            range,
            asked: names.clone(),
            names,
            peers: Peers::default(),
            tree: TraceTree::default(),
            spans: HashMap::new(),
            calls: HashMap::new(),
            pairs: HashMap::new(),
        }
    }

    /// A tally for a question of rate, errors and duration.
    pub(super) fn of_red(query: &RedQuery, steps: Steps) -> Self {
        let mut names = Names::default();
        let services = query.services.iter().map(|name| names.code(name)).collect();
        let question = match query.by {
            RedBy::Edge => Question::Calls { services },
            by => Question::Spans {
                by_name: by == RedBy::Operation,
                services,
                name: query.operation.as_ref().map(|name| names.code(name)),
                kinds: query.kinds.clone(),
            },
        };
        Self::new(question, names, steps, query.range)
    }

    /// A tally for the same question, with nothing counted.
    pub(super) fn empty(&self) -> Self {
        Self::new(self.question.clone(), self.asked.clone(), self.steps, self.range)
    }

    /// Counts everything of another tally for the same question too.
    pub(super) fn merge(&mut self, other: &Self) {
        let codes: Vec<u32> =
            other.names.texts().iter().map(|text| self.names.code_of(text)).collect();
        let code = |code: u32| codes[code as usize];
        let n = self.steps.len();
        for (key, points) in &other.spans {
            let (service, name) = (code(key.service), code(key.name));
            let own = self.spans.entry(OperationKey { service, name, ..*key });
            let own = own.or_insert_with(|| vec![Figures::default(); n]);
            own.iter_mut().zip(points).for_each(|(own, other)| own.merge(other));
        }
        for (key, points) in &other.calls {
            let [client, server, system] = [key.client, key.server, key.system].map(code);
            let own = self.calls.entry(EdgeKey { client, server, system, ..*key });
            let own = own.or_insert_with(|| vec![EdgeFigures::default(); n]);
            own.iter_mut().zip(points).for_each(|(own, other)| own.merge(other));
        }
        for ((parent, child), (calls, errors)) in &other.pairs {
            let own = self.pairs.entry((code(*parent), code(*child))).or_default();
            *own = (own.0.saturating_add(*calls), own.1.saturating_add(*errors));
        }
    }

    /// Gives facts with codes of other names and peers the codes of this tally.
    pub(super) fn adopt(&mut self, facts: &mut [SpanFacts], names: &Names, peers: &Peers) {
        let codes: Vec<u32> = names.texts().iter().map(|text| self.names.code_of(text)).collect();
        let code = |code: u32| codes[code as usize];
        let numbers: Vec<u32> = peers
            .iter()
            .map(|peer| {
                let (name, system, service) =
                    (code(peer.name), code(peer.system), code(peer.service));
                self.peers.number(Peer { name, system, service, ..*peer })
            })
            .collect();
        for span in facts {
            span.service = code(span.service);
            span.name = code(span.name);
            span.peer = numbers[span.peer as usize];
        }
    }

    /// Whether what attributes say of peers makes a difference.
    pub(super) fn needs_peers(&self) -> bool {
        matches!(self.question, Question::Calls { .. } | Question::ZipkinLinks)
    }

    /// Whether spans may be copies of each other, so that these facts are not enough. Spans belong to one trace.
    pub(super) fn may_have_copies(&mut self, spans: &[SpanFacts]) -> bool {
        self.tree.set(spans, &self.names);
        self.tree.may_have_copies()
    }

    /// The group of spans of an operation; `None` when they are not asked for.
    pub(super) fn group(&self, key: OperationKey) -> Option<OperationKey> {
        let Question::Spans { by_name, services, name, kinds } = &self.question else {
            return None;
        };
        let wanted = (services.is_empty() || services.contains(&key.service))
            && name.is_none_or(|name| name == key.name)
            && (kinds.is_empty() || kinds.contains(&key.kind));
        wanted.then_some(match by_name {
            true => key,
            false => OperationKey { name: 0, kind: SpanKind::Unspecified, ..key },
        })
    }

    /// Whether an edge is asked for.
    pub(super) fn wants_edge(&self, key: &EdgeKey) -> bool {
        let Question::Calls { services } = &self.question else { return false };
        // A queue or a database may be called like a service, and is shown with it.
        services.is_empty() || services.contains(&key.client) || services.contains(&key.server)
    }

    /// Counts the spans of a trace, or a part of one, at the times for which `when` holds.
    pub(super) fn add_spans(
        &mut self,
        spans: &[SpanFacts],
        sign: Sign,
        when: impl Fn(i64) -> bool,
    ) {
        match &self.question {
            Question::Spans { .. } => {
                for span in spans.iter().filter(|span| when(span.start_unix_nanos)) {
                    self.add_span(span, sign);
                }
            }
            Question::Calls { .. } => {
                let calls = self.calls_of(spans);
                for call in calls.iter().filter(|call| when(call.at_unix_nanos)) {
                    self.add_call(call, sign);
                }
            }
            Question::Children | Question::ZipkinLinks => self.add_pairs(spans, sign),
        }
    }

    /// The calls of a trace, or of a part of one as if it were whole.
    pub(super) fn calls_of(&mut self, spans: &[SpanFacts]) -> Vec<Call> {
        self.tree.set(spans, &self.names);
        let mut calls = Vec::new();
        self.tree.calls(spans, &self.peers, |call| calls.push(call));
        calls
    }

    /// Makes right what was counted of an edge in an interval.
    pub(super) fn change(&mut self, key: EdgeKey, interval: usize, change: &EdgeChange) {
        if !self.wants_edge(&key) {
            return;
        }
        let n = self.steps.len();
        let points = self.calls.entry(key).or_insert_with(|| vec![EdgeFigures::default(); n]);
        points.get_mut(interval).into_iter().for_each(|figures| figures.apply(change));
    }

    fn add_span(&mut self, span: &SpanFacts, sign: Sign) {
        let Some(interval) = self.steps.at(span.start_unix_nanos) else { return };
        let SpanFacts { service, name, kind, .. } = *span;
        let Some(key) = self.group(OperationKey { service, name, kind }) else { return };
        let n = self.steps.len();
        let points = self.spans.entry(key).or_insert_with(|| vec![Figures::default(); n]);
        let Some(figures) = points.get_mut(interval) else { return };
        match sign {
            Sign::Add => figures.record(span.duration_nanos, span.failed, span.weight),
            Sign::Remove => figures.unrecord(span.duration_nanos, span.failed, span.weight),
        }
    }

    fn add_call(&mut self, call: &Call, sign: Sign) {
        let key = EdgeKey::of(call);
        let Some(interval) = self.steps.at(call.at_unix_nanos) else { return };
        if !self.wants_edge(&key) {
            return;
        }
        let n = self.steps.len();
        let points = self.calls.entry(key).or_insert_with(|| vec![EdgeFigures::default(); n]);
        let Some(figures) = points.get_mut(interval) else { return };
        match sign {
            Sign::Add => figures.record(call),
            Sign::Remove => figures.unrecord(call),
        }
    }

    fn add_pairs(&mut self, spans: &[SpanFacts], sign: Sign) {
        let (pairs, one) = (&mut self.pairs, if sign == Sign::Add { 1 } else { -1 });
        let mut add = |parent, child, failed| {
            let (calls, errors) = pairs.entry((parent, child)).or_default();
            *calls += one;
            *errors += if failed { one } else { 0 };
        };
        self.tree.set(spans, &self.names);
        match self.question {
            Question::Children => self.tree.children(spans, |a, b| add(a, b, false)),
            _ => self.tree.zipkin_links(spans, &self.peers, add),
        }
    }

    /// Whether the pairs of a whole trace count.
    pub(super) fn counts_trace(&self, spans: &[SpanFacts]) -> bool {
        let starts = spans.iter().map(|span| span.start_unix_nanos);
        let Some(start) = starts.min() else { return false };
        let end_of =
            |span: &SpanFacts| span.start_unix_nanos.saturating_add_unsigned(span.duration_nanos);
        let end = spans.iter().map(end_of).max().unwrap_or(start);
        let TimeRange { start_unix_nanos, end_unix_nanos } = self.range;
        match self.question {
            Question::Children => start_unix_nanos <= start && end <= end_unix_nanos,
            Question::ZipkinLinks => {
                // A trace is as old as its root.
                let roots = spans.iter().filter(|span| span.parent_id == 0);
                let at = roots.map(|span| span.start_unix_nanos).min().unwrap_or(start);
                start_unix_nanos <= at && at <= end_unix_nanos
            }
            Question::Spans { .. } | Question::Calls { .. } => true,
        }
    }

    /// Counts a whole trace at the times for which `when` holds.
    pub(super) fn add_whole(&mut self, spans: &[SpanFacts], when: impl Fn(i64) -> bool) {
        if self.counts_trace(spans) {
            self.add_spans(spans, Sign::Add, when);
        }
    }

    /// Bytes of memory, roughly.
    pub(super) fn size_bytes(&self) -> usize {
        let durations = 64;
        let n = self.steps.len();
        let span = size_of::<(OperationKey, Vec<Figures>)>() + n * size_of::<Figures>() + durations;
        let call =
            size_of::<(EdgeKey, Vec<EdgeFigures>)>() + n * size_of::<EdgeFigures>() + durations;
        let pair = size_of::<((u32, u32), (i64, i64))>();
        self.spans.len() * span
            + self.calls.len() * call
            + self.pairs.len() * pair
            + self.names.size_bytes()
    }

    fn side(&self, connection: Connection, client: u32) -> Arc<str> {
        match connection {
            Connection::User => Arc::from(USER),
            _ => Arc::clone(self.names.text(client)),
        }
    }

    /// The edges with all their calls.
    pub(super) fn into_edges(self, edges_max: usize) -> (Vec<Edge>, Option<Overflow>) {
        let total = |points: &[EdgeFigures]| {
            let mut all = EdgeFigures::default();
            points.iter().for_each(|point| all.merge(point));
            all
        };
        let text = |code: u32| Arc::clone(self.names.text(code));
        let edges = self.calls.iter().map(|(key, points)| Edge {
            client: self.side(key.connection, key.client),
            server: text(key.server),
            system: text(key.system),
            connection: key.connection,
            figures: total(points),
        });
        let mut edges: Vec<Edge> = edges.filter(|edge| edge.figures.counts.calls > 0).collect();
        edges.sort_by(|a, b| {
            let names = |e: &Edge| (e.client.clone(), e.server.clone(), e.system.clone());
            (Reverse(a.figures.counts.calls), names(a), a.connection).cmp(&(
                Reverse(b.figures.counts.calls),
                names(b),
                b.connection,
            ))
        });
        let overflow = overflow(&mut edges, edges_max, |edge| edge.figures.counts);
        (edges, overflow)
    }

    /// The series.
    pub(super) fn into_series(self, query: &RedQuery) -> (Vec<RedSeries>, Option<Overflow>) {
        let has_points = query.step.is_some();
        let text = |code: u32| Arc::clone(self.names.text(code));
        let of_spans = self.spans.iter().map(|(key, points)| {
            let service = text(key.service);
            let key = match query.by {
                RedBy::Operation => {
                    RedKey::Operation { service, name: text(key.name), kind: key.kind }
                }
                _ => RedKey::Service(service),
            };
            (key, points.clone())
        });
        let of_calls = self.calls.iter().map(|(key, points)| {
            let client = self.side(key.connection, key.client);
            let (server, system) = (text(key.server), text(key.system));
            let key = RedKey::Edge { client, server, system, connection: key.connection };
            (key, points.iter().map(EdgeFigures::figures).collect())
        });
        let all: Vec<(RedKey, Vec<Figures>)> = of_spans.chain(of_calls).collect();
        let series = all.into_iter().map(|(key, points)| {
            let mut total = Figures::default();
            points.iter().for_each(|point| total.merge(point));
            RedSeries { key, total, points: if has_points { points } else { Vec::new() } }
        });
        let mut series: Vec<RedSeries> =
            series.filter(|series| series.total.counts.calls > 0).collect();
        series.sort_by(|a, b| {
            (Reverse(a.total.counts.calls), &a.key).cmp(&(Reverse(b.total.counts.calls), &b.key))
        });
        let overflow = overflow(&mut series, query.series_max, |series| series.total.counts);
        (series, overflow)
    }

    /// The pairs of services, by name.
    pub(super) fn into_dependencies(self) -> Vec<Dependency> {
        let counted = |number: i64| u64::try_from(number).unwrap_or(0);
        let pairs = self.pairs.iter().filter(|(_, (calls, _))| *calls > 0);
        let mut found: Vec<Dependency> = pairs
            .map(|((parent, child), (calls, errors))| Dependency {
                parent: Arc::clone(self.names.text(*parent)),
                child: Arc::clone(self.names.text(*child)),
                calls: counted(*calls),
                errors: counted(*errors),
            })
            .collect();
        found.sort_unstable();
        found
    }
}

/// Cuts off what is too much, and says so.
fn overflow<T>(all: &mut Vec<T>, max: usize, counts: impl Fn(&T) -> Counts) -> Option<Overflow> {
    if all.len() <= max {
        return None;
    }
    let rest = all.split_off(max);
    let mut sum = Counts::default();
    rest.iter().for_each(|entry| sum.merge(&counts(entry)));
    Some(Overflow { entries: rest.len() as u64, counts: sum })
}

//! What a block says about its calls without a row being read: figures by operation and by edge in buckets of
//! time.
//!
//! A roll-up counts every trace as if the block had all of it, but for *doubtful* traces, of which it counts
//! nothing: spans in them may be copies of each other. Whoever knows that more of a trace lies elsewhere
//! takes what the block counted of it away and counts the whole trace.
//!
//! Buckets are as narrow as the room allows. Where even one bucket has too many names the roll-up leaves them
//! out, and says so: figures that are there are exact.

use std::hash::Hash;
use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::SpanKind;

use crate::{
    Connection, Durations, EdgeFigures, Figures, Names, Peers, SpanFacts, TraceTree, bucket_at,
};

const SECOND: i64 = 1_000_000_000;
/// Widths of buckets; each but the last divides the next one.
const WIDTHS: [i64; 7] = [
    60 * SECOND,
    300 * SECOND,
    900 * SECOND,
    3600 * SECOND,
    6 * 3600 * SECOND,
    24 * 3600 * SECOND,
    i64::MAX,
];

/// An operation; codes of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationKey {
    /// The service; 0 when the resource names none.
    pub service: u32,
    /// The span name; 0 where names are left out.
    pub name: u32,
    /// The kind.
    pub kind: SpanKind,
}

/// Two sides of calls; codes of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeKey {
    /// Who calls; 0 when it is not known.
    pub client: u32,
    /// Who is called; 0 when it is not known.
    pub server: u32,
    /// The product; 0 when not given.
    pub system: u32,
    /// How they are connected.
    pub connection: Connection,
}

/// Figures by key and bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells<K, F> {
    /// The width of the buckets: bucket `b` has the times from `b` widths on, up to the next one.
    pub bucket_nanos: i64,
    /// Ascending by bucket and key, none twice.
    pub cells: Vec<Cell<K, F>>,
}

/// Figures of a key in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<K, F> {
    /// The number of the bucket.
    pub bucket: i64,
    /// The key.
    pub key: K,
    /// The figures.
    pub figures: F,
}

/// Spans of an operation that start in a bucket.
pub type OperationCell = Cell<OperationKey, Figures>;
/// Calls of an edge in a bucket.
pub type EdgeCell = Cell<EdgeKey, EdgeFigures>;

/// The roll-up of a block. What is absent has more entries than the limits allow.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rollup {
    /// The texts of the codes; the first one is empty.
    pub names: Vec<Arc<str>>,
    /// Figures of spans.
    pub operations: Option<Cells<OperationKey, Figures>>,
    /// Whether the operations have their names; without, they are sums by service and kind.
    pub has_operation_names: bool,
    /// Figures of calls.
    pub edges: Option<Cells<EdgeKey, EdgeFigures>>,
    /// Parents and children by service, and how many pairs of spans, ascending.
    pub children: Option<Vec<(u32, u32, u64)>>,
    /// Links by Zipkin's rules: services, calls, those that failed; ascending.
    pub zipkin_links: Option<Vec<(u32, u32, u64, u64)>>,
    /// Numbers of the traces in the block that are not counted, ascending.
    pub doubtful: Vec<u32>,
}

/// How large a roll-up may be.
#[derive(Debug, Clone, Copy)]
pub struct CellLimits {
    /// About how many bytes the operations may take, and the edges.
    pub cells_bytes: usize,
    /// How many pairs of services are listed.
    pub pairs: usize,
}

impl CellLimits {
    /// Room in a block of so many spans: a sixty-fourth of what it takes at 32 bytes a span, for each of the two
    /// kinds of cells, before compression.
    pub fn of_block(n_spans: usize) -> Self {
        Self { cells_bytes: (n_spans / 2).max(8 << 10), pairs: 4096 }
    }
}

trait Cost {
    /// About how many bytes a cell takes.
    fn cost(&self) -> usize;
    fn merge_with(&mut self, other: &Self);
}

fn cost_of(durations: &Durations) -> usize {
    4 + durations.parts().len() * 2
}

impl Cost for Figures {
    fn cost(&self) -> usize {
        10 + cost_of(&self.durations)
    }

    fn merge_with(&mut self, other: &Self) {
        self.merge(other);
    }
}

impl Cost for EdgeFigures {
    fn cost(&self) -> usize {
        12 + cost_of(&self.server_durations) + cost_of(&self.client_durations)
    }

    fn merge_with(&mut self, other: &Self) {
        self.merge(other);
    }
}

/// Collects a roll-up trace by trace. Its memory is about that of the cells in the narrowest buckets.
#[derive(Debug, Default)]
pub struct RollupBuilder {
    tree: TraceTree,
    operations: HashMap<(i64, OperationKey), Figures>,
    edges: HashMap<(i64, EdgeKey), EdgeFigures>,
    children: HashMap<(u32, u32), u64>,
    zipkin_links: HashMap<(u32, u32), (u64, u64)>,
    doubtful: Vec<u32>,
}

impl RollupBuilder {
    /// Adds the trace with this number, which is above that of all before.
    pub fn add_trace(&mut self, number: u32, spans: &[SpanFacts], names: &Names, peers: &Peers) {
        let Self { tree, operations, edges, children, zipkin_links, doubtful } = self;
        tree.set(spans, names);
        if tree.may_have_copies() {
            doubtful.push(number);
            return;
        }
        for span in spans {
            let SpanFacts { service, name, kind, .. } = *span;
            let key = OperationKey { service, name, kind };
            let bucket = bucket_at(span.start_unix_nanos, WIDTHS[0]);
            let figures = operations.entry((bucket, key)).or_default();
            figures.record(span.duration_nanos, span.failed, span.weight);
        }
        tree.calls(spans, peers, |call| {
            let bucket = bucket_at(call.at_unix_nanos, WIDTHS[0]);
            edges.entry((bucket, EdgeKey::of(&call))).or_default().record(&call);
        });
        tree.children(spans, |parent, child| *children.entry((parent, child)).or_default() += 1);
        tree.zipkin_links(spans, peers, |parent, child, failed| {
            let (calls, errors) = zipkin_links.entry((parent, child)).or_default();
            *calls += 1;
            *errors += u64::from(failed);
        });
    }

    /// The roll-up. `names` are those of all spans that were added.
    pub fn finish(self, names: &Names, limits: CellLimits) -> Rollup {
        let Self { operations, edges, children, zipkin_links, doubtful, .. } = self;
        let mut has_operation_names = true;
        let narrowed = fit(operations, limits.cells_bytes);
        let operations = narrowed.or_else(|operations| {
            has_operation_names = false;
            let mut by_kind: HashMap<(i64, OperationKey), Figures> = HashMap::new();
            for ((bucket, key), figures) in operations {
                let key = OperationKey { name: 0, ..key };
                by_kind.entry((bucket, key)).or_default().merge(&figures);
            }
            fit(by_kind, limits.cells_bytes)
        });
        let few = |n: usize| n <= limits.pairs;
        let mut rollup = Rollup {
            names: Vec::new(),
            operations: operations.ok(),
            has_operation_names,
            edges: fit(edges, limits.cells_bytes).ok(),
            children: few(children.len())
                .then(|| children.into_iter().map(|((a, b), n)| (a, b, n)).collect()),
            zipkin_links: few(zipkin_links.len()).then(|| {
                zipkin_links.into_iter().map(|((a, b), (n, errors))| (a, b, n, errors)).collect()
            }),
            doubtful,
        };
        rollup.recode(names);
        rollup
    }
}

/// The cells in the narrowest buckets in which they fit; in the widest ones where they do not.
fn fit<K: Copy + Eq + Hash + Ord, F: Cost + Default>(
    mut figures: HashMap<(i64, K), F>,
    bytes_max: usize,
) -> Result<Cells<K, F>, HashMap<(i64, K), F>> {
    let bytes = |figures: &HashMap<(i64, K), F>| figures.values().map(Cost::cost).sum::<usize>();
    let mut width = WIDTHS[0];
    for wider in WIDTHS.into_iter().skip(1) {
        if bytes(&figures) <= bytes_max {
            break;
        }
        let mut merged: HashMap<(i64, K), F> = HashMap::new();
        for ((bucket, key), own) in figures {
            let bucket = bucket_at(bucket.saturating_mul(width), wider);
            merged.entry((bucket, key)).or_default().merge_with(&own);
        }
        (figures, width) = (merged, wider);
    }
    if bytes(&figures) > bytes_max {
        return Err(figures);
    }
    let cells = figures.into_iter().map(|((bucket, key), figures)| Cell { bucket, key, figures });
    Ok(Cells { bucket_nanos: width, cells: cells.collect() })
}

impl Rollup {
    /// Gives the names that are used codes in their order, and sorts everything.
    fn recode(&mut self, names: &Names) {
        let mut used = vec![false; names.texts().len().max(1)];
        used[0] = true;
        self.each_code(|code| used[*code as usize] = true);
        let mut kept: Vec<u32> =
            (0..).zip(&used).filter(|(_, used)| **used).map(|(code, _)| code).collect();
        kept.sort_unstable_by(|a, b| names.text(*a).cmp(names.text(*b)));
        let mut codes = vec![0; used.len()];
        for (code, old) in (0..).zip(&kept) {
            codes[*old as usize] = code;
        }
        self.each_code(|code| *code = codes[*code as usize]);
        self.names = kept.into_iter().map(|code| Arc::clone(names.text(code))).collect();
        if let Some(operations) = &mut self.operations {
            operations.cells.sort_unstable_by_key(|cell| (cell.bucket, cell.key));
        }
        if let Some(edges) = &mut self.edges {
            edges.cells.sort_unstable_by_key(|cell| (cell.bucket, cell.key));
        }
        self.children.iter_mut().for_each(|pairs| pairs.sort_unstable());
        self.zipkin_links.iter_mut().for_each(|pairs| pairs.sort_unstable());
    }

    fn each_code(&mut self, mut each: impl FnMut(&mut u32)) {
        for cell in self.operations.iter_mut().flat_map(|operations| &mut operations.cells) {
            each(&mut cell.key.service);
            each(&mut cell.key.name);
        }
        for cell in self.edges.iter_mut().flat_map(|edges| &mut edges.cells) {
            each(&mut cell.key.client);
            each(&mut cell.key.server);
            each(&mut cell.key.system);
        }
        for (parent, child, _) in self.children.iter_mut().flatten() {
            each(parent);
            each(child);
        }
        for (parent, child, ..) in self.zipkin_links.iter_mut().flatten() {
            each(parent);
            each(child);
        }
    }
}

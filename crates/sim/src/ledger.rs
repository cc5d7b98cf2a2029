//! What was sent, and what was answered: the truth that the world is compared with.

use std::collections::{BTreeMap, BTreeSet};

use spandrel_model::{Span, SpanId, TraceId};

use crate::traffic::{Batch, TENANTS};

/// Everything that was ever sent.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    batches: Vec<SentBatch>,
    /// The batch of every span; ids are those of the whole world.
    spans: BTreeMap<SpanId, (usize, Span)>,
    /// What each node must show: what it has acknowledged, and what it has shown.
    owed: BTreeMap<usize, BTreeSet<SpanId>>,
}

#[derive(Debug)]
struct SentBatch {
    batch: Batch,
    is_acknowledged: bool,
}

impl Ledger {
    /// A batch is about to be sent for the first time. Returns its number.
    pub(crate) fn send(&mut self, batch: Batch) -> usize {
        let number = self.batches.len();
        for span in &batch.spans {
            self.spans.insert(span.span_id, (number, span.clone()));
        }
        self.batches.push(SentBatch { batch, is_acknowledged: false });
        number
    }

    /// A node has answered success.
    pub(crate) fn acknowledge(&mut self, number: usize, node: usize) {
        let sent = &mut self.batches[number];
        sent.is_acknowledged = true;
        let ids = sent.batch.spans.iter().map(|span| span.span_id);
        self.owed.entry(node).or_default().extend(ids);
    }

    /// The oldest batch that nobody has acknowledged.
    pub(crate) fn oldest_unanswered(&self) -> Option<(usize, Batch)> {
        let sent = self.batches.iter().enumerate().find(|(_, sent)| !sent.is_acknowledged);
        sent.map(|(number, sent)| (number, sent.batch.clone()))
    }

    /// Every node owes what any node has acknowledged or shown: all of it is in blocks, and all have seen them.
    pub(crate) fn owe_everywhere(&mut self, n_nodes: usize) {
        let all: BTreeSet<SpanId> = self.owed.values().flatten().copied().collect();
        self.owed = (0..n_nodes).map(|node| (node, all.clone())).collect();
    }

    /// How many spans were acknowledged.
    pub(crate) fn n_acknowledged(&self) -> u64 {
        let acknowledged = self.batches.iter().filter(|sent| sent.is_acknowledged);
        acknowledged.map(|sent| sent.batch.spans.len() as u64).sum()
    }

    /// The traces of a tenant.
    pub(crate) fn traces(&self, tenant: usize) -> Vec<TraceId> {
        let of_tenant = self.batches.iter().filter(|sent| sent.batch.tenant == tenant);
        let ids = of_tenant.flat_map(|sent| &sent.batch.spans).map(|span| span.trace_id);
        ids.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What a node must show if it is asked now.
    pub(crate) fn owed(&self, node: usize) -> BTreeSet<SpanId> {
        self.owed.get(&node).cloned().unwrap_or_default()
    }

    /// Compares what a node shows of a tenant with what it owed when it was asked. Returns the spans that it
    /// shows; it owes them from now on.
    pub(crate) fn compare(
        &mut self,
        (node, tenant): (usize, usize),
        owed: &BTreeSet<SpanId>,
        found: &[SpanId],
    ) -> Result<Vec<Span>, String> {
        let whose = format!("node {node}, tenant {}", TENANTS[tenant]);
        let unique: BTreeSet<SpanId> = found.iter().copied().collect();
        if unique.len() != found.len() {
            return Err(format!("{whose}: a span is found twice in {}", ids(found)));
        }
        let of_tenant = |id: &SpanId| {
            let sent = self.spans.get(id);
            sent.is_some_and(|(number, _)| self.batches[*number].batch.tenant == tenant)
        };
        let invented: Vec<SpanId> = unique.iter().filter(|id| !of_tenant(id)).copied().collect();
        if !invented.is_empty() {
            return Err(format!("{whose}: never sent, but found: {}", ids(&invented)));
        }
        let lost: Vec<SpanId> =
            owed.iter().filter(|id| !unique.contains(id) && of_tenant(id)).copied().collect();
        if !lost.is_empty() {
            return Err(format!("{whose}: acknowledged or shown before, but lost: {}", ids(&lost)));
        }
        for sent in self.batches.iter().filter(|sent| sent.batch.tenant == tenant) {
            let there = sent.batch.spans.iter().filter(|span| unique.contains(&span.span_id));
            let n_there = there.count();
            if n_there != 0 && n_there != sent.batch.spans.len() {
                let of: Vec<SpanId> = sent.batch.spans.iter().map(|span| span.span_id).collect();
                return Err(format!("{whose}: {n_there} of the batch {} are there", ids(&of)));
            }
        }
        self.owed.entry(node).or_default().extend(&unique);
        Ok(unique.iter().map(|id| self.spans[id].1.clone()).collect())
    }
}

fn ids(spans: &[SpanId]) -> String {
    let numbers: Vec<String> =
        spans.iter().map(|id| u64::from_be_bytes(id.0).to_string()).collect();
    numbers.join(" ")
}

//! The dry run over a small store: what it counts, and that it reads every trace whole.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use spandrel_catalog::{Catalog, CatalogSnapshot, DeltaCatalog};
use spandrel_compaction::{CompactionOptions, Compactor, TenantTable, Tenants, TenantsError};
use spandrel_ingest::Store;
use spandrel_model::{SpanId, TenantId, TraceId};
use spandrel_retention::{PolicyFile, record_threshold, weight};
use spandrel_telemetry::Metrics;

use super::*;
use crate::storage::test_store::TestStore;

const DAY: Duration = Duration::from_secs(86_400);

const POLICY: &str = "
default:
  - { name: everything, match: '{}', keep: 2d }
  - { name: errors, match: '{ status = error }', keep: 30d }
  - { name: slow, match: '{ traceDuration > 500ms }', keep: 10d, fraction: 0.5 }
  - { name: baseline, match: '{}', keep: 30d, fraction: 0.1 }
";

/// Every decision as of now, with the trace.
async fn decisions(
    store: &TestStore,
    policy: &Arc<Policy>,
) -> BTreeMap<TraceId, (Trace, Decision)> {
    let (storage, blocks) = store.storage().await;
    let mut decisions = BTreeMap::new();
    let note = |subject: Subject, decision| {
        decisions.insert(subject.trace.trace_id, (subject.trace, decision));
    };
    decide_all(storage, blocks, (policy, store.now()), note).await.unwrap();
    decisions
}

async fn report_of(store: &TestStore, policy: &Arc<Policy>) -> Report {
    let (storage, blocks) = store.storage().await;
    report(storage, blocks, policy, (store.now(), 2)).await.unwrap()
}

/// What a policy may and may not change of a trace: ids, names and tracestates of its spans.
fn spans_of(trace: &Trace) -> Vec<(SpanId, String, String)> {
    let spans = trace.spans.iter();
    spans.map(|span| (span.span_id, span.name.clone(), span.trace_state.clone())).collect()
}

/// The one tenant of the store.
struct OneTenant(Arc<dyn Catalog>);

#[async_trait]
impl Tenants for OneTenant {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(vec![TenantId::single()])
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let snapshot = self.0.snapshot().await?;
        let (root, catalog) = (Store::tenant_root(tenant), Arc::clone(&self.0));
        Ok(Some(TenantTable { root, catalog, snapshot }))
    }

    async fn publish(&self, _: &TenantId, _: Arc<CatalogSnapshot>) {}
}

/// Scenario: a dry run, then compaction with the same policy at the same moment; again at the next boundaries.
/// Guarantees: compaction keeps exactly the traces that the dry run said, and records exactly its thresholds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compaction_does_what_the_dry_run_said() {
    let store = TestStore::filled().await;
    let file = Arc::new(PolicyFile::parse(POLICY).unwrap());
    let policy = Arc::clone(file.default_policy().unwrap());
    let root = Store::tenant_root(&TenantId::single());
    let catalog = DeltaCatalog::open(store.objects(), root, &[], store.shared_clock());
    let tenants = Arc::new(OneTenant(Arc::new(catalog.await.unwrap())));
    let compactor = Compactor::new(
        store.objects(),
        tenants,
        CompactionOptions { policies: Some(file), ..CompactionOptions::default() },
        store.shared_clock(),
        Metrics::new(),
    );
    store.clock.advance(Duration::from_secs(3600));
    let mut kept_before = usize::MAX;
    for days in [1, 2, 8] {
        store.clock.advance(days * DAY);
        let expected = decisions(&store, &policy).await;
        let report = report_of(&store, &policy).await;
        let done = compactor.run_once(&TenantId::single()).await.unwrap();
        assert_eq!(done.failures, 0, "{done:?}");
        assert_eq!(done.filtered, report.dropped.spans);

        let mut kept = BTreeMap::new();
        for (id, (mut trace, decision)) in expected {
            if let Decision::Keep { threshold, .. } = decision {
                if let Some(threshold) = threshold {
                    record_threshold(&mut trace, threshold);
                }
                kept.insert(id, spans_of(&trace));
            }
        }
        assert_eq!(report.kept.traces, kept.len() as u64);
        let stored = decisions(&store, &policy).await;
        let stored: BTreeMap<_, _> =
            stored.into_iter().map(|(id, (trace, _))| (id, spans_of(&trace))).collect();
        assert!(stored == kept, "{days} days later {} of {} traces", stored.len(), kept.len());
        let weights: f64 = kept.values().map(|spans| weight(&spans[0].2)).sum();
        println!("after {days} more days {} traces stand for {weights}", kept.len());
        assert!(kept.len() < kept_before || days == 1);
        kept_before = kept.len();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_adds_up() {
    let store = TestStore::filled().await;
    store.clock.advance(3 * DAY);
    let file = PolicyFile::parse(POLICY).unwrap();
    let report = report_of(&store, file.default_policy().unwrap()).await;
    let (_, blocks) = store.storage().await;
    assert_eq!(blocks.entries.len(), 2);
    let all =
        |of: fn(&BlockEntry) -> u64| blocks.entries.iter().map(|entry| of(entry)).sum::<u64>();

    assert_eq!(report.kept.spans + report.dropped.spans, all(|entry| entry.n_spans));
    let bytes = report.kept.bytes + report.dropped.bytes;
    let exact = all(|entry| entry.size_bytes);
    assert!(bytes <= exact && bytes * 100 > exact * 97, "{bytes} of {exact}");
    let traces = report.kept.traces + report.dropped.traces;
    assert!(traces < all(|entry| entry.n_traces), "some traces lie in both blocks");

    let rules = || report.rules.iter();
    let kept: u64 = rules().map(|rule| rule.kept.tally.traces).sum();
    assert_eq!(kept, report.kept.traces);
    let dropped = rules().map(|r| r.expired.tally.traces + r.not_sampled.tally.traces);
    assert_eq!(dropped.sum::<u64>(), report.dropped.traces);
    let spans = report.services.values().map(|service| service.kept.spans + service.dropped.spans);
    assert_eq!(spans.sum::<u64>(), all(|entry| entry.n_spans));
    assert_eq!(report.in_force_traces, traces);
    let of = TenantReport {
        tenant: "t".to_owned(),
        at_unix_nanos: store.now(),
        blocks: 2,
        report: Some(report),
    };
    let text = render::text(&of, 100);
    println!("{text}");
    for part in ["kept by errors", "not sampled by baseline", "checkout", "stand for"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
}

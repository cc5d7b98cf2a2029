//! The same question has the same answer, to the byte, wherever the data lies: in live runs, in blocks as they were
//! cut, in merged ones, in whatever order it came, and while other data comes in.
//!
//! Only the object `metrics` of searches and of tags is left out: it says what it took to find the answer.

mod data;
mod questions;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use http::StatusCode;
use object_store::memory::InMemory;
use prost::Message;
use serde_json::json;
use spandrel_api::Dialect;
use spandrel_base::clock::{Clock, ManualClock, SystemClock};
use spandrel_catalog::CatalogSnapshot;
use spandrel_compaction::{
    CompactionOptions, Compactor, PlanOptions, TenantTable, Tenants, TenantsError,
};
use spandrel_ingest::Store;
use spandrel_model::TenantId;
use spandrel_proto::tempo::{SearchMetrics, SearchResponse};
use spandrel_query::QueryOptions;
use spandrel_telemetry::Metrics;

use crate::harness::{Server, Site};
use data::{requests, span, text};
use questions::{Kind, Question, questions};

/// How often everything is asked at least, over all places.
const TIMES_ASKED: usize = 20;

/// The questions, and what they were answered the first time.
struct Exam {
    questions: Vec<Question>,
    answers: Vec<Bytes>,
    times_asked: usize,
}

impl Exam {
    async fn of(server: &Server) -> Self {
        let questions = questions();
        let mut answers = Vec::new();
        for question in &questions {
            answers.push(answer(server, question).await);
        }
        // Answers in which nothing was found would always be the same.
        let n_empty = answers.iter().filter(|answer| answer.len() < 3).count();
        assert!(n_empty * 8 < questions.len(), "{n_empty} of {} found nothing", questions.len());
        Self { questions, answers, times_asked: 1 }
    }

    /// Asks everything again.
    async fn repeat(&mut self, server: &Server, when: &str) {
        self.ask(server, when, |_| true).await;
    }

    /// Asks again what does not depend on other data in the same runs and blocks.
    async fn repeat_beside_other_data(&mut self, server: &Server, when: &str) {
        self.ask(server, when, |question| question.kind != Kind::ByUnit).await;
    }

    async fn ask(&mut self, server: &Server, when: &str, wanted: fn(&Question) -> bool) {
        let mut different = Vec::new();
        let known = self.questions.iter().zip(&self.answers);
        for (question, expected) in known.filter(|(question, _)| wanted(question)) {
            let found = answer(server, question).await;
            if found != *expected {
                different.push(difference(question, expected, &found));
            }
        }
        self.times_asked += 1;
        let n = different.len();
        different.truncate(5);
        assert!(n == 0, "{when}: {n} of {} differ\n{}", self.questions.len(), different.join("\n"));
    }
}

async fn answer(server: &Server, question: &Question) -> Bytes {
    let Question { path, accept, kind } = question;
    let answer = server.get_with(path, &[("accept", *accept)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {:?}", answer.body);
    if *kind == Kind::Exact {
        return answer.body;
    }
    if *accept == "application/json" {
        let at = answer.text().rfind(r#""metrics":"#).unwrap();
        return answer.body.slice(..at);
    }
    let mut response = SearchResponse::decode(answer.body).unwrap();
    assert!(response.metrics.replace(SearchMetrics::default()).is_some());
    response.encode_to_vec().into()
}

/// Where two answers part.
fn difference(question: &Question, expected: &Bytes, found: &Bytes) -> String {
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b).count();
    let around = |bytes: &Bytes| {
        let (from, to) = (same.saturating_sub(120), bytes.len().min(same + 200));
        String::from_utf8_lossy(&bytes[from..to]).into_owned()
    };
    format!(
        "{} as {}: byte {same}\n  first: {}\n  now:   {}",
        question.path,
        question.accept,
        around(expected),
        around(found)
    )
}

/// Compaction of one store, eager to merge.
struct Merging {
    compactor: Compactor,
    store: Arc<Store>,
    merges: u64,
    vacuumed_files: u64,
}

struct OfStore(Arc<Store>);

#[async_trait]
impl Tenants for OfStore {
    async fn list(&self) -> Result<Vec<TenantId>, TenantsError> {
        Ok(vec![TenantId::single()])
    }

    async fn open(&self, tenant: &TenantId) -> Result<Option<TenantTable>, TenantsError> {
        let catalog = self.0.catalog(tenant).await?;
        let snapshot = self.0.snapshot(tenant).await?.catalog;
        let root = Store::tenant_root(tenant);
        Ok(catalog.zip(snapshot).map(|(catalog, snapshot)| TenantTable { root, catalog, snapshot }))
    }

    async fn publish(&self, tenant: &TenantId, snapshot: Arc<CatalogSnapshot>) {
        self.0.publish_catalog(tenant, snapshot).await;
    }
}

impl Merging {
    fn of(server: &Server, site: &Site) -> Self {
        let options = CompactionOptions {
            plan: PlanOptions { fan_in: 2, final_fan_in: 2, ..PlanOptions::default() },
            vacuum_interval: Duration::ZERO,
            ..CompactionOptions::default()
        };
        let store = Arc::clone(&server.store);
        let tenants = Arc::new(OfStore(Arc::clone(&store)));
        let clock = Arc::clone(&site.clock) as _;
        let objects = Arc::clone(&site.objects);
        let compactor = Compactor::new(objects, tenants, options, clock, Metrics::new());
        Self { compactor, store, merges: 0, vacuumed_files: 0 }
    }

    async fn look(&mut self) {
        let report = self.compactor.run_once(&TenantId::single()).await.unwrap();
        assert_eq!(report.failures, 0, "{report:?}");
        self.merges += report.merges;
        self.vacuumed_files += report.vacuumed_files;
    }

    async fn n_blocks(&self) -> usize {
        let snapshot = self.store.snapshot(&TenantId::single()).await.unwrap();
        snapshot.catalog.map_or(0, |catalog| catalog.blocks().len())
    }
}

/// A place of its own for data. The clock begins with the real time, because stores date their objects.
fn site(cut_spans: u32) -> Arc<Site> {
    let now = SystemClock::new().now_unix_nanos();
    let mut site = Site::new(Arc::new(InMemory::new()), ManualClock::new(now));
    site.cut.spans_max = cut_spans;
    Arc::new(site)
}

async fn start(site: &Arc<Site>) -> Server {
    site.start(Dialect::Tempo, QueryOptions::default()).await
}

/// Data of another service on another day; nobody asks for it.
async fn unrelated(server: &Server, number: u64) {
    let later = 24 * 3_600 * 1_000 * (1 + number);
    let spans: Vec<_> = (0..8_u64)
        .map(|i| span(1_000 + 10 * number + i, 0xff00 + i, 0, "elsewhere", (later, later + 1)))
        .collect();
    let of = data::resource("elsewhere", &[text("region", &format!("r{number}"))]);
    server.store(&data::request(of, json!({"name": "other"}), &spans).to_string()).await;
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_twenty_times() {
    let sent: Vec<String> = requests().iter().map(|request| request.to_string()).collect();

    // Everything live, a run for each request.
    let live = start(&site(u32::MAX)).await;
    for request in &sent {
        live.store(request).await;
    }
    let mut exam = Exam::of(&live).await;
    exam.repeat(&live, "live").await;
    unrelated(&live, 0).await;
    exam.repeat_beside_other_data(&live, "live, beside other data").await;
    live.flush().await;
    exam.repeat_beside_other_data(&live, "one block, with other data").await;

    one_block(&mut exam, &sent).await;
    in_many_blocks(&mut exam, &sent).await;
    cut_by_size(&mut exam, &sent).await;
    assert!(exam.times_asked >= TIMES_ASKED, "{}", exam.times_asked);
}

/// All in one block, and other data beside it.
async fn one_block(exam: &mut Exam, sent: &[String]) {
    let server = start(&site(u32::MAX)).await;
    for request in sent {
        server.store(request).await;
    }
    server.flush().await;
    unrelated(&server, 0).await;
    exam.repeat_beside_other_data(&server, "one block, beside other data").await;
    server.flush().await;
    exam.repeat(&server, "one block").await;
}

/// The other way round, and a block for every third request: so parts of traces and copies lie in several blocks, which
/// are merged, and the files of merged ones deleted.
async fn in_many_blocks(exam: &mut Exam, sent: &[String]) {
    let site = site(u32::MAX);
    let server = start(&site).await;
    for (i, request) in sent.iter().rev().enumerate() {
        server.store(request).await;
        if i % 3 == 2 {
            server.flush().await;
        }
    }
    exam.repeat(&server, "blocks and live runs").await;
    server.flush().await;
    exam.repeat(&server, "many blocks").await;
    let mut merging = Merging::of(&server, &site);
    let n_blocks = merging.n_blocks().await;
    assert!(n_blocks >= 10, "{n_blocks} blocks");
    for number in 1..4 {
        unrelated(&server, number).await;
        exam.repeat_beside_other_data(&server, "beside other data").await;
        server.flush().await;
        merging.look().await;
        exam.repeat(&server, "merged").await;
        site.clock.advance(Duration::from_secs(2 * 3_600));
    }
    assert!(merging.merges > 0 && merging.n_blocks().await < n_blocks);
    merging.look().await;
    assert!(merging.vacuumed_files > 0, "a vacuum deletes the files of merged blocks");
    exam.repeat(&server, "after a vacuum").await;
    server.stop().await;
    drop((server, merging));
    let again = start(&site).await;
    exam.repeat(&again, "after a restart").await;
}

/// Blocks are cut by size while everything is asked, and what was stored is sent once more.
async fn cut_by_size(exam: &mut Exam, sent: &[String]) {
    let site = site(9);
    let server = start(&site).await;
    for request in sent[7..].iter().chain(&sent[..7]) {
        server.store(request).await;
    }
    exam.repeat(&server, "cut by size, under way into blocks").await;
    server.flush().await;
    exam.repeat(&server, "cut by size").await;
    for request in sent {
        server.store(request).await;
    }
    exam.repeat(&server, "everything twice").await;
    server.flush().await;
    exam.repeat(&server, "everything twice, in blocks").await;
    let mut merging = Merging::of(&server, &site);
    merging.look().await;
    exam.repeat(&server, "everything twice, merged").await;
    server.stop().await;
    drop((server, merging));
    let again = start(&site).await;
    exam.repeat(&again, "after a restart").await;
}

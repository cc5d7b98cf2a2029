//! Work no user waits for: jobs with roots of their own.

use spandrel_proto::otlp::trace::span::SpanKind;

use crate::attribute::uuid;
use crate::backends::{Database, Statement};
use crate::failure::Outcome;
use crate::journey::Journey;
use crate::scenario::purchase::{SELECT_STOCK, UPDATE_STOCK};
use crate::service::{Library, Service};

const SELECT_SEGMENT: Statement = Statement {
    database: Database::Warehouse,
    operation: "SELECT",
    collection: "product_views",
    text: "SELECT user_id, groupArray(sku) FROM product_views WHERE segment = {segment:UInt16} AND day >= today() - 30 GROUP BY user_id",
};
const INSERT_EVENTS: Statement = Statement {
    database: Database::Warehouse,
    operation: "INSERT",
    collection: "shop_events",
    text: "INSERT INTO shop_events FORMAT RowBinary",
};

pub(super) fn recommendation_refresh(journey: &mut Journey<'_>) {
    root(journey, Service::Recommendation, SpanKind::Internal, "refresh_segment");
    let segment = journey.random.below(512);
    journey.set("app.reco.segment", segment);
    let outcome = refresh_segment(journey);
    finish(journey, outcome);
}

fn refresh_segment(journey: &mut Journey<'_>) -> Outcome {
    let users = journey.random.between(200, 4_000);
    journey.query(&SELECT_SEGMENT, users)?;
    for step in ["load_embeddings", "train_epoch", "train_epoch", "evaluate"] {
        journey.internal(step, |journey| {
            journey.set("app.reco.users", users);
            journey.spend(120_000.0 + users as f64 * 40.0, 0.4);
            Ok(())
        })?;
    }
    for shard in 0..4 {
        journey.cache_command("MSET", format!("MSET reco:segment:{shard} ?"), None);
    }
    Ok(())
}

pub(super) fn analytics_flush(journey: &mut Journey<'_>) {
    root(journey, Service::Analytics, SpanKind::Consumer, "poll shop-events");
    let messages = journey.random.between(4, 24);
    journey.link_recent(messages as usize);
    journey.set("messaging.system", "kafka");
    journey.set("messaging.destination.name", "shop-events");
    journey.set("messaging.operation.type", "receive");
    journey.set("messaging.operation.name", "poll");
    journey.set("messaging.batch.message_count", messages);
    journey.set("messaging.consumer.group.name", "analytics-consumer");
    let outcome = flush(journey, messages);
    finish(journey, outcome);
}

fn flush(journey: &mut Journey<'_>, messages: u64) -> Outcome {
    journey.internal("decode_batch", |journey| {
        journey.spend(messages as f64 * 130.0, 0.3);
        Ok(())
    })?;
    journey.query(&INSERT_EVENTS, messages)
}

pub(super) fn stock_reconciliation(journey: &mut Journey<'_>) {
    root(journey, Service::Scheduler, SpanKind::Internal, "stock_reconciliation");
    let chunks = journey.random.between(30, 90);
    journey.set("app.job.chunks", chunks);
    let mut outcome = Ok(());
    for _ in 0..chunks {
        // A chunk that fails is left for the next night; the job goes on.
        outcome = outcome.and(journey.internal("reconcile_chunk", reconcile_chunk));
    }
    finish(journey, outcome);
}

fn reconcile_chunk(journey: &mut Journey<'_>) -> Outcome {
    let products = journey.random.between(50, 500);
    journey.set("app.job.products", products);
    journey.query(&SELECT_STOCK, products)?;
    journey.grpc(Service::Inventory, "shop.inventory.v1.Inventory/Reconcile", |journey| {
        journey.set("app.job.products", products);
        journey.query(&UPDATE_STOCK, products / 20)?;
        journey.query(&UPDATE_STOCK, products / 50)
    })
}

fn root(journey: &mut Journey<'_>, service: Service, kind: SpanKind, name: &str) {
    let instance = journey.fleet.choose(service, journey.random);
    journey.open_on(instance, Library::Application, kind, name.to_owned());
    journey.set("code.function.name", name);
    let job = uuid(journey.random.next_u64(), journey.random.next_u64());
    journey.set("app.job.id", job);
}

fn finish(journey: &mut Journey<'_>, outcome: Outcome) {
    if let Err(failure) = outcome {
        journey.fail_client(failure, failure.name);
    }
    journey.close();
}

//! Against a real cluster, whose brokers the variable names: the same promise as against librdkafka's own.

use spandrel_pipeline::{Component as _, TraceConsumer as _};
use spandrel_telemetry::Metrics;

use crate::rig;

const BROKERS: &str = "SPANDREL_KAFKA_BROKERS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_repeats_what_was_not_taken() {
    #[expect(
        clippy::disallowed_methods,
        reason = "a developer's wish, not a setting of the product"
    )]
    let Ok(brokers) = std::env::var(BROKERS) else {
        eprintln!("skipped: {BROKERS} names no brokers of Kafka");
        return;
    };
    let (metrics, group) = (Metrics::new(), format!("spandrel-test-{}", std::process::id()));
    let yaml = format!("topic: {group}, producer: {{ compression: lz4 }}");
    let exporter = rig::exporter(&brokers, &yaml, &metrics).await;
    for n in 0..50 {
        exporter.consume(rig::batch(&[&rig::name(n)])).await.unwrap();
    }
    let yaml = format!("group_id: {group}, topic: {group}");
    let (consumer, mut recorded) =
        rig::recorder(|n| if n < 20 { Ok(()) } else { Err(rig::unavailable()) });
    let receiver = rig::receiver(&brokers, &yaml, consumer, &metrics).await;
    let mut seen = recorded.names(20).await;
    receiver.shutdown().await;
    let (consumer, mut recorded) = rig::recorder(|_| Ok(()));
    let receiver = rig::receiver(&brokers, &yaml, consumer, &metrics).await;
    seen.extend(recorded.names(30).await);
    assert_eq!(seen, rig::names(0..50));
    receiver.shutdown().await;
    exporter.shutdown().await;
}

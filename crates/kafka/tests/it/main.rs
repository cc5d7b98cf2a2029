//! Receiver and exporter against librdkafka's own cluster of brokers, which lives in the test's process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broker;
mod exporter;
mod receiver;
mod rig;
mod round_trip;
mod settings;

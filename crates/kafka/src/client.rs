//! What librdkafka says about itself, in this process's log.

use std::sync::Arc;

use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

/// The context of a client: the component that it belongs to.
#[derive(Debug, Clone)]
pub(crate) struct Voice(pub(crate) Arc<str>);

impl ClientContext for Voice {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let component = &*self.0;
        match level {
            RDKafkaLogLevel::Emerg
            | RDKafkaLogLevel::Alert
            | RDKafkaLogLevel::Critical
            | RDKafkaLogLevel::Error => {
                tracing::error!(component, facility, message, "kafka client");
            }
            RDKafkaLogLevel::Warning => {
                tracing::warn!(component, facility, message, "kafka client");
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
                tracing::info!(component, facility, message, "kafka client");
            }
            RDKafkaLogLevel::Debug => {
                tracing::debug!(component, facility, message, "kafka client");
            }
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::warn!(component = &*self.0, %error, reason, "kafka client");
    }
}

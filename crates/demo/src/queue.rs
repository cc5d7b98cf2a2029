//! The queue: producers inside requests, consumers afterward, joined by parent and link.

use spandrel_proto::otlp::trace::span::SpanKind;

use crate::attribute::uuid;
use crate::failure::Outcome;
use crate::journey::{Journey, SpanContext};
use crate::service::{Library, Service};

/// Partitions of every topic.
const PARTITIONS: u64 = 24;

/// A message on its way.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The producer's span.
    context: SpanContext,
    topic: &'static str,
    partition: u64,
    offset: u64,
    id: String,
    /// Position of the producer's span in its trace.
    producer: usize,
    /// Unix nanoseconds.
    sent: u64,
}

impl Journey<'_> {
    /// Sends a message to a topic.
    pub(crate) fn publish(&mut self, topic: &'static str) -> Message {
        self.open(Library::Messaging, SpanKind::Producer, format!("send {topic}"));
        let message = Message {
            context: self.context(),
            topic,
            partition: self.random.below(PARTITIONS),
            // Offsets grow with time, as a topic's do.
            offset: self.now / 7_000_000 % 1_000_000_000,
            id: uuid(self.random.next_u64(), self.random.next_u64()),
            producer: self.current(),
            sent: self.now,
        };
        self.remember();
        self.message_attributes(&message);
        self.set("messaging.operation.type", "send");
        self.set("messaging.operation.name", "send");
        let size = self.random.between(380, 2_400);
        self.set("messaging.message.body.size", size);
        self.spend(1_400.0, 0.5);
        self.close();
        message
    }

    /// A consumer takes the message after a while and works on it, still in the sender's trace.
    pub(crate) fn consume(
        &mut self,
        service: Service,
        message: &Message,
        body: impl FnOnce(&mut Self) -> Outcome,
    ) {
        self.detached(Some(message.producer), |journey| {
            journey.now = message.sent;
            journey.spend(18_000.0, 1.1);
            let instance = journey.fleet.choose(service, journey.random);
            let name = format!("process {}", message.topic);
            journey.open_on(instance, Library::Messaging, SpanKind::Consumer, name);
            journey.span().links.push(message.context.link());
            journey.message_attributes(message);
            journey.set("messaging.operation.type", "process");
            journey.set("messaging.operation.name", "process");
            journey.set("messaging.consumer.group.name", service.name());
            if let Err(failure) = body(journey) {
                journey.fail_client(failure, failure.name);
            }
            journey.close();
        });
    }

    fn message_attributes(&mut self, message: &Message) {
        self.set("messaging.system", "kafka");
        self.set("messaging.destination.name", message.topic);
        self.set("messaging.destination.partition.id", message.partition.to_string());
        self.set("messaging.kafka.offset", message.offset);
        self.set("messaging.message.id", message.id.as_str());
        self.set("messaging.client.id", self.service().name());
        self.set("server.address", "kafka-bootstrap.internal");
        self.set("server.port", 9092_u16);
    }
}

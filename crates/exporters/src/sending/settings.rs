//! The keys that every exporter with a queue has: `timeout`, `retry_on_failure`, `sending_queue`.

use std::time::Duration;

use spandrel_config::Section;
use spandrel_config::blocks::{Queue, Retry, Sizer};

/// How requests are sent: how long an attempt may take, what is tried again, what waits.
#[derive(Debug, Clone, PartialEq)]
pub struct SendingSettings {
    /// The longest that one attempt may take; zero is no limit.
    pub timeout: Duration,
    /// When to try again; `None` never.
    pub retry: Option<Retry>,
    /// What waits; with `None` the caller waits for the end of the last attempt.
    pub queue: Option<Queue>,
}

impl SendingSettings {
    /// Reads `retry_on_failure` and `sending_queue`, both on unless they are turned off.
    pub(crate) fn read(section: &mut Section<'_>, timeout: Duration) -> Self {
        let retry = Retry::retry_on_failure(section);
        Self { timeout, retry, queue: Queue::sending_queue(section) }
    }

    /// Reads `sending_queue` of an exporter that has neither a queue nor retries unless they are asked for.
    pub(crate) fn read_queue(section: &mut Section<'_>) -> Self {
        let queue = section.optional("sending_queue", Queue::read);
        Self { timeout: Duration::ZERO, retry: None, queue }
    }
}

/// The size of a request of so many spans and bytes.
pub(crate) fn size_of(sizer: Sizer, spans: u64, bytes: usize) -> u64 {
    match sizer {
        Sizer::Requests => 1,
        Sizer::Items => spans,
        Sizer::Bytes => bytes as u64,
    }
}

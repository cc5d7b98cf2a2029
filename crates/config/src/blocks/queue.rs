//! `sending_queue` of exporters (`exporterhelper.QueueBatchConfig`).

use std::time::Duration;

use crate::id::ComponentId;
use crate::section::Section;

/// What a size counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizer {
    /// `requests`
    Requests,
    /// `items`: spans.
    Items,
    /// `bytes`: of OTLP.
    Bytes,
}

const SIZERS: [(&str, Sizer); 3] =
    [("requests", Sizer::Requests), ("items", Sizer::Items), ("bytes", Sizer::Bytes)];

/// A queue before the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// Requests that are sent at once, at most.
    pub num_consumers: usize,
    /// The most that waits.
    pub queue_size: u64,
    /// What `queue_size` counts.
    pub sizer: Sizer,
    /// Whether whoever brings more waits for room instead of being refused.
    pub block_on_overflow: bool,
    /// Whether whoever brings something waits for the outcome.
    pub wait_for_result: bool,
    /// The extension that keeps the queue over a restart.
    pub storage: Option<ComponentId>,
    /// Whether and how requests are put together.
    pub batch: Option<Batch>,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            num_consumers: 10,
            queue_size: 1000,
            sizer: Sizer::Requests,
            block_on_overflow: false,
            wait_for_result: false,
            storage: None,
            batch: None,
        }
    }
}

impl Queue {
    /// Reads `sending_queue` of an exporter's section: on by default, and `None` with `enabled: false`.
    pub fn sending_queue(section: &mut Section<'_>) -> Option<Self> {
        section.optional_or("sending_queue", Self::default(), Self::read)
    }

    /// Reads the keys of `sending_queue`, but `enabled`.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self::read_with(section, Self::default())
    }

    /// Reads the keys of `sending_queue` with other defaults.
    pub fn read_with(section: &mut Section<'_>, defaults: Self) -> Self {
        let sizer = section.choice("sizer", &SIZERS);
        // A batch cannot count requests, so a queue that does says nothing about it.
        let for_batch = sizer.filter(|sizer| *sizer != Sizer::Requests);
        let batch = if section.has("batch") {
            section.optional("batch", |section| Batch::read(section, for_batch))
        } else {
            section.value("batch");
            defaults.batch
        };
        let queue = Self {
            num_consumers: section.or("num_consumers", defaults.num_consumers),
            queue_size: section.or("queue_size", defaults.queue_size),
            sizer: sizer.unwrap_or(defaults.sizer),
            block_on_overflow: section.or("block_on_overflow", defaults.block_on_overflow),
            wait_for_result: section.or("wait_for_result", defaults.wait_for_result),
            storage: section.get("storage").or(defaults.storage),
            batch,
        };
        queue.check(section);
        queue
    }

    fn check(&self, section: &mut Section<'_>) {
        if self.num_consumers == 0 {
            section.problem(Some("num_consumers"), "must be at least 1");
        }
        if self.queue_size == 0 {
            section.problem(Some("queue_size"), "must be at least 1");
        }
        if self.wait_for_result && self.storage.is_some() {
            section.problem(Some("wait_for_result"), "cannot be combined with `storage`");
        }
        let Some(batch) = &self.batch else {
            return;
        };
        // Requests are refused for a batch already.
        let comparable = batch.sizer == self.sizer && batch.sizer != Sizer::Requests;
        if comparable && batch.min_size > self.queue_size {
            let (least, most) = (batch.min_size, self.queue_size);
            section.problem(
                Some("batch"),
                format!("min_size {least} must not be larger than the queue_size {most}"),
            );
        }
    }
}

/// `sending_queue::batch`: putting requests together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// The longest that a request waits for others.
    pub flush_timeout: Duration,
    /// A batch of this size is sent at once.
    pub min_size: u64,
    /// The largest batch; 0 for no limit. Larger requests are split.
    pub max_size: u64,
    /// What both sizes count: items or bytes.
    pub sizer: Sizer,
    /// `partition::metadata_keys`: requests are put together only when these metadata of their senders are equal.
    pub metadata_keys: Vec<String>,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            flush_timeout: Duration::from_millis(200),
            min_size: 8192,
            max_size: 0,
            sizer: Sizer::Items,
            metadata_keys: Vec::new(),
        }
    }
}

impl Batch {
    /// Reads the block; `sizer` is that of the queue when it has one that a batch can have.
    pub fn read(section: &mut Section<'_>, sizer: Option<Sizer>) -> Self {
        let defaults = Self::default();
        let partition = section
            .section("partition", |section| section.or("metadata_keys", Vec::<String>::new()));
        let batch = Self {
            flush_timeout: section.or("flush_timeout", defaults.flush_timeout),
            min_size: section.or("min_size", defaults.min_size),
            max_size: section.or("max_size", defaults.max_size),
            sizer: section.choice("sizer", &SIZERS).or(sizer).unwrap_or(defaults.sizer),
            metadata_keys: partition.unwrap_or_default(),
        };
        batch.check(section);
        batch
    }

    fn check(&self, section: &mut Section<'_>) {
        if self.sizer == Sizer::Requests {
            section.problem(Some("sizer"), "must be `items` or `bytes` here");
        }
        if self.flush_timeout.is_zero() {
            section.problem(Some("flush_timeout"), "must be longer than nothing");
        }
        if self.max_size > 0 && self.max_size < self.min_size {
            let (least, most) = (self.min_size, self.max_size);
            section.problem(
                Some("max_size"),
                format!("must not be less than the min_size {least}, and is {most}"),
            );
        }
        let mut keys: Vec<String> =
            self.metadata_keys.iter().map(|key| key.to_lowercase()).collect();
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            section.problem(Some("partition"), "has the same key twice, in whatever case");
        }
    }
}

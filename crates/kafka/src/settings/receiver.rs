//! Settings of the receiver `kafka`.

use std::time::Duration;

use rdkafka::ClientConfig;
use spandrel_config::Section;
use spandrel_config::blocks::Retry;

use super::client::ClientSettings;
use crate::encoding::Encoding;

/// What librdkafka holds of records that nobody has asked for yet, at most, besides one answer of a broker.
pub(crate) const PREFETCHED_BYTES_MAX: usize = 8 << 20;
/// The largest answer of a broker that librdkafka takes when the settings do not ask for more.
const ANSWER_BYTES: u64 = 100_000_000;

/// `kafka`: which topics are read, as whom, and when a record counts as read.
#[derive(Debug, Clone, PartialEq)]
pub struct KafkaReceiverSettings {
    /// How the cluster is reached.
    pub client: ClientSettings,
    /// Topics; with `^` at its begin, a pattern.
    pub topics: Vec<String>,
    /// Patterns of topics that are not read although a pattern asks for them.
    pub exclude_topics: Vec<String>,
    /// How spans are written; the name of an encoding that is not of spans is an error.
    pub encoding: Result<Encoding, String>,
    /// The consumer group.
    pub group_id: String,
    /// A name that makes this member of the group the same one after a restart; empty for none.
    pub group_instance_id: String,
    /// How partitions are given to the members of the group, in librdkafka's words.
    pub assignment_strategy: String,
    /// Where a group begins that has read nothing yet.
    pub initial_offset: InitialOffset,
    /// A member that is silent for this long is out of the group.
    pub session_timeout: Duration,
    /// How often a member says that it is there.
    pub heartbeat_interval: Duration,
    /// Bytes that a broker waits for before it answers.
    pub min_fetch_size: u64,
    /// Bytes of an answer; 0 for librdkafka's default.
    pub max_fetch_size: u64,
    /// Bytes of an answer that one partition may take.
    pub max_partition_fetch_size: u64,
    /// How long a broker waits for them.
    pub max_fetch_wait: Duration,
    /// How often what was read is committed; `None` at once, record by record.
    pub autocommit_interval: Option<Duration>,
    /// When a record counts as read.
    pub marking: Marking,
    /// Waits between attempts to hand a record on.
    pub error_backoff: Retry,
    /// Whether attempts end after `max_elapsed_time`. They do only where the record counts as read then.
    pub gives_up: bool,
    /// Whether headers of records become attributes of resources.
    pub extract_headers: bool,
    /// Which headers.
    pub headers: Vec<String>,
}

/// Where a group begins that has read nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InitialOffset {
    /// At records that come from now on.
    Latest,
    /// At the first record that there is.
    Earliest,
}

/// When a record counts as read, so that the group does not read it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marking {
    /// When the pipeline has taken it, and not as soon as it came.
    pub after: bool,
    /// Also when the pipeline did not take it at any attempt.
    pub on_error: bool,
    /// Also when it is malformed or the pipeline refused it for good.
    pub on_permanent_error: bool,
}

impl Default for Marking {
    fn default() -> Self {
        Self { after: true, on_error: false, on_permanent_error: true }
    }
}

impl KafkaReceiverSettings {
    /// Reads the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let client = ClientSettings::read(section);
        let topics = Topics::read(section);
        let headers = section.section("header_extraction", |section| {
            (section.or("extract_headers", false), section.or("headers", Vec::<String>::new()))
        });
        let (extract_headers, headers) = headers.unwrap_or_default();
        let autocommit = section.section("autocommit", |section| {
            (section.or("enable", true), section.or("interval", Duration::from_secs(1)))
        });
        let (commits, interval) = autocommit.unwrap_or((true, Duration::from_secs(1)));
        let (error_backoff, limits_attempts) = read_backoff(section);
        let marking = read_marking(section);
        section.value("telemetry");
        let fetch = |section: &mut Section<'_>, key, default| section.or(key, default);
        let settings = Self {
            client,
            topics: topics.topics,
            exclude_topics: topics.exclude,
            encoding: topics.encoding,
            group_id: section.or("group_id", "otel-collector".to_owned()),
            group_instance_id: section.or("group_instance_id", String::new()),
            assignment_strategy: read_strategy(section),
            initial_offset: section
                .choice("initial_offset", &OFFSETS)
                .unwrap_or(InitialOffset::Latest),
            session_timeout: section.or("session_timeout", Duration::from_secs(10)),
            heartbeat_interval: section.or("heartbeat_interval", Duration::from_secs(3)),
            min_fetch_size: fetch(section, "min_fetch_size", 1),
            max_fetch_size: fetch(section, "max_fetch_size", 1 << 20),
            max_partition_fetch_size: fetch(section, "max_partition_fetch_size", 1 << 20),
            max_fetch_wait: section.or("max_fetch_wait", Duration::from_millis(250)),
            autocommit_interval: commits.then_some(interval.max(Duration::from_millis(1))),
            gives_up: limits_attempts && marking.on_error,
            marking,
            error_backoff,
            extract_headers,
            headers,
        };
        settings.check(section);
        settings
    }

    fn check(&self, section: &mut Section<'_>) {
        if self.group_id.is_empty() {
            section.problem(Some("group_id"), "must not be empty");
        }
        if self.heartbeat_interval >= self.session_timeout {
            section.problem(Some("heartbeat_interval"), "must be less than `session_timeout`");
        }
        if !self.exclude_topics.is_empty() && !self.topics.iter().any(|t| t.starts_with('^')) {
            let message = "`exclude_topics` needs a topic that is a pattern, with `^` at its begin";
            section.problem(Some("traces"), message);
        }
    }

    /// The settings in librdkafka's words.
    pub(crate) fn to_config(&self) -> ClientConfig {
        let mut config = self.client.to_config();
        let millis = |duration: Duration| duration.as_millis().max(1).to_string();
        let offset = match self.initial_offset {
            InitialOffset::Latest => "latest",
            InitialOffset::Earliest => "earliest",
        };
        config
            .set("group.id", &self.group_id)
            .set("partition.assignment.strategy", &self.assignment_strategy)
            .set("auto.offset.reset", offset)
            .set("session.timeout.ms", millis(self.session_timeout))
            .set("heartbeat.interval.ms", millis(self.heartbeat_interval))
            .set("fetch.min.bytes", self.min_fetch_size.clamp(1, 100_000_000).to_string())
            .set("fetch.wait.max.ms", millis(self.max_fetch_wait))
            .set("max.partition.fetch.bytes", self.max_partition_fetch_size.max(1).to_string())
            .set("queued.max.messages.kbytes", (PREFETCHED_BYTES_MAX / 1024).to_string())
            .set("queued.min.messages", "1000")
            // Offsets are stored when the pipeline has answered, and what is stored is committed.
            .set("enable.auto.offset.store", "false")
            .set("enable.auto.commit", self.autocommit_interval.is_some().to_string());
        if let Some(interval) = self.autocommit_interval {
            config.set("auto.commit.interval.ms", millis(interval));
        }
        if self.max_fetch_size > 0 {
            // A record that is larger still comes: an answer has at least one.
            config.set("fetch.max.bytes", self.max_fetch_size.to_string());
            let answer = self.max_fetch_size.saturating_add(1024).max(ANSWER_BYTES);
            config.set("receive.message.max.bytes", answer.to_string());
            config.set("message.max.bytes", self.max_fetch_size.clamp(1000, 1_000_000).to_string());
        }
        if !self.group_instance_id.is_empty() {
            config.set("group.instance.id", &self.group_instance_id);
        }
        if !self.exclude_topics.is_empty() {
            config.set("topic.blacklist", self.exclude_topics.join(","));
        }
        config
    }
}

const OFFSETS: [(&str, InitialOffset); 3] = [
    ("latest", InitialOffset::Latest),
    ("earliest", InitialOffset::Earliest),
    ("", InitialOffset::Latest),
];

/// Topics and their encoding, in the form of today and in the older one.
struct Topics {
    topics: Vec<String>,
    exclude: Vec<String>,
    encoding: Result<Encoding, String>,
}

impl Topics {
    fn read(section: &mut Section<'_>) -> Self {
        let old_topic: Option<String> = section.get("topic");
        let old_encoding = read_encoding(section);
        let traces = section.section("traces", |section| {
            let topic: Option<String> = section.get("topic");
            let mut topics: Vec<String> = section.or("topics", Vec::new());
            topics.extend(topic.filter(|topic| !topic.is_empty()));
            (topics, section.or("exclude_topics", Vec::new()), read_encoding(section))
        });
        for key in ["logs", "metrics", "profiles"] {
            section.value(key);
        }
        let (mut topics, exclude, encoding) = traces.unwrap_or_default();
        if topics.is_empty() {
            topics.extend(old_topic.filter(|topic| !topic.is_empty()));
        }
        if topics.is_empty() {
            topics.push("otlp_spans".to_owned());
        }
        let encoding = encoding.or(old_encoding).unwrap_or(Ok(Encoding::OtlpProto));
        Self { topics, exclude, encoding }
    }
}

/// Settings may be shared with pipelines of logs, whose encodings are none of spans: that is a mistake only when
/// the receiver is built for spans.
fn read_encoding(section: &mut Section<'_>) -> Option<Result<Encoding, String>> {
    let name: String = section.get("encoding").filter(|name: &String| !name.is_empty())?;
    Some(Encoding::of_name(&name).ok_or(name))
}

fn read_strategy(section: &mut Section<'_>) -> String {
    let one: Option<String> = section.get("group_rebalance_strategy");
    let mut strategies: Vec<String> = section.or("group_rebalance_strategies", Vec::new());
    if strategies.is_empty() {
        strategies.push(one.unwrap_or_else(|| "cooperative-sticky".to_owned()));
    }
    for strategy in &strategies {
        let message = match strategy.as_str() {
            "range" | "roundrobin" | "cooperative-sticky" => continue,
            "sticky" => "there is no `sticky` here; use `cooperative-sticky` in all of the group",
            _ => "must be `range`, `roundrobin` or `cooperative-sticky`",
        };
        section.problem(Some("group_rebalance_strategy"), message);
    }
    strategies.join(",")
}

fn read_marking(section: &mut Section<'_>) -> Marking {
    let defaults = Marking::default();
    let marking = section.section("message_marking", |section| {
        let after = section.or("after", defaults.after);
        if !after {
            let message = "records count as read before they are safe: a crash loses them";
            section.warn(Some("after"), message);
        }
        Marking {
            after,
            on_error: section.or("on_error", defaults.on_error),
            on_permanent_error: section.or("on_permanent_error", defaults.on_permanent_error),
        }
    });
    marking.unwrap_or(defaults)
}

/// Waits, and whether attempts end. Without the block, or with one that is off, they go on until the record is
/// taken.
fn read_backoff(section: &mut Section<'_>) -> (Retry, bool) {
    let defaults = Retry {
        initial_interval: Duration::from_millis(500),
        max_interval: Duration::from_secs(30),
        ..Retry::default()
    };
    // Off unless it says otherwise, unlike other sections.
    let read = section.section("error_backoff", |section| {
        let is_on = section.or("enabled", false);
        let defaults = Retry { max_elapsed_time: Duration::ZERO, ..defaults.clone() };
        (Retry::read_with(section, defaults), is_on)
    });
    match read {
        Some((retry, true)) => {
            let limits_attempts = !retry.max_elapsed_time.is_zero();
            (retry, limits_attempts)
        }
        _ => (defaults, false),
    }
}

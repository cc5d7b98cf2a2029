//! What a provisioning file of Grafana says about how its Tempo data sources lead to other signals
//! (<https://grafana.com/docs/grafana/latest/datasources/tempo/configure-tempo-data-source/>).

use serde::Serialize;
use spandrel_config::{Problem, Value, ValueKind};
use url::Url;

use super::{list_of, text_of};

/// The type of the data sources whose spans are ours.
const TEMPO: &str = "tempo";
/// How far around a span is looked, where the file does not say.
const AROUND_MILLIS: i64 = 2 * 60_000;
/// Attributes that labels of logs are known for, where the file names none.
const TAGS_OF_LOGS: [&str; 6] =
    ["cluster", "hostname", "namespace", "pod", "service.name", "service.namespace"];

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Signal {
    Logs,
    Metrics,
    Profiles,
}

/// A link to Grafana's Explore, for every span.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Explore {
    signal: Signal,
    text: String,
    /// Where Grafana is, without a slash at the end.
    grafana: String,
    datasource_uid: String,
    /// `loki`, `prometheus`; `None` when the file does not have that data source.
    datasource_type: Option<String>,
    tags: Vec<Tag>,
    /// With `$__tags` and `${__span.traceId}`; `None` for the usual one of the data source.
    query: Option<String>,
    by_trace_id: bool,
    by_span_id: bool,
    profile_type: Option<String>,
    /// Added to the start of the span, and to its end, for the range of time.
    start_shift_millis: i64,
    end_shift_millis: i64,
}

/// An attribute, and the label that has its value.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Tag {
    key: String,
    label: String,
}

/// A section of a data source, being read.
struct Reader<'a> {
    section: &'a Value,
    sources: &'a [Value],
    grafana: &'a Url,
    path: String,
}

pub(super) fn read(sources: &[Value], grafana: &Url, problems: &mut Vec<Problem>) -> Vec<Explore> {
    let mut all = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        let is_tempo = source.member("type").and_then(Value::as_text) == Some(TEMPO);
        let Some(settings) = source.member("jsonData").filter(|_| is_tempo) else { continue };
        for (key, signal) in [
            ("tracesToLogsV2", Signal::Logs),
            ("tracesToMetrics", Signal::Metrics),
            ("tracesToProfiles", Signal::Profiles),
        ] {
            let Some(section) = settings.member(key) else { continue };
            let path = format!("datasources::{number}::jsonData::{key}");
            Reader { section, sources, grafana, path }.links(signal, &mut all, problems);
        }
    }
    all
}

impl Reader<'_> {
    fn links(&self, signal: Signal, all: &mut Vec<Explore>, problems: &mut Vec<Problem>) {
        let Some(link) = self.link(signal, problems) else { return };
        if signal != Signal::Metrics {
            all.push(link);
            return;
        }
        let queries = list_of(self.section, "queries").unwrap_or_default();
        for (number, query) in queries.iter().enumerate() {
            let path = format!("{}::queries::{number}", self.path);
            let name = text_of(query, "name", &path, problems).filter(|name| !name.is_empty());
            let text = name.unwrap_or(&link.text).to_owned();
            let query = text_of(query, "query", &path, problems).map(unescaped);
            all.push(Explore { text, query, ..link.clone() });
        }
    }

    /// The link of this section; `None` when it names no data source.
    fn link(&self, signal: Signal, problems: &mut Vec<Problem>) -> Option<Explore> {
        let mut text = |key| text_of(self.section, key, &self.path, problems);
        let uid = text("datasourceUid")?;
        let (query, profile) = (text("query"), text("profileTypeId"));
        let known = self.sources.iter().find(|source| has_uid(source, uid));
        let of_source = |key| known.and_then(|source| source.member(key)?.as_text());
        let word = match signal {
            Signal::Logs => "Logs",
            Signal::Metrics => "Metrics",
            Signal::Profiles => "Profiles",
        };
        Some(Explore {
            signal,
            text: of_source("name")
                .map_or_else(|| word.to_owned(), |name| format!("{word} in {name}")),
            grafana: self.grafana.as_str().trim_end_matches('/').to_owned(),
            datasource_uid: uid.to_owned(),
            datasource_type: of_source("type").map(str::to_owned),
            tags: self.tags(signal, problems),
            query: query.filter(|_| self.flag("customQuery")).map(unescaped),
            by_trace_id: self.flag("filterByTraceID"),
            by_span_id: self.flag("filterBySpanID"),
            profile_type: profile.map(str::to_owned),
            start_shift_millis: self.shift("spanStartTimeShift", -AROUND_MILLIS, problems),
            end_shift_millis: self.shift("spanEndTimeShift", AROUND_MILLIS, problems),
        })
    }

    fn flag(&self, key: &str) -> bool {
        self.section.member(key).map(|value| &value.kind) == Some(&ValueKind::Bool(true))
    }

    fn tags(&self, signal: Signal, problems: &mut Vec<Problem>) -> Vec<Tag> {
        let tag = |key: &str, label: Option<&str>| Tag {
            key: key.to_owned(),
            // A label has no dots.
            label: label
                .filter(|label| !label.is_empty())
                .map_or_else(|| key.replace('.', "_"), str::to_owned),
        };
        let Some(list) = list_of(self.section, "tags") else {
            let usual = if signal == Signal::Logs { &TAGS_OF_LOGS[..] } else { &[] };
            return usual.iter().map(|key| tag(key, None)).collect();
        };
        let path = format!("{}::tags", self.path);
        let mut tags = Vec::new();
        for entry in list {
            match text_of(entry, "key", &path, problems).or_else(|| entry.as_text()) {
                Some(key) => tags.push(tag(key, text_of(entry, "value", &path, problems))),
                None => problems.push(Problem::at(&entry.position, &path, "must have a `key`")),
            }
        }
        tags
    }

    fn shift(&self, key: &str, default: i64, problems: &mut Vec<Problem>) -> i64 {
        let Some(text) = text_of(self.section, key, &self.path, problems) else { return default };
        shift_millis(text).unwrap_or_else(|| {
            let message = format!("must be a duration such as `-1h` or `5m`, not `{text}`");
            let path = format!("{}::{key}", self.path);
            problems.push(Problem::at(&self.section.position, path, message));
            default
        })
    }
}

fn has_uid(source: &Value, uid: &str) -> bool {
    source.member("uid").and_then(Value::as_text) == Some(uid)
}

/// `$$` is how a provisioning file writes `$`.
fn unescaped(text: &str) -> String {
    text.replace("$$", "$")
}

/// `-1h`, `5m`, `100ms`.
fn shift_millis(text: &str) -> Option<i64> {
    let (sign, rest) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = rest.split_at(end);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<i64>().ok()?.checked_mul(unit)?.checked_mul(sign)
}

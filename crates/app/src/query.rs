//! `spandrel query`: TraceQL to a table.

mod inspected;
mod metrics;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use jiff::Timestamp;
use spandrel_base::clock::{Clock, SystemClock};
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::tempo::{SearchResponse, Span, SpanSet, TraceSearchMetadata};

use crate::api_client::{ApiClient, EndpointArgs, JSON, Refused, next_cursor};
use crate::duration::{format_nanos, parse_duration};
use crate::output;
use crate::table::{self, Align};

/// What to look for.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  spandrel query '{ resource.service.name = \"cart\" && status = error }'
  spandrel query '{ span.http.route = \"/cart\" && duration > 100ms }' --since 1h --spans 3
  spandrel query '{ span.http.route = \"/cart\" } >> { status = error } | count() > 2'
  spandrel query '{ }' --order duration --limit 5 --json
  spandrel query '{ span.order.id = \"7f3a\" }' --explain
  spandrel query '{ } | rate() by (resource.service.name)' --since 6h")]
pub(crate) struct QueryArgs {
    /// A TraceQL query, in single quotes
    query: String,

    #[command(flatten)]
    endpoint: EndpointArgs,

    /// Only the last hour, day ... (1h, 1d) [default: everything]
    #[arg(long, value_parser = parse_duration, conflicts_with_all = ["start", "end"])]
    since: Option<Duration>,

    /// From this time: 2026-01-31T12:00:00Z or Unix seconds
    #[arg(long, value_parser = parse_time)]
    start: Option<i64>,

    /// To this time [default: now]
    #[arg(long, value_parser = parse_time)]
    end: Option<i64>,

    /// How many traces at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,

    /// Which traces come first: by start the newest, by duration the longest
    #[arg(long, value_name = "start|duration", default_value_t, value_parser = parse_order)]
    order: Order,

    /// Only what comes behind this position: the `nextCursor` of another answer in the same order
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,

    /// Say what the search looked at, and why it did not look at the rest
    #[arg(long)]
    explain: bool,

    /// Also list this many matching spans of each trace
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=100))]
    spans: u32,

    /// Print the server's answer as JSON
    #[arg(long)]
    json: bool,

    /// Width of the table
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,
}

/// Asks, and prints what was found.
pub(crate) async fn run(args: QueryArgs) -> anyhow::Result<ExitCode> {
    let client = ApiClient::new(&args.endpoint)?;
    let now = SystemClock::new().now_unix_nanos();
    let parameters = parameters(&args, i64::try_from(now)?)?;
    if metrics::is_metrics(&args.query) {
        let answer = metrics::run(&client, &parameters, args.json, args.width).await;
        return answer.map_err(|error| explain(error, &args.query));
    }
    if args.json {
        let answer = client.get_with_headers("/api/search", &parameters, JSON).await;
        let (headers, body) = answer.map_err(|error| explain(error, &args.query))?;
        let body = String::from_utf8_lossy(&body);
        output::print(&format!("{}\n", with_cursor(body.trim_end(), next_cursor(&headers))))?;
        return Ok(ExitCode::SUCCESS);
    }
    let page = client.search_page(&parameters).await;
    let (found, next) = page.map_err(|error| explain(error, &args.query))?;
    if found.traces.is_empty() {
        output::note("no trace matches\n");
    } else {
        output::print(&render(&found, args.spans as usize, args.width))?;
    }
    if args.explain {
        output::print(&inspected::render(&found.metrics.unwrap_or_default()))?;
    }
    if found.traces.len() >= args.limit as usize {
        let go_on = next.map(|next| format!(", --after {next} goes on")).unwrap_or_default();
        let first = args.order.adjective();
        output::note(&format!("the {first} {}; --limit shows more{go_on}\n", args.limit));
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer with the position behind it, which Tempo's message has no place for.
fn with_cursor(json: &str, next: Option<String>) -> String {
    match (json.strip_suffix('}'), next) {
        // The answer always has its metrics, and cursors need no escapes.
        (Some(members), Some(next)) => format!("{members},\"nextCursor\":\"{next}\"}}"),
        _ => json.to_owned(),
    }
}

/// Which traces come first.
#[derive(Debug, Clone, Copy, Default)]
enum Order {
    #[default]
    Start,
    Duration,
}

impl Order {
    /// What the server calls it.
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Duration => "duration",
        }
    }

    fn adjective(self) -> &'static str {
        match self {
            Self::Start => "newest",
            Self::Duration => "longest",
        }
    }
}

impl std::fmt::Display for Order {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

fn parse_order(word: &str) -> Result<Order, String> {
    let known = [Order::Start, Order::Duration].into_iter().find(|order| order.word() == word);
    known.ok_or_else(|| "traces are ordered by start or duration".to_owned())
}

fn parameters(args: &QueryArgs, now: i64) -> anyhow::Result<Vec<(&'static str, String)>> {
    let mut parameters = vec![
        ("q", args.query.clone()),
        ("limit", args.limit.to_string()),
        ("spss", args.spans.max(1).to_string()),
    ];
    // A server that does not know these is only told where they say something.
    if let Order::Duration = args.order {
        parameters.push(("order", args.order.word().to_owned()));
    }
    parameters.extend(args.after.clone().map(|after| ("after", after)));
    let start = match args.since {
        Some(since) => {
            Some(now.saturating_sub(i64::try_from(since.as_nanos())?).max(1_000_000_000))
        }
        None => args.start,
    };
    let range = match (start, args.end) {
        (None, None) => return Ok(parameters),
        // From the beginning; the APIs take times of fewer digits for seconds.
        (None, Some(end)) => (1_000_000_000_000, end),
        (Some(start), end) => (start, end.unwrap_or(now)),
    };
    if range.1 <= range.0 {
        bail!("the end of the time range is not after its start");
    }
    parameters.extend([("start", range.0.to_string()), ("end", range.1.to_string())]);
    Ok(parameters)
}

/// Unix nanoseconds of an RFC 3339 time or of Unix seconds.
pub(crate) fn parse_time(text: &str) -> Result<i64, String> {
    let time = match text.parse::<i64>() {
        Ok(seconds) => Timestamp::from_second(seconds).ok(),
        Err(_) => text.parse::<Timestamp>().ok(),
    };
    let nanos = time.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
    nanos.ok_or_else(|| "a time is 2026-01-31T12:00:00Z or Unix seconds".to_owned())
}

/// A query that the server does not understand, with a caret under the place.
pub(crate) fn explain(error: anyhow::Error, query: &str) -> anyhow::Error {
    match error.downcast_ref::<Refused>() {
        Some(refused) if refused.status.as_u16() == 400 => {
            anyhow::anyhow!("{}", pointed(&refused.message, query))
        }
        _ => error,
    }
}

pub(crate) fn pointed(message: &str, query: &str) -> String {
    let Some((line, column)) = position(message) else { return message.to_owned() };
    let Some(text) = line.checked_sub(1).and_then(|line| query.lines().nth(line)) else {
        return message.to_owned();
    };
    let caret = " ".repeat(column.saturating_sub(1).min(text.chars().count()));
    format!("{message}\n\n    {}\n    {caret}^", table::fit(text, usize::MAX))
}

/// Line and column in `parse error at line 1, col 14: ...`.
fn position(message: &str) -> Option<(usize, usize)> {
    let (_, rest) = message.split_once("at line ")?;
    let (line, rest) = rest.split_once(", col ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((line.parse().ok()?, rest.get(..digits)?.parse().ok()?))
}

fn render(found: &SearchResponse, n_spans: usize, width: usize) -> String {
    let headings = [
        ("TRACE", Align::Left),
        ("START (UTC)", Align::Left),
        ("DURATION", Align::Right),
        ("MATCHED", Align::Right),
        ("ROOT", Align::Left),
    ];
    let rows: Vec<_> = found.traces.iter().map(row).collect();
    let table = table::render(headings, &rows, width);
    if n_spans == 0 {
        return table;
    }
    let mut lines = table.lines();
    let mut out = lines.next().unwrap_or_default().to_owned();
    for (trace, line) in found.traces.iter().zip(lines) {
        out.push('\n');
        out.push_str(line);
        for set in &trace.span_sets {
            let group = (!set.attributes.is_empty()).then(|| describe_group(set));
            let spans = set.spans.iter().take(n_spans).map(describe);
            for text in group.into_iter().chain(spans) {
                out.push('\n');
                out.push_str(&table::fit(&format!("  {text}"), width));
            }
        }
    }
    out.push('\n');
    out
}

fn row(trace: &TraceSearchMetadata) -> [String; 5] {
    let duration = match trace.duration_ms {
        0 => "<1ms".to_owned(),
        ms => format_nanos(i64::from(ms) * 1_000_000),
    };
    let matched: u32 = trace.span_sets.iter().map(|set| set.matched).sum();
    let root = match trace.root_trace_name.as_str() {
        "" => trace.root_service_name.clone(),
        name => format!("{}: {name}", trace.root_service_name),
    };
    [
        format!("{:0>32}", trace.trace_id),
        format_time(trace.start_time_unix_nano),
        duration,
        matched.to_string(),
        root,
    ]
}

/// `2026-01-31 12:00:00.123`, in UTC.
pub(crate) fn format_time(unix_nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S.%3f").to_string()
}

/// `2026-01-31 12:00:00`, in UTC.
pub(crate) fn format_time_seconds(unix_nanos: u64) -> String {
    let time = Timestamp::from_nanosecond(i128::from(unix_nanos)).unwrap_or_default();
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// One line: what a group of spans has in common.
fn describe_group(set: &SpanSet) -> String {
    let attributes =
        set.attributes.iter().map(|attribute| format!("{}={}", attribute.key, value_of(attribute)));
    format!("{} matched  {}", set.matched, attributes.collect::<Vec<_>>().join("  "))
}

/// One line: id, duration, name where the query looked at it, attributes.
fn describe(span: &Span) -> String {
    let duration = format_nanos(i64::try_from(span.duration_nanos).unwrap_or(i64::MAX));
    let mut line = format!("{}  {duration:>7}", span.span_id);
    if !span.name.is_empty() {
        line.push_str(&format!("  {}", span.name));
    }
    for attribute in &span.attributes {
        line.push_str(&format!("  {}={}", attribute.key, value_of(attribute)));
    }
    line
}

fn value_of(attribute: &KeyValue) -> String {
    match attribute.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(_) => "...".to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use expect_test::expect;
    use spandrel_proto::otlp::common::AnyValue;

    use super::*;

    fn answer() -> SearchResponse {
        let attribute = KeyValue {
            key: "http.response.status_code".to_owned(),
            value: Some(AnyValue { value: Some(Value::IntValue(503)) }),
        };
        let span = Span {
            span_id: "563d623c76514f8e".to_owned(),
            name: "POST /pay".to_owned(),
            duration_nanos: 12_500_000,
            attributes: vec![attribute],
            ..Span::default()
        };
        let trace = TraceSearchMetadata {
            trace_id: "f3e0cee77ae5dc9c17ade3689eb2e54".to_owned(),
            root_service_name: "frontend".to_owned(),
            root_trace_name: "POST /checkout with a name that is too long for the line".to_owned(),
            start_time_unix_nano: 1_767_225_600_250_000_000,
            duration_ms: 557,
            span_sets: vec![SpanSet { spans: vec![span], matched: 2, attributes: vec![] }],
            ..TraceSearchMetadata::default()
        };
        let fast = TraceSearchMetadata {
            trace_id: "1".to_owned(),
            root_service_name: "<root span not yet received>".to_owned(),
            ..TraceSearchMetadata::default()
        };
        SearchResponse { traces: vec![trace, fast], ..SearchResponse::default() }
    }

    #[test]
    fn a_trace_is_a_row() {
        expect![[r#"
            TRACE                             START (UTC)              DURATION  MATCHED  ROOT
            0f3e0cee77ae5dc9c17ade3689eb2e54  2026-01-01 00:00:00.250     557ms        2  frontend: POST /che..
            00000000000000000000000000000001  1970-01-01 00:00:00.000      <1ms        0  <root span not yet ..
        "#]]
        .assert_eq(&render(&answer(), 0, 99));
    }

    #[test]
    fn matching_spans_stand_below_their_trace() {
        let text = render(&answer(), 1, 80);
        assert_eq!(
            text.lines().nth(2),
            Some("  563d623c76514f8e   12.5ms  POST /pay  http.response.status_code=503")
        );
    }

    #[test]
    fn groups_stand_above_their_spans() {
        let mut answer = answer();
        let name = AnyValue { value: Some(Value::StringValue("shop".to_owned())) };
        let attribute = KeyValue { key: "by(resource.service.name)".to_owned(), value: Some(name) };
        answer.traces[0].span_sets[0].attributes = vec![attribute];
        let text = render(&answer, 1, 80);
        let lines: Vec<&str> = text.lines().skip(2).take(2).collect();
        assert_eq!(
            lines,
            [
                "  2 matched  by(resource.service.name)=shop",
                "  563d623c76514f8e   12.5ms  POST /pay  http.response.status_code=503"
            ]
        );
    }

    #[test]
    fn the_position_behind_an_answer_is_a_member_of_its_own() {
        let next = Some("start:5:ab".to_owned());
        let json = with_cursor(r#"{"metrics":{"totalJobs":1}}"#, next);
        assert_eq!(json, r#"{"metrics":{"totalJobs":1},"nextCursor":"start:5:ab"}"#);
        assert_eq!(with_cursor("{}", None), "{}");
    }

    #[test]
    fn a_parse_error_points_at_its_place() {
        let message = "parse error at line 1, col 7: syntax error: unexpected }";
        expect![[r#"
            parse error at line 1, col 7: syntax error: unexpected }

                { .a =}
                      ^"#]]
        .assert_eq(&pointed(message, "{ .a =}"));
        for message in ["no position", "parse error at line 9, col 1: x", "at line 0, col 0"] {
            assert_eq!(pointed(message, "{ }"), message);
        }
    }

    #[test]
    fn ranges_are_whole() {
        let given = |line: &str| {
            let line = format!("spandrel query q {line}");
            let cli = crate::cli::Cli::parse_from(line.split_whitespace());
            let Some(crate::cli::Command::Query(args)) = cli.command else { panic!("{cli:?}") };
            let parameters = parameters(&args, 1_767_225_600_000_000_000);
            parameters
                .map(|all| all.into_iter().skip(3).map(|(_, value)| value).collect::<Vec<_>>())
        };
        let now = "1767225600000000000";
        assert_eq!(given("").unwrap(), [""; 0]);
        assert_eq!(given("--since 1h").unwrap(), ["1767222000000000000", now]);
        assert_eq!(given("--start 2025-12-31T23:00:00Z").unwrap(), ["1767222000000000000", now]);
        assert_eq!(given("--end 1767225600").unwrap(), ["1000000000000", now]);
        assert!(given("--start 2026-01-02T00:00:00Z").is_err());
    }
}

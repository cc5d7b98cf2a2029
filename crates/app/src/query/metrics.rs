//! `spandrel query` with a metrics query: a line for each series.

use std::process::ExitCode;

use anyhow::Context;
use prost::Message;
use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value;
use spandrel_proto::tempo::{QueryRangeResponse, TimeSeries};
use spandrel_traceql::ast::Root;

use crate::api_client::{ApiClient, JSON, PROTOBUF};
use crate::output;
use crate::table::{self, Align};

const PATH: &str = "/api/metrics/query_range";

/// Whether a query yields series. What does not parse is the server's to explain.
pub(super) fn is_metrics(query: &str) -> bool {
    spandrel_traceql::parse(query).is_ok_and(|query| matches!(query.root, Root::Metrics(_)))
}

/// Asks, and prints the series.
pub(super) async fn run(
    client: &ApiClient,
    parameters: &[(&'static str, String)],
    json: bool,
    width: usize,
) -> anyhow::Result<ExitCode> {
    if json {
        let body = client.get(PATH, parameters, JSON).await?;
        output::print(&format!("{}\n", String::from_utf8_lossy(&body).trim_end()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let body = client.get(PATH, parameters, PROTOBUF).await?;
    let answer = QueryRangeResponse::decode(body).context("the answer has no series")?;
    if answer.series.is_empty() {
        output::note("no series\n");
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&render(&answer, width))?;
    if !answer.message.is_empty() {
        output::note(&format!("{}\n", answer.message));
    }
    Ok(ExitCode::SUCCESS)
}

fn render(answer: &QueryRangeResponse, width: usize) -> String {
    let headings = [
        ("LAST", Align::Right),
        ("MIN", Align::Right),
        ("MEAN", Align::Right),
        ("MAX", Align::Right),
        ("SERIES", Align::Left),
    ];
    table::render(headings, &answer.series.iter().map(row).collect::<Vec<_>>(), width)
}

fn row(series: &TimeSeries) -> [String; 5] {
    let values = || series.samples.iter().map(|sample| sample.value);
    let mean = values().sum::<f64>() / series.samples.len().max(1) as f64;
    [
        number(values().next_back().unwrap_or(f64::NAN)),
        number(values().reduce(f64::min).unwrap_or(f64::NAN)),
        number(mean),
        number(values().reduce(f64::max).unwrap_or(f64::NAN)),
        series.labels.iter().map(label).collect::<Vec<_>>().join(" "),
    ]
}

/// Four significant digits are enough to compare series by.
fn number(value: f64) -> String {
    let digits = value.abs().log10().floor();
    match digits {
        _ if value == 0.0 || !value.is_finite() => value.to_string(),
        4.0.. => format!("{value:.0}"),
        -3.0.. => {
            let text = format!("{value:.*}", (3.0 - digits) as usize);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format!("{value:.3e}"),
    }
}

fn label(label: &KeyValue) -> String {
    let value = match label.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        _ => "...".to_owned(),
    };
    format!("{}={value}", label.key)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spandrel_proto::otlp::common::AnyValue;
    use spandrel_proto::tempo::Sample;

    use super::*;

    #[test]
    fn a_series_is_a_row() {
        let series = |service: &str, values: &[f64]| TimeSeries {
            labels: vec![KeyValue {
                key: "resource.service.name".to_owned(),
                value: Some(AnyValue { value: Some(Value::StringValue(service.to_owned())) }),
            }],
            samples: values.iter().map(|value| Sample { timestamp_ms: 0, value: *value }).collect(),
            exemplars: Vec::new(),
        };
        let series = vec![series("cart", &[1.5, 0.0, 123_456.0]), series("shop", &[0.000_012_345])];
        let answer = QueryRangeResponse { series, ..QueryRangeResponse::default() };
        expect![[r#"
                LAST       MIN      MEAN       MAX  SERIES
              123456         0     41152    123456  resource.service.name=cart
            1.234e-5  1.234e-5  1.234e-5  1.234e-5  resource.service.name=shop
        "#]]
        .assert_eq(&render(&answer, 80));
    }

    #[test]
    fn only_metrics_queries_yield_series() {
        assert!(is_metrics("{ } | rate()"));
        assert!(is_metrics("({ } | rate()) * 2"));
        assert!(!is_metrics("{ } | count() > 1"));
        assert!(!is_metrics("{ } | rate("));
    }
}

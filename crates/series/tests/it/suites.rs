//! The conformance data of metrics in `../shared/suites/traceql`.

use serde_json::Value;
use spandrel_series::{Intervals, Labels, Series, bucket_of, bucket_size, default_step, quantile};
use spandrel_suites::metrics::{is_same, number};
use spandrel_suites::{Outcome, member, run};
use spandrel_traceql::Static;
use spandrel_traceql::ast::SecondStage;

use crate::spans::{TestSpan, evaluate, metrics};

fn static_of(value: &Value) -> Static {
    let inner = &value["value"];
    match value["type"].as_str().unwrap() {
        "string" => Static::String(inner.as_str().unwrap().to_owned()),
        "int" => Static::Int(inner.as_i64().unwrap()),
        "float" => Static::Float(number(inner)),
        "bool" => Static::Bool(inner.as_bool().unwrap()),
        "duration" => Static::Duration(inner.as_i64().unwrap()),
        "nil" => Static::Nil,
        other => panic!("a value of type {other}"),
    }
}

fn span(value: &Value) -> TestSpan {
    let attributes = value["attributes"].as_object().unwrap().iter();
    TestSpan {
        number: 0,
        start: value["startTimeUnixNano"].as_i64().unwrap(),
        duration: value["durationNanos"].as_i64().unwrap(),
        weight: 1.0,
        attributes: attributes.map(|(key, value)| (key.clone(), static_of(value))).collect(),
    }
}

fn series_of(value: &Value) -> (Labels, Vec<f64>) {
    let labels = value["labels"].as_object().unwrap().iter();
    let labels = labels.fold(Labels::default(), |l, (name, value)| l.with(name, static_of(value)));
    (labels, value["values"].as_array().unwrap().iter().map(number).collect())
}

fn sorted(mut labels: Labels) -> Labels {
    labels.0.sort_by(|a, b| a.name.cmp(&b.name));
    labels
}

fn check_series(got: &[Series], wanted: &[(Labels, Vec<f64>)]) -> Result<(), String> {
    let equal = got.len() == wanted.len()
        && wanted.iter().all(|(labels, values)| {
            let found = got.iter().find(|s| sorted(s.labels.clone()) == sorted(labels.clone()));
            found.is_some_and(|found| {
                found.values.len() == values.len()
                    && found.values.iter().zip(values).all(|(got, wanted)| is_same(*got, *wanted))
            })
        });
    if equal { Ok(()) } else { Err(format!("got {got:?}\nwanted {wanted:?}")) }
}

#[test]
fn metrics_json() {
    let name = |case: &Value| member(&case["request"], "query").to_owned();
    run("metrics.json", &[], name, |case| {
        let request = &case["request"];
        let at = |name: &str| request[name].as_i64().unwrap();
        let intervals = if case["instant"].as_bool().unwrap() {
            Intervals::instant(at("start"), at("end"))
        } else {
            Intervals::aligned(at("start"), at("end"), at("step"))
        };
        let parts = case["spans"].as_array().unwrap().iter();
        let parts: Vec<Vec<TestSpan>> =
            parts.map(|part| part.as_array().unwrap().iter().map(span).collect()).collect();
        let got = evaluate(&metrics(member(request, "query")), &parts, intervals.unwrap());
        let wanted: Vec<_> = case["series"].as_array().unwrap().iter().map(series_of).collect();
        // A series of the suite without any value is not in an answer.
        let wanted: Vec<_> =
            wanted.into_iter().filter(|(_, values)| !values.iter().all(|v| v.is_nan())).collect();
        Outcome::from_result(check_series(&got, &wanted))
    });
}

#[test]
fn metrics_misc_json() {
    run("metrics_misc.json", &[], Value::to_string, |case| {
        misc(case).map_or(Outcome::Silent, Outcome::from_result)
    });
}

/// A number of a case; those that are left out are zero.
fn int(case: &Value, name: &str) -> i64 {
    case.get(name).map_or(0, |value| value.as_i64().unwrap())
}

fn intervals(case: &Value) -> Option<Intervals> {
    let (start, end) = (int(case, "start"), int(case, "end"));
    match case.get("instant").and_then(Value::as_bool) {
        Some(true) => Intervals::instant(start, end).ok(),
        _ => Intervals::aligned(start, end, int(case, "step")).ok(),
    }
}

fn equal<T: PartialEq + std::fmt::Debug>(got: T, wanted: T) -> Result<(), String> {
    if got == wanted { Ok(()) } else { Err(format!("{got:?}, wanted {wanted:?}")) }
}

fn misc(case: &Value) -> Option<Result<(), String>> {
    let expected = case.get("expected");
    Some(match case["test"].as_str().unwrap() {
        "TestDefaultQueryRangeStep" => {
            equal(default_step(int(case, "window")), expected?.as_i64().unwrap())
        }
        "TestLog2Bucketize" => {
            let got = bucket_of(int(case, "in")).map_or(-1.0, bucket_size);
            equal(got, number(expected?))
        }
        "TestLog2Quantile" => {
            let buckets = case["buckets"].as_array().unwrap().iter();
            let buckets = buckets.map(|bucket| (number(&bucket["Max"]), number(&bucket["Count"])));
            let got = quantile(number(&case["quantile"]), &buckets.collect::<Vec<_>>());
            equal(got, number(expected?))
        }
        "TestIntervalOf" => {
            let got = intervals(case).and_then(|intervals| intervals.of(int(case, "ts")));
            equal(got.map_or(-1, |i| i as i64), expected?.as_i64().unwrap())
        }
        "TestTimestampOf" => {
            let got = intervals(case).unwrap().end_of(int(case, "interval") as usize);
            equal(got, expected?.as_i64().unwrap())
        }
        "TestStepRangeToIntervals" => {
            equal(intervals(case).unwrap().count() as i64, expected?.as_i64().unwrap())
        }
        "TestProcessTopK" => best(case, SecondStage::TopK(int(case, "limit"))),
        "TestProcessBottomK" => best(case, SecondStage::BottomK(int(case, "limit"))),
        // Without an expectation in the file, or of functions that are not here.
        "TestTimeRangeOverlap" | "TestLog2QuantileWithBucket" => return None,
        other => Err(format!("unknown test {other}")),
    })
}

fn series_set(value: &Value) -> Vec<(Labels, Vec<f64>)> {
    let Some(args) = value.get("args") else { return Vec::new() };
    let all = args[0].as_object().unwrap().iter();
    all.map(|(name, values)| {
        let values = values.as_array().unwrap().iter().map(number).collect();
        (Labels::of([("label", Static::String(name.clone()))]), values)
    })
    .collect()
}

fn best(case: &Value, stage: SecondStage) -> Result<(), String> {
    let all = series_set(&case["input"]).into_iter();
    let all = all.map(|(labels, values)| Series { labels, values, exemplars: Vec::new() });
    check_series(&spandrel_series::apply(stage, all.collect()), &series_set(&case["expected"]))
}

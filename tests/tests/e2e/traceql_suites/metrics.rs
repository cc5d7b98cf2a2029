//! Files about metrics: `metrics.json`, and of `metrics_misc.json` what a request shows, the step of a chart that
//! does not say one.

use serde_json::Value;
use spandrel_suites::metrics::{judge, requests, start_of_case};
use spandrel_suites::otlp::START_UNIX_NANOS;
use spandrel_suites::{Outcome, Tally, cases, member, traceql};
use spandrel_tests::Spandrel;

use super::{Place, Questions, send};

const RANGE: &str = "/api/metrics/query_range";
const INSTANT: &str = "/api/metrics/query";

pub(super) fn send_all(spandrel: &Spandrel) {
    let file = traceql("metrics.json").unwrap();
    for (number, case) in cases(&file).iter().enumerate() {
        for request in requests(case, number) {
            send(spandrel, "metrics", &request);
        }
    }
}

pub(super) fn series(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("metrics");
    let file = traceql("metrics.json").unwrap();
    let mut tally = place.tally("metrics.json", &[]);
    for (number, case) in cases(&file).iter().enumerate() {
        let asked = &case["request"];
        let at = |name: &str| (start_of_case(number) + asked[name].as_u64().unwrap()).to_string();
        let mut parameters = vec![
            ("q", member(asked, "query").to_owned()),
            ("start", at("start")),
            ("end", at("end")),
        ];
        let path = match case["instant"] == true {
            true => INSTANT,
            false => {
                parameters.push(("step", format!("{}ns", asked["step"])));
                RANGE
            }
        };
        let judged = questions.ask(path, &parameters);
        let judged = judged.and_then(|answer| judge(case, number, &answer));
        tally.count(member(asked, "query"), Outcome::from_result(judged));
    }
    tally
}

pub(super) fn default_steps(place: &Place<'_>) -> Tally<'static> {
    let mut questions = place.of_tenant("nobody");
    let file = traceql("metrics_misc.json").unwrap();
    let mut tally = place.tally("metrics_misc.json", &[]);
    for case in cases(&file) {
        let outcome = match member(case, "test") {
            "TestDefaultQueryRangeStep" => default_step(&mut questions, case),
            _ => Outcome::Silent,
        };
        tally.count(&case.to_string(), outcome);
    }
    tally
}

fn default_step(questions: &mut Questions, case: &Value) -> Outcome {
    let end = START_UNIX_NANOS + case["window"].as_u64().unwrap();
    let parameters = [
        ("q", "{ } | rate()".to_owned()),
        ("start", START_UNIX_NANOS.to_string()),
        ("end", end.to_string()),
    ];
    let answer = match questions.ask(RANGE, &parameters) {
        Ok(answer) => answer,
        Err(error) => return Outcome::Failed(error),
    };
    let times = answer["series"][0]["samples"].as_array().unwrap().iter();
    let times = times.map(|sample| sample["timestampMs"].as_str().unwrap().parse().unwrap());
    let times: Vec<u64> = times.collect();
    let wanted = case["expected"].as_u64().unwrap() / 1_000_000;
    let is_step = times.len() > 1 && times.windows(2).all(|pair| pair[1] - pair[0] == wanted);
    Outcome::of(is_step, || format!("got {times:?}"))
}

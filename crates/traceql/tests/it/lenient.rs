//! Unfinished queries as the tag APIs get them.

use serde_json::Value;
use spandrel_suites::{Outcome, member, run};
use spandrel_traceql::ast::{BinaryOp, UnaryOp};
use spandrel_traceql::lenient::{self, Filter, Group, MAX_GROUPS};
use spandrel_traceql::{FieldExpr, Static, parse, parse_identifier};

use crate::spans::value_of_json;
use crate::syntax::{NO_IN, is_rewritten};

#[test]
fn lenient_autocomplete() {
    run("lenient_autocomplete.json", &[], name, |case| {
        let text = case["in"].as_str().unwrap_or_else(|| member(case, "query"));
        match case["test"].as_str().unwrap() {
            "TestParseLenient" => printed(text, member(case, "expected")),
            "TestParseLenientErrors" => {
                let (query, filter) = (lenient::parse(text), lenient::repair(text));
                let nothing = query.is_none() && filter == Filter::default();
                Outcome::of(nothing, || format!("got {query:?}"))
            }
            // What the reference cannot repair yet; here it must become a query.
            "TestParseLenientKnownFailures" => {
                let repaired = lenient::repaired_text(text);
                let same = lenient::parse(text) == parse(&repaired).ok();
                Outcome::of(same && lenient::parse(text).is_some(), || format!("got {repaired}"))
            }
            "TestReplaceIncompleteMatchers" => {
                let got = lenient::repaired_text(text);
                Outcome::of(got == member(case, "expected"), || format!("got {got}"))
            }
            // The data shows the same tree in several spellings.
            "TestCanonicalQuery" => {
                let wanted = parse(member(case, "expected")).ok();
                let got = lenient::parse(text);
                Outcome::of(got.is_some() && got == wanted, || format!("got {got:?}"))
            }
            "TestExtractConditionGroups" => {
                let n = lenient::repair(text).groups(MAX_GROUPS).unwrap().len();
                Outcome::of(Some(n as u64) == case["count"].as_u64(), || format!("got {n}"))
            }
            "TestFlattenExprToOperations" => flattened(text, &case["expected"]),
            "TestSplitReqConditionGroups" => split(text, &case["expected"]),
            "TestSplitReqConditionGroupsMaxGroups" => limited(text, case),
            other => Outcome::Failed(format!("unknown test {other}")),
        }
    });
}

fn name(case: &Value) -> String {
    format!("{}: {}", member(case, "test"), member(case, "name"))
}

fn printed(text: &str, wanted: &str) -> Outcome {
    if is_rewritten(wanted) {
        return Outcome::Different(NO_IN);
    }
    let got = lenient::parse(text).map(|query| query.to_string());
    Outcome::of(got.as_deref() == Some(wanted), || format!("wanted {wanted}\n    got    {got:?}"))
}

/// The data calls a factor with one alternative of one condition AND, any other OR.
fn flattened(text: &str, expected: &Value) -> Outcome {
    let filter = lenient::repair(text);
    let factors = filter.factors(MAX_GROUPS).unwrap();
    let sizes = |factor: &Vec<Group<'_>>| factor.iter().map(|group| group.len() as u64).collect();
    let got: Vec<Vec<u64>> = factors.iter().map(sizes).collect();
    let mut wanted = Vec::new();
    for operation in expected.as_array().unwrap() {
        let sizes: Vec<u64> =
            operation["cond"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        assert_eq!(operation["opType"]["$sym"] == "OpAnd", sizes == [1], "{operation}");
        wanted.push(sizes);
    }
    Outcome::of(got == wanted, || format!("wanted {wanted:?}, got {got:?}"))
}

fn split(text: &str, expected: &Value) -> Outcome {
    let filter = lenient::repair(text);
    let groups = filter.groups(MAX_GROUPS).unwrap();
    let got: Vec<Vec<FieldExpr>> =
        groups.into_iter().map(|group| group.into_iter().cloned().collect()).collect();
    let groups = expected.as_array().map_or(&[][..], Vec::as_slice);
    let condition_list =
        |group: &Value| group.as_array().unwrap().iter().map(condition).collect::<Vec<_>>();
    let wanted: Vec<Vec<FieldExpr>> = groups.iter().map(condition_list).collect();
    Outcome::of(got == wanted, || format!("wanted {wanted:?}\n    got    {got:?}"))
}

fn condition(call: &Value) -> FieldExpr {
    assert_eq!(call["$call"], "newCondition");
    let attribute = parse_identifier(call["args"][0].as_str().unwrap()).unwrap();
    let attribute = FieldExpr::Attribute(attribute);
    let op = match call["args"][1]["$sym"].as_str().unwrap() {
        "OpExists" => return FieldExpr::unary(UnaryOp::Exists, attribute),
        "OpNotExists" => return FieldExpr::unary(UnaryOp::NotExists, attribute),
        "OpEqual" => BinaryOp::Equal,
        "OpNotEqual" => BinaryOp::NotEqual,
        "OpGreater" => BinaryOp::Greater,
        "OpGreaterEqual" => BinaryOp::GreaterEqual,
        "OpLess" => BinaryOp::Less,
        "OpLessEqual" => BinaryOp::LessEqual,
        "OpRegex" => BinaryOp::Regex,
        "OpNotRegex" => BinaryOp::NotRegex,
        other => panic!("unknown operator {other}"),
    };
    let value: Static = value_of_json(&call["args"][2]);
    FieldExpr::binary(op, attribute, FieldExpr::Static(value))
}

/// Some queries are not in the data, which only says that they have too many alternatives.
fn limited(text: &str, case: &Value) -> Outcome {
    let max = case["maxGroups"].as_u64().map_or(MAX_GROUPS, |max| usize::try_from(max).unwrap());
    let long: Vec<String> = (0..=max).map(|n| format!(".a{n} = 1")).collect();
    let long = format!("{{ {} }}", long.join(" || "));
    let text = if case["query"].is_string() { text } else { &long };
    let filter = lenient::repair(text);
    let groups = filter.groups(max).map(|groups| groups.len() as u64);
    let wanted = case["expectedLength"].as_u64().unwrap();
    let passed = match groups {
        Ok(n) => case["expectError"] == false && n == wanted,
        Err(_) => case["expectError"] == true,
    };
    Outcome::of(passed, || format!("got {groups:?}"))
}

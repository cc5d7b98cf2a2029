//! Evaluation of plain spanset filters and of single operators.

use serde_json::Value;
use spandrel_suites::{Outcome, member, run};
use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, EvalError, FieldExpr, Pattern, SpanValues, Static};
use spandrel_traceql::{compile, eval, matches};

use crate::spans::{NilSpan, TestSpan, value_of_json};

#[test]
fn evaluate() {
    let name = |case: &Value| match case["query"].as_str() {
        Some(query) => query.to_owned(),
        None => case["row"].to_string(),
    };
    run("evaluate.json", &[], name, |case| match case["test"].as_str().unwrap() {
        "TestIntPow" => power(&case["row"]),
        "TestBinOp" => operator(&case["row"]),
        _ => filter(case),
    });
}

/// The spans that pass must be those of the expected output; an evaluation error yields none.
fn filter(case: &Value) -> Outcome {
    let query = match compile(member(case, "query")) {
        Ok(query) => query,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let Some(expr) = query.spanset_filter() else { return Outcome::Silent };
    let mut kept = Vec::new();
    for spanset in case["input"].as_array().unwrap() {
        let spans = spanset["spans"].as_array().unwrap();
        let pass = |span: &&Value| matches(expr, &TestSpan::of_json(span)).unwrap_or(false);
        let spans: Vec<&Value> = spans.iter().filter(pass).collect();
        if !spans.is_empty() {
            kept.push(spans);
        }
    }
    if let Some(all) = case["matches"].as_bool() {
        return Outcome::of(kept.is_empty() != all, || format!("got {kept:?}"));
    }
    let output = case["output"].as_array().unwrap();
    let wanted: Vec<Vec<&Value>> =
        output.iter().map(|set| set["spans"].as_array().unwrap().iter().collect()).collect();
    Outcome::of(kept == wanted, || format!("wanted {wanted:?}\n    got    {kept:?}"))
}

fn symbol(value: &Value) -> &str {
    value["$sym"].as_str().unwrap_or_default()
}

/// A power of whole numbers, read from attributes so that nothing is folded.
fn power(row: &Value) -> Outcome {
    let number = |value: &Value| match symbol(value) {
        "math.MaxInt32" => i32::MAX.into(),
        // More than fits: the largest value.
        "intInf" => i64::MAX,
        _ => value.as_i64().unwrap(),
    };
    let (base, exponent) = (number(&row["base"]), number(&row["exp"]));
    let got = apply(BinaryOp::Pow, Static::Int(base), Static::Int(exponent));
    let wanted = Ok(Static::Int(number(&row["want"])));
    Outcome::of(got == wanted, || format!("got {got:?}"))
}

fn operator(row: &Value) -> Outcome {
    let op = match symbol(&row["op"]) {
        "OpGreater" => BinaryOp::Greater,
        "OpEqual" => BinaryOp::Equal,
        "OpNotEqual" => BinaryOp::NotEqual,
        "OpRegex" => BinaryOp::Regex,
        "OpNotRegex" => BinaryOp::NotRegex,
        "OpGreaterEqual" => BinaryOp::GreaterEqual,
        "OpLess" => BinaryOp::Less,
        "OpLessEqual" => BinaryOp::LessEqual,
        // Operators of the reference's optimizer; the language has none of them.
        _ => return Outcome::Silent,
    };
    let (lhs, rhs) = (value_of_json(&row["lhs"]), value_of_json(&row["rhs"]));
    let wanted = match symbol(&row["expected"]) {
        "StaticTrue" => Ok(Static::Bool(true)),
        "StaticFalse" => Ok(Static::Bool(false)),
        _ => Err(EvalError::TwoArrays),
    };
    if op.is_regex() {
        // Only a literal can stand on the right of a match.
        let Static::String(pattern) = rhs else { return Outcome::Silent };
        let got = eval(&regex(op, &pattern), &TestSpan::default().with("lhs", lhs));
        return Outcome::of(got == wanted, || format!("got {got:?}"));
    }
    let got = apply(op, lhs.clone(), rhs.clone());
    let flipped = if row["symmetric"] == true { apply(op, rhs, lhs) } else { got.clone() };
    Outcome::of(got == wanted && flipped == wanted, || format!("got {got:?} and {flipped:?}"))
}

fn apply(op: BinaryOp, lhs: Static, rhs: Static) -> Result<Static, EvalError> {
    let attribute = |name| FieldExpr::Attribute(Attribute::unscoped(name));
    let span = TestSpan::default().with("lhs", lhs).with("rhs", rhs);
    eval(&FieldExpr::binary(op, attribute("lhs"), attribute("rhs")), &span)
}

fn regex(op: BinaryOp, pattern: &str) -> FieldExpr {
    let lhs = FieldExpr::Attribute(Attribute::unscoped("lhs"));
    FieldExpr::binary(op, lhs, FieldExpr::Pattern(Pattern::new(pattern)))
}

#[test]
fn nil_handling() {
    run(
        "nil_handling.json",
        &[],
        |case| format!("{} {}", case["trace"], case["query"]),
        |case| {
            let query = match compile(member(case, "query")) {
                Ok(query) => query,
                Err(error) => return Outcome::Failed(error.to_string()),
            };
            let Some(expr) = query.spanset_filter() else { return Outcome::Silent };
            let span: &dyn SpanValues = &NilSpan { filled: case["trace"] == "trace1" };
            let wanted = case["expect"] == "match";
            let got = matches(expr, span);
            Outcome::of(got == Ok(wanted), || format!("wanted {wanted}, got {got:?}"))
        },
    );
}

//! Lexing, parsing, validation verdicts, printing, identifiers.

use serde_json::Value;
use spandrel_suites::{Outcome, member, run};
use spandrel_traceql::token::{TokenKind, TokenValue, is_attribute_char};
use spandrel_traceql::{
    Error, ParseError, ValidateError, compile, parse, parse_identifier, tokenize, validate,
};

use crate::tree;

#[test]
fn lexer() {
    run(
        "lexer.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let query = member(case, "query");
            if case["test"] == "TestContainsNonAttributeRune" {
                let expected = case["tokens"].as_bool().unwrap_or(false);
                let found = query.chars().any(|c| !is_attribute_char(c));
                return Outcome::of(found == expected, || format!("got {found}"));
            }
            let tokens = match tokenize(query) {
                Ok(tokens) => tokens,
                Err(error) => return Outcome::Failed(error.to_string()),
            };
            if let Some(nanos) = case["durationNanos"].as_i64() {
                let expected = TokenValue::Duration(nanos);
                return Outcome::of(tokens[0].value == expected, || format!("{tokens:?}"));
            }
            let kinds: Vec<&str> = tokens
                .iter()
                .filter(|token| token.kind != TokenKind::End)
                .map(|token| token.kind.name())
                .collect();
            let expected: Vec<&str> =
                case["tokens"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            Outcome::of(kinds == expected, || format!("got {kinds:?}"))
        },
    );
}

const EXECUTED: &str = "scalar filters of every shape, comparisons of pipelines and attributes \
    of the parent span have a meaning here";

#[test]
fn examples() {
    run(
        "examples.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let query = member(case, "query");
            match (case["section"].as_str().unwrap(), compile(query)) {
                ("parse_fails", Err(Error::Parse(_)))
                | ("validate_fails", Err(Error::Validate(ValidateError::Invalid { .. })))
                | ("unsupported", Err(Error::Validate(ValidateError::Unsupported { .. }))) => {}
                ("valid", Ok(_)) => {}
                ("dump", _) if parse(query).is_ok() => {}
                ("unsupported", Ok(_)) => {
                    return match reparses(query) {
                        Outcome::Passed => Outcome::Different(EXECUTED),
                        other => other,
                    };
                }
                (section, got) => return Outcome::Failed(format!("{section}: {got:?}")),
            }
            reparses(query)
        },
    );
}

/// Whether the canonical text of a query that parses means the same.
fn reparses(query: &str) -> Outcome {
    let Ok(parsed) = parse(query) else { return Outcome::Passed };
    let printed = parsed.to_string();
    let again = parse(&printed);
    Outcome::of(again.as_ref() == Ok(&parsed), || format!("printed {printed}, then {again:?}"))
}

pub(crate) const NO_IN: &str =
    "IN is not in the language, so the canonical text shows the comparisons";

/// Whether a text has the operators that the reference's optimizer makes of several comparisons.
pub(crate) fn is_rewritten(text: &str) -> bool {
    [" IN [", " MATCH ANY [", " MATCH NONE ["].iter().any(|operator| text.contains(operator))
}

#[test]
fn parse_ok() {
    run(
        "parse_ok.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let query = member(case, "query");
            let expected = &case["expected_ast"];
            match case["test"].as_str().unwrap() {
                "TestParseIdentifierErrors" => {
                    let parsed = parse_identifier(query);
                    Outcome::of(parsed.is_err(), || format!("{parsed:?}"))
                }
                "TestAttributes" | "TestIntrinsics" | "TestScopedIntrinsics" => {
                    fragment(query, expected)
                }
                _ => whole(query, expected),
            }
        },
    );
}

/// An attribute, alone and inside of expressions.
fn fragment(text: &str, expected: &Value) -> Outcome {
    if expected["shouldError"] == true {
        let parsed = parse(&format!("{{ {text} }}"));
        return Outcome::of(parsed.is_err(), || format!("{parsed:?}"));
    }
    let wanted = tree::of_json(&expected["expected"]);
    // Intrinsics are named without the call.
    let wanted =
        if wanted.starts_with("Intrinsic") { format!("NewIntrinsic({wanted})") } else { wanted };
    for (query, wanted) in [
        (format!("{{ {text} }}"), wanted.clone()),
        (format!("{{ ({text}) }}"), wanted.clone()),
        (
            format!("{{ {text} + {text} }}"),
            format!("newBinaryOperation(OpAdd, {wanted}, {wanted})"),
        ),
    ] {
        let got = match parse(&query) {
            Ok(parsed) => tree::of_query(&parsed),
            Err(error) => return Outcome::Failed(error.to_string()),
        };
        let wanted = format!("newPipeline(newSpansetFilter({wanted}))");
        if got != wanted {
            return Outcome::Failed(format!("wanted {wanted}\n    got    {got}"));
        }
    }
    Outcome::Passed
}

fn whole(query: &str, expected: &Value) -> Outcome {
    let parsed = match parse(query) {
        Ok(parsed) => parsed,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let printed = parsed.to_string();
    for key in ["expectedStr", "want"] {
        if let Some(wanted) = expected[key].as_str()
            && wanted != printed
        {
            if is_rewritten(wanted) {
                return Outcome::Different(NO_IN);
            }
            return Outcome::Failed(format!("wanted {wanted}\n    got    {printed}"));
        }
    }
    match &expected["expected"] {
        Value::Null => {}
        Value::String(wanted) if *wanted == printed => {}
        wanted => {
            let (wanted, got) = (tree::of_json(wanted), tree::of_query(&parsed));
            if !tree::same(&wanted, &got) {
                return Outcome::Failed(format!("wanted {wanted}\n    got    {got}"));
            }
        }
    }
    if expected["alsoTestWithoutSpace"] == true && parse(&query.replace(' ', "")) != Ok(parsed) {
        return Outcome::Failed("differs without spaces".to_owned());
    }
    reparses(query)
}

#[test]
fn parse_errors() {
    run(
        "parse_errors.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let error = match parse(member(case, "query")) {
                Err(error) => error,
                Ok(parsed) => return Outcome::Failed(format!("parsed as {parsed}")),
            };
            let ParseError { position, .. } = error;
            let text = error.to_string();
            let line = case["error"]["line"].as_u64().unwrap();
            let column = case["error"]["col"].as_u64().unwrap();
            // The data has line 0 where Tempo's lexer does not know it.
            let wanted = format!(
                "parse error at line {}, col {column}: {}",
                line.max(1),
                member(&case["error"], "msg")
            );
            Outcome::of(text.starts_with(&wanted), || {
                format!("wanted {wanted}\n    got    {text} {position:?}")
            })
        },
    );
}

#[test]
fn identifiers() {
    run(
        "identifiers.json",
        &[],
        |case| member(case, "in").to_owned(),
        |case| {
            let wanted = member(case, "attribute");
            match parse_identifier(member(case, "in")) {
                Ok(attribute) => {
                    let printed = attribute.to_string();
                    let again = parse_identifier(&printed);
                    // Without its quotes it would be a number.
                    let numeric = wanted.starts_with('.')
                        && wanted.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
                    if numeric && again.as_ref() == Ok(&attribute) {
                        return Outcome::Different("a name that begins with a digit keeps quotes");
                    }
                    Outcome::of(printed == wanted && again.as_ref() == Ok(&attribute), || {
                        format!("wanted {wanted}, got {printed}, then {again:?}")
                    })
                }
                Err(error) => Outcome::Failed(error.to_string()),
            }
        },
    );
}

#[test]
fn identifier_errors() {
    run(
        "identifier_errors.json",
        &[],
        |case| member(case, "in").to_owned(),
        |case| {
            let parsed = parse_identifier(member(case, "in"));
            Outcome::of(parsed.is_err(), || format!("{parsed:?}"))
        },
    );
}

#[test]
fn stringer() {
    run(
        "stringer.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let query = member(case, "query");
            let printed = match parse(query) {
                Ok(parsed) => parsed.to_string(),
                Err(error) => return Outcome::Failed(error.to_string()),
            };
            match case["canonical"].as_str() {
                Some(wanted) if is_rewritten(wanted) => Outcome::Different(NO_IN),
                Some(wanted) if wanted != printed => Outcome::Failed(format!("got {printed}")),
                _ => reparses(query),
            }
        },
    );
}

#[test]
fn benchmark_queries() {
    run(
        "benchmark_queries.json",
        &[],
        |case| case["row"].to_string(),
        |case| {
            let row = &case["row"];
            let query = row.as_str().or_else(|| row[1].as_str()).unwrap();
            let verdict = parse(query).map_err(Error::from).and_then(|q| Ok(validate(&q)?));
            Outcome::of(verdict.is_ok(), || format!("{verdict:?}"))
        },
    );
}

#[test]
fn search_queries_parse() {
    run(
        "search.json",
        &[],
        |case| member(case, "query").to_owned(),
        |case| {
            let Some(query) = case["query"].as_str() else { return Outcome::Silent };
            let verdict = compile(query);
            Outcome::of(verdict.is_ok(), || format!("{verdict:?}"))
        },
    );
}

#[test]
fn metrics_queries_parse() {
    run(
        "metrics.json",
        &[],
        |case| case["test"].to_string(),
        |case| {
            let query = case["query"].as_str().or_else(|| case["request"]["query"].as_str());
            let Some(query) = query else { return Outcome::Silent };
            let verdict = compile(query);
            Outcome::of(verdict.is_ok(), || format!("{query}: {verdict:?}"))
        },
    );
}

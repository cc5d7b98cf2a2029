//! Messages, bounds and corners of the grammar that the conformance data leaves open.

use super::*;
use crate::validate::validate;
use crate::value::Static;

fn canonical(query: &str) -> String {
    match parse(query) {
        Ok(parsed) => parsed.to_string(),
        Err(error) => panic!("{query}: {error}"),
    }
}

fn message(query: &str) -> String {
    parse(query).unwrap_err().to_string()
}

#[test]
fn operators_bind_as_in_the_reference() {
    for (query, wanted) in [
        ("{ .a || .b && .c }", "{ (.a || .b) && .c }"),
        ("{ .a = .b = .c }", "{ (.a = .b) = .c }"),
        ("{ -.a * .b - .c }", "{ (-(.a * .b)) - .c }"),
        ("{ !.a * .b + .c }", "{ (!(.a * .b)) + .c }"),
        ("{ .a ^ .b ^ .c * .d }", "{ (.a ^ (.b ^ .c)) * .d }"),
        ("{ .a ^ -.b * .c }", "{ .a ^ (-(.b * .c)) }"),
        ("{ (-5) * .a }", "{ (-5) * .a }"),
        ("{ .a + -5 }", "{ .a + -5 }"),
        ("{ 1 + 2 * 3 = .a }", "{ 7 = .a }"),
        ("{ } | avg(.a) * 2 + count() > 1 + 2", "{ true }|(((avg(.a)) * 2) + (count())) > 3"),
        ("{ .a } > { .b } && { .c }", "(({ .a }) > ({ .b })) && ({ .c })"),
        ("(({ .a } | { .b }))", "{ .a }|{ .b }"),
        ("10 + 5 * ({ } | rate()) / 2", "10 + ((5 * ({ true } | rate())) / 2)"),
        ("({ } | rate()) > 10s < 3 | topk(2)", "{ true } | rate() > 10 < 3 | topk(2)"),
        ("{ } | rate() with(a=1) with(b=`x`)", "{ true } | rate() with(a=1,b=`x`)"),
        ("{ } | compare({ .a }, 5, 1, 2)", "{ true } | compare({ .a },5,1,2)"),
        ("{ // comment\n .a /* more */ }", "{ .a }"),
    ] {
        assert_eq!(canonical(query), wanted, "{query}");
    }
}

#[test]
fn pipelines_and_bare_filters_do_not_mix() {
    for query in [
        "{ .a } && ({ .b } | count() > 1)",
        "({ .a } | { .b }) && { .c }",
        "({ .a } | { .b }) && ({ .c } | { .d }) && { .e }",
        "({ .a } | { .b }) | count() > 1",
        "{ .a } | ({ .b } | { .c })",
        "(({ } | count()) > 1)",
        "5 > ({ } | rate())",
        "({ } | rate()) % 2",
        "({ } | rate()) * 1s",
        "{ } | rate() > 1s * 2",
        "rate()",
        "topk(1)",
    ] {
        assert!(parse(query).is_err(), "{query}");
    }
}

#[test]
fn numbers_reach_to_the_ends_of_the_range() {
    assert_eq!(canonical("{ .a = -9223372036854775808 }"), "{ .a = -9223372036854775808 }");
    assert!(message("{ .a = 9223372036854775808 }").contains("number out of range"));
    assert!(message("{ .a = 9223372036854775809 }").contains("invalid integer"));
    assert!(message("{ .a = 1.5d }").contains("invalid duration 1.5d"));
    assert!(message("{ .a = 1e999 }").contains("invalid float"));
}

#[test]
fn positions_count_characters_and_lines() {
    let error = parse("{ .a = `\u{e9}\u{e9}` &&\n  foo }").unwrap_err();
    let Position { line, column, start, end } = error.position;
    assert_eq!((line, column, start, end), (2, 3, 19, 22));
    assert_eq!(error.expected, Vec::<&str>::new());
}

#[test]
fn the_first_mistake_is_the_one_reported() {
    assert!(message("{ .a foo } 'x'").starts_with("parse error at line 1, col 6"));
    assert!(message("{ .a = 'x' }").starts_with("parse error at line 1, col 8"));
    assert!(message("{ .a } \u{7}").starts_with("parse error at line 1, col 8"));
}

#[test]
fn near_misses_get_a_suggestion() {
    for (query, hint) in [
        ("{ .a == 1 }", "equality is written ="),
        ("{ .a ~= `x` }", "written =~"),
        ("{ .a = 'x' }", "double quotes or backticks"),
        ("{ .a and .b }", "did you mean &&?"),
        ("{ .a & .b }", "did you mean &&?"),
        ("{ .a = null }", "did you mean nil?"),
        ("{ statusmessage = `x` }", "did you mean statusMessage?"),
        ("{ traceID = `x` }", "did you mean trace:id?"),
        (
            "{ http.method = `x` }",
            "begin with a scope: .http.method, span.http.method or resource.http.method",
        ),
        ("{ method = `x` }", "an attribute needs a scope: .method"),
        ("{ trace:service = `x` }", "trace:rootService and trace:id"),
        ("{ trace.id = `x` }", "intrinsics only"),
        ("{ span: name = `x` }", "no space may follow span:"),
        ("{ . foo }", "without space"),
        ("{ .a = \"\\d\" }", "suits regular expressions"),
    ] {
        let message = message(query);
        assert!(message.contains(hint), "{query}: {message}");
    }
}

#[test]
fn hostile_queries_are_refused_within_a_small_stack() {
    let deep: [(&str, &str, &str, usize); 7] = [
        ("(", "{ }", ")", 60_000),
        ("{ ", "", "", 60_000),
        ("((", "{ } | { }", ") && ({ } | { }))", 5_000),
        ("(", "{ } | rate()", ") + 1", 9_000),
        ("", "{ } | rate() > ", "(", 60_000),
        ("(", "count()", ") + 1", 9_000),
        ("", "{ }", " && { }", 9_000),
    ];
    let inside: [(&str, &str); 4] = [("!", ""), ("-(", ")"), (".a ^ ", ""), ("", " || .a")];
    let check = move || {
        for (before, middle, after, n) in deep {
            let query = format!("{}{middle}{}", before.repeat(n), after.repeat(n));
            assert!(parse(&query).is_err(), "{before}{middle}{after}");
        }
        for (before, after) in inside {
            for (n, fits) in [(MAX_DEPTH, true), (MAX_DEPTH + 1, false)] {
                let query = format!("{{ {}.a{} }}", before.repeat(n), after.repeat(n));
                let parsed = parse(&query);
                assert_eq!(parsed.is_ok(), fits, "{before}.a{after} {n}");
                let Ok(parsed) = parsed else { continue };
                let again = parse(&parsed.to_string());
                assert_eq!(again.as_ref(), Ok(&parsed));
                drop(validate(&parsed));
            }
        }
        let parentheses = format!("{{ {}.a{} }}", "(".repeat(60_000), ")".repeat(60_000));
        assert_eq!(canonical(&parentheses), "{ .a }");
    };
    std::thread::Builder::new().stack_size(1 << 20).spawn(check).unwrap().join().unwrap();
}

#[test]
fn sizes_are_bounded() {
    assert!(message(&" ".repeat(MAX_QUERY_BYTES + 1)).contains("longer than"));
    let patterns = format!("{{ {}true }}", ".a =~ `x` || ".repeat(MAX_PATTERNS + 1));
    assert!(message(&patterns).contains("regular expressions"));
    // Large ones even more so, which are told without compiling them.
    for (n, fits) in [(MAX_LARGE_PATTERNS, true), (MAX_LARGE_PATTERNS + 1, false)] {
        for lhs in [".a", "`a`"] {
            let text = format!("{{ {}true }}", format!("{lhs} =~ `[^a]{{1000}}` || ").repeat(n));
            assert_eq!(parse(&text).is_ok(), fits, "{lhs} {n}");
        }
    }
}

#[test]
fn helpers_tell_plain_filters_from_the_rest() {
    let filter = |query: &str| parse(query).unwrap().spanset_filter().cloned();
    assert_eq!(filter("{ }"), Some(crate::FieldExpr::Static(Static::Bool(true))));
    assert!(filter("(({ .a }))").is_some());
    assert!(filter("{ .a } | { .b }").is_none());
    for (query, word) in [
        ("{ .a } with(most_recent=true)", None),
        ("{ .a } | { .b }", Some("pipelines of several filters")),
        ("{ .a } && { .b }", Some("spanset operators")),
        ("{ .a } && { .b } >> { .c }", Some("structural operators")),
        ("{ .a } | by(.b)", Some("by()")),
        ("{ .a } | count() > 1 | { .b }", Some("aggregates")),
        ("{ .a } | select(.b)", Some("select()")),
        ("{ .a } | rate()", Some("metrics queries")),
        ("({ .a } | rate()) / 2", Some("metrics math")),
    ] {
        assert_eq!(parse(query).unwrap().first_unexecuted(), word, "{query}");
    }
}

#[test]
fn attributes_come_in_order_of_appearance() {
    let query = parse("{ .a = 1 && (span.b > .c || !resource.d) && .a != nil }").unwrap();
    let names: Vec<String> =
        query.spanset_filter().unwrap().attributes().map(ToString::to_string).collect();
    assert_eq!(names, [".a", "span.b", ".c", "resource.d", ".a"]);
}

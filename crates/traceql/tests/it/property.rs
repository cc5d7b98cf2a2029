//! What must hold of any text that is typed: nothing panics, and what is made of it is valid.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use spandrel_traceql::complete::complete;
use spandrel_traceql::lenient::{self, MAX_GROUPS};
use spandrel_traceql::{Condition, conjunction, diagnose, fix, parse, tokenize, validate};

/// Pieces of queries in a random order.
fn soup() -> impl Strategy<Value = String> {
    let pieces = [
        "{ ",
        "{ ",
        " }",
        " }",
        "(",
        ")",
        " | ",
        ".a ",
        "span.b ",
        "parent.c ",
        "event.d ",
        ".\"e f\" ",
        "duration ",
        "name ",
        "status ",
        "span:id ",
        "span:",
        "trace:",
        "1 ",
        "-2 ",
        "2.5 ",
        "3s ",
        "1.5d ",
        "`x` ",
        "\"y\" ",
        "\"z",
        "'w' ",
        "= ",
        "= ",
        "!= ",
        "=~ ",
        "!~ ",
        "< ",
        ">= ",
        "&& ",
        "&& ",
        "|| ",
        ">> ",
        "~ ",
        "!> ",
        "&< ",
        "- ",
        "+ ",
        "* ",
        "^ ",
        "! ",
        ", ",
        "error ",
        "nil ",
        "true ",
        "count() ",
        "avg(",
        "by(",
        "select(",
        "coalesce() ",
        "rate() ",
        "compare({ ",
        "topk(3) ",
        "with(",
        "foo ",
        "and ",
        "/* ",
        "// ",
        "\n",
        "\u{e9}",
        "& ",
        "? ",
        "\\",
    ];
    vec(proptest::sample::select(pieces.map(str::to_owned).to_vec()), 0..16)
        .prop_map(|parts| parts.concat())
}

fn check(text: &str) {
    let lenient = lenient::parse(text);
    if let Ok(query) = parse(text) {
        assert_eq!(lenient.as_ref(), Some(&query), "{text}");
    }
    if let Some(query) = lenient {
        assert_eq!(parse(&query.to_string()).as_ref(), Ok(&query), "{text}");
    }
    let filter = lenient::repair(text);
    if let Some(expr) = filter.expr() {
        let query = parse(&format!("{{ {expr} }}")).unwrap();
        assert_eq!(validate(&query), Ok(()), "{text}: {expr}");
        assert_eq!(query.spanset_filter(), Some(expr), "{text}");
    }
    for group in filter.groups(MAX_GROUPS).unwrap_or_default() {
        assert!(!group.is_empty(), "{text}");
    }
    drop(lenient::repaired_text(text));
    let diagnostics = diagnose(text);
    let valid = parse(text).is_ok_and(|query| validate(&query).is_ok());
    let error = spandrel_traceql::Severity::Error;
    assert_eq!(diagnostics.iter().all(|d| d.severity != error), valid, "{text}: {diagnostics:?}");
    for (number, diagnostic) in diagnostics.into_iter().enumerate() {
        let position = diagnostic.position;
        assert!(text.get(position.start..position.end).is_some(), "{text}: {diagnostic:?}");
        // Trying takes time.
        if number > 0 {
            continue;
        }
        if let Some(fix) = fix(text, &diagnostic) {
            assert!(text.get(fix.range.clone()).is_some(), "{text}: {fix:?}");
            assert!(fix.range.end >= position.end, "{text}: {fix:?}");
        }
    }
    if let Some(chips) = parse(text).ok().as_ref().and_then(conjunction) {
        let chip =
            |chip: &Condition| format!("{} {} {}", chip.attribute, chip.op.as_str(), chip.literal);
        let joined: Vec<String> = chips.iter().map(chip).collect();
        let again = parse(&format!("{{ {} }}", joined.join(" && "))).unwrap();
        assert_eq!(conjunction(&again), Some(chips), "{text}");
    }
    for cursor in 0..=text.len() {
        let replaces = complete(text, cursor).replaces;
        assert!(text.get(replaces.clone()).is_some(), "{text} {cursor}");
        let cursor = text.floor_char_boundary(cursor);
        assert!(replaces.start <= cursor && cursor <= replaces.end, "{text} {cursor} {replaces:?}");
        drop(lenient::repair_around(text, replaces));
    }
    if let Ok(tokens) = tokenize(text) {
        let ends = tokens.windows(2).all(|pair| pair[0].position.end <= pair[1].position.end);
        assert!(ends, "{text}: {tokens:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(5),
        cases: 1_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn pieces_of_queries(text in soup()) {
        check(&text);
    }

    #[test]
    fn braces_with_anything_in_them_are_a_query(text in soup()) {
        let text = format!("{{ {text}");
        prop_assert!(lenient::parse(&text).is_some(), "{}", text);
        check(&text);
    }

    #[test]
    fn arbitrary_text(bytes in vec(any::<u8>(), 0..60)) {
        check(&String::from_utf8_lossy(&bytes));
    }
}

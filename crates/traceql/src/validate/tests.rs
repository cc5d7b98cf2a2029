//! Verdicts beyond those of the conformance data.

use super::*;

fn verdict(query: &str) -> &'static str {
    match compile(query) {
        Ok(_) => "valid",
        Err(Error::Validate(ValidateError::Invalid { .. })) => "invalid",
        Err(Error::Validate(ValidateError::Unsupported { .. })) => "unsupported",
        Err(Error::Parse(_)) => "no query",
    }
}

#[track_caller]
fn all(wanted: &str, queries: &[&str]) {
    for query in queries {
        assert_eq!(verdict(query), wanted, "{query}");
    }
}

#[test]
fn filters_are_true_or_false() {
    all("valid", &["{ }", "{ .a }", "{ !.a }", "{ .a + .b }", "{ instrumentation:name }"]);
    all(
        "invalid",
        &["{ 1 }", "{ `a` }", "{ status }", "{ -duration }", "{ nil }", "{ -(.a = .b) }"],
    );
}

#[test]
fn existence_is_asked_of_what_can_be_absent() {
    all("valid", &["{ .a = nil }", "{ resource.x = nil }", "{ name != nil }", "{ nil = nil }"]);
    all("valid", &["{ resource.service.name != nil }", "{ .service.name = nil }"]);
    all("invalid", &["{ name = nil }", "{ nil = duration }", "{ resource.service.name = nil }"]);
    all("invalid", &["{ span:parentID = nil }", "{ nil > .a }"]);
}

#[test]
fn patterns_are_literals_that_compile() {
    all("valid", &["{ .a =~ `x.*` }", "{ name !~ \"a|b\" }", "{ .path =~ `/users/{id}` }"]);
    all("invalid", &["{ .a =~ .b }", "{ .a =~ `(` }", "{ .a =~ 1 }", "{ duration =~ `1s` }"]);
}

#[test]
fn stages_depend_on_the_span() {
    all("valid", &["{ } | by(.a)", "{ } | by(status) | coalesce()", "{ } | avg(.a) > 1"]);
    all("invalid", &["{ } | by(1)", "{ } | sum(3) = 2", "{ } | max(name) > 1"]);
}

#[test]
fn scalar_filters_have_every_shape() {
    all("valid", &["{ } | 1 < count()", "{ } | count() + 1 > 2", "{ } | avg(.a) > count() * 2"]);
    all("valid", &["({ } | count()) > 1", "({ .a } | count()) > ({ .b } | max(duration)) * 2"]);
    all("invalid", &["{ } | 1 < max(name)", "({ 1 } | count()) > 1", "({ } | max(name)) > 1"]);
    all("no query", &["{ } | 1 < 2", "{ } | count()", "{ } | count() > `a`"]);
}

#[test]
fn attributes_of_the_parent_stand_everywhere() {
    all("valid", &["{ parent.a = 1 }", "{ parent.span.a = span.a }", "{ parent.a = nil }"]);
    all("valid", &["{ parent.resource.service.name = nil }", "{ } | by(parent.a)"]);
    all("valid", &["{ } | select(parent.a)", "{ } | rate() by(parent.span.a)"]);
    all("valid", &["{ } | max_over_time(parent.a)", "{ } | avg(parent.a) > 1"]);
    all(
        "unsupported",
        &["{ parent }", "{ parent = 1 }", "{ } | by(parent)", "{ } | select(parent)"],
    );
}

#[test]
fn metrics_have_limits() {
    all(
        "valid",
        &["{ } | rate() by(.a, .b, .c, .d, .e)", "{ } | quantile_over_time(.a, 0, .5, 1)"],
    );
    all(
        "invalid",
        &["{ } | rate() by(.a, .b, .c, .d, .e, .f)", "{ } | quantile_over_time(.a, 1.5)"],
    );
    all("invalid", &["{ } | avg_over_time(.a) by(.a, .b, .c, .d, .e)", "{ } | rate() | topk(0)"]);
    all("invalid", &["{ } | compare({ .a }, 1001)", "({ } | compare({ .a })) / 2"]);
}

#[test]
fn messages_name_the_part() {
    let error = compile("{ .x = 1 || name > 5 }").unwrap_err();
    let wanted = "invalid query at line 1, col 13: string and int cannot be operands of >: name > 5 \
        (a text is written in quotes)";
    assert_eq!(error.to_string(), wanted);
    let error = compile("{ parent = 1h }").unwrap_err();
    let wanted = "parent without an attribute is not yet supported at line 1, col 3: parent";
    assert_eq!(error.to_string(), wanted);
    // A tree alone has no places.
    let query = parse("{ name > 5 }").unwrap();
    assert_eq!(validate(&query).unwrap_err().position(), None);
}

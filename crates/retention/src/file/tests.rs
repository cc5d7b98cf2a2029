//! Policy files: what is read, and what the errors of broken ones say.

use expect_test::{Expect, expect};

use super::*;
use crate::format_keep;

const EXAMPLE: &str = r#"
# Keep everything for two days, what matters for thirty.
default:
  - name: everything
    match: "{ }"
    keep: 2d
  - name: errors
    match: "{ status = error }"
    keep: 30d
  - name: slow
    match: "{ traceDuration > 5s }"
    keep: 30d
  - name: baseline
    match: "{ }"
    keep: 30d
    fraction: 0.01
tenants:
  audit:
    - name: all
      match: "{ }"
      keep: forever
"#;

fn described(policy: &Policy) -> String {
    let rules = policy.rules().iter().map(|rule| {
        format!(
            "{} {} {} {}\n",
            rule.name,
            format_keep(rule.keep_nanos),
            rule.fraction,
            rule.threshold
        )
    });
    rules.collect()
}

#[test]
fn a_file_becomes_policies() {
    let file = PolicyFile::parse(EXAMPLE).unwrap();
    let tenant = |name: &str| TenantId::new(name).unwrap();
    assert_eq!(file.warnings(), []);
    assert_eq!(
        described(file.policy_of(&tenant("anybody")).unwrap()),
        "everything 2d 1 0\nerrors 30d 1 0\nslow 30d 1 0\nbaseline 30d 0.01 fd70a\n"
    );
    assert_eq!(described(file.policy_of(&tenant("audit")).unwrap()), "all forever 1 0\n");
    assert_eq!(file.tenants().count(), 1);
    assert_eq!(
        file.default_policy().map(|policy| policy.decision_wait_nanos()),
        Some(3_600_000_000_000)
    );
    let file = PolicyFile::parse("tenants: { t: [{ name: x, match: '{}', keep: 1d }] }").unwrap();
    assert_eq!(file.policy_of(&tenant("anybody")), None);
}

fn check_errors(rules: &[&str], expected: Expect) {
    let errors = rules.iter().map(|text| {
        let error = PolicyFile::parse(text).unwrap_err();
        format!("{error}\n")
    });
    expected.assert_eq(&errors.collect::<String>());
}

#[test]
fn values_that_make_no_sense() {
    let with = |line: &str, instead: &str| EXAMPLE.replacen(line, instead, 1);
    check_errors(
        &[
            &with("keep: 30d", "keep: 30"),
            &with("keep: 30d", "keep: 30 days"),
            &with("keep: 30d", "keep: always"),
            &with("fraction: 0.01", "fraction: 1%"),
            &with("fraction: 0.01", "fraction: 0"),
            &with("fraction: 0.01", "fraction: -1"),
            &with("fraction: 0.01", "fraction: 5"),
            &with("fraction: 0.01", "fraction: few"),
            &with("status = error", "status = failed"),
            &with("status = error", "status ="),
            &with("{ status = error }", "{ status = error } | rate()"),
            &with("{ status = error }", "{ status = error } >> { }"),
            &with("name: errors", "name: everything"),
            &with("name: errors", "name: ''"),
            &with("  audit:", "  aud/it:"),
            "decision_wait: soon",
            "default: []",
        ],
        expect![[r#"
            line 9: default, rule `errors`: `30` is no time to keep something, expected a duration of whole numbers with units (w, d, h, m, s), or forever (days are written 30d)
            line 9: default, rule `errors`: `30 days` is no time to keep something, expected a duration of whole numbers with units (w, d, h, m, s), or forever (days are written 30d)
            line 9: default, rule `errors`: `always` is no time to keep something, expected a duration of whole numbers with units (w, d, h, m, s), or forever
            line 16: default, rule `baseline`: `1%` is no fraction, expected a number above 0 and at most 1, such as 0.01 for 1 % (1 % is written 0.01)
            line 16: default, rule `baseline`: `0` is no fraction, expected a number above 0 and at most 1, such as 0.01 for 1 % (a rule that keeps nothing can be left out)
            line 16: default, rule `baseline`: `-1` is no fraction, expected a number above 0 and at most 1, such as 0.01 for 1 %
            line 16: default, rule `baseline`: `5` is no fraction, expected a number above 0 and at most 1, such as 0.01 for 1 % (5 % is written 0.05)
            line 16: default, rule `baseline`: `few` is no fraction, expected a number above 0 and at most 1, such as 0.01 for 1 %
            line 8: default, rule `errors`: parse error at line 1, col 12: syntax error: unexpected IDENTIFIER (a status is error, ok or unset), expected a TraceQL spanset filter such as "{ status = error }"
            line 8: default, rule `errors`: parse error at line 1, col 12: syntax error: unexpected } (a value is missing behind =), expected a TraceQL spanset filter such as "{ status = error }"
            line 8: default, rule `errors`: metrics queries cannot be rules, expected a TraceQL spanset filter such as "{ status = error }"
            line 8: default, rule `errors`: structural operators cannot be rules, expected a TraceQL spanset filter such as "{ status = error }"
            line 7: default, rule 2: another rule is called `everything`, expected a name of its own
            line 7: default, rule 2: the name is empty, expected a name
            line 19: tenants: `aud/it` cannot be a tenant, expected 1 to 150 characters of A-Z a-z 0-9 ! - _ . * ' ( )
            line 1: decision_wait: `soon` is no duration, expected a duration such as 1h
            line 1: default: the list is empty, expected at least one rule (`match: "{}"` with `keep: forever` keeps everything)
        "#]],
    );
}

#[test]
fn structure_that_is_not_that_of_a_policy() {
    check_errors(
        &[
            "default:\n  - name: x\n    match: '{}'\n    kep: 2d",
            "default:\n  - name: x\n    match: '{}'",
            "default:\n  - name: x\n    match: { status = error }\n    keep: 2d",
            "default:\n  - name: x\n    match: { status = error && .a = \"b\" }\n    keep: 2d",
            "defaults: []",
            "default:\n  - name: x\n    name: y",
            "default: 30d",
            "default:\n  name: x",
            "default: [",
            "- name: x",
            "",
            "default:\n\t- x",
            "default:\n  - { name: a, match: '{}', keep: 2d }\n---\ndefault: []",
        ],
        expect![[r#"
            line 4, column 5: there is no key `kep`, expected name, match, keep, fraction (did you mean `keep`?)
            line 2, column 5: the key `keep` is missing
            line 3, column 12: expected a text (braces mean something in YAML, write match: '{ status = error }')
            line 3, column 12: expected a text (braces mean something in YAML, write match: '{ status = error && .a = "b" }')
            line 1, column 1: there is no key `defaults`, expected decision_wait, default, tenants (did you mean `default`?)
            line 3, column 5: the key is there twice, first in line 2
            line 1, column 10: expected a list
            line 2, column 3: expected a list
            line 1, column 10: no YAML: unclosed bracket '['
            line 1, column 1: expected keys with values
            line 1, column 1: there are no rules, expected `default` or `tenants`
            line 2, column 2: no YAML: tabs disallowed within this context (block indentation)
            line 3, column 1: a second document, expected one
        "#]],
    );
    let large = "#".repeat(2 << 20);
    assert_eq!(
        PolicyFile::parse(&large),
        Err(PolicyError::TooLarge { bytes: 2 << 20, max: 1 << 20 })
    );
}

#[test]
fn rules_without_effect_are_named() {
    let file = PolicyFile::parse(
        "
decision_wait: 1d
default:
  - { name: all, match: '{}', keep: 30d, fraction: 0.5 }
  - { name: fewer, match: '{ .a = 1 }', keep: 30d, fraction: 0.25 }
  - { name: shorter, match: '{}', keep: 29d, fraction: 0.5 }
  - { name: more, match: '{ .a = 1 }', keep: 30d, fraction: 0.75 }
  - { name: longer, match: '{ .a = 1 }', keep: 31d, fraction: 0.1 }
  - { name: narrower, match: '{ .b = 2 && .a = 1 }', keep: 30d, fraction: 0.7 }
  - { name: again, match: '{.a=1}', keep: 30d, fraction: 0.75 }
  - { name: never, match: '{ false }', keep: 60d }
  - { name: brief, match: '{}', keep: 1d }
tenants:
  t:
    - { name: few, match: '{}', keep: 1w, fraction: 0.1 }
    - { name: all, match: '{}', keep: 7d }
",
    );
    let warnings = file.unwrap().warnings().iter().map(|w| format!("{w}\n")).collect::<String>();
    expect![[r#"
        line 5: default: rule `fewer` has no effect: rule `all` keeps the same traces at least as long
        line 6: default: rule `shorter` has no effect: rule `all` keeps the same traces at least as long
        line 9: default: rule `narrower` has no effect: rule `more` keeps the same traces at least as long
        line 10: default: rule `again` has no effect: rule `more` keeps the same traces at least as long
        line 11: default: rule `never` has no effect: its filter never matches
        line 12: default: rule `brief` has no effect: everything younger than decision_wait is kept anyway
        line 15: tenant `t`: rule `few` has no effect: rule `all` keeps the same traces at least as long
    "#]].assert_eq(&warnings);
}

//! Sections and settings: what is read, what is said about what cannot be.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use spandrel_config::{ComponentId, Problem, Secret, Section, Setting, Value, read_settings};

fn problems<T: std::fmt::Debug>(
    yaml: &str,
    read: impl FnOnce(&mut Section<'_>) -> T,
) -> Vec<String> {
    read_settings(yaml, read).unwrap_err().iter().map(Problem::to_string).collect()
}

/// The value of `x`, or what is wrong with it.
fn one<T: Setting>(yaml: &str) -> Result<Option<T>, String> {
    let read = read_settings(yaml, |section| section.get::<T>("x"));
    read.map(|(value, _)| value).map_err(|problems| problems.to_string())
}

#[test]
fn settings_of_all_types() {
    assert_eq!(one("x: true"), Ok(Some(true)));
    assert_eq!(one("x: 1_000"), Ok(Some(1000_i64)));
    assert_eq!(one("x: 1e3"), Ok(Some(1000_u64)));
    assert_eq!(one("x: 1"), Ok(Some(1.0)));
    assert_eq!(one("x: 0.1"), Ok(Some(0.1_f32)));
    assert_eq!(one("x: a"), Ok(Some("a".to_owned())));
    assert_eq!(one("x: /a"), Ok(Some(PathBuf::from("/a"))));
    assert_eq!(one("x: 1m30s"), Ok(Some(Duration::from_secs(90))));
    assert_eq!(one("x: 5"), Ok(Some(Duration::from_nanos(5))));
    assert_eq!(one("x: [a, b]"), Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(one("x: a,b"), Ok(Some(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(one("x: ''"), Ok(Some(Vec::<String>::new())));
    let map = BTreeMap::from([("k".to_owned(), 1_u16)]);
    assert_eq!(one("x: {k: 1}"), Ok(Some(map)));
    assert_eq!(one("x: otlp/a"), Ok(Some(ComponentId::parse("otlp/a").unwrap())));
    assert_eq!(one::<String>("x:"), Ok(None));
    assert_eq!(one::<String>("x: null"), Ok(None));
    assert_eq!(one::<String>("{}").unwrap(), None);
    assert_eq!(one::<Secret>("x: hush").unwrap().unwrap().expose(), "hush");
    assert!(matches!(one::<Value>("x: [1]"), Ok(Some(_))));
}

#[test]
fn nothing_is_converted_silently() {
    let table = [
        (one::<bool>("x: yes").err(), "x: must be true or false, not the text `yes`"),
        (one::<bool>("x: 1").err(), "x: must be true or false, not the number 1"),
        (one::<i64>("x: '1'").err(), "x: must be a whole number, not `1`"),
        (one::<i64>("x: 1.5").err(), "x: must be a whole number, not the number 1.5"),
        (one::<u16>("x: 70000").err(), "x: must be from 0 to 65535, not 70000"),
        (one::<u64>("x: -1").err(), "x: must be from 0 to 9223372036854775807, not -1"),
        (one::<f64>("x: .nan").err(), "x: must be a number, not .nan"),
        (one::<String>("x: 1").err(), "x: must be a text, not the number 1; write it in quotes"),
        (one::<String>("x: [a]").err(), "x: must be a text, not a list"),
        (one::<Duration>("x: -1s").err(), "x: must not be negative, and is `-1s`"),
        (one::<Duration>("x: 1.5").err(), "x: must be a duration like `1m30s`, not the number 1.5"),
        (one::<Vec<String>>("x: {}").err(), "x: must be a list, not a map"),
        (one::<Vec<u64>>("x: [1, b]").err(), "x: [1]: must be a whole number, not `b`"),
        (
            one::<BTreeMap<String, bool>>("x: {k: 1}").err(),
            "x: `k`: must be true or false, not the number 1",
        ),
    ];
    for (message, expected) in table {
        let message = message.unwrap();
        assert_eq!(message.strip_prefix("settings.yaml:1:4: "), Some(expected));
    }
}

#[test]
fn a_secret_is_in_no_message() {
    let message = one::<Secret>("x: 4711").err().unwrap();
    assert!(message.ends_with("x: must be a text, not a number; write it in quotes"), "{message}");
    let (secret, _) = read_settings("x: hush", |section| section.get::<Secret>("x")).unwrap();
    assert_eq!(format!("{secret:?} {}", secret.as_ref().unwrap()), "Some([REDACTED]) [REDACTED]");
}

#[test]
fn unknown_keys_are_reported_with_what_was_meant() {
    let read = |section: &mut Section<'_>| {
        section.or("send_batch_size", 8192_u32);
        section.or("timeout", Duration::ZERO);
        section.section("tls", |section| section.get::<bool>("insecure"));
    };
    assert_eq!(
        problems("send_batch_sizee: 1\ntls:\n  insecur: true\nother: 1\n", read),
        [
            "settings.yaml:1:1: send_batch_sizee: unknown key (did you mean `send_batch_size`?)",
            "settings.yaml:3:3: tls::insecur: unknown key (did you mean `insecure`?)",
            "settings.yaml:4:1: other: unknown key (keys here: send_batch_size, timeout, tls)",
        ]
    );
    assert_eq!(
        problems("insecure: true\ntls: {insecure: true}", |section| {
            section.section("tls", |section| section.get::<bool>("insecure"));
        }),
        ["settings.yaml:1:1: insecure: unknown key (did you mean `tls::insecure`?)"]
    );
    assert_eq!(
        problems("a: 1", |_| ()),
        ["settings.yaml:1:1: a: unknown key (there are no settings here)"]
    );
}

#[test]
fn all_problems_come_at_once() {
    let read = |section: &mut Section<'_>| {
        section.required::<String>("endpoint");
        section.get::<u32>("size");
        section.sections("rules", |section| section.required::<String>("name"));
        section.named_sections("groups", |_, section| section.get::<bool>("on"));
        section.choice("mode", &[("fast", 1), ("slow", 2)]);
    };
    let yaml = "size: many\nrules:\n- name: a\n- {}\n- 5\ngroups: {g: {on: 1}}\nmode: fats\n";
    assert_eq!(
        problems(yaml, read),
        [
            "settings.yaml:1:1: endpoint: is required",
            "settings.yaml:1:7: size: must be a whole number, not `many`",
            "settings.yaml:4:3: rules[1]::name: is required",
            "settings.yaml:5:3: rules[2]: must be a map of settings, not the number 5",
            "settings.yaml:6:18: groups::g::on: must be true or false, not the number 1",
            "settings.yaml:7:7: mode: must be one of `fast`, `slow`, not `fats` (did you mean `fast`?)",
        ]
    );
    assert_eq!(problems("[]", read), ["settings.yaml:1:1: must be a map of settings, not a list"]);
}

#[test]
fn sections_are_absent_empty_or_off() {
    let read = |section: &mut Section<'_>| {
        let on = |section: &mut Section<'_>| section.or("size", 1_u32);
        (
            section.section("a", on),
            section.optional("b", on),
            section.optional_or("c", 9, on),
            section.sections("d", on),
        )
    };
    let table = [
        ("{}", (None, None, Some(9), vec![])),
        ("{a: , b: , c: , d: }", (Some(1), Some(1), Some(1), vec![])),
        ("{a: {size: 2}, b: {size: 2}, c: {size: 2}, d: {size: 2}}", {
            (Some(2), Some(2), Some(2), vec![2])
        }),
        ("{b: {enabled: true}, c: {enabled: true}, d: [~, {size: 3}]}", {
            (None, Some(1), Some(1), vec![1, 3])
        }),
        ("{b: {enabled: false, size: x}, c: {enabled: false}}", (None, None, None, vec![])),
    ];
    for (yaml, expected) in table {
        assert_eq!(read_settings(yaml, read).unwrap().0, expected, "{yaml}");
    }
}

#[test]
fn warnings_do_not_fail() {
    let read = |section: &mut Section<'_>| {
        section.ignore(&["old", "older"], "it is gone");
        section.or("timeout", Duration::ZERO)
    };
    let (timeout, warnings) = read_settings("old: 1\ntimeout: 10", read).unwrap();
    assert_eq!(timeout, Duration::from_nanos(10));
    let warnings: Vec<String> = warnings.iter().map(Problem::to_string).collect();
    assert_eq!(
        warnings,
        [
            "settings.yaml:1:6: old: has no effect: it is gone",
            "settings.yaml:2:10: timeout: a number without a unit is nanoseconds, so this is 10 ns; write `10s` if seconds are meant",
        ]
    );
}

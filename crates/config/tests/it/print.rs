//! Printing the effective configuration: it reads as the same again, and shows no secret.

use std::collections::BTreeSet;

use spandrel_config::{Config, Format, Inspection, Redaction, yaml};

use crate::yaml::show;

fn inspect(text: &str) -> Config {
    let env = |name: &str| (name == "TOKEN").then(|| "hush".to_owned());
    let Inspection { config, .. } = Config::inspect(&[format!("yaml:{text}")], &[], &env);
    config.unwrap()
}

const VALUES: &str = r#"
a: {}
b: []
c: [1, -2.5, 1e300, .inf, -.inf, true, null, "", " x ", "1", "true", "yes", "n", "null", "~", "a: b", "a #b"]
d:
  - - nested
    - - deeper
  - k: {l: [m, {n: o}]}
"e f": "line\nbreak\ttab \"quotes\" \\ \u0007"
"- g": "ends with:"
h: "${x"
i: "\u00e4\u2028"
j: /path/to.file
"1": "2024-01-01"
"on": off
"#;

#[test]
fn what_is_printed_reads_as_the_same() {
    let config = inspect(VALUES);
    let read = show(&yaml::parse(VALUES, "a.yaml").unwrap());
    for format in [Format::Yaml, Format::Json] {
        // JSON has no infinity.
        let read = match format {
            Format::Yaml => read.clone(),
            Format::Json => read.replace("-inf", "\"-inf\"").replace(" inf", " \"inf\""),
        };
        let printed = config.print(format, Redaction::Off);
        assert_eq!(show(&yaml::parse(&printed, "b.yaml").unwrap()), read, "{printed}");
    }
}

#[test]
fn secrets_are_replaced() {
    let config = inspect(
        "
exporters:
  otlp:
    endpoint: https://user:pass@host:4317/x
    headers: {authorization: Bearer hush, x: '${TOKEN}'}
    auth: {authenticator: bearertokenauth}
  other:
    response_headers: [{name: a, value: hush}]
    custom: hush
    list: [{deep: hush}, {deep: seen}]
    key: seen
    token_url: seen
    token_file: seen
    api_token: hush
    sasl: {username: seen, password: '${TOKEN}'}
    secret: null
    is_token: true
",
    );
    let secrets =
        ["exporters::other::custom", "exporters::other::list[0]::deep"].map(str::to_owned);
    let secrets = BTreeSet::from(secrets);
    let printed = config.print(Format::Yaml, Redaction::On(&secrets));
    assert_eq!(
        printed,
        r#"exporters:
  otlp:
    endpoint: "https://[REDACTED]@host:4317/x"
    headers:
      authorization: "[REDACTED]"
      x: "[REDACTED]"
    auth:
      authenticator: bearertokenauth
  other:
    response_headers:
      -
        name: a
        value: "[REDACTED]"
    custom: "[REDACTED]"
    list:
      -
        deep: "[REDACTED]"
      -
        deep: seen
    key: seen
    token_url: seen
    token_file: seen
    api_token: "[REDACTED]"
    sasl:
      username: seen
      password: "[REDACTED]"
    secret: null
    is_token: true
"#
    );
    let open = config.print(Format::Json, Redaction::Off);
    assert_eq!(open.matches("hush").count(), 7, "{open}");
}

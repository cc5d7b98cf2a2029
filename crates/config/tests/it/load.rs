//! Loading: sources, substitution, merging, the model, what is checked.

use std::fs;

use spandrel_config::{Config, Format, Inspection, Kind, Loaded, Problem, Problems, Redaction};

/// Variables as `NAME=value` lines.
pub(crate) fn env(variables: &str) -> impl Fn(&str) -> Option<String> {
    let pairs: Vec<(String, String)> = variables
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.replace("\\n", "\n")))
        .collect();
    move |name| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone())
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn load(yaml: &str, variables: &str) -> Result<Loaded, Problems> {
    Config::load(&[format!("yaml:{yaml}")], &[], &env(variables))
}

/// What `x` becomes, as the rest of a line of JSON, with the problems and warnings behind it.
fn expand(value: &str, variables: &str) -> String {
    let Inspection { config, problems, warnings } =
        Config::inspect(&[format!("yaml:x: {value}")], &[], &env(variables));
    let json = config.unwrap().print(Format::Json, Redaction::Off);
    let json = json.trim_start_matches("{\n  \"x\": ").trim_end_matches("\n}\n").to_owned();
    let lines: Vec<&str> = json.lines().map(str::trim).collect();
    let said = problems.iter().chain(&warnings).filter(|problem| problem.path.starts_with('x'));
    let said = said.filter(|problem| problem.message != "unknown key");
    lines.join(" ") + &said.map(|problem| format!(" | {}", problem.message)).collect::<String>()
}

#[test]
fn substitution() {
    let variables = "A=a\nN=0123\nT=true\nE=\nLIST=[a, b]\nMAP={k: 1}\nTEXT=\"q\"\nREF=${A}\nREF2=x${env:REF}\nDOLLAR=a$$b\nNAME=A\nSPACES=  x \nYAML=a: b: c\nLOOP=${LOOP}\nGROW=${GROW}${GROW}";
    let table = [
        ("${A}", r#""a""#),
        ("${env:A}", r#""a""#),
        ("pre-${A}-${env:T}", r#""pre-a-true""#),
        ("${N}", "83"),
        ("'${N}'", "83"),
        ("x${N}", r#""x0123""#),
        ("${T}", "true"),
        ("${E}", "null"),
        ("x${E}", r#""x""#),
        ("${LIST}", r#"[ "a", "b" ]"#),
        ("${MAP}", r#"{ "k": 1 }"#),
        ("${TEXT}", r#""\"q\"""#),
        ("${REF}", r#""a""#),
        ("${REF2}", r#""xa""#),
        ("${DOLLAR}", r#""a$b""#),
        ("${SPACES}", r#""  x ""#),
        ("${YAML}", r#""a: b: c""#),
        ("${yaml:[1, 2]}", "[ 1, 2 ]"),
        ("${NONE}", "null | the environment variable `NONE` is not set"),
        ("a${NONE}", r#""a" | the environment variable `NONE` is not set"#),
        ("${NONE:-x}", r#""x""#),
        ("${env:NONE:-8080}", "8080"),
        ("${env:NONE:-}", "null"),
        ("${env:E:-x}", "null"),
        ("${MY_NONE:-${A}}", r#""a""#),
        ("${env:${NAME}}", r#""a""#),
        ("$A $$A", r#""$A $A""#),
        ("$${A}", r#""${A}""#),
        ("$$${A}", r#""$a""#),
        ("$$$${A}", r#""$${A}""#),
        ("${A", r#""${A""#),
        ("[a, {b: '${A}'}]", r#"[ "a", { "b": "a" } ]"#),
        ("${1}", "null | `1` is no name of an environment variable"),
        ("${}", "null | `` is no name of an environment variable"),
        ("${a-b}", "null | `a-b` is no name of an environment variable"),
        ("${env:$A}", "null | there must be no `$` between `${` and `}`"),
        ("${http://a/b}", "null | reading `http:` is not supported"),
        ("${vault:a}", "null | the scheme `vault:` is not known"),
        ("${LOOP}", "null | needs too many substitutions: does it contain itself?"),
        ("${GROW}", "null | needs too many substitutions: does it contain itself?"),
    ];
    for (value, expected) in table {
        assert_eq!(expand(value, variables), expected, "{value}");
    }
}

#[test]
fn a_text_setting_gets_the_text_of_a_variable() {
    let yaml = "x: ${N}\nw: a${N}\nz: {k: '${N}'}";
    let config = Config::inspect(&[format!("yaml:{yaml}")], &[], &env("N=0123")).config.unwrap();
    assert_eq!(config.print(Format::Yaml, Redaction::Off), "x: 83\nw: a0123\nz:\n  k: 83\n");

    let good = "receivers: {r: {endpoint: '${N}'}}\nexporters: {e: }\nservice: {pipelines: {traces: {receivers: [r], exporters: [e]}}}";
    let loaded = load(good, "N=0123").unwrap();
    let (_, body) = &loaded.config.receivers[0];
    assert_eq!(body.member("endpoint").unwrap().as_text(), Some("0123"));
    assert_eq!(body.member("endpoint").unwrap().describe(), "a number out of ${...}");
}

#[test]
fn sub_trees_come_from_files_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    #[expect(clippy::disallowed_methods, reason = "a test's file need not be durable")]
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("exporters.yaml", "e:\n  endpoint: ${A}\n");
    write("token.txt", "hush\n");
    write("broken.yaml", "a: [");
    let main = format!(
        "receivers: {{r: {{token: '${{file:{}}}'}}}}\nexporters: ${{file:{}}}\nservice: {{pipelines: {{traces: {{receivers: [r], exporters: [e]}}}}}}",
        path("token.txt"),
        path("exporters.yaml")
    );
    write("main.yaml", &main);
    let loaded = Config::load(&[path("main.yaml")], &[], &env("A=x")).unwrap();
    let token = loaded.config.receivers[0].1.member("token").unwrap();
    assert_eq!(token.as_text(), Some("hush"));
    let endpoint = loaded.config.exporters[0].1.member("endpoint").unwrap();
    assert_eq!(endpoint.position.to_string(), format!("{}:2:13", path("exporters.yaml")));

    let broken = format!("yaml:x: ${{file:{}}}", path("broken.yaml"));
    let message = Config::load(&[broken], &[], &env("")).unwrap_err().to_string();
    assert!(message.contains("yaml:1:1: x: ") || message.contains("broken.yaml:1:"), "{message}");
    let missing = Config::load(&[path("none.yaml")], &[], &env("")).unwrap_err().to_string();
    assert!(missing.contains("none.yaml` cannot be read: "), "{missing}");
}

#[test]
fn later_sources_win() {
    let sources = strings(&[
        "yaml:a: {b: 1, c: [1, 2], d: {e: 1}}",
        "yaml:a: {c: [3], d: }",
        "yaml:a::d::f: 2",
        "yaml:",
        "env:MORE",
    ]);
    let sets = strings(&["a.b=x", "a.g::h=[1]"]);
    let config = Config::inspect(&sources, &sets, &env("MORE=i: {'j::k': 1, j: {l: 2}}")).config;
    assert_eq!(
        config.unwrap().print(Format::Yaml, Redaction::Off),
        "a:\n  b: x\n  c:\n    - 3\n  d:\n    f: 2\n  g:\n    h:\n      - 1\ni:\n  j:\n    k: 1\n    l: 2\n"
    );
}

#[test]
fn sources_that_cannot_be() {
    let table = [
        (
            "http://a/b",
            &[][..],
            "http://a/b:1:1: reading `http:` is not supported (download it, and name the file)",
        ),
        ("yaml:[a]", &[], "yaml::1:1: a configuration must be a map, not a list"),
        ("yaml:a: 1\na: 2", &[], "yaml::2:1: a: the key is there twice, first in line 1"),
        (
            "env:1",
            &[],
            "env:1:1:1: `1` is no name of an environment variable (write `$${` where the text `${` is meant)",
        ),
        ("yaml:a: 1", &["b"], "--set:1:1: must be `key=value`"),
        ("yaml:a: 1", &["b..c=1"], "--set:1:1: b::::c: a part of the key is empty"),
        (
            "yaml:",
            &[],
            "yaml::1:1: the configuration is empty (it needs receivers, exporters and service::pipelines)",
        ),
    ];
    for (source, sets, message) in table {
        let problems = Config::load(&strings(&[source]), &strings(sets), &env("")).unwrap_err();
        assert_eq!(problems.to_string(), message);
    }
}

const GOOD: &str = "
receivers: {otlp: , otlp/second: {a: 1}}
processors: {batch: }
exporters: {debug: }
connectors: {forward: }
extensions: {health_check: }
service:
  extensions: [health_check]
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [forward]}
    traces/b: {receivers: forward, exporters: [debug]}
";

#[test]
fn the_model() {
    let Loaded { config, warnings } = load(GOOD, "").unwrap();
    assert_eq!(warnings, []);
    let ids: Vec<String> = Kind::ALL
        .iter()
        .flat_map(|kind| {
            config.components(*kind).iter().map(move |(id, _)| format!("{kind:?} {id}"))
        })
        .collect();
    assert_eq!(
        ids,
        [
            "Receiver otlp",
            "Receiver otlp/second",
            "Processor batch",
            "Exporter debug",
            "Connector forward",
            "Extension health_check",
        ]
    );
    let [front, back] = config.service.pipelines.as_slice() else { panic!() };
    assert_eq!((front.id.to_string(), back.id.to_string()), ("traces".into(), "traces/b".into()));
    assert_eq!(front.position.line, 10);
    assert_eq!(back.receivers[0].id.to_string(), "forward");
    assert_eq!(config.service.extensions[0].position.to_string(), "yaml::8:16");
}

/// What is wrong when one line of the good configuration is another.
fn wrong(line: &str, other: &str) -> Vec<String> {
    assert!(GOOD.contains(line));
    let problems = load(&GOOD.replace(line, other), "").unwrap_err();
    problems.iter().map(Problem::to_string).collect()
}

/// A line of the good configuration, another one in its place, and what is wrong then.
const WRONG: [(&str, &str, &[&str]); 15] = [
    (
        "exporters: [debug]",
        "exporters: [debgu]",
        &[
            "yaml::11:48: service::pipelines::traces/b::exporters: `debgu` is not defined among the exporters or connectors (did you mean `debug`?)",
        ],
    ),
    (
        "receivers: [otlp]",
        "receivers: [batch]",
        &[
            "yaml::10:26: service::pipelines::traces::receivers: `batch` is not defined among the receivers or connectors (it is one of the processors)",
        ],
    ),
    (
        "processors: [batch]",
        "processors: [memory_limiter]",
        &[
            "yaml::10:46: service::pipelines::traces::processors: `memory_limiter` is not defined among the processors (defined: batch)",
        ],
    ),
    (
        "processors: [batch]",
        "processors: [batch, batch]",
        &[
            "yaml::10:53: service::pipelines::traces::processors: `batch` is there twice (a second one needs a name: `type/name`)",
        ],
    ),
    (
        "exporters: [debug]",
        "exporters: []",
        &[
            "yaml::11:15: service::pipelines::traces/b::exporters: must name at least one of the exporters",
        ],
    ),
    (
        "extensions: [health_check]",
        "extensions: [zpages]",
        &[
            "yaml::8:16: service::extensions: `zpages` is not defined among the extensions (defined: health_check)",
        ],
    ),
    (
        "connectors: {forward: }",
        "connectors: {forward: , debug: }",
        &[
            "yaml::5:30: connectors::debug: is ambiguous: `debug` is among the exporters as well (rename one of them)",
        ],
    ),
    (
        "receivers: {otlp: , otlp/second: {a: 1}}",
        "receiver: {otlp: }",
        &[
            "yaml::2:1: receiver: unknown key (did you mean `receivers`?)",
            "yaml::2:1: there are no receivers",
            "yaml::10:26: service::pipelines::traces::receivers: `otlp` is not defined among the receivers or connectors (defined: forward)",
        ],
    ),
    (
        "receivers: {otlp: , otlp/second: {a: 1}}",
        "receivers: {otlp: , ' otlp ': , otlp/: , 5: [], jaeger: []}",
        &[
            "yaml::2:21: receivers:: otlp : `otlp` is there twice, first at yaml::2:13",
            "yaml::2:33: receivers::otlp/: `otlp/` is no id: the name after `/` is missing",
            "yaml::2:42: receivers::5: `5` is no id: a type begins with a letter and has only letters, digits and `_`",
            "yaml::2:57: receivers::jaeger: must be a map of settings, not a list",
        ],
    ),
    (
        "    traces/b:",
        "    trace/b:",
        &[
            "yaml::11:14: service::pipelines::trace/b: `trace/b` is no pipeline: it must begin with traces, metrics, logs or profiles; did you mean `traces`?",
        ],
    ),
    (
        "    traces/b:",
        "    ' traces':",
        &["yaml::10:5: service::pipelines: `traces` is there twice"],
    ),
    (
        "processors: [batch]",
        "processers: [batch]",
        &[
            "yaml::10:33: service::pipelines::traces::processers: unknown key (did you mean `processors`?)",
        ],
    ),
    (
        "exporters: {debug: }",
        "exporters: [debug]",
        &[
            "yaml::2:1: there are no exporters",
            "yaml::4:12: exporters: must be a map of components, not a list",
            "yaml::11:48: service::pipelines::traces/b::exporters: `debug` is not defined among the exporters or connectors (defined: forward)",
        ],
    ),
    (
        "exporters: [forward]",
        "exporters: 5",
        &[
            "yaml::10:13: service::pipelines::traces::exporters: must name at least one of the exporters",
            "yaml::10:65: service::pipelines::traces::exporters: must be a list, not the number 5",
        ],
    ),
    (
        "exporters: [forward]",
        "exporters: [forward, '${NAME}']",
        &[
            "yaml::10:75: service::pipelines::traces::exporters: `x` is not defined among the exporters or connectors (defined: debug, forward)",
        ],
    ),
];
#[test]
fn references_are_checked() {
    for (line, other, expected) in WRONG {
        if other.contains("NAME") {
            let problems = load(&GOOD.replace(line, other), "NAME=x").unwrap_err();
            assert_eq!(problems.to_string(), expected[0]);
        } else {
            assert_eq!(wrong(line, other), expected, "{other}");
        }
    }
    assert_eq!(
        load("receivers: {a: }\nexporters: {b: }\n", "").unwrap_err().to_string(),
        "yaml::1:1: service::pipelines: there are no pipelines"
    );
}

#[test]
fn huge_and_endless_ends() {
    let deep = format!("yaml:{}: 1", ["a"; 300].join("::"));
    let message = Config::load(&[deep], &[], &env("")).unwrap_err().to_string();
    assert!(message.contains("nested deeper than"), "{message}");
    let set = format!("{}=1", ["a"; 500].join("."));
    let message = Config::load(&strings(&["yaml:a: 1"]), &[set], &env("")).unwrap_err().to_string();
    assert!(message.contains("nested deeper than"), "{message}");
    let nested = format!("{}A{}", "${".repeat(500), "}".repeat(500));
    assert!(expand(&nested, "A=A").contains("too many substitutions"));
    // A list that contains itself.
    assert!(expand("${A}", "A=['${A}']").contains("nested deeper than"));
    assert!(expand("${A}", "A=['${A}', '${A}']").contains("too many substitutions"));
    let long = format!("A={}", "x".repeat(1 << 20));
    let many = "${A}".repeat(100);
    assert!(expand(&many, &long).contains("too large"));
}

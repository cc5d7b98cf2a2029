//! The tools around the server: `blocks`, `export`, `import` and `verify run`, as their users call them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Output;

use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{ArrayValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde_json::Value;
use spandrel_tests::{
    Home, SpanView, Spandrel, Tempo, any, attribute, request, run, send, span, span_id, spandrel,
    trace_id, unix_nanos,
};

/// Traces of the strange spans, besides those of the demo.
const STRANGE_TRACES: u64 = 40;

/// A server whose blocks hold the demo's spans and some strange ones, with traces in two blocks.
fn filled(home: &mut Home) -> Spandrel {
    let server = home.start();
    let endpoint = format!("http://{}", server.ports.otlp_grpc);
    let demo = ["demo", "--traces", "60", "--rate", "max", "--seed", "5"];
    run(spandrel(&demo).args(["--endpoint", &endpoint]));
    let start = unix_nanos();
    let mut otlp = server.otlp();
    for half in 0..2 {
        for number in 0..STRANGE_TRACES {
            let spans = strange_spans(number, half, start);
            assert_eq!(send(&mut otlp, &request("caf\u{e9}", spans)), (0, String::new()));
        }
        if half == 0 {
            // What comes after it lies in another block.
            let demo = ["demo", "--traces", "60", "--rate", "max", "--seed", "6"];
            run(spandrel(&demo).args(["--endpoint", &endpoint]));
        }
    }
    server
}

/// Spans with everything that OTLP has, one half of a trace.
fn strange_spans(number: u64, half: u64, start: u64) -> Vec<Span> {
    let trace = trace_id(77, number + 1);
    (0..3)
        .map(|i| {
            let mut span = span(&trace, half * 3 + i + 1, "strange", start + i * 1_000);
            span.parent_span_id = if half + i == 0 { vec![] } else { span_id(1) };
            span.trace_state = "vendor=1".to_owned();
            span.flags = 0x101;
            span.kind = 5;
            span.status = Some(Status { message: "no".to_owned(), code: 2 });
            span.attributes = vec![
                attribute("text", "\u{fc}mlaut \"quoted\"\n"),
                attribute("number", &number.to_string()),
                pair("double", AnyValue::DoubleValue(0.5)),
                pair("int", AnyValue::IntValue(i64::MIN)),
                pair("bool", AnyValue::BoolValue(true)),
                pair("bytes", AnyValue::BytesValue(vec![0, 255])),
                pair(
                    "list",
                    AnyValue::ArrayValue(ArrayValue {
                        values: vec![any(AnyValue::IntValue(1)), any(AnyValue::BoolValue(false))],
                    }),
                ),
                attribute("long", &"x".repeat(40_000)),
            ];
            span.events = vec![Event {
                time_unix_nano: start + 5,
                name: "exception".to_owned(),
                attributes: vec![attribute("exception.type", "Oops")],
                dropped_attributes_count: 3,
            }];
            span.links = vec![Link {
                trace_id: trace_id(9, 9),
                span_id: span_id(9),
                attributes: vec![attribute("why", "because")],
                ..Link::default()
            }];
            span
        })
        .collect()
}

fn pair(key: &str, value: AnyValue) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(any(value)), ..KeyValue::default() }
}

/// Every trace of a server, by id.
fn all_traces(tempo: &mut Tempo) -> BTreeMap<String, Vec<SpanView>> {
    let ids = tempo.find("{ }", 10_000);
    ids.into_iter().map(|id| (id.clone(), tempo.trace(&id))).collect()
}

fn blocks(home: &Home, arguments: &[&str]) -> Output {
    let mut command = spandrel(&["blocks"]);
    command.args(arguments).arg("--data-dir").arg(home.data_dir());
    command.output().unwrap()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every file of a folder with its content.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

fn overwrite(path: &Path, content: &[u8]) {
    File::create(path).unwrap().write_all(content).unwrap();
}

#[test]
fn blocks_are_shown_and_verified_beside_a_running_server_and_nothing_is_written() {
    let mut home = Home::new().with_options(&["--cut-spans", "1500", "--no-compaction"]);
    filled(&mut home).stop();
    let server = home.start();
    let before = files(&home.table());
    let listed = json_of(&blocks(&home, &["list", "--json"]));
    let n_blocks = listed["totals"]["blocks"].as_u64().unwrap();
    assert!(n_blocks >= 2, "{listed}");
    let text = blocks(&home, &["list"]);
    assert_eq!(String::from_utf8_lossy(&text.stdout).lines().count() as u64, n_blocks + 2);

    let id = listed["blocks"][0]["id"].as_str().unwrap();
    let block = json_of(&blocks(&home, &["inspect", "--json", id]));
    let bytes = |value: &Value| value["bytes"].as_u64().unwrap();
    let columns: u64 = block["columns"].as_array().unwrap().iter().map(bytes).sum();
    // The file is its magic, the columns, the index and the rest.
    let rest = bytes(&block["index"]) + block["footerBytes"].as_u64().unwrap();
    assert_eq!(bytes(&block), 4 + columns + rest);
    assert_eq!(block["spans"], listed["blocks"][0]["spans"]);
    let text = blocks(&home, &["inspect", id]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("resource.service.name"));

    let verified = blocks(&home, &["verify", "--json"]);
    let outcome = json_of(&verified);
    assert!(verified.status.success(), "{outcome}");
    assert_eq!(outcome["rows"], listed["totals"]["spans"]);
    assert_eq!(outcome["blocks"], n_blocks);

    let timeline = json_of(&blocks(&home, &["timeline", "--json"]));
    assert_eq!(timeline["tenants"][0]["levels"][0]["blocks"], n_blocks);
    assert!(blocks(&home, &["timeline", "--ascii"]).status.success());
    assert_eq!(files(&home.table()), before);
    server.stop();
}

#[test]
fn a_flipped_bit_is_found_and_named() {
    let mut home = Home::new();
    filled(&mut home).stop();
    let block = json_of(&blocks(&home, &["list", "--json"]))["blocks"][0].clone();
    let path = home.data_dir().join(block["path"].as_str().unwrap());
    let whole = fs::read(&path).unwrap();
    // The beginning, the middle of the columns, the index and the footer, and a cut.
    for place in [0, 5, whole.len() / 4, whole.len() / 2, whole.len() - 3_000, whole.len() - 30] {
        let mut damaged = whole.clone();
        damaged[place] ^= 0x10;
        overwrite(&path, &damaged);
        let output = blocks(&home, &["verify", "--json"]);
        let outcome = json_of(&output);
        assert_eq!(output.status.code(), Some(1), "byte {place}: {outcome}");
        let fault = &outcome["faults"][0];
        assert_eq!(fault["file"], block["path"], "byte {place}: {outcome}");
        let offset = fault["offset"].as_u64();
        if fault["part"] == "page" {
            assert!(fault["column"].is_string() && fault["page"].is_u64(), "{fault}");
            assert!(offset.is_some_and(|offset| offset <= place as u64), "{fault}");
        }
    }
    overwrite(&path, &whole[..whole.len() - 1]);
    assert_eq!(blocks(&home, &["verify"]).status.code(), Some(1));
    fs::remove_file(&path).unwrap();
    let output = blocks(&home, &["verify"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("it is missing"));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_exported_and_imported_is_equal_span_by_span() {
    let mut home = Home::new().with_options(&["--cut-spans", "1500", "--no-compaction"]);
    filled(&mut home).stop();
    let server = home.start();
    let sent = all_traces(&mut server.tempo());
    assert!(sent.len() as u64 > STRANGE_TRACES, "{}", sent.len());
    let n_spans: usize = sent.values().map(Vec::len).sum();
    let from_server = format!("http://{}", server.ports.http);
    for (name, source) in
        [("a.json.gz", None), ("a.binpb.zst", None), ("a.json", Some(from_server.as_str()))]
    {
        let file = home.scratch().join(name);
        let mut export = spandrel(&["export", "--json"]);
        export.arg(&file).arg("--data-dir").arg(home.data_dir());
        export.args(source.into_iter().flat_map(|url| ["--endpoint", url]));
        let exported = run(&mut export);
        assert_eq!(exported["spans"], n_spans, "{name}");
        assert_eq!(exported["traces"], sent.len(), "{name}");

        let mut empty = Home::new();
        let other = empty.start();
        let endpoint = format!("http://{}", other.ports.otlp_grpc);
        let imported = run(spandrel(&["import", "--json", "--endpoint", &endpoint]).arg(&file));
        assert_eq!(imported["spansSent"], n_spans, "{name}");
        assert_eq!(imported["spansRejected"], 0);
        assert_eq!(all_traces(&mut other.tempo()), sent, "{name}");
        other.stop();
    }
    server.stop();
}

#[test]
fn an_export_can_be_a_part() {
    let mut home = Home::new().with_options(&["--cut-spans", "1500", "--no-compaction"]);
    filled(&mut home).stop();
    let export = |options: &[&str]| {
        let mut command = spandrel(&["export", "--json", "--force"]);
        command.arg(home.scratch().join("part.json")).arg("--data-dir").arg(home.data_dir());
        run(command.args(options))
    };
    // A trace that is asked for is there with all its spans, also where it lies in two blocks.
    let strange = export(&["--query", "{ span.number = \"7\" && name = \"strange\" }"]);
    assert_eq!((&strange["traces"], &strange["spans"]), (&1.into(), &6.into()));
    assert_eq!(export(&["--query", "{ name = \"nothing\" }"])["traces"], 0);
    assert_eq!(export(&["--end", "2020-01-01T00:00:00Z"])["spans"], 0);
    assert_eq!(export(&["--since", "1d"]), export(&[]));
    let wrong = spandrel(&["export", "-", "--query", "{ .a = }"]).output().unwrap();
    let message = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(message.contains("{ .a = }\n") && message.contains('^'), "{message}");
}

#[test]
fn an_import_names_what_is_damaged_and_can_go_on_without_it() {
    let mut home = Home::new();
    let server = home.start();
    let line = |id: &str| {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}","spanId":"0102030405060708","name":"a","startTimeUnixNano":"{}"}}]}}]}}]}}"#,
            unix_nanos()
        )
    };
    let (one, two) = ("00000000000000000000000000000001", "00000000000000000000000000000002");
    let file = home.scratch().join("lines.json");
    let lines = format!("{}\n{{\"resourceSpans\": oops}}\n{}\n", line(one), line(two));
    overwrite(&file, lines.as_bytes());
    let endpoint = format!("http://{}", server.ports.otlp_http);
    let import = |options: &[&str]| {
        let mut command = spandrel(&["import", "--json", "--protocol", "http"]);
        command.args(["--endpoint", &endpoint]).arg(&file).args(options).output().unwrap()
    };
    let stopped = import(&[]);
    let message = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(1));
    assert!(
        message.contains("lines.json: line 2: ") && message.contains("--skip-damaged"),
        "{message}"
    );
    assert_eq!(json_of(&stopped)["spansSent"], 1);
    assert_eq!(server.tempo().find("{ }", 10), [one]);

    let went_on = import(&["--skip-damaged"]);
    assert!(went_on.status.success());
    let summary = json_of(&went_on);
    assert_eq!((&summary["damagedMessages"], &summary["spansSent"]), (&1.into(), &2.into()));
    assert_eq!(server.tempo().trace(two).len(), 1);
    server.stop();
}

/// A short run of the checker.
fn check(server: &Spandrel, options: &[&str]) -> (Value, Option<i32>) {
    let push = format!("http://{}", server.ports.otlp_grpc);
    let query = format!("http://{}", server.ports.http);
    let fast = ["--interval", "100ms", "--check-after", "200ms,500ms", "--duration", "2s"];
    let mut command = spandrel(&["verify", "run", "--json", "--metrics", "127.0.0.1:0"]);
    command.args(["--push", &push, "--query", &query]).args(fast).args(options);
    let output = command.output().unwrap();
    (json_of(&output), output.status.code())
}

#[test]
fn the_checker_is_content_with_a_server_that_keeps_everything() {
    let mut home = Home::new();
    let server = home.start();
    let state = home.scratch().join("checker.state");
    let state = ["--state", state.to_str().unwrap()];
    let (first, status) = check(&server, &state);
    assert_eq!(status, Some(0), "{first}");
    assert!(first["writtenTraces"].as_u64().unwrap() >= 5, "{first}");
    for read in ["traceById", "search"] {
        let read = &first[read];
        assert!(read["checks"].as_u64() >= first["writtenTraces"].as_u64(), "{first}");
        let faults = ["missing", "incomplete", "wrong", "late", "requestFailures"];
        assert!(faults.iter().all(|fault| read[fault] == 0), "{first}");
    }
    // One that starts again goes on with the same seed, also after the server did.
    server.stop();
    let server = home.start();
    let (second, status) = check(&server, &state);
    assert_eq!((status, &second["seed"]), (Some(0), &first["seed"]), "{second}");
    server.stop();
}

#[test]
fn the_checker_finds_what_a_server_has_lost() {
    let mut home = Home::new();
    let server = home.start();
    let state = home.scratch().join("checker.state");
    let state = ["--state", state.to_str().unwrap()];
    assert_eq!(check(&server, &state).1, Some(0));
    server.kill();
    fs::remove_dir_all(home.data_dir()).unwrap();
    let server = home.start();
    let (found, status) = check(&server, &state);
    assert_eq!(status, Some(1), "{found}");
    for read in ["traceById", "search"] {
        assert!(found[read]["missing"].as_u64().unwrap() > 0, "{found}");
        assert_eq!(found[read]["wrong"], 0);
    }
    server.stop();
}

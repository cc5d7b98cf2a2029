//! `file`: what lies in the files.

use std::fs;
use std::path::Path;

use spandrel_exporters::{FileExporter, FileSettings};
use spandrel_model::TenantId;
use spandrel_otlp::{DecodeLimits, json_to_protobuf};
use spandrel_pipeline::{Component, ConsumeError, TraceBatch, TraceConsumer};

use crate::rig::{batch, context, otlp, problems, settings};
use crate::server::names;

async fn exporter(path: &Path, more: &str) -> FileExporter {
    let settings = settings(&format!("path: '{}'\n{more}", path.display()), FileSettings::read);
    let exporter = FileExporter::new(settings, context());
    exporter.start().await.unwrap();
    exporter
}

fn names_of_line(line: &str) -> Vec<String> {
    names(&json_to_protobuf(line.as_bytes(), &DecodeLimits::default()).unwrap())
}

/// Messages behind their lengths.
fn messages(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (message, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        messages.push(message);
        bytes = rest;
    }
    messages
}

#[tokio::test]
async fn requests_are_lines_as_soon_as_they_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.json");
    for more in ["", "append: true", ""] {
        let exporter = exporter(&path, more).await;
        exporter.consume(batch(&["a", "b"])).await.unwrap();
        exporter.consume(batch(&["c"])).await.unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().map(names_of_line).collect();
        let n_lines = if more.is_empty() { 2 } else { 4 };
        assert_eq!(lines.len(), n_lines, "{more}");
        assert_eq!(lines[lines.len() - 2..], [vec!["a", "b"], vec!["c"]]);
        exporter.shutdown().await;
        let error = exporter.consume(batch(&["d"])).await.unwrap_err();
        assert!(matches!(error, ConsumeError::Unavailable { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn protobuf_and_compressed_messages_have_their_length_in_front() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("below/it/traces");
    let creates = "create_directory: true";
    let exporter = exporter(&path, &format!("{creates}\nformat: proto")).await;
    exporter.consume(batch(&["a"])).await.unwrap();
    exporter.consume(batch(&["b"])).await.unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(messages(&bytes), [&*otlp(&["a"]), &*otlp(&["b"])]);

    let more = format!("{creates}\ncompression: zstd\ncompression_params: {{level: 6}}");
    let exporter = self::exporter(&path, &more).await;
    exporter.consume(batch(&["a", "b"])).await.unwrap();
    let bytes = fs::read(&path).unwrap();
    let [message] = messages(&bytes)[..] else { panic!("one message") };
    let json = String::from_utf8(zstd::stream::decode_all(message).unwrap()).unwrap();
    assert_eq!(names_of_line(&json), ["a", "b"]);
}

#[tokio::test]
async fn full_files_are_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("traces.json");
    let exporter = exporter(&path, "rotation: {max_megabytes: 1, max_backups: 2}").await;
    let long = "x".repeat(600 << 10);
    for _ in 0..5 {
        exporter.consume(batch(&[&long])).await.unwrap();
    }
    let mut names: Vec<String> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "traces-2023-11-14T22-13-20.002.json",
        "traces-2023-11-14T22-13-20.003.json",
        "traces.json",
    ];
    assert_eq!(names, expected);
    for name in names {
        assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap().lines().count(), 1);
    }
}

#[tokio::test]
async fn one_file_for_each_value_of_an_attribute() {
    let dir = tempfile::tempdir().unwrap();
    let group_by = "group_by: {enabled: true, resource_attribute: team, max_open_files: 1}";
    let path = dir.path().join("t-*.json");
    let exporter = exporter(&path, &format!("{group_by}\ncreate_directory: true")).await;
    let resource = |team: &str, name: &str| {
        let attributes = match team {
            "" => String::new(),
            team => format!(r#"{{"key":"team","value":{{"stringValue":"{team}"}}}}"#),
        };
        let span = format!(
            r#"{{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"1112131415161718","name":"{name}"}}"#
        );
        format!(
            r#"{{"resource":{{"attributes":[{attributes}]}},"scopeSpans":[{{"spans":[{span}]}}]}}"#
        )
    };
    for _ in 0..2 {
        let resources = [
            resource("red", "a"),
            resource("../../blue", "b"),
            resource("", "c"),
            resource("red", "d"),
        ];
        let json = format!(r#"{{"resourceSpans":[{}]}}"#, resources.join(","));
        let otlp = json_to_protobuf(json.as_bytes(), &DecodeLimits::default()).unwrap();
        exporter.consume(TraceBatch::otlp(TenantId::single(), otlp)).await.unwrap();
    }
    for (file, names) in
        [("t-red.json", vec!["a", "d"]), ("t-blue.json", vec!["b"]), ("t-MISSING.json", vec!["c"])]
    {
        let text = fs::read_to_string(dir.path().join(file)).unwrap();
        let lines: Vec<_> = text.lines().map(names_of_line).collect();
        assert_eq!(lines, [names.clone(), names], "{file}");
    }
}

#[tokio::test]
async fn a_disk_without_room_refuses() {
    let exporter = exporter(Path::new("/dev/full"), "append: true").await;
    let error = exporter.consume(batch(&["a"])).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Unavailable { spans: 1, .. }), "{error:?}");
}

#[test]
fn settings_that_make_no_sense() {
    for (yaml, words) in [
        ("{}", "path"),
        ("path: ''", "non-empty"),
        ("path: a\nformat: xml", "json or proto"),
        ("path: a\ncompression: gzip", "zstd"),
        ("path: a\nappend: true\ncompression: zstd", "append and compression"),
        ("path: a\nappend: true\nrotation:", "append and rotation"),
        ("path: a\ngroup_by: {enabled: true}", "exactly one *"),
        ("path: '*.json'\ngroup_by: {enabled: true}", "start with *"),
        ("path: a\nflush_interval: 0s", "larger than zero"),
        ("path: a\ncreate_directory: true\ndirectory_permissions: '999'", "octal"),
        ("path: a\nencoding: otlp_encoding", "not supported"),
        ("path: a\nfomat: json", "format"),
    ] {
        let problems = problems(yaml, FileSettings::read);
        assert!(problems.contains(words), "{yaml}: {problems}");
    }
}

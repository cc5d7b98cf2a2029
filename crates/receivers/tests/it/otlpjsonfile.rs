//! Files of OTLP in JSON: what is appended is handed on, once, whatever happens in between.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use spandrel_base::memory::MemoryBudget;
use spandrel_pipeline::{Component, ConsumeError};
use spandrel_receivers::{OtlpJsonFileReceiver, OtlpJsonFileSettings};
use spandrel_telemetry::Metrics;

use crate::fixture::{Recorder, Script, context, settings};

fn line(name: &str) -> String {
    let span = json!({ "traceId": "1".repeat(32), "spanId": "2".repeat(16), "name": name });
    let line = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] });
    format!("{line}\n")
}

async fn start(yaml: &str, folder: &Path) -> (OtlpJsonFileReceiver, Arc<Recorder>) {
    let metrics = Metrics::new();
    let consumer = Recorder::new(&metrics);
    let yaml = format!("include: ['{}/*.jsonl']\npoll_interval: 1ms\n{yaml}", folder.display());
    let settings = settings(&yaml, OtlpJsonFileSettings::read);
    let context = context("otlpjsonfile", &metrics, MemoryBudget::unlimited());
    let offsets = settings.storage.is_some().then(|| folder.join("offsets"));
    let receiver =
        OtlpJsonFileReceiver::new(settings, Arc::clone(&consumer) as _, context, offsets).unwrap();
    receiver.start().await.unwrap();
    (receiver, consumer)
}

#[tokio::test]
async fn lines_are_handed_on_as_they_come() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    File::create(&path).unwrap().write_all(line("first").as_bytes()).unwrap();
    File::create(folder.path().join("b.txt")).unwrap().write_all(line("other").as_bytes()).unwrap();
    let exclude = format!("start_at: beginning\nexclude: '{}/c*'", folder.path().display());
    let (receiver, consumer) = start(&exclude, folder.path()).await;
    consumer.wait(1).await;
    let mut file = OpenOptions::new().append(true).open(&path).unwrap();
    let second = line("second");
    let (half, rest) = second.split_at(20);
    file.write_all(format!("\nno json\n{half}").as_bytes()).unwrap();
    file.write_all(rest.as_bytes()).unwrap();
    consumer.wait(1).await;
    File::create(folder.path().join("c.jsonl")).unwrap().write_all(line("no").as_bytes()).unwrap();
    File::create(folder.path().join("d.jsonl")).unwrap().write_all(line("new").as_bytes()).unwrap();
    consumer.wait(1).await;
    assert_eq!(consumer.span_names(), ["first", "second", "new"]);
    receiver.shutdown().await;
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("a.jsonl")).unwrap();
    file.write_all(format!("{}{}", line("a"), line("b")).as_bytes()).unwrap();
    let metrics_folder = folder.path();
    let (receiver, consumer) =
        start("start_at: beginning\nreplay_file: false", metrics_folder).await;
    consumer.wait(2).await;
    let unavailable = ConsumeError::Unavailable {
        message: "full".to_owned(),
        retry_after: Duration::from_millis(1),
        spans: 1,
    };
    let permanent = ConsumeError::Permanent { message: "no".to_owned(), spans: 1 };
    for error in [unavailable, permanent] {
        consumer.scripts.lock().push_back(Script::Answer(Err(error)));
    }
    file.write_all(format!("{}{}", line("c"), line("d")).as_bytes()).unwrap();
    // Once refused, then refused for good; and the next one.
    consumer.wait(3).await;
    assert_eq!(consumer.span_names(), ["a", "b", "c", "c", "d"]);
    receiver.shutdown().await;
}

#[tokio::test]
async fn a_file_is_replayed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = File::create(folder.path().join("a.jsonl")).unwrap();
    file.write_all(line("again").trim_end().as_bytes()).unwrap();
    let (receiver, consumer) = start("replay_file: true", folder.path()).await;
    consumer.wait(3).await;
    receiver.shutdown().await;
    assert!(consumer.span_names().iter().all(|name| name == "again"));
}

#[tokio::test]
async fn with_a_storage_a_restart_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let append = |name: &str, text: String| {
        let mut file = OpenOptions::new().create(true).append(true).open(path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    let from_beginning = "storage: file_storage\nstart_at: beginning";
    let (receiver, consumer) = start(from_beginning, folder.path()).await;
    let (half, rest) = (line("a2")[..30].to_owned(), line("a2")[30..].to_owned());
    append("b.jsonl", line("b1"));
    consumer.wait(1).await;
    append("a.jsonl", format!("{}{half}", line("a1")));
    consumer.wait(1).await;
    receiver.shutdown().await;
    assert_eq!(consumer.span_names(), ["b1", "a1"]);

    // While nobody reads: a line gets its end, a file another name, its name goes to another file, and one comes.
    append("a.jsonl", rest);
    std::fs::hard_link(path("b.jsonl"), path("c.jsonl")).unwrap();
    std::fs::remove_file(path("b.jsonl")).unwrap();
    append("b.jsonl", line("b2"));
    append("c.jsonl", line("b1 goes on"));
    append("d.jsonl", line("d1"));
    // Where to begin was for the first start.
    let (receiver, consumer) = start("storage: file_storage", folder.path()).await;
    consumer.wait(4).await;
    append("d.jsonl", line("d2"));
    consumer.wait(1).await;
    receiver.shutdown().await;
    assert_eq!(consumer.span_names(), ["a2", "b2", "b1 goes on", "d1", "d2"]);

    let (receiver, consumer) = start("storage: file_storage", folder.path()).await;
    append("d.jsonl", line("d3"));
    consumer.wait(1).await;
    receiver.shutdown().await;
    assert_eq!(consumer.span_names(), ["d3"], "nothing is read again");
}

#[tokio::test]
async fn a_storage_that_cannot_be_read_is_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("offsets")).unwrap().write_all(b"{").unwrap();
    let settings = settings("include: a\nstorage: file_storage", OtlpJsonFileSettings::read);
    let metrics = Metrics::new();
    let context = context("otlpjsonfile", &metrics, MemoryBudget::unlimited());
    let offsets = Some(folder.path().join("offsets"));
    let receiver =
        OtlpJsonFileReceiver::new(settings, Recorder::new(&metrics), context, offsets).unwrap();
    let error = receiver.start().await.unwrap_err();
    assert!(error.to_string().contains("remove it to begin anew"), "{error}");
}

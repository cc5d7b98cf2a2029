//! The OpenTelemetry SDKs, as they come from their registries, over every protocol that they speak.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use spandrel_tests::{Home, Ports, has_go, node, python, run, say};

use crate::shop_trace::{Sent, check_by_id, check_by_jaeger, check_by_query};

/// Sends, reads back, restarts so that everything lies in blocks, reads back again.
fn check_sender(language: &str, protocol: &str, sender: impl FnOnce() -> Command) {
    let mut home = Home::new();
    let mut spandrel = home.start();
    let run_id = format!("{language}-{}", protocol.replace('/', "-"));
    let endpoint = endpoint(&spandrel.ports, protocol);
    let mut command = sender();
    command.args(["--endpoint", &endpoint, "--protocol", protocol, "--run", &run_id]);
    let sent = Sent::new(&run_id, run(&mut command));
    for place in ["live spans", "blocks"] {
        say(&format!("{run_id}: {place}"));
        let mut tempo = spandrel.tempo();
        let views = tempo.trace(&sent.trace_id);
        check_by_id(&sent, &views);
        assert_eq!(views, tempo.trace_as_json(&sent.trace_id));
        check_by_query(&sent, &mut tempo);
        check_by_jaeger(&sent, &mut spandrel.jaeger());
        spandrel.stop();
        spandrel = home.start();
    }
}

fn endpoint(ports: &Ports, protocol: &str) -> String {
    let grpc = protocol == "grpc";
    (if grpc { ports.otlp_grpc } else { ports.otlp_http }).to_string()
}

fn python_sender() -> Command {
    let mut command = python();
    command.arg("senders/python/send.py");
    command
}

fn node_sender() -> Command {
    let mut command = node();
    command.arg("senders/node/send.js");
    command
}

fn go_program(name: &str) -> Option<Command> {
    if !has_go() {
        say("skipped: go is not installed");
        return None;
    }
    let program = Path::new(".go").join(name);
    assert!(program.is_file(), "run tests/install first");
    Some(Command::new(program))
}

#[test]
fn python_over_grpc() {
    check_sender("python", "grpc", python_sender);
}

#[test]
fn python_over_http() {
    check_sender("python", "http/protobuf", python_sender);
}

#[test]
fn node_over_grpc() {
    check_sender("node", "grpc", node_sender);
}

#[test]
fn node_over_http() {
    check_sender("node", "http/protobuf", node_sender);
}

#[test]
fn node_as_json() {
    check_sender("node", "http/json", node_sender);
}

#[test]
fn go_over_grpc() {
    if let Some(sender) = go_program("sender") {
        check_sender("go", "grpc", || sender);
    }
}

#[test]
fn go_over_http() {
    if let Some(sender) = go_program("sender") {
        check_sender("go", "http/protobuf", || sender);
    }
}

#[test]
fn telemetrygen() {
    for protocol in ["grpc", "http/protobuf"] {
        let Some(mut telemetrygen) = go_program("telemetrygen") else { return };
        let mut home = Home::new();
        let spandrel = home.start();
        let endpoint = endpoint(&spandrel.ports, protocol);
        telemetrygen.args(["traces", "--otlp-insecure", "--otlp-endpoint", &endpoint]);
        telemetrygen.args(["--traces", "50", "--child-spans", "4", "--service", "generated"]);
        telemetrygen.args(["--rate", "0"]);
        if protocol != "grpc" {
            telemetrygen.arg("--otlp-http");
        }
        run(&mut telemetrygen);
        let found = spandrel.tempo().search("{ resource.service.name = \"generated\" }", 100);
        let traces = found["traces"].as_array().unwrap();
        assert_eq!(traces.len(), 50, "{protocol}");
        let matched: u64 =
            traces.iter().map(|trace: &Value| trace["spanSet"]["matched"].as_u64().unwrap()).sum();
        assert_eq!(matched, 50 * 5, "{protocol}");
    }
}

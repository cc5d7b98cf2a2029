//! Settings in the Collector's form: defaults, what is refused, and the Collector's own files.

use std::fmt::Debug;
use std::fs;

use spandrel_config::{Section, read_settings};
use spandrel_receivers::{
    JaegerSettings, OtlpJsonFileSettings, OtlpSettings, StartAt, UdpServer, ZipkinSettings,
};

use crate::fixture::settings;

const SUITE: &str = "../../../shared/suites/otel/contrib-v0.115-testdata/receiver";

/// All problems, as one text.
fn refused<T: Debug>(yaml: &str, read: impl FnOnce(&mut Section<'_>) -> T) -> String {
    match read_settings(yaml, read) {
        Ok((settings, _)) => panic!("taken: {settings:?}"),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn otlp() {
    let read = settings("protocols:\n  grpc:\n  http:", OtlpSettings::read);
    assert_eq!(read.grpc.unwrap().endpoint, "localhost:4317");
    let http = read.http.unwrap();
    assert_eq!((&*http.server.endpoint, &*http.traces_url_path), ("localhost:4318", "/v1/traces"));

    let yaml = "
protocols:
  grpc:
    endpoint: 0.0.0.0:4317
    max_recv_msg_size_mib: 32
    max_concurrent_streams: 16
    read_buffer_size: 1024
    write_buffer_size: 1024
    include_metadata: true
    keepalive: {server_parameters: {max_connection_age: 10m}}
    tls: {cert_file: c.pem, key_file: k.pem, client_ca_file: ca.pem}
  http:
    endpoint: 0.0.0.0:4318
    cors: {allowed_origins: ['http://*.example'], allowed_headers: [x-a], max_age: 7200}
    traces_url_path: /t
    metrics_url_path: /m
    logs_url_path: /l
    compression_algorithms: ['', gzip]
";
    let read = settings(yaml, OtlpSettings::read);
    assert_eq!(read.grpc.unwrap().max_recv_msg_size_mib, 32);
    assert_eq!(read.http.unwrap().traces_url_path, "/t");

    for nothing in ["", "protocols:", "protocols: {}", "protocols: {grpc: {enabled: false}}"] {
        let problems = refused(nothing, OtlpSettings::read);
        assert!(problems.contains("must specify at least one protocol"), "{problems}");
    }
    let unix = "protocols: {grpc: {endpoint: /run/s, transport: unix}}";
    assert!(refused(unix, OtlpSettings::read).contains("only `tcp`"));
    let typo = "protocols: {grpc: {}, htp: {}}";
    assert!(refused(typo, OtlpSettings::read).contains("htp"));
}

#[test]
fn jaeger() {
    let yaml = "protocols: {grpc: , thrift_http: , thrift_compact: , thrift_binary: }";
    let read = settings(yaml, JaegerSettings::read);
    let udp = |endpoint: &str| UdpServer {
        endpoint: endpoint.to_owned(),
        queue_size: 1_000,
        max_packet_size: 65_000,
        workers: 10,
        socket_buffer_size: 0,
    };
    assert_eq!(read.grpc.unwrap().endpoint, "localhost:14250");
    assert_eq!(read.thrift_http.unwrap().endpoint, "localhost:14268");
    assert_eq!(read.thrift_compact.unwrap(), udp("localhost:6831"));
    assert_eq!(read.thrift_binary.unwrap(), udp("localhost:6832"));
    let zero = "protocols: {thrift_compact: {workers: 0}}";
    assert!(refused(zero, JaegerSettings::read).contains("must be greater than 0"));
    let sampling = "protocols: {grpc: }\nremote_sampling: {host_endpoint: 'a:1'}";
    let (_, warnings) = read_settings(sampling, JaegerSettings::read).unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn zipkin_and_files() {
    let read = settings("", ZipkinSettings::read);
    assert_eq!((&*read.server.endpoint, read.parse_string_tags), ("localhost:9411", false));
    let read = settings("include: [/a/*.json, /b]", OtlpJsonFileSettings::read);
    assert_eq!((read.include.len(), read.start_at), (2, StartAt::End));
    assert!(refused("", OtlpJsonFileSettings::read).contains("include"));
}

/// The components of a file, each as the text of its settings.
fn components(file: &str) -> Option<Vec<(String, String)>> {
    let Ok(text) = fs::read_to_string(format!("{SUITE}/{file}")) else {
        eprintln!("skipped: {SUITE} is not there");
        return None;
    };
    let mut components: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        match (line.strip_prefix("  "), components.last_mut()) {
            (Some(line), Some((_, body))) => body.extend([line, "\n"]),
            _ => components.push((line.trim_end_matches(':').to_owned(), String::new())),
        }
    }
    Some(components)
}

#[test]
fn files_of_the_collector() {
    let Some(files) = components("jaegerreceiver/testdata/config.yaml") else { return };
    let wrong = ["empty", "typo_default_proto_config", "no_proto_config", "bad_proto_config"];
    for (id, yaml) in files {
        let read = read_settings(&yaml, JaegerSettings::read);
        let is_wrong = wrong.iter().any(|name| id.ends_with(name));
        assert_eq!(read.is_err(), is_wrong, "{id}: {read:?}");
        if id.ends_with("customname") {
            let udp = read.unwrap().0.thrift_compact.unwrap();
            assert_eq!((udp.queue_size, udp.max_packet_size, udp.workers), (100_000, 131_072, 100));
        }
    }
    for (id, yaml) in components("zipkinreceiver/testdata/config.yaml").unwrap() {
        let read = settings(&yaml, ZipkinSettings::read);
        assert_eq!(read.parse_string_tags, id.ends_with("parse_strings"), "{id}");
    }
}

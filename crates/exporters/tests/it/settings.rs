//! Settings as users write them, from the conformance data beside the checkout.

use std::path::PathBuf;

use spandrel_exporters::auth::HeadersSetterSettings;
use spandrel_exporters::{
    DebugSettings, LoadBalancingSettings, OtlpGrpcSettings, OtlpHttpSettings,
};

use crate::rig::{problems, settings};

/// A file of the conformance data; `None`, aloud, when it is not there.
fn suite(path: &str) -> Option<String> {
    let path = PathBuf::from("../../../shared/suites/otel").join(path);
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(error) => {
            eprintln!("skipped: {}: {error}", path.display());
            None
        }
    }
}

#[test]
fn every_key_of_the_schemas_is_known() {
    let retry = "retry_on_failure: {enabled: true, initial_interval: 10s, randomization_factor: 0.7, multiplier: 1.3, max_interval: 1m, max_elapsed_time: 10m}";
    let queue = "sending_queue: {enabled: true, num_consumers: 2, queue_size: 100000, sizer: items, block_on_overflow: true, wait_for_result: true, batch: {flush_timeout: 1s, min_size: 10, max_size: 100, sizer: items, partition: {metadata_keys: [a]}}}";
    let tls = "tls: {insecure: false, insecure_skip_verify: true, server_name_override: a, ca_file: /a, cert_file: /b, key_file: /c, min_version: '1.2', max_version: '1.3', include_system_ca_certs_pool: true, reload_interval: 1h, cipher_suites: [TLS_AES_128_GCM_SHA256], curve_preferences: [X25519]}";
    let grpc = format!(
        "endpoint: a:1\ncompression: zstd\n{tls}\nkeepalive: {{time: 20s, timeout: 30s, permit_without_stream: true}}\nread_buffer_size: 1\nwrite_buffer_size: 1\nwait_for_ready: true\nheaders: {{a: b}}\nuser_agent: x\nbalancer_name: pick_first\nauthority: x\nauth: {{authenticator: a}}\ntimeout: 1s\n{retry}\n{queue}"
    );
    let read = settings(&grpc, OtlpGrpcSettings::read);
    assert_eq!(read.sending.queue.unwrap().batch.unwrap().max_size, 100);
    let http = format!(
        "endpoint: https://a\ncompression: gzip\ncompression_params: {{level: 5}}\n{tls}\nheaders: [{{name: a, value: b}}]\nauth: {{authenticator: a}}\ntimeout: 1s\nencoding: json\ntraces_endpoint: http://b\nmetrics_endpoint: http://b\nlogs_endpoint: http://b\nprofiles_endpoint: http://b\nmax_idle_conns: 1\nmax_idle_conns_per_host: 2\nmax_conns_per_host: 3\nidle_conn_timeout: 1s\ndisable_keep_alives: true\nhttp2_read_idle_timeout: 1s\nhttp2_ping_timeout: 1s\nforce_attempt_http2: false\nread_buffer_size: 1\nwrite_buffer_size: 1\n{retry}\n{queue}"
    );
    assert_eq!(settings(&http, OtlpHttpSettings::read).client.compression_level, 5);
    let debug = format!(
        "verbosity: normal\nsampling_initial: 1\nsampling_thereafter: 2\nuse_internal_logger: true\n{queue}"
    );
    assert!(settings(&debug, DebugSettings::read).sending.queue.is_some());
}

#[test]
fn unknown_keys_and_endpoints_are_problems() {
    let grpc = |yaml| problems(yaml, OtlpGrpcSettings::read);
    assert!(grpc("endpoint: a:1\nendpont: b").contains("endpoint"), "a near key is suggested");
    assert!(grpc("{}").contains("endpoint"));
    assert!(grpc("endpoint: a").contains("port"));
    assert!(grpc("endpoint: a:1\nsending_queue: {queue_size: 0}").contains("queue_size"));
    let http = |yaml| problems(yaml, OtlpHttpSettings::read);
    assert!(http("{}").contains("endpoint must be specified"));
    assert!(http("endpoint: a_b:4318").contains("http://"));
    assert!(http("endpoint: http://a\nencoding: xml").contains("proto or json"));
    assert!(http("endpoint: http://a\nproxy_url: http://b").contains("proxies"));
}

#[test]
fn examples_of_upstream_are_read() {
    if let Some(text) =
        suite("core-v0.159-testdata/exporter/debugexporter/testdata/config_verbosity.yaml")
    {
        settings(&text, DebugSettings::read);
    }
    let path = "contrib-v0.115-testdata/extension/headerssetterextension/testdata/config.yaml";
    if let Some(text) = suite(path) {
        let (_, body) = text.split_once("headers_setter/1:\n").unwrap();
        settings(body, HeadersSetterSettings::read);
    }
    let balancer = "routing_key: service\nprotocol: {otlp: {timeout: 1s}}\nresolver: {static: {hostnames: [backend-1:4317, backend-2]}}\nsending_queue: {queue_size: 10}\nretry_on_failure:";
    assert!(settings(balancer, LoadBalancingSettings::read).is_some());
}

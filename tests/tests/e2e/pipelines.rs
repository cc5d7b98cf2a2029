//! Collector pipelines from Collector YAML, in front of real OTLP servers.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use spandrel_tests::{
    Gateway, Home, Http, binary, post_protobuf, request, send, span, trace_id, unix_nanos,
    wait_until,
};

const SOON: Duration = Duration::from_secs(60);
const OK: i32 = 1;
const ERROR: i32 = 2;

fn shipped(name: &str) -> String {
    // Asked for when the test runs: what was compiled may have been elsewhere.
    let folder = Path::new("../config").canonicalize().unwrap();
    folder.join(name).display().to_string()
}

fn write(path: &Path, text: &str) {
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A trace of one span that lasts so long and ends so.
fn one_span(number: u64, millis: u64, code: i32) -> Vec<u8> {
    let start = unix_nanos() - 60_000_000_000;
    // Spread, as ids of real traces are: the hash of the sampler says little about the last bytes.
    let id = trace_id((number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), number + 1);
    let mut span = span(&id, number + 1, "GET /cart", start);
    span.end_time_unix_nano = start + millis * 1_000_000;
    span.status =
        Some(opentelemetry_proto::tonic::trace::v1::Status { code, ..Default::default() });
    request("cart", vec![span])
}

/// The sample of a counter on the page of the process's own metrics.
fn metric(page: &str, series: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|value| value.trim().parse::<f64>().ok()).map_or(0, |value| value as u64)
}

/// Guarantees: the shipped gateway keeps errors, slow traces and a tenth of the rest, adds its attributes, hands each
/// trace to both backends once, and accounts for every span.
#[test]
fn the_gateway_samples_tails_for_two_backends() {
    let (mut first, mut second) = (Home::new(), Home::new());
    let (first, second) = (first.start(), second.start());
    let gateway = Gateway::start(|ports| {
        let set = |key: &str, value: String| [format!("--set={key}={value}")];
        [
            vec!["--config".to_owned(), shipped("gateway-tail-sampling.yaml")],
            set("receivers.otlp.protocols.grpc.endpoint", ports.otlp_grpc.to_string()).into(),
            set("receivers.otlp.protocols.http.endpoint", ports.otlp_http.to_string()).into(),
            set("extensions.health_check.endpoint", ports.health.to_string()).into(),
            set("extensions.zpages.endpoint", ports.http.to_string()).into(),
            set("service.telemetry.metrics.address", ports.telemetry.to_string()).into(),
            set("exporters.otlp/first.endpoint", first.ports.otlp_grpc.to_string()).into(),
            set("exporters.otlp/second.endpoint", second.ports.otlp_grpc.to_string()).into(),
            set("processors.tail_sampling.decision_wait", "1s".to_owned()).into(),
        ]
        .concat()
    });
    let mut otlp = Gateway::client(gateway.ports.otlp_http);
    for number in 0..300 {
        let (millis, code) = match number % 100 {
            0 => (5, ERROR),
            1 => (1500, OK),
            _ => (5, OK),
        };
        assert_eq!(send(&mut otlp, &one_span(number, millis, code)).0, 0);
    }
    let mut metrics = Gateway::client(gateway.ports.telemetry);
    let decided = "spandrel_pipeline_spans_total{pipeline=\"traces\",fate=\"sampled_out\"}";
    let sent = "spandrel_pipeline_spans_total{pipeline=\"traces\",fate=\"sent\"}";
    let (kept, dropped) = wait_until("all traces are decided", SOON, || {
        let page = metrics.get("/metrics").ok()?.text();
        let (kept, dropped) = (metric(&page, sent), metric(&page, decided));
        (kept + dropped == 300).then_some((kept, dropped))
    });
    // 3 errors, 3 slow ones, and 10 % of 294: 29 on average, deviation 5.
    assert!((6 + 4..=6 + 70).contains(&kept), "{kept} kept, {dropped} dropped");
    for backend in [&first, &second] {
        let mut tempo = backend.tempo();
        let all = "{ resource.environment = \"production\" && resource.cluster = \"main\" }";
        let found = wait_until("the backend has them", SOON, || {
            let found = tempo.find(all, 400);
            (found.len() as u64 == kept).then_some(found)
        });
        assert_eq!(tempo.find("{}", 400).len(), found.len());
        assert_eq!(tempo.find("{ status = error }", 400).len(), 3);
        assert_eq!(tempo.find("{ duration > 1s }", 400).len(), 3);
    }
    let page = Gateway::client(gateway.ports.http).get("/debug/pipelinez").unwrap().text();
    assert!(page.contains("<td>300") && page.contains("<td>yes"), "{page}");
    let status = gateway.stop();
    assert!(status.success(), "{status}");
}

/// What else a process with a store listens on, and these tests do not ask.
const NOT_LISTENED: [&str; 4] =
    ["--jaeger-grpc=off", "--zipkin=off", "--sampling-http=off", "--sampling-grpc=off"];

const STORING: &str = "
receivers:
  otlp:
    protocols:
      http: { endpoint: '${env:OTLP}' }
processors:
  attributes:
    actions: [{ key: team, value: '${env:TEAM:-red}', action: insert }]
exporters:
  spandrel:
extensions:
  health_check: { endpoint: '${env:HEALTH}' }
service:
  extensions: [health_check]
  telemetry: { metrics: { address: '${env:METRICS}' } }
  pipelines:
    traces: { receivers: [otlp], processors: [attributes], exporters: [spandrel] }
";

/// Guarantees: a pipeline that ends in the store of the process, changed while it runs; a new configuration that is
/// wrong changes nothing.
#[test]
fn pipelines_in_front_of_the_store_are_changed_while_they_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("storing.yaml");
    write(&file, STORING);
    let gateway = Gateway::start(|ports| {
        let text = STORING
            .replace("${env:OTLP}", &ports.otlp_http.to_string())
            .replace("${env:HEALTH}", &ports.health.to_string())
            .replace("${env:METRICS}", &ports.telemetry.to_string());
        write(&file, &text);
        let config = file.display().to_string();
        let http = format!("--http={}", ports.http);
        let jaeger = format!("--jaeger-http={}", ports.jaeger_http);
        [["--config", &config, &http, &jaeger], NOT_LISTENED]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect()
    });
    let mut otlp = Gateway::client(gateway.ports.otlp_http);
    let mut tempo = spandrel_tests::Tempo::new(gateway.ports.http);
    send(&mut otlp, &one_span(1, 5, OK));
    assert_eq!(tempo.find("{ span.team = \"red\" }", 10).len(), 1);

    let text = fs::read_to_string(&file).unwrap();
    write(&file, &text.replace("-red", "-blue"));
    gateway.signal("HUP");
    wait_until("the change is in force", SOON, || {
        gateway.log().contains("the new configuration is in force").then_some(())
    });
    send(&mut otlp, &one_span(2, 5, OK));
    assert_eq!(tempo.find("{ span.team = \"blue\" }", 10).len(), 1);

    write(&file, &text.replace("actions:", "actoins:"));
    gateway.signal("HUP");
    wait_until("the mistake is told", SOON, || {
        gateway.log().contains("did you mean `actions`").then_some(())
    });
    send(&mut otlp, &one_span(3, 5, OK));
    assert_eq!(tempo.find("{ span.team = \"blue\" }", 10).len(), 2);
    let status = gateway.stop();
    assert!(status.success(), "{status}");
}

const JOINED: &str = "
receivers: { otlp: { protocols: { http: { endpoint: '${env:OTLP}' } } } }
processors: { batch: { timeout: 50ms }, attributes: { actions: [{ key: round, value: none, action: insert }] } }
connectors: { forward: }
exporters: { spandrel: }
extensions: { health_check: { endpoint: '${env:HEALTH}' } }
service:
  extensions: [health_check]
  telemetry: { metrics: { address: '${env:METRICS}' } }
  pipelines:
    traces/in: { receivers: [otlp], processors: [batch], exporters: [forward] }
    traces/out: { receivers: [forward], processors: [attributes], exporters: [spandrel] }
";

/// Guarantees: when two pipelines that a connector joins both change under load, neither waits for the other, every
/// sender hears success, and every span is stored once.
#[test]
fn joined_pipelines_are_changed_under_load() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("joined.yaml");
    let gateway = Gateway::start(|ports| {
        let text = JOINED
            .replace("${env:OTLP}", &ports.otlp_http.to_string())
            .replace("${env:HEALTH}", &ports.health.to_string())
            .replace("${env:METRICS}", &ports.telemetry.to_string());
        write(&file, &text);
        let http = format!("--http={}", ports.http);
        let jaeger = format!("--jaeger-http={}", ports.jaeger_http);
        let config = file.display().to_string();
        [["--config", &config, &http, &jaeger], NOT_LISTENED]
            .concat()
            .iter()
            .map(ToString::to_string)
            .collect()
    });
    let text = fs::read_to_string(&file).unwrap();
    let changed = AtomicBool::new(false);
    let sent = std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut otlp = Gateway::client(gateway.ports.otlp_http);
            let mut sent = 0;
            while !changed.load(Ordering::Relaxed) || sent < 20 {
                assert_eq!(send(&mut otlp, &one_span(sent, 5, OK)).0, 0);
                sent += 1;
            }
            sent
        });
        for round in 1..=3 {
            let timeout = format!("timeout: {}ms", 50 + round);
            let text = text.replace("timeout: 50ms", &timeout);
            write(&file, &text.replace("value: none", &format!("value: 'r{round}'")));
            gateway.signal("HUP");
            wait_until("the change is in force", SOON, || {
                let log = gateway.log();
                (log.matches("the new configuration is in force").count() == round).then_some(())
            });
        }
        changed.store(true, Ordering::Relaxed);
        sender.join().unwrap()
    });
    let page = Gateway::client(gateway.ports.telemetry).get("/metrics").unwrap().text();
    for pipeline in ["traces/in", "traces/out"] {
        let series =
            format!("spandrel_pipeline_spans_total{{pipeline=\"{pipeline}\",fate=\"sent\"}}");
        assert_eq!(metric(&page, &series), sent, "{page}");
    }
    assert_eq!(metric(&page, "spandrel_spans_stored_total"), sent);
    assert!(gateway.stop().success());
}

/// Guarantees: a wrong configuration ends the process before anything is started, and says where and what to do.
#[test]
fn a_wrong_configuration_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yaml");
    write(&file, &STORING.replace("exporters: [spandrel]", "exporters: [spandrell]"));
    for command in [&["validate"][..], &["serve"], &[]] {
        let mut process = Command::new(binary());
        process.current_dir(folder.path()).args(command).arg("--config").arg(&file);
        let output = process.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("wrong.yaml:") && said.contains("spandrell"), "{said}");
    }
    assert!(!folder.path().join("spandrel-data/tenants").try_exists().unwrap());
}

/// Guarantees: when a backend refuses for good or is away, what the sender hears and what is counted agree.
#[test]
fn a_backend_that_is_away_is_no_silent_loss() {
    let gateway = Gateway::start(|ports| {
        let yaml = format!(
            "yaml:{{receivers: {{otlp: {{protocols: {{http: {{endpoint: '{}'}}}}}}}}, exporters: {{otlp_grpc: {{endpoint: '127.0.0.1:1', \
             tls: {{insecure: true}}, sending_queue: {{enabled: false}}, retry_on_failure: {{enabled: false}}}}}}, \
             extensions: {{health_check: {{endpoint: '{}'}}}}, service: {{extensions: [health_check], telemetry: {{metrics: {{address: '{}'}}}}, \
             pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_grpc]}}}}}}}}",
            ports.otlp_http, ports.health, ports.telemetry
        );
        vec!["--config".to_owned(), yaml]
    });
    let mut otlp = Gateway::client(gateway.ports.otlp_http);
    let reply = post_protobuf(&mut otlp, &one_span(1, 5, OK)).unwrap();
    assert_eq!(reply.status, 503, "{}", reply.text());
    let page = Http::new(gateway.ports.telemetry).get("/metrics").unwrap().text();
    let refused = "spandrel_pipeline_spans_total{pipeline=\"traces\",fate=\"refused\"}";
    assert_eq!(metric(&page, refused), 1, "{page}");
    assert!(gateway.stop().success());
}

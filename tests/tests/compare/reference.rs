//! A process of Tempo, alone on this machine: all of it in one process, blocks on the local disk, no Kafka.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use spandrel_tests::{Http, Tempo, free_port, tempo_binary, unix_nanos, wait_until};

use crate::spans::Sent;

/// It waits for its own rings.
const READY_WITHIN: Duration = Duration::from_secs(180);
/// Spans reach what is searched after they have been idle.
const FOUND_WITHIN: Duration = Duration::from_secs(120);

/// The process, ended with this value.
pub(crate) struct Reference {
    child: Child,
    http: SocketAddr,
    otlp: SocketAddr,
    log: PathBuf,
}

impl Reference {
    /// Starts it, with its data below `folder`, and waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        let [http, grpc, otlp, gossip] = [(); 4].map(|()| free_port());
        let settings = folder.join("tempo.yaml");
        let text = configuration(folder, [http, grpc, otlp, gossip]);
        File::create(&settings).unwrap().write_all(text.as_bytes()).unwrap();
        let log = folder.join("tempo-log.txt");
        let mut command = Command::new(tempo_binary());
        command.arg(format!("-config.file={}", settings.display())).arg("-target=all");
        command.stdin(Stdio::null()).stdout(File::create(&log).unwrap());
        command.stderr(File::options().append(true).open(&log).unwrap());
        let child = command.spawn().expect("Tempo's program can be started");
        let mut started = Self { child, http, otlp, log };
        let mut client = Http::new(http);
        wait_until("Tempo is ready", READY_WITHIN, || {
            let ended = started.child.try_wait().unwrap();
            assert!(ended.is_none(), "Tempo ended with {ended:?}");
            client.get("/ready").ok().filter(|reply| reply.status == 200)
        });
        started
    }

    pub(crate) fn otlp(&self) -> Http {
        Http::new(self.otlp)
    }

    pub(crate) fn tempo(&self) -> Tempo {
        Tempo::new(self.http)
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(20)..].join("\n");
            drop(writeln!(std::io::stderr(), "--- end of Tempo's log:\n{end}"));
        }
    }
}

/// As Tempo's own example of one process, with short times between receiving and finding, and without the half
/// minute at the end of a range that its metrics leave out.
fn configuration(folder: &Path, [http, grpc, otlp, gossip]: [SocketAddr; 4]) -> String {
    let data = folder.join("tempo");
    let data = data.display();
    format!(
        "stream_over_http_enabled: true
server:
  http_listen_address: {http_ip}
  http_listen_port: {http_port}
  grpc_listen_address: {http_ip}
  grpc_listen_port: {grpc_port}
  log_level: warn
memberlist:
  bind_addr: [{http_ip}]
  bind_port: {gossip_port}
distributor:
  receivers:
    otlp:
      protocols:
        http:
          endpoint: {otlp}
live_store:
  max_trace_idle: 2s
  max_trace_live: 10s
  flush_check_period: 500ms
  wal:
    path: {data}/live-store/traces
  shutdown_marker_dir: {data}/live-store/shutdown-marker
query_frontend:
  query_end_cutoff: 0s
storage:
  trace:
    backend: local
    local:
      path: {data}/blocks
    wal:
      path: {data}/wal
usage_report:
  reporting_enabled: false
",
        http_ip = http.ip(),
        http_port = http.port(),
        grpc_port = grpc.port(),
        gossip_port = gossip.port(),
    )
}

/// Waits until a search finds every trace that was sent, and the range of the questions is over.
pub(crate) fn wait_for(tempo: &mut Tempo, sent: &Sent) {
    let range = format!("start={}&end={}", sent.start_seconds, sent.end_seconds);
    wait_until("Tempo finds what was sent", FOUND_WITHIN, || {
        let found = tempo.get(&format!("/api/search?limit=10000&{range}"));
        let found = if found.status == 200 { found.json() } else { return None };
        let n_found = found["traces"].as_array().map_or(0, Vec::len);
        let is_over = unix_nanos() > sent.end_seconds * 1_000_000_000;
        (n_found >= sent.n_traces && is_over).then_some(())
    });
}

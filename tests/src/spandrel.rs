//! The process under test.
//!
//! Its log goes to a file beside the data directory. A test that fails shows the end of it, and a test
//! that ends, however it ends, leaves no process behind.

use std::fs::{self, File};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::http::Http;
use crate::tempo::Tempo;
use crate::wait::{Stopwatch, wait_until};

/// Under load from other tests; the limit itself is measured elsewhere.
const START_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 60;

/// What few tests connect to gets any port.
const OTHER_PORTS: [&str; 8] = [
    "zipkin",
    "sampling-http",
    "sampling-grpc",
    "jaeger-grpc",
    "jaeger-collector-grpc",
    "jaeger-collector-http",
    "jaeger-agent-compact",
    "jaeger-agent-binary",
];

/// Below the ports that systems give to connections and to who asks for any, so that nothing takes one after it was
/// chosen.
const PORTS: Range<u16> = 20_000..32_000;
/// About as many as a process chooses.
const PORTS_A_PROCESS: u32 = 600;

/// Where a process listens.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    /// OTLP over gRPC.
    pub otlp_grpc: SocketAddr,
    /// OTLP over HTTP.
    pub otlp_http: SocketAddr,
    /// Tempo's API.
    pub http: SocketAddr,
    /// Jaeger's API.
    pub jaeger_http: SocketAddr,
    /// The health check.
    pub health: SocketAddr,
    /// The process's own metrics.
    pub telemetry: SocketAddr,
}

impl Ports {
    /// Ports that nobody listens on now.
    ///
    /// # Panics
    /// When the machine has no free port.
    pub fn free() -> Self {
        Self {
            otlp_grpc: free_port(),
            otlp_http: free_port(),
            http: free_port(),
            jaeger_http: free_port(),
            health: free_port(),
            telemetry: free_port(),
        }
    }

    fn options(&self) -> Vec<String> {
        let options = [
            ("otlp-grpc", self.otlp_grpc),
            ("otlp-http", self.otlp_http),
            ("http", self.http),
            ("jaeger-http", self.jaeger_http),
            ("health", self.health),
            ("telemetry", self.telemetry),
        ];
        let named = options.iter().map(|(name, addr)| format!("--{name}={addr}"));
        let any = OTHER_PORTS.iter().map(|name| format!("--{name}=127.0.0.1:0"));
        named.chain(any).collect()
    }
}

/// One that no other call of this process gets. Where it begins differs from process to process.
///
/// # Panics
/// When the machine has no free port.
pub fn free_port() -> SocketAddr {
    static CHOSEN: AtomicU32 = AtomicU32::new(0);
    let begin = process::id().wrapping_mul(PORTS_A_PROCESS);
    let n_ports = u32::from(PORTS.end - PORTS.start);
    let mut all = PORTS.map(|_| {
        let nth = begin.wrapping_add(CHOSEN.fetch_add(1, Ordering::Relaxed)) % n_ports;
        let port = u32::from(PORTS.start) + nth;
        SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).expect("it is one of PORTS")))
    });
    all.find(|addr| TcpListener::bind(addr).is_ok()).expect("there is a free port")
}

/// How a server is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServeCommand<'a> {
    pub(crate) binary: &'a Path,
    pub(crate) data_dir: &'a Path,
    pub(crate) ports: Ports,
    pub(crate) options: &'a [String],
    pub(crate) environment: &'a [(String, String)],
}

impl ServeCommand<'_> {
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(self.binary);
        command.arg("serve").arg("--data-dir").arg(self.data_dir);
        command.args(self.ports.options()).args(self.options);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// How a process ended that did not become ready.
#[derive(Debug)]
pub struct Exit {
    /// Its status.
    pub status: ExitStatus,
    /// Everything that it wrote.
    pub output: String,
}

/// A running process.
#[derive(Debug)]
pub struct Spandrel {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub ports: Ports,
    /// From its start until it said that it is ready.
    pub ready_after: Duration,
}

impl Spandrel {
    pub(crate) fn start(serve: ServeCommand<'_>, scratch: &Path) -> Result<Self, Exit> {
        let ports = serve.ports;
        let log = scratch.join(format!("log-{}.txt", ports.http.port()));
        let open = || File::options().create(true).append(true).open(&log).expect("a log file");
        let begin = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let mut command = serve.command();
        command.stdin(Stdio::null()).stdout(open()).stderr(open());
        let watch = Stopwatch::start();
        let child = command.spawn().expect("the binary can be started");
        let mut started = Self { child, log, ports, ready_after: Duration::ZERO };
        let mut http = Http::new(ports.http);
        let ended = wait_until("spandrel is ready", START_WITHIN, || {
            if let Some(status) = started.child.try_wait().expect("a child can be waited for") {
                return Some(Some(status));
            }
            let reply = http.get("/ready").ok()?;
            (reply.status == 200).then_some(None)
        });
        started.ready_after = watch.read();
        match ended {
            None => Ok(started),
            Some(status) => {
                let output = fs::read(&started.log).unwrap_or_default();
                let output = output.get(usize::try_from(begin).unwrap_or(0)..).unwrap_or_default();
                Err(Exit { status, output: String::from_utf8_lossy(output).into_owned() })
            }
        }
    }

    /// Process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything that processes with these ports have logged.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// A client of the port for OTLP over HTTP.
    pub fn otlp(&self) -> Http {
        Http::new(self.ports.otlp_http)
    }

    /// A client of Tempo's API.
    pub fn tempo(&self) -> Tempo {
        Tempo::new(self.ports.http)
    }

    /// A client of Jaeger's API.
    pub fn jaeger(&self) -> Http {
        Http::new(self.ports.jaeger_http)
    }

    /// Kills it (`SIGKILL`): it cannot do anything about that.
    ///
    /// # Panics
    /// When it had already ended by itself.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "it had ended by itself: {ended:?}");
        self.child.kill().expect("a running child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Asks it to end (`SIGTERM`), without waiting.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn ask_to_end(&self) {
        let kill = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status();
        assert!(kill.is_ok_and(|status| status.success()), "SIGTERM can be sent");
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// When it does not end in time, or not with success.
    pub fn stop(mut self) {
        self.ask_to_end();
        let status = self.wait();
        assert!(status.success(), "ended with {status}");
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait(&mut self) -> ExitStatus {
        wait_until("spandrel has ended", END_WITHIN, || {
            self.child.try_wait().expect("a child can be waited for")
        })
    }
}

impl Drop for Spandrel {
    fn drop(&mut self) {
        let still_runs = matches!(self.child.try_wait(), Ok(None));
        if still_runs {
            // It may end between the question and the signal; there is nothing left to do then.
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let shown = lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..].join("\n");
            drop(writeln!(std::io::stderr(), "--- end of the log of spandrel:\n{shown}"));
        }
    }
}

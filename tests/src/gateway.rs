//! A process under test that is only a Collector.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::http::Http;
use crate::settings;
use crate::spandrel::Ports;
use crate::wait::wait_until;

const START_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(60);

/// A running Collector; its working directory is a folder of its own.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    folder: TempDir,
    /// Where its configuration has it listen: OTLP, the health check, zpages (as `http`), its own metrics.
    pub ports: Ports,
}

impl Gateway {
    /// Starts one and waits until its health check says that it runs.
    ///
    /// `arguments` come after `--config`, and are told the ports.
    ///
    /// # Panics
    /// When it does not become healthy in time.
    pub fn start(arguments: impl Fn(&Ports) -> Vec<String>) -> Self {
        let folder =
            TempDir::with_prefix("spandrel-gateway-").expect("a temporary folder can be made");
        let ports = Ports::free();
        let log = File::create(folder.path().join("log.txt")).expect("a log file");
        let mut command = Command::new(settings::binary());
        command.current_dir(folder.path()).args(arguments(&ports));
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        let child = command.spawn().expect("the binary can be started");
        let mut started = Self { child, folder, ports };
        let mut health = Http::new(ports.health);
        wait_until("the gateway is healthy", START_WITHIN, || {
            let ended = started.child.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "the gateway ended with {ended:?}:\n{}", started.log());
            let reply = health.get("/").ok()?;
            (reply.status == 200).then_some(())
        });
        started
    }

    /// Everything that it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log.txt")).unwrap_or_default()
    }

    /// Its folder.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// A client of a port.
    pub fn client(address: SocketAddr) -> Http {
        Http::new(address)
    }

    /// Sends it a signal, such as `HUP`.
    ///
    /// # Panics
    /// When the signal cannot be sent.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let kill = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(kill.is_ok_and(|status| status.success()), "SIG{name} can be sent");
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(mut self) -> ExitStatus {
        self.signal("TERM");
        wait_until("the gateway has ended", END_WITHIN, || {
            self.child.try_wait().expect("a child can be waited for")
        })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if std::thread::panicking() {
            eprintln_log(&self.log());
        }
    }
}

fn eprintln_log(log: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr(), "--- log of the gateway:\n{log}"));
}

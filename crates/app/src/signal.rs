//! Signals that end the process.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGINT and SIGTERM.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// Listens from now on; the signals do not end the process by themselves any more.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal and returns its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            // Both are cancel-safe and neither comes often, so the order does not matter.
            biased;
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }

    /// Waits for the next signal and ends the process with the status that shells expect: whoever asks
    /// twice wants no orderly end.
    pub(crate) async fn exit_on_next(mut self) -> ! {
        let status = if self.next().await == "SIGINT" { 130 } else { 143 };
        crate::output::note("\nstopped at once\n");
        std::process::exit(status)
    }
}

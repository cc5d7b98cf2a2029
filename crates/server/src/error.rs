//! Why a server does not start, or ends.
//!
//! The texts say what happened; [`ServerError::hint`] says what the person at the keyboard can do.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use spandrel_base::fs::{self, FsError};
use spandrel_collector::CollectorError;
use spandrel_ingest::StoreError;
use spandrel_metrics_generator::SettingsError;
use spandrel_objects::ObjectsError;
use spandrel_pipeline::ComponentError;
use spandrel_receivers::ReceiverError;
use spandrel_remote_sampling::RemoteSamplingError;

/// A server cannot start, or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The data directory cannot be created, locked or written.
    #[error("cannot use the data directory {}", .dir.display())]
    DataDir {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        #[source]
        source: FsError,
    },
    /// The place for blocks cannot be used.
    #[error("cannot keep blocks in {place}")]
    Objects {
        /// A path or URL.
        place: String,
        /// What is wrong with it.
        #[source]
        source: Box<ObjectsError>,
    },
    /// The store cannot be opened.
    #[error("cannot open the store in {}", .dir.display())]
    Store {
        /// The data directory.
        dir: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<StoreError>,
    },
    /// Another program, or an earlier instance of this one, listens there.
    #[error("port {} for {purpose} is already in use (address {address})", .address.port())]
    PortInUse {
        /// What the port is for.
        purpose: &'static str,
        /// The option that chooses it, without dashes.
        option: &'static str,
        /// The configured address.
        address: SocketAddr,
    },
    /// The operating system refuses the address for another reason.
    #[error("cannot listen on {address} for {purpose}")]
    Bind {
        /// What the port is for.
        purpose: &'static str,
        /// The option that chooses it, without dashes.
        option: &'static str,
        /// The configured address.
        address: SocketAddr,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// The OTLP receiver has nothing to listen on.
    #[error(transparent)]
    Receiver(ReceiverError),
    /// The receiver of Jaeger's formats cannot listen.
    #[error(transparent)]
    JaegerReceiver(ComponentError),
    /// The receiver of Zipkin's spans cannot listen.
    #[error(transparent)]
    ZipkinReceiver(ComponentError),
    /// Sampling strategies cannot be served.
    #[error(transparent)]
    RemoteSampling(#[from] RemoteSamplingError),
    /// Generated metrics cannot be written where the settings say.
    #[error("metrics generator: {0}")]
    MetricsGenerator(ComponentError),
    /// What the limits file says of generated metrics is wrong.
    #[error("limits file: {0}")]
    MetricsOverrides(#[from] SettingsError),
    /// A component of the pipelines cannot be built or started.
    #[error(transparent)]
    Pipelines(#[from] CollectorError),
    /// An address in the configuration is none.
    #[error("service::telemetry::metrics: `{address}` is no address of this machine")]
    TelemetryAddress {
        /// What is written there.
        address: String,
    },
    /// Something that the process cannot work without has died; the rest was stopped in order.
    #[error("a vital task has died: {task}")]
    VitalTask {
        /// Its name and the text of its panic.
        task: String,
    },
}

impl ServerError {
    /// What can be done about it, as a sentence without full stop.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::PortInUse { option, .. } => Some(format!(
                "stop the program that listens there or choose another address with --{option}"
            )),
            Self::Bind { option, .. } => {
                Some(format!("choose an address of this machine with --{option}"))
            }
            Self::DataDir { source: FsError::Locked { .. }, .. } => {
                Some("give every process a directory of its own with --data-dir".to_owned())
            }
            Self::DataDir { .. } | Self::Objects { .. } | Self::Store { .. } => {
                io_cause(self).and_then(directory_hint)
            }
            Self::VitalTask { .. } => Some(
                "this is a fault of the program, please report it with the log; acknowledged spans \
                 are safe in the write-ahead log and are there again after a restart"
                    .to_owned(),
            ),
            Self::JaegerReceiver(_) => Some(
                "choose other addresses with --jaeger-collector-grpc, --jaeger-collector-http, \
                 --jaeger-agent-compact and --jaeger-agent-binary; `off` takes no spans there"
                    .to_owned(),
            ),
            Self::ZipkinReceiver(_) => {
                Some("choose another address with --zipkin; `off` takes no spans there".to_owned())
            }
            Self::RemoteSampling(RemoteSamplingError::Bind { .. }) => Some(
                "choose other addresses with --sampling-http and --sampling-grpc; `off` serves no \
                 strategies there"
                    .to_owned(),
            ),
            Self::RemoteSampling(_) => {
                Some("mend the file or choose another with --sampling-strategies".to_owned())
            }
            Self::MetricsGenerator(_) | Self::MetricsOverrides(_) | Self::Receiver(_) | Self::Pipelines(_) | Self::TelemetryAddress { .. } => None,
        }
    }
}

impl From<ReceiverError> for ServerError {
    fn from(error: ReceiverError) -> Self {
        let listener = |transport| match transport {
            "grpc" => ("OTLP over gRPC", "otlp-grpc"),
            _ => ("OTLP over HTTP", "otlp-http"),
        };
        match error {
            ReceiverError::PortInUse { transport, address } => {
                let (purpose, option) = listener(transport);
                Self::PortInUse { purpose, option, address }
            }
            ReceiverError::Bind { transport, address, source } => {
                let (purpose, option) = listener(transport);
                Self::Bind { purpose, option, address, source }
            }
            ReceiverError::NoTransport => Self::Receiver(error),
        }
    }
}

/// The first error of the operating system in a chain of causes.
fn io_cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn directory_hint(error: &io::Error) -> Option<String> {
    use io::ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    let hint = match error.kind() {
        PermissionDenied | ReadOnlyFilesystem => {
            "make the directory writable for this user or choose another with --data-dir"
        }
        AlreadyExists | NotADirectory => {
            "a file stands where a directory should be, move it or choose another place with \
             --data-dir"
        }
        _ if fs::is_disk_full(error) => {
            "free some space on this disk or choose another place with --data-dir"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_dir_error(kind: io::ErrorKind) -> ServerError {
        let (operation, path) = ("open", PathBuf::from("d/LOCK"));
        let source = FsError::Io { operation, path, source: kind.into() };
        ServerError::DataDir { dir: "d".into(), source }
    }

    #[test]
    fn hints_name_the_option_to_change() {
        let address = SocketAddr::from(([127, 0, 0, 1], 4317));
        let error = ServerError::from(ReceiverError::PortInUse { transport: "grpc", address });
        assert_eq!(
            error.to_string(),
            "port 4317 for OTLP over gRPC is already in use (address 127.0.0.1:4317)"
        );
        assert_eq!(
            error.hint().unwrap(),
            "stop the program that listens there or choose another address with --otlp-grpc"
        );
    }

    #[test]
    fn hints_look_at_the_cause() {
        let hint = |kind| data_dir_error(kind).hint().unwrap_or_default();
        assert!(hint(io::ErrorKind::PermissionDenied).starts_with("make the directory writable"));
        assert!(hint(io::ErrorKind::ReadOnlyFilesystem).starts_with("make the directory writable"));
        assert!(hint(io::ErrorKind::StorageFull).starts_with("free some space"));
        assert!(hint(io::ErrorKind::NotADirectory).starts_with("a file stands where"));
        assert_eq!(hint(io::ErrorKind::TimedOut), "");
    }
}

//! Keeps queries out while the server starts, and says whether it is ready.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use tokio::sync::watch;
use tower::ServiceExt;

/// Where in its life the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The write-ahead log is being replayed; neither spans nor queries are taken.
    Starting,
    /// Everything runs.
    Ready,
    /// Spans are not taken any more, queries still are.
    Stopping,
}

/// The phase, shared by whoever sets it and whoever reports it.
#[derive(Debug, Clone)]
pub(crate) struct Readiness(Arc<watch::Sender<Phase>>);

impl Readiness {
    /// Starting.
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Phase::Starting)))
    }

    pub(crate) fn set(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.0.borrow()
    }
}

/// Stands in for the routes of a query API until they are there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate(Arc<OnceLock<Router>>);

impl Gate {
    /// Lets requests through to `routes` from now on. The first call counts.
    pub(crate) fn open(&self, routes: Router) {
        self.0.get_or_init(|| routes);
    }

    /// A handler for everything that is not answered before the gate.
    pub(crate) async fn pass(State(gate): State<Self>, request: Request) -> Response {
        match gate.0.get() {
            Some(routes) => routes.clone().oneshot(request).await.into_response(),
            None => {
                let message = "starting: the write-ahead log is being replayed, try again soon\n";
                (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], message)
                    .into_response()
            }
        }
    }
}

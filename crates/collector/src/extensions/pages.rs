//! A port with pages, from the start of an extension to its end.

use axum::Router;
use parking_lot::Mutex;
use spandrel_base::task::TaskSet;
use spandrel_pipeline::ComponentError;
use std::time::Duration;

/// Requests that have begun may take this long when the port is closed.
const CLOSE: Duration = Duration::from_secs(1);

/// The port.
#[derive(Default)]
pub(super) struct Pages {
    tasks: Mutex<Option<TaskSet>>,
}

impl Pages {
    /// Serves the router on `endpoint` (`host:port`).
    pub(super) async fn serve(&self, endpoint: &str, router: Router) -> Result<(), ComponentError> {
        let listener = tokio::net::TcpListener::bind(endpoint).await.map_err(|error| {
            ComponentError::new(format!("endpoint: cannot listen on {endpoint}: {error}"))
        })?;
        let tasks = TaskSet::new();
        let stop = tasks.token();
        tasks.spawn("pages of an extension", async move {
            let stopped = async move { stop.cancelled().await };
            if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(stopped).await
            {
                tracing::error!(%error, "the pages of an extension are gone");
            }
        });
        *self.tasks.lock() = Some(tasks);
        Ok(())
    }

    pub(super) async fn close(&self) {
        let tasks = self.tasks.lock().take();
        if let Some(tasks) = tasks {
            // A reader who keeps a connection open is cut off.
            drop(tasks.shutdown(CLOSE).await);
        }
    }
}

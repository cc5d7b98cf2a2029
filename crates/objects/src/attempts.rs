//! Counts every HTTP exchange with a remote store.
//!
//! The clients of `object_store` repeat what failed on their own, so a request of ours may be several
//! exchanges; only here can they be told apart. What an exchange carries is not looked at.

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};
use spandrel_telemetry::{AttemptOutcome, ObjectsMetrics};

/// Makes HTTP clients that count.
#[derive(Debug)]
pub(crate) struct CountingConnector {
    inner: ReqwestConnector,
    metrics: ObjectsMetrics,
}

impl CountingConnector {
    pub(crate) fn new(metrics: ObjectsMetrics) -> Self {
        Self { inner: ReqwestConnector::default(), metrics }
    }
}

impl HttpConnector for CountingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = self.inner.connect(options)?;
        Ok(HttpClient::new(Counting { inner, metrics: self.metrics.clone() }))
    }
}

#[derive(Debug)]
struct Counting {
    inner: HttpClient,
    metrics: ObjectsMetrics,
}

#[async_trait]
impl HttpService for Counting {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = self.inner.execute(request).await;
        self.metrics.attempts.inc(&outcome(&answer));
        answer
    }
}

fn outcome(answer: &Result<HttpResponse, HttpError>) -> AttemptOutcome {
    match answer {
        Ok(response) => match response.status().as_u16() {
            429 | 503 => AttemptOutcome::Throttled,
            408 => AttemptOutcome::Timeout,
            400..=499 => AttemptOutcome::Rejected,
            500.. => AttemptOutcome::ServerError,
            _ => AttemptOutcome::Ok,
        },
        Err(error) if error.kind() == HttpErrorKind::Timeout => AttemptOutcome::Timeout,
        Err(_) => AttemptOutcome::Connection,
    }
}

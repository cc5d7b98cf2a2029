//! Questions on the port where spans arrive: Zipkin's clients ask and send at one address.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

type Answering = Pin<Box<dyn Future<Output = Response<Bytes>> + Send>>;

/// Answers the requests that bring no spans.
#[derive(Clone)]
pub struct Reads(Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>);

impl Reads {
    /// Answers with what `answer` returns.
    pub fn new<F>(answer: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Response<Bytes>> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(answer(request))))
    }

    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Bytes> {
        self.0(request).await
    }
}

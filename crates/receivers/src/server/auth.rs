//! Who may send: requests are turned away before their bodies are read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use spandrel_base::outcome::OutcomeCode;
use spandrel_config::blocks::Auth;
use spandrel_pipeline::{
    ComponentError, ServerAuthenticator, ServerAuthenticators, Unauthenticated,
};

use super::plain::{is_grpc, text};
use super::reply::Reply;
use super::status::Failure;

/// What is read of the body of a refused request, so that its sender gets to see the answer.
const DISCARD_BYTES_MAX: usize = 1 << 20;
/// How long that may take.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(1);

/// Decides who may send to a port; clones are the same.
#[derive(Clone)]
pub struct Authenticator(Arc<dyn ServerAuthenticator>);

/// What is known of the sender of a request, among its extensions.
#[derive(Clone)]
pub(crate) struct Attributes(pub(crate) BTreeMap<String, String>);

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authenticator")
    }
}

impl PartialEq for Authenticator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Authenticator {}

impl Authenticator {
    /// The one that a block of the configuration asks for.
    pub(crate) fn of(
        auth: Option<&Auth>,
        all: &ServerAuthenticators,
    ) -> Result<Option<Self>, ComponentError> {
        auth.map(|auth| all.get(&auth.authenticator.to_string()).map(Self)).transpose()
    }

    /// The request with what is known of its sender, or the answer to it. Browsers ask whether they may send
    /// (CORS) without saying who they are.
    pub(crate) async fn admit(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Request<Incoming>, Response<Reply>> {
        if request.method() == Method::OPTIONS {
            return Ok(request);
        }
        let headers = request.headers();
        let header = |name: &str| Some(headers.get(name)?.to_str().ok()?.to_owned());
        match self.0.authenticate(&header).await {
            Ok(attributes) => {
                request.extensions_mut().insert(Attributes(attributes));
                Ok(request)
            }
            Err(refusal) => Err(turn_away(request, &refusal).await),
        }
    }
}

async fn turn_away(request: Request<Incoming>, refusal: &Unauthenticated) -> Response<Reply> {
    tracing::debug!(reason = refusal.message, "a request was not authenticated");
    if is_grpc(request.headers()) {
        return Failure::new(OutcomeCode::Unauthenticated, refusal.message).to_tonic().into_http();
    }
    if request.version() < Version::HTTP_2 {
        // A sender that is still busy after that gets its connection closed.
        drop(tokio::time::timeout(DISCARD_TIMEOUT, discard(request.into_body())).await);
    }
    let mut response = text(StatusCode::UNAUTHORIZED, format!("{}\n", refusal.message));
    if let Ok(challenge) = HeaderValue::try_from(&refusal.challenge) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    }
    response
}

async fn discard(mut body: Incoming) {
    let mut n_bytes = 0_usize;
    while n_bytes < DISCARD_BYTES_MAX {
        let Some(Ok(frame)) = body.frame().await else { return };
        n_bytes = n_bytes.saturating_add(frame.data_ref().map_or(0, bytes::Bytes::len));
    }
}

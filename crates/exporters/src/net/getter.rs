//! Getting what is at one URL.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use spandrel_config::blocks::HttpClient;
use spandrel_pipeline::ComponentError;
use url::Url;

use super::http_client::{HttpSender, http_sender};
use super::{fixed_headers, set_user_agent};

/// A client of one URL.
pub struct Getter {
    sender: HttpSender,
    uri: Uri,
    headers: HeaderMap,
}

impl std::fmt::Debug for Getter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Getter").field(&self.uri).finish()
    }
}

impl Getter {
    /// A client of `url`, which is of `http` or `https`; the certificates that the system trusts count unless the
    /// settings name others. Reads files of TLS; blocks.
    ///
    /// # Errors
    /// When headers or TLS files cannot be used.
    pub fn new(settings: &HttpClient, url: &Url) -> Result<Self, ComponentError> {
        let uri = Uri::try_from(url.as_str())
            .map_err(|error| ComponentError::new(format!("endpoint: {error}")))?;
        let mut headers = fixed_headers(&settings.headers)?;
        set_user_agent(&mut headers, "")?;
        Ok(Self { sender: http_sender(settings, url)?, uri, headers })
    }

    /// Asks; the answer may have any status.
    ///
    /// # Errors
    /// A message when nothing was answered.
    pub async fn get(&self) -> Result<Response<Incoming>, String> {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        self.sender.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            format!("{error}{}", cause.unwrap_or_default())
        })
    }
}

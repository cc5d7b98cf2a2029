//! Posting bodies to one URL, compressed and authenticated as the settings of the client say.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use spandrel_config::blocks::HttpClient;
use spandrel_pipeline::{Client, ComponentError};
use url::Url;

use super::http_client::{HttpSender, http_sender};
use super::{Compression, fixed_headers, set_user_agent};
use crate::auth::OptionalAuth;
use crate::extensions::Extensions;
use crate::sending::SendError;

/// A client of one URL.
pub struct Poster {
    sender: HttpSender,
    uri: Uri,
    headers: HeaderMap,
    compression: Option<Compression>,
    auth: OptionalAuth,
}

impl Poster {
    /// A client that posts bodies of this type. Reads files of TLS; blocks.
    ///
    /// # Errors
    /// When headers or TLS files cannot be used, or the authenticator is missing.
    pub fn new(
        settings: &HttpClient,
        url: &Url,
        content_type: &'static str,
        extensions: &Extensions,
    ) -> Result<Self, ComponentError> {
        let uri = Uri::try_from(url.as_str())
            .map_err(|error| ComponentError::new(format!("endpoint: {error}")))?;
        let compression = Compression::of_http(settings.compression, settings.compression_level);
        let mut headers = fixed_headers(&settings.headers)?;
        set_user_agent(&mut headers, "")?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(compression) = compression {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(compression.name()));
        }
        let auth = extensions.authenticator_of(settings.auth.as_ref())?;
        Ok(Self { sender: http_sender(settings, url)?, uri, headers, compression, auth })
    }

    /// Where it posts to.
    pub fn uri(&self) -> &Uri {
        &self.uri
    }

    /// Adds a header to every request, unless the settings have it.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.entry(name).or_insert(value);
        self
    }

    /// Posts a body; the answer may have any status.
    pub(crate) async fn post(
        &self,
        client: &Client,
        body: Bytes,
    ) -> Result<Response<Incoming>, SendError> {
        self.post_with(client, HeaderMap::new(), body).await
    }

    /// The same with more headers, which those of the settings go before.
    ///
    /// # Errors
    /// [`SendError`] when nothing was answered.
    pub async fn post_with(
        &self,
        client: &Client,
        more: HeaderMap,
        mut body: Bytes,
    ) -> Result<Response<Incoming>, SendError> {
        let unsendable = |error: &dyn std::fmt::Display| SendError::retryable(error.to_string());
        if let Some(compression) = self.compression {
            body = compression.compress(body).await.map_err(|error| unsendable(&error))?;
        }
        let mut headers = self.headers.clone();
        for (name, value) in more {
            if let Some(name) = name {
                headers.entry(name).or_insert(value);
            }
        }
        if let Some(auth) = &self.auth {
            let authenticated = auth.authenticate(client, &mut headers).await;
            authenticated.map_err(|error| unsendable(&error))?;
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        self.sender.request(request).await.map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            SendError::retryable(format!("{error}{}", cause.unwrap_or_default()))
        })
    }
}

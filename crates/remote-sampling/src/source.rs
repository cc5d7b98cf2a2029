//! Where the file with strategies is: on disk, or at a URL.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use spandrel_base::fs;
use tokio::time::timeout;

use crate::RemoteSamplingError;

/// A file with strategies may have so many bytes.
const BYTES_MAX: usize = 16 << 20;
/// A download may take so long.
const DOWNLOAD_MAX: Duration = Duration::from_secs(10);

/// A file with strategies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StrategyFile {
    /// On disk.
    Path(PathBuf),
    /// At a URL.
    Url(url::Url),
}

impl StrategyFile {
    /// What an operator writes: a path, or `http://...`.
    ///
    /// # Errors
    /// [`RemoteSamplingError::Url`] for a URL that cannot be asked.
    pub fn parse(text: &str) -> Result<Self, RemoteSamplingError> {
        if !text.contains("://") {
            return Ok(Self::Path(text.into()));
        }
        let parsed = url::Url::parse(text).ok().filter(|url| url.scheme() == "http");
        parsed.map(Self::Url).ok_or_else(|| RemoteSamplingError::Url(text.to_owned()))
    }

    /// The contents.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when they cannot be had.
    pub(crate) async fn read(&self) -> Result<Vec<u8>, RemoteSamplingError> {
        match self {
            Self::Path(path) => Ok(fs::read(path)?),
            Self::Url(url) => {
                let failed =
                    |reason: String| RemoteSamplingError::Download { url: url.to_string(), reason };
                match timeout(DOWNLOAD_MAX, download(url.as_str())).await {
                    Ok(answer) => answer.map_err(failed),
                    Err(_) => Err(failed("it took too long".to_owned())),
                }
            }
        }
    }
}

async fn download(url: &str) -> Result<Vec<u8>, String> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let request = Request::get(url).body(Empty::new()).map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| error.to_string())?;
    // Jaeger takes a server that is not ready for one without strategies.
    if response.status() == http::StatusCode::SERVICE_UNAVAILABLE {
        return Ok(b"null".to_vec());
    }
    if !response.status().is_success() {
        return Err(format!("the status is {}", response.status().as_u16()));
    }
    let body = Limited::new(response.into_body(), BYTES_MAX).collect().await;
    body.map(|body| body.to_bytes().into()).map_err(|error| error.to_string())
}

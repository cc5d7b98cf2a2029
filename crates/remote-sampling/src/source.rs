//! Where the file with strategies is: on disk, or at a URL.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Limited};
use spandrel_base::fs;
use spandrel_config::Secret;
use spandrel_config::blocks::HttpClient;
use spandrel_exporters::Getter;
use tokio::time::timeout;
use url::Url;

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
    /// At a URL, which may have credentials.
    Url(Url),
}

impl StrategyFile {
    /// What an operator writes: a path, `http://...` or `https://...`.
    ///
    /// # Errors
    /// [`RemoteSamplingError::Url`] for a URL that cannot be asked.
    pub fn parse(text: &str) -> Result<Self, RemoteSamplingError> {
        let Some((scheme, _)) = text.split_once("://") else {
            return Ok(Self::Path(text.into()));
        };
        let parsed = Url::parse(text).ok();
        let parsed = parsed.filter(|url| ["http", "https"].contains(&url.scheme()));
        parsed.map(Self::Url).ok_or_else(|| RemoteSamplingError::Url(scheme.to_owned()))
    }

    /// What reads it.
    ///
    /// # Errors
    /// [`RemoteSamplingError::Download`] when there is no TLS to ask with.
    pub(crate) fn open(self) -> Result<OpenFile, RemoteSamplingError> {
        let mut url = match self {
            Self::Path(path) => return Ok(OpenFile::Path(path)),
            Self::Url(url) => url,
        };
        let mut settings = HttpClient::default();
        if let Some(credentials) = take_credentials(&mut url) {
            settings.headers.0.push(("Authorization".to_owned(), credentials));
        }
        let getter = Getter::new(&settings, &url).map_err(|error| {
            RemoteSamplingError::Download { url: url.to_string(), reason: error.to_string() }
        })?;
        Ok(OpenFile::Url { url: url.to_string(), getter: Box::new(getter) })
    }
}

/// Takes the credentials out of a URL, so that no message shows them.
fn take_credentials(url: &mut Url) -> Option<Secret> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let pair =
        format!("{}:{}", decoded(url.username()), decoded(url.password().unwrap_or_default()));
    // A URL with a host takes both.
    let cleared = url.set_username("").and_then(|()| url.set_password(None));
    cleared.ok().map(|()| Secret::from(format!("Basic {}", STANDARD.encode(pair))))
}

/// The text of what is written with `%`.
fn decoded(text: &str) -> String {
    // What has a meaning in forms has none here.
    let form = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(form.as_bytes()).map(|(text, _)| text).collect()
}

/// A file with strategies that can be read again and again.
#[derive(Debug)]
pub(crate) enum OpenFile {
    /// On disk.
    Path(PathBuf),
    /// At a URL.
    Url {
        /// Without credentials.
        url: String,
        /// Who asks.
        getter: Box<Getter>,
    },
}

impl OpenFile {
    /// The contents.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when they cannot be had.
    pub(crate) async fn read(&self) -> Result<Vec<u8>, RemoteSamplingError> {
        match self {
            Self::Path(path) => Ok(fs::read(path)?),
            Self::Url { url, getter } => {
                let failed =
                    |reason: String| RemoteSamplingError::Download { url: url.clone(), reason };
                match timeout(DOWNLOAD_MAX, download(getter)).await {
                    Ok(answer) => answer.map_err(failed),
                    Err(_) => Err(failed("it took too long".to_owned())),
                }
            }
        }
    }
}

async fn download(getter: &Getter) -> Result<Vec<u8>, String> {
    let response = getter.get().await?;
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

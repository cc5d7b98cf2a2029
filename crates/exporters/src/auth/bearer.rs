//! `bearertokenauth`, the side of the client: a token on each request.

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue};
use spandrel_base::clock::SharedClock;
use spandrel_config::{Secret, Section};
use spandrel_pipeline::Client;

use super::secret_file::{SecretFile, SecretSource};
use super::{AuthError, ClientAuthenticator};

/// Settings of `bearertokenauth`.
#[derive(Debug, Clone)]
pub struct BearerTokenAuthSettings {
    /// The header with the token.
    pub header: HeaderName,
    /// The word in front of the token; none when empty.
    pub scheme: String,
    /// The tokens of the configuration. A client sends the first; a server takes all.
    pub tokens: Vec<Secret>,
    /// A file with the token; it wins over those of the configuration.
    pub filename: Option<PathBuf>,
}

impl BearerTokenAuthSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let header: String = section.or("header", "Authorization".to_owned());
        let header = HeaderName::try_from(header.as_str()).unwrap_or_else(|_| {
            section.problem(Some("header"), "is not the name of a header");
            http::header::AUTHORIZATION
        });
        let token: Option<Secret> = section.get("token");
        let tokens: Vec<Secret> = section.or("tokens", Vec::new());
        let filename: Option<PathBuf> = section.get("filename");
        if token.is_some() && !tokens.is_empty() {
            section.problem(Some("tokens"), "token and tokens cannot be used together");
        }
        if token.is_none() && tokens.is_empty() && filename.is_none() {
            section.problem(None, "needs token, tokens or filename");
        }
        if filename.is_some() && (token.is_some() || !tokens.is_empty()) {
            section.warn(Some("filename"), "wins over the tokens of the configuration");
        }
        let tokens = token.into_iter().chain(tokens).collect();
        let scheme = section.or("scheme", "Bearer".to_owned());
        Self { header, scheme, tokens, filename }
    }
}

/// Adds the token.
pub struct BearerTokenAuth {
    header: HeaderName,
    scheme: String,
    token: SecretSource,
}

impl BearerTokenAuth {
    /// The authenticator of these settings. A file may hold several tokens, one a line; the first is sent.
    pub fn new(settings: BearerTokenAuthSettings, clock: &SharedClock) -> Self {
        let BearerTokenAuthSettings { header, scheme, tokens, filename } = settings;
        let token = match filename {
            Some(path) => SecretSource::File(SecretFile::new(path, clock.clone())),
            None => {
                let first = tokens.first().map(|token| token.expose().to_owned());
                SecretSource::Fixed(first.unwrap_or_default())
            }
        };
        Self { header, scheme, token }
    }
}

#[async_trait::async_trait]
impl ClientAuthenticator for BearerTokenAuth {
    async fn authenticate(
        &self,
        _client: &Client,
        headers: &mut HeaderMap,
    ) -> Result<(), AuthError> {
        let token = self.token.value().await?;
        let token = token.lines().next().unwrap_or_default();
        let text = match self.scheme.as_str() {
            "" => token.to_owned(),
            scheme => format!("{scheme} {token}"),
        };
        let value = HeaderValue::try_from(text);
        let mut value = value.map_err(|_| AuthError("the token cannot be in a header".into()))?;
        value.set_sensitive(true);
        headers.insert(self.header.clone(), value);
        Ok(())
    }
}

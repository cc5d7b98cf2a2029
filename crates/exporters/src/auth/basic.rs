//! `basicauth`: its settings, and the side of the client: a name and a password on each request.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use spandrel_base::clock::SharedClock;
use spandrel_config::{Secret, Section};
use spandrel_pipeline::Client;

use super::secret_file::{SecretFile, SecretSource};
use super::{AuthError, ClientAuthenticator};

/// Settings of `basicauth`.
#[derive(Debug, Clone)]
pub struct BasicAuthSettings {
    /// What requests carry; `None` when the extension is for servers.
    pub client_auth: Option<ClientAuth>,
    /// Whom a server lets in; `None` when the extension is for clients.
    pub htpasswd: Option<Htpasswd>,
}

/// `client_auth`.
#[derive(Debug, Clone)]
pub struct ClientAuth {
    username: Option<String>,
    username_file: Option<PathBuf>,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
}

/// `htpasswd`: lines `name:hash`.
#[derive(Debug, Clone)]
pub struct Htpasswd {
    /// A file of such lines.
    pub file: Option<PathBuf>,
    /// Lines in the configuration; they win over those of the file.
    pub inline: Option<Secret>,
}

impl BasicAuthSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let client_auth = section.section("client_auth", ClientAuth::read);
        let htpasswd = section.section("htpasswd", |section| {
            let htpasswd = Htpasswd { file: section.get("file"), inline: section.get("inline") };
            if htpasswd.file.is_none() && htpasswd.inline.is_none() {
                section.problem(None, "needs file or inline");
            }
            htpasswd
        });
        match (&client_auth, &htpasswd) {
            (None, None) => section.problem(None, "needs either client_auth or htpasswd"),
            (Some(_), Some(_)) => {
                section.problem(None, "has client_auth and htpasswd; it can be only one");
            }
            _ => {}
        }
        Self { client_auth, htpasswd }
    }
}

impl ClientAuth {
    fn read(section: &mut Section<'_>) -> Self {
        let settings = Self {
            username: section.get("username"),
            username_file: section.get("username_file"),
            password: section.get("password"),
            password_file: section.get("password_file"),
        };
        if settings.username.is_none() && settings.username_file.is_none() {
            section.problem(None, "needs username or username_file");
        }
        settings
    }
}

/// Adds `Authorization: Basic`.
pub struct BasicAuth {
    username: SecretSource,
    password: SecretSource,
}

impl BasicAuth {
    /// The authenticator of these settings. A file wins over a value in the configuration.
    pub fn new(settings: ClientAuth, clock: &SharedClock) -> Self {
        let source = |file: Option<PathBuf>, fixed: Option<String>| match file {
            Some(path) => SecretSource::File(SecretFile::new(path, clock.clone())),
            None => SecretSource::Fixed(fixed.unwrap_or_default()),
        };
        let password = settings.password.map(|password| password.expose().to_owned());
        Self {
            username: source(settings.username_file, settings.username),
            password: source(settings.password_file, password),
        }
    }
}

#[async_trait::async_trait]
impl ClientAuthenticator for BasicAuth {
    async fn authenticate(
        &self,
        _client: &Client,
        headers: &mut HeaderMap,
    ) -> Result<(), AuthError> {
        let pair = format!("{}:{}", self.username.value().await?, self.password.value().await?);
        let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|error| AuthError(error.to_string()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

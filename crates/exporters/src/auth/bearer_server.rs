//! `bearertokenauth`, the side of the server: who has one of the tokens is let in.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use spandrel_base::clock::SharedClock;
use spandrel_config::Secret;
use spandrel_pipeline::{Header, ServerAuthenticator, Unauthenticated};

use super::basic_server::equal;
use super::bearer::BearerTokenAuthSettings;
use super::secret_file::SecretFile;

/// Lets in who has a token.
pub struct BearerTokenServer {
    header: String,
    scheme: String,
    tokens: Vec<Secret>,
    /// Has a token in each line; wins over `tokens`.
    file: Option<SecretFile>,
}

impl BearerTokenServer {
    /// The authenticator of these settings. The file is read again when it changes.
    pub fn new(settings: BearerTokenAuthSettings, clock: &SharedClock) -> Self {
        let BearerTokenAuthSettings { header, scheme, tokens, filename } = settings;
        let file = filename.map(|path| SecretFile::new(path, clock.clone()));
        Self { header: header.as_str().to_owned(), scheme, tokens, file }
    }

    /// Compares hashes, whose equality tells nothing about the tokens, with all tokens.
    fn knows<'t>(&self, value: &str, tokens: impl Iterator<Item = &'t str>) -> bool {
        let value: [u8; 32] = Sha256::digest(value).into();
        let is_one = |token: &str| {
            let expected = match self.scheme.as_str() {
                "" => token.to_owned(),
                scheme => format!("{scheme} {token}"),
            };
            equal(&Sha256::digest(expected).into(), &value)
        };
        tokens.filter(|token| !token.is_empty()).fold(false, |found, token| found | is_one(token))
    }
}

#[async_trait::async_trait]
impl ServerAuthenticator for BearerTokenServer {
    async fn authenticate(
        &self,
        header: &Header<'_>,
    ) -> Result<BTreeMap<String, String>, Unauthenticated> {
        let challenge = if self.scheme.is_empty() { "Bearer" } else { &self.scheme };
        let refusal = |message| Unauthenticated { message, challenge: challenge.to_owned() };
        let value = header(&self.header).ok_or(refusal("no token in the headers"))?;
        let is_known = match &self.file {
            Some(file) => {
                let text = file.value().await;
                let text = text.map_err(|_| refusal("tokens cannot be checked now"))?;
                self.knows(&value, text.lines().map(str::trim))
            }
            None => self.knows(&value, self.tokens.iter().map(Secret::expose)),
        };
        if is_known { Ok(BTreeMap::new()) } else { Err(refusal("wrong token")) }
    }
}

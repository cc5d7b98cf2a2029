//! `headers_setter`: headers from the client's metadata, from what an authenticator found, or fixed.

use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};
use spandrel_base::clock::SharedClock;
use spandrel_config::Section;
use spandrel_pipeline::{Client, ComponentError};

use super::secret_file::SecretFile;
use super::{AuthError, ClientAuthenticator, OptionalAuth};
use crate::extensions::Extensions;

/// Settings of `headers_setter`.
#[derive(Debug, Clone)]
pub struct HeadersSetterSettings {
    headers: Vec<HeaderRule>,
    /// Another authenticator that comes first.
    pub additional_auth: Option<String>,
}

#[derive(Debug, Clone)]
struct HeaderRule {
    key: HeaderName,
    action: Action,
    source: Option<RuleSource>,
    default_value: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Insert,
    Update,
    Upsert,
    Delete,
}

#[derive(Debug, Clone)]
enum RuleSource {
    Value(String),
    ValueFile(PathBuf),
    FromContext(String),
    FromAttribute(String),
}

impl HeadersSetterSettings {
    /// Reads and checks the settings.
    pub fn read(section: &mut Section<'_>) -> Self {
        let headers: Vec<_> = section.sections("headers", HeaderRule::read);
        if headers.is_empty() {
            section.problem(Some("headers"), "needs at least one header");
        }
        let headers = headers.into_iter().flatten().collect();
        Self { headers, additional_auth: section.get("additional_auth") }
    }
}

impl HeaderRule {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let key: String = section.required("key").unwrap_or_default();
        let action: String = section.or("action", "upsert".to_owned());
        let sources = [
            section.get("value").map(RuleSource::Value),
            section.get("value_file").map(RuleSource::ValueFile),
            section.get("from_context").map(RuleSource::FromContext),
            section.get("from_attribute").map(RuleSource::FromAttribute),
        ];
        let default_value = section.get("default_value");
        let mut sources = sources.into_iter().flatten();
        let (source, second) = (sources.next(), sources.next());
        let action = match action.as_str() {
            "insert" => Action::Insert,
            "update" => Action::Update,
            "upsert" | "" => Action::Upsert,
            "delete" => Action::Delete,
            other => {
                let message = format!("{other} is none of insert, update, upsert, delete");
                section.problem(Some("action"), message);
                return None;
            }
        };
        if action != Action::Delete && (source.is_none() || second.is_some()) {
            let message = "needs exactly one of value, value_file, from_context, from_attribute";
            section.problem(None, message);
        }
        let Ok(key) = HeaderName::try_from(key.as_str()) else {
            section.problem(Some("key"), "is not the name of a header");
            return None;
        };
        Some(Self { key, action, source, default_value })
    }
}

/// Sets the headers.
pub struct HeadersSetter {
    rules: Vec<(HeaderRule, Option<SecretFile>)>,
    additional: OptionalAuth,
}

impl HeadersSetter {
    /// The authenticator of these settings.
    ///
    /// # Errors
    /// When `additional_auth` names no authenticator.
    pub fn new(
        settings: HeadersSetterSettings,
        extensions: &Extensions,
        clock: &SharedClock,
    ) -> Result<Self, ComponentError> {
        let additional = settings.additional_auth.as_deref();
        let additional: Option<Arc<_>> =
            additional.map(|id| extensions.authenticator(id)).transpose()?;
        let rules = settings.headers.into_iter().map(|rule| {
            let file = match &rule.source {
                Some(RuleSource::ValueFile(path)) => {
                    Some(SecretFile::new(path.clone(), clock.clone()))
                }
                _ => None,
            };
            (rule, file)
        });
        Ok(Self { rules: rules.collect(), additional })
    }
}

#[async_trait::async_trait]
impl ClientAuthenticator for HeadersSetter {
    async fn authenticate(
        &self,
        client: &Client,
        headers: &mut HeaderMap,
    ) -> Result<(), AuthError> {
        if let Some(additional) = &self.additional {
            additional.authenticate(client, headers).await?;
        }
        for (rule, file) in &self.rules {
            let value = match file {
                Some(file) => file.value().await?,
                None => rule.value(client),
            };
            rule.apply(value, headers)?;
        }
        Ok(())
    }
}

impl HeaderRule {
    /// The value; empty when the client has none and there is no default.
    fn value(&self, client: &Client) -> String {
        let found = match &self.source {
            Some(RuleSource::Value(value)) => return value.clone(),
            Some(RuleSource::FromContext(key)) => match key.strip_prefix("auth.") {
                Some(attribute) => client.auth.get(attribute).cloned(),
                None => client.metadata(key).first().cloned(),
            },
            Some(RuleSource::FromAttribute(key)) => client.auth.get(key).cloned(),
            Some(RuleSource::ValueFile(_)) | None => None,
        };
        found.or_else(|| self.default_value.clone()).unwrap_or_default()
    }

    fn apply(&self, value: String, headers: &mut HeaderMap) -> Result<(), AuthError> {
        let is_there = headers.contains_key(&self.key);
        let sets = match self.action {
            Action::Insert => !is_there,
            Action::Update => is_there,
            Action::Upsert => true,
            Action::Delete => {
                headers.remove(&self.key);
                return Ok(());
            }
        };
        if sets {
            let value = HeaderValue::try_from(value).map_err(|_| {
                AuthError(format!("the value for {} cannot be in a header", self.key))
            })?;
            headers.insert(self.key.clone(), value);
        }
        Ok(())
    }
}

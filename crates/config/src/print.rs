//! Printing the effective configuration: merged, expanded, without secrets.
//!
//! A value is secret when a component has read it as one; when its key is one of those that hold secrets everywhere
//! (see [`is_secret_key`]); or when it stands below `headers`. Passwords in URLs are replaced as well.

mod json;
mod yaml;

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::secret::REDACTED;
use crate::section::join;
use crate::suggest::fold;
use crate::value::{Key, Value, ValueKind};

/// The language to print in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML in blocks.
    Yaml,
    /// JSON, indented.
    Json,
}

/// What happens to secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redaction<'a> {
    /// They are printed.
    Off,
    /// They are replaced, those at or below these paths included: [`crate::Findings::secrets`].
    On(&'a BTreeSet<String>),
}

/// Prints a configuration.
pub(crate) fn print(tree: &Value, format: Format, redaction: Redaction<'_>) -> String {
    let tree = match redaction {
        Redaction::Off => Cow::Borrowed(tree),
        Redaction::On(secrets) => {
            let mut redacted = tree.clone();
            redact(&mut redacted, "", secrets);
            Cow::Owned(redacted)
        }
    };
    match format {
        Format::Yaml => yaml::print(&tree),
        Format::Json => json::print(&tree, true) + "\n",
    }
}

/// A value in one line of JSON.
pub(crate) fn json(value: &Value) -> String {
    json::print(value, false)
}

fn redact(value: &mut Value, path: &str, secrets: &BTreeSet<String>) {
    match &mut value.kind {
        ValueKind::Map(entries) => {
            for (key, value) in entries {
                let path = join(path, &key.text);
                if secrets.contains(&path) || is_secret(key, value) {
                    blank(value);
                } else {
                    redact(value, &path, secrets);
                }
            }
        }
        ValueKind::List(values) => {
            for (i, value) in values.iter_mut().enumerate() {
                redact(value, &format!("{path}[{i}]"), secrets);
            }
        }
        ValueKind::String(text) => {
            if let Some(redacted) = without_password(text) {
                *text = redacted;
            }
        }
        _ => {}
    }
}

fn is_secret(key: &Key, value: &Value) -> bool {
    match &value.kind {
        ValueKind::Null | ValueKind::Bool(_) => false,
        ValueKind::Map(_) | ValueKind::List(_) => {
            matches!(&*key.text, "headers" | "response_headers")
        }
        _ => is_secret_key(&key.text),
    }
}

/// Whether a setting of this name holds a secret in whatever component: it has `password`, `secret`, `token`,
/// `credential`, `api_key` or the like in it, and does not say where to find one (`token_file`, `token_url`).
pub(crate) fn is_secret_key(key: &str) -> bool {
    const PARTS: [&str; 12] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "credential",
        "apikey",
        "accesskey",
        "privatekey",
        "hmackey",
        "connectionstring",
        "authorization",
    ];
    const WHOLE: [&str; 5] = ["keypem", "certpem", "dsn", "inline", "ownerauth"];
    const PLACES: [&str; 9] =
        ["file", "filename", "path", "url", "uri", "endpoint", "name", "type", "scheme"];
    let key = fold(key);
    let names_a_place = PLACES.iter().any(|place| key.ends_with(place));
    !names_a_place && (WHOLE.contains(&key.as_str()) || PARTS.iter().any(|part| key.contains(part)))
}

/// Replaces the values, not the keys.
fn blank(value: &mut Value) {
    match &mut value.kind {
        ValueKind::Null => {}
        ValueKind::Map(entries) => {
            for (key, value) in entries {
                // Of `{name: authorization, value: ...}`, the name may stay.
                if &*key.text != "name" {
                    blank(value);
                }
            }
        }
        ValueKind::List(values) => values.iter_mut().for_each(blank),
        kind => *kind = ValueKind::String(REDACTED.to_owned()),
    }
}

/// A URL whose user has a password, without user and password.
fn without_password(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (user, _) = authority.rsplit_once('@')?;
    let after = rest.get(user.len()..)?;
    user.contains(':').then(|| format!("{scheme}://{REDACTED}{after}"))
}

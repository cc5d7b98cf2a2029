//! Where objects lie: a path or a URL, taken apart.
//!
//! A URL must not carry credentials: it is logged. What looks like one is refused, and not repeated in the
//! error.

use std::fmt;
use std::path::PathBuf;

use object_store::path::Path;
use url::Url;

use crate::ObjectsError;

/// A place for objects. Its `Display` is a URL, or a path for a local directory; it contains no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub(crate) kind: Kind,
    text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    Local(PathBuf),
    Memory,
    S3 {
        bucket: String,
        prefix: Path,
    },
    Gcs {
        bucket: String,
        prefix: Path,
    },
    Azure {
        /// In the form from which the client takes container and account.
        url: String,
        prefix: Path,
    },
}

/// Schemes of URLs. A path that begins like one of them is a mistake.
const SCHEMES: [&str; 8] = ["file", "memory", "s3", "s3a", "gs", "az", "abfs", "abfss"];

impl Location {
    /// Takes a path or a URL apart.
    ///
    /// # Errors
    /// [`ObjectsError::Location`].
    pub fn parse(text: &str) -> Result<Self, ObjectsError> {
        if text.is_empty() {
            return Err(wrong("", "it is empty"));
        }
        if !text.contains("://") {
            let scheme = text.split_once(':').map(|(scheme, _)| scheme);
            if scheme.is_some_and(|scheme| SCHEMES.contains(&scheme)) {
                return Err(wrong(text, "two slashes are missing after its scheme"));
            }
            return Ok(Self { kind: Kind::Local(text.into()), text: text.to_owned() });
        }
        let Ok(url) = Url::parse(text) else {
            // Not repeated: what cannot be parsed cannot be cleared of secrets.
            return Err(wrong("...", "it is not a URL"));
        };
        let shown = without_secrets(&url);
        let wrong = |reason| wrong(&shown, reason);
        if url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("credentials and settings do not belong into it"));
        }
        let names_account = matches!(url.scheme(), "abfs" | "abfss");
        if !url.username().is_empty() && !names_account {
            return Err(wrong("credentials do not belong into it"));
        }
        let kind = kind_of(&url).map_err(wrong)?;
        Ok(Self { kind, text: shown })
    }

    /// A directory of this machine.
    pub fn local(dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        let text = dir.display().to_string();
        Self { kind: Kind::Local(dir), text }
    }

    /// The local directory, if it is one.
    pub fn local_dir(&self) -> Option<&std::path::Path> {
        match &self.kind {
            Kind::Local(dir) => Some(dir),
            _ => None,
        }
    }

    /// Whether it is reached over a network.
    pub fn is_remote(&self) -> bool {
        !matches!(self.kind, Kind::Local(_) | Kind::Memory)
    }
}

fn kind_of(url: &Url) -> Result<Kind, &'static str> {
    let host = url.host_str().filter(|host| !host.is_empty());
    let prefix =
        || Path::from_url_path(url.path()).map_err(|_bad| "its path is not one of objects");
    let bucket = || host.map(str::to_owned).ok_or("it has no bucket");
    Ok(match url.scheme() {
        "file" => Kind::Local(url.to_file_path().map_err(|()| "its path is not absolute")?),
        "memory" => match (host, url.path()) {
            (None, "" | "/") => Kind::Memory,
            _ => return Err("memory has no bucket and no path"),
        },
        "s3" | "s3a" => Kind::S3 { bucket: bucket()?, prefix: prefix()? },
        "gs" => Kind::Gcs { bucket: bucket()?, prefix: prefix()? },
        "az" => Kind::Azure { url: format!("az://{}", bucket()?), prefix: prefix()? },
        "abfs" | "abfss" => {
            let host = host.ok_or("it has no container")?;
            let container = match url.username() {
                "" => host.to_owned(),
                container => format!("{container}@{host}"),
            };
            Kind::Azure { url: format!("abfs://{container}"), prefix: prefix()? }
        }
        "http" | "https" => {
            return Err(
                "for a server that speaks S3's protocol write s3://bucket and set AWS_ENDPOINT_URL",
            );
        }
        _ => return Err("its scheme is not known"),
    })
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn wrong(url: &str, reason: &'static str) -> ObjectsError {
    ObjectsError::Location { url: url.to_owned(), reason }
}

fn without_secrets(url: &Url) -> String {
    let user = match (url.scheme(), url.username()) {
        ("abfs" | "abfss", container) if !container.is_empty() => format!("{container}@"),
        _ => String::new(),
    };
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{host}{port}{}", url.scheme(), url.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Kind {
        Location::parse(text).unwrap().kind
    }

    #[test]
    fn paths_and_urls_are_taken_apart() {
        let bucket = || "traces".to_owned();
        assert_eq!(kind("spandrel-data"), Kind::Local("spandrel-data".into()));
        assert_eq!(kind("/var/lib/a b"), Kind::Local("/var/lib/a b".into()));
        assert_eq!(kind("file:///var/lib/a%20b"), Kind::Local("/var/lib/a b".into()));
        assert_eq!(kind("memory://"), Kind::Memory);
        assert_eq!(
            kind("s3://traces/eu/prod/"),
            Kind::S3 { bucket: bucket(), prefix: "eu/prod".into() }
        );
        assert_eq!(kind("s3://traces"), Kind::S3 { bucket: bucket(), prefix: Path::default() });
        assert_eq!(kind("gs://traces/x"), Kind::Gcs { bucket: bucket(), prefix: "x".into() });
        let azure = |url: &str| Kind::Azure { url: url.to_owned(), prefix: "x".into() };
        assert_eq!(kind("az://traces/x"), azure("az://traces"));
        assert_eq!(
            kind("abfss://traces@acme.dfs.core.windows.net/x"),
            azure("abfs://traces@acme.dfs.core.windows.net")
        );
    }

    #[test]
    fn mistakes_are_named_and_secrets_are_not() {
        let error = |text: &str| Location::parse(text).unwrap_err().to_string();
        for (text, reason) in [
            ("", "it is empty"),
            ("s3:/traces", "two slashes are missing after its scheme"),
            ("s3://", "it has no bucket"),
            ("memory://traces", "memory has no bucket and no path"),
            ("ftp://traces/x", "its scheme is not known"),
            ("https://minio:9000/traces", "set AWS_ENDPOINT_URL"),
        ] {
            assert!(error(text).contains(reason), "{text}: {}", error(text));
        }
        for text in [
            "s3://AKIA:hidden@traces/x",
            "s3://hidden@traces/x",
            "az://traces/x?sig=hidden",
            "az://traces/x#hidden",
            "abfs://traces:hidden@acme.dfs.core.windows.net/x",
            "s3://us er:hidden@[traces",
        ] {
            assert!(!error(text).contains("hidden"), "{text}: {}", error(text));
        }
    }
}

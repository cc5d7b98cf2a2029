//! `tls` of servers and clients (`configtls`).

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;
use crate::section::Section;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// `1.0`, which no implementation here speaks.
    V10,
    /// `1.1`, which no implementation here speaks.
    V11,
    /// `1.2`
    V12,
    /// `1.3`
    V13,
}

const VERSIONS: [(&str, TlsVersion); 4] = [
    ("1.0", TlsVersion::V10),
    ("1.1", TlsVersion::V11),
    ("1.2", TlsVersion::V12),
    ("1.3", TlsVersion::V13),
];

/// What servers and clients have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Certificates of authorities; without, those of the system.
    pub ca_file: Option<PathBuf>,
    /// The same as text.
    pub ca_pem: Option<Secret>,
    /// Whether those of the system are trusted as well.
    pub include_system_ca_certs_pool: bool,
    /// Our certificate.
    pub cert_file: Option<PathBuf>,
    /// The same as text.
    pub cert_pem: Option<Secret>,
    /// The key of our certificate.
    pub key_file: Option<PathBuf>,
    /// The same as text.
    pub key_pem: Option<Secret>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The newest version that is spoken; `None` for the newest there is.
    pub max_version: Option<TlsVersion>,
    /// Names of cipher suites of TLS 1.2; empty for safe defaults.
    pub cipher_suites: Vec<String>,
    /// Names of curves; empty for safe defaults.
    pub curve_preferences: Vec<String>,
    /// How often the certificate is read again; zero for never.
    pub reload_interval: Duration,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            ca_file: None,
            ca_pem: None,
            include_system_ca_certs_pool: false,
            cert_file: None,
            cert_pem: None,
            key_file: None,
            key_pem: None,
            min_version: TlsVersion::V12,
            max_version: None,
            cipher_suites: Vec::new(),
            curve_preferences: Vec::new(),
            reload_interval: Duration::ZERO,
        }
    }
}

impl Tls {
    fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::default();
        let tls = Self {
            ca_file: path(section, "ca_file"),
            ca_pem: section.get("ca_pem"),
            include_system_ca_certs_pool: section.or("include_system_ca_certs_pool", false),
            cert_file: path(section, "cert_file"),
            cert_pem: section.get("cert_pem"),
            key_file: path(section, "key_file"),
            key_pem: section.get("key_pem"),
            min_version: version(section, "min_version").unwrap_or(defaults.min_version),
            max_version: version(section, "max_version"),
            cipher_suites: section.or("cipher_suites", Vec::new()),
            curve_preferences: section.or("curve_preferences", Vec::new()),
            reload_interval: section.or("reload_interval", Duration::ZERO),
        };
        section.ignore(&["include_insecure_cipher_suites"], "only safe cipher suites are spoken");
        read_tpm(section);
        tls.check(section);
        tls
    }

    fn check(&self, section: &mut Section<'_>) {
        let twice = [
            ("ca_pem", self.ca_pem.is_some() && self.ca_file.is_some(), "`ca_file`"),
            ("cert_pem", self.cert_pem.is_some() && self.cert_file.is_some(), "`cert_file`"),
            ("key_pem", self.key_pem.is_some() && self.key_file.is_some(), "`key_file`"),
        ];
        for (key, both, other) in twice {
            if both {
                section.problem(Some(key), format!("cannot be combined with {other}"));
            }
        }
        let certificate = self.cert_file.is_some() || self.cert_pem.is_some();
        let key = self.key_file.is_some() || self.key_pem.is_some();
        match (certificate, key) {
            (true, false) => {
                section.problem(None, "has a certificate without a key; give `key_file`")
            }
            (false, true) => {
                section.problem(None, "has a key without a certificate; give `cert_file`")
            }
            _ => {}
        }
        let newest = self.max_version.unwrap_or(TlsVersion::V13);
        if newest < self.min_version {
            section.problem(Some("max_version"), "must not be less than `min_version`");
        } else if newest < TlsVersion::V12 {
            section.problem(Some("max_version"), "must be 1.2 or 1.3: older versions are broken");
        } else if self.min_version < TlsVersion::V12 {
            section.warn(Some("min_version"), "is raised to 1.2: older versions are broken");
        }
    }

    /// Whether there is a certificate of our own.
    pub fn has_certificate(&self) -> bool {
        self.cert_file.is_some() || self.cert_pem.is_some()
    }
}

/// An empty path is none.
fn path(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    section.get(key).filter(|path: &PathBuf| !path.as_os_str().is_empty())
}

/// A version; an empty text is none.
fn version(section: &mut Section<'_>, key: &'static str) -> Option<TlsVersion> {
    let is_empty = section.value(key).is_some_and(|value| value.as_text() == Some(""));
    if is_empty { None } else { section.choice(key, &VERSIONS) }
}

fn read_tpm(section: &mut Section<'_>) {
    section.section("tpm", |section| {
        if section.or("enabled", false) {
            section.problem(Some("enabled"), "keys in a TPM are not supported; use `key_file`");
        }
        section.get::<String>("path");
        section.get::<Secret>("auth");
        section.get::<Secret>("owner_auth");
    });
}

/// `tls` of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsServer {
    /// Certificate, key and versions.
    pub tls: Tls,
    /// Authorities for certificates of clients, which must have one then.
    pub client_ca_file: Option<PathBuf>,
    /// Whether that file is read again when it changes.
    pub client_ca_file_reload: bool,
}

impl TlsServer {
    /// Reads the block; a certificate is required.
    pub fn read(section: &mut Section<'_>) -> Self {
        let tls = Tls::read(section);
        if !tls.has_certificate() && tls.key_file.is_none() && tls.key_pem.is_none() {
            section.problem(None, "needs `cert_file` and `key_file`");
        }
        Self {
            tls,
            client_ca_file: path(section, "client_ca_file"),
            client_ca_file_reload: section.or("client_ca_file_reload", false),
        }
    }
}

/// `tls` of a client.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TlsClient {
    /// Authorities, our certificate, and versions.
    pub tls: Tls,
    /// Whether there is no TLS. For clients of HTTP the URL decides.
    pub insecure: bool,
    /// Whether the server's certificate is not checked.
    pub insecure_skip_verify: bool,
    /// The name to check the server's certificate for; empty for that of the endpoint.
    pub server_name_override: String,
}

impl TlsClient {
    /// Reads the block.
    pub fn read(section: &mut Section<'_>) -> Self {
        Self {
            tls: Tls::read(section),
            insecure: section.or("insecure", false),
            insecure_skip_verify: section.or("insecure_skip_verify", false),
            server_name_override: section.or("server_name_override", String::new()),
        }
    }
}

//! What receiver and exporter share: brokers, authentication, TLS, metadata.

use std::time::Duration;

use rdkafka::ClientConfig;
use spandrel_config::blocks::TlsClient;
use spandrel_config::{Secret, Section};

use super::tls;

/// How the cluster is reached.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientSettings {
    /// `host:port` of brokers to begin with.
    pub brokers: Vec<String>,
    /// The name of this client in the brokers' logs.
    pub client_id: String,
    /// Whether names of brokers are resolved to all of their canonical names.
    pub resolve_canonical_bootstrap_servers_only: bool,
    /// Where this client is, so that it may read from a replica near it.
    pub rack_id: String,
    /// Idle connections are closed after this; zero leaves it to the brokers.
    pub conn_idle_timeout: Duration,
    /// How often the list of topics and partitions is read again.
    pub metadata_refresh_interval: Duration,
    /// Whether all topics are listed, not only those in use.
    pub metadata_full: bool,
    /// The wait before metadata are asked for again.
    pub metadata_retry_backoff: Duration,
    /// TLS; `None` is plain text.
    pub tls: Option<TlsClient>,
    /// Who this client is; `None` is anybody.
    pub auth: Option<Authentication>,
}

/// A user of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication {
    /// How the password is proved.
    pub mechanism: Mechanism,
    /// The user's name.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A mechanism of SASL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password is sent as it is.
    Plain,
    /// `SCRAM-SHA-256`
    ScramSha256,
    /// `SCRAM-SHA-512`
    ScramSha512,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl ClientSettings {
    /// Reads the shared keys.
    pub fn read(section: &mut Section<'_>) -> Self {
        let brokers: Vec<String> = section.or("brokers", vec!["localhost:9092".to_owned()]);
        if brokers.iter().all(|broker| broker.trim().is_empty()) {
            section.problem(Some("brokers"), "must name at least one broker");
        }
        section.ignore(
            &["protocol_version", "use_leader_epoch"],
            "clients and brokers agree on versions by themselves",
        );
        let metadata = section.section("metadata", Metadata::read).unwrap_or_default();
        let (auth, auth_tls) = section.section("auth", read_auth).unwrap_or_default();
        let tls = section.section("tls", TlsClient::read).or(auth_tls);
        let tls = tls.filter(|tls| !tls.insecure);
        let settings = Self {
            brokers: brokers.iter().map(|broker| broker.trim().to_owned()).collect(),
            client_id: section.or("client_id", "otel-collector".to_owned()),
            resolve_canonical_bootstrap_servers_only: section
                .or("resolve_canonical_bootstrap_servers_only", false),
            rack_id: section.or("rack_id", String::new()),
            conn_idle_timeout: section.or("conn_idle_timeout", Duration::from_secs(540)),
            metadata_refresh_interval: metadata.refresh_interval,
            metadata_full: metadata.full,
            metadata_retry_backoff: metadata.retry_backoff,
            tls,
            auth,
        };
        settings.check(section);
        settings
    }

    fn check(&self, section: &mut Section<'_>) {
        if let Some(tls) = &self.tls {
            tls::check(section, tls);
        }
        let needs_openssl = |auth: &Authentication| auth.mechanism != Mechanism::Plain;
        if !cfg!(feature = "tls") && self.auth.as_ref().is_some_and(needs_openssl) {
            let message = "SCRAM needs a build with the feature `kafka-tls`; this one has PLAIN";
            section.problem(Some("auth"), message);
        }
    }

    /// The settings in librdkafka's words.
    pub(crate) fn to_config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        let millis = |duration: Duration| duration.as_millis().to_string();
        config
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", &self.client_id)
            .set("connections.max.idle.ms", millis(self.conn_idle_timeout))
            .set("topic.metadata.refresh.interval.ms", millis(self.metadata_refresh_interval))
            .set("topic.metadata.refresh.sparse", (!self.metadata_full).to_string())
            .set(
                "retry.backoff.ms",
                millis(self.metadata_retry_backoff.max(Duration::from_millis(1))),
            )
            .set("socket.keepalive.enable", "true");
        if self.resolve_canonical_bootstrap_servers_only {
            config.set("client.dns.lookup", "resolve_canonical_bootstrap_servers_only");
        }
        if !self.rack_id.is_empty() {
            config.set("client.rack", &self.rack_id);
        }
        let protocol = match (&self.tls, &self.auth) {
            (None, None) => "plaintext",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), None) => "ssl",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(auth) = &self.auth {
            config
                .set("sasl.mechanism", auth.mechanism.name())
                .set("sasl.username", &auth.username)
                .set("sasl.password", auth.password.expose());
        }
        if let Some(tls) = &self.tls {
            tls::set(&mut config, tls);
        }
        config
    }
}

/// `metadata`
struct Metadata {
    full: bool,
    refresh_interval: Duration,
    retry_backoff: Duration,
}

impl Default for Metadata {
    fn default() -> Self {
        let (refresh_interval, retry_backoff) =
            (Duration::from_secs(600), Duration::from_millis(250));
        Self { full: false, refresh_interval, retry_backoff }
    }
}

impl Metadata {
    fn read(section: &mut Section<'_>) -> Self {
        let defaults = Self::default();
        let retry_backoff = section.section("retry", |section| {
            section.ignore(&["max"], "metadata are asked for until they come");
            section.or("backoff", defaults.retry_backoff)
        });
        Self {
            full: section.or("full", defaults.full),
            refresh_interval: section.or("refresh_interval", defaults.refresh_interval),
            retry_backoff: retry_backoff.unwrap_or(defaults.retry_backoff),
        }
    }
}

/// `auth`: one user, and TLS where it used to stand.
fn read_auth(section: &mut Section<'_>) -> (Option<Authentication>, Option<TlsClient>) {
    let plain = section.section("plain_text", |section| Authentication {
        mechanism: Mechanism::Plain,
        username: section.or("username", String::new()),
        password: section.or("password", Secret::default()),
    });
    let sasl = section.section("sasl", read_sasl);
    if section.value("kerberos").is_some_and(|value| !value.is_null()) {
        let message = "Kerberos is not supported; use `sasl` with PLAIN or SCRAM over TLS";
        section.problem(Some("kerberos"), message);
    }
    let tls = section.section("tls", TlsClient::read);
    (sasl.flatten().or(plain), tls)
}

fn read_sasl(section: &mut Section<'_>) -> Option<Authentication> {
    section.ignore(&["version"], "clients and brokers agree on it by themselves");
    for key in ["aws_msk", "oauthbearer_token_source"] {
        section.value(key);
    }
    let mechanism: String = section.or("mechanism", "PLAIN".to_owned());
    let username: String = section.or("username", String::new());
    let password = section.or("password", Secret::default());
    let mechanism = match mechanism.to_ascii_uppercase().as_str() {
        "PLAIN" => Mechanism::Plain,
        "SCRAM-SHA-256" => Mechanism::ScramSha256,
        "SCRAM-SHA-512" => Mechanism::ScramSha512,
        other => {
            let message = match other {
                "AWS_MSK_IAM" | "AWS_MSK_IAM_OAUTHBEARER" | "OAUTHBEARER" => {
                    "tokens are not supported; make a user for `SCRAM-SHA-512`"
                }
                _ => "must be `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`",
            };
            section.problem(Some("mechanism"), message);
            return None;
        }
    };
    if username.is_empty() {
        section.problem(Some("username"), "is required");
    }
    Some(Authentication { mechanism, username, password })
}

//! `tls` in librdkafka's words, in builds that have it.

use rdkafka::ClientConfig;
use spandrel_config::Section;
use spandrel_config::blocks::TlsClient;

/// Says what is not to be had.
pub(super) fn check(section: &mut Section<'_>, tls: &TlsClient) {
    if !cfg!(feature = "tls") {
        let message = "TLS to brokers needs a build with the feature `kafka-tls`; \
                       without it, `tls: { insecure: true }` and a proxy that speaks TLS";
        section.problem(Some("tls"), message);
    }
    if !tls.server_name_override.is_empty() {
        let message = "the name in the brokers' certificates is always that of the broker";
        section.warn(Some("tls"), message);
    }
    if tls.tls.max_version.is_some() || !tls.tls.reload_interval.is_zero() {
        let message = "versions are agreed on, and files are read at the start only";
        section.warn(Some("tls"), message);
    }
}

/// Sets what librdkafka has of it. Without any authority those of the system are taken.
pub(super) fn set(config: &mut ClientConfig, tls: &TlsClient) {
    let files = [
        ("ssl.ca.location", &tls.tls.ca_file),
        ("ssl.certificate.location", &tls.tls.cert_file),
        ("ssl.key.location", &tls.tls.key_file),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            config.set(key, file.to_string_lossy());
        }
    }
    let texts = [("ssl.ca.pem", &tls.tls.ca_pem), ("ssl.certificate.pem", &tls.tls.cert_pem)];
    for (key, text) in texts {
        if let Some(text) = text {
            config.set(key, text.expose());
        }
    }
    if let Some(key) = &tls.tls.key_pem {
        config.set("ssl.key.pem", key.expose());
    }
    if tls.insecure_skip_verify {
        config.set("enable.ssl.certificate.verification", "false");
    }
}

//! Keys that stood elsewhere in earlier versions, or that people often put one level too high.

/// A key, and where it belongs; the first part of that is a key of the section.
const MOVED: [(&str, &str); 24] = [
    ("insecure", "tls::insecure"),
    ("insecure_skip_verify", "tls::insecure_skip_verify"),
    ("server_name_override", "tls::server_name_override"),
    ("ca_file", "tls::ca_file"),
    ("cert_file", "tls::cert_file"),
    ("key_file", "tls::key_file"),
    ("client_ca_file", "tls::client_ca_file"),
    ("tls_settings", "tls"),
    ("tls_credentials", "tls"),
    ("ca_cert", "tls::ca_file"),
    ("cors_allowed_origins", "cors::allowed_origins"),
    ("cors_allowed_headers", "cors::allowed_headers"),
    ("allowed_origins", "cors::allowed_origins"),
    ("authenticator", "auth::authenticator"),
    ("batcher", "sending_queue::batch"),
    ("queued_retry", "retry_on_failure"),
    ("retry", "retry_on_failure"),
    ("queue", "sending_queue"),
    ("num_consumers", "sending_queue::num_consumers"),
    ("queue_size", "sending_queue::queue_size"),
    ("initial_interval", "retry_on_failure::initial_interval"),
    ("max_elapsed_time", "retry_on_failure::max_elapsed_time"),
    ("grpc", "protocols::grpc"),
    ("http", "protocols::http"),
];

/// Where an unknown key belongs in a section with these known keys.
pub(super) fn moved(key: &str, known: &[&str]) -> Option<&'static str> {
    let here = |target: &str| known.contains(&target.split("::").next().unwrap_or_default());
    let found = MOVED.iter().find(|(old, target)| *old == key && here(target));
    found.map(|(_, target)| *target)
}

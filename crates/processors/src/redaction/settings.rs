//! The settings of `redaction`.

use std::collections::HashSet;

use spandrel_config::{Secret, Section};

use super::database::{Databases, Sanitizer};
use super::mask::Mask;
use super::rules::{Rules, Summary};
use super::url::Urls;
use crate::pattern;

/// Settings of `redaction`.
#[derive(Debug, Clone)]
pub struct RedactionSettings {
    pub(super) rules: Rules,
}

const SUMMARIES: [(&str, Summary); 4] = [
    ("debug", Summary::Debug),
    ("info", Summary::Info),
    ("silent", Summary::Silent),
    ("", Summary::Silent),
];

/// The words of `hash_function`, and how many bytes the key must have at least.
const HASHES: [(&str, Hash); 7] = [
    ("", Hash::None),
    ("md5", Hash::Md5),
    ("sha1", Hash::Sha1),
    ("sha3", Hash::Sha3),
    ("hmac-sha256", Hash::HmacSha256),
    ("hmac-sha512", Hash::HmacSha512),
    ("none", Hash::None),
];

#[derive(Debug, Clone, Copy)]
enum Hash {
    None,
    Md5,
    Sha1,
    Sha3,
    HmacSha256,
    HmacSha512,
}

impl RedactionSettings {
    /// Reads and checks them.
    pub fn read(section: &mut Section<'_>) -> Self {
        let keys = |section: &mut Section<'_>, key| -> HashSet<String> {
            section.or::<Vec<String>>(key, Vec::new()).into_iter().collect()
        };
        let rules = Rules {
            allow_all_keys: section.or("allow_all_keys", false),
            allowed_keys: keys(section, "allowed_keys"),
            ignored_keys: keys(section, "ignored_keys"),
            ignored_key_patterns: pattern::read_list(section, "ignored_key_patterns"),
            blocked_key_patterns: pattern::read_list(section, "blocked_key_patterns"),
            blocked_values: pattern::read_list(section, "blocked_values"),
            allowed_values: pattern::read_list(section, "allowed_values"),
            redact_all_types: section.or("redact_all_types", false),
            mask: read_mask(section),
            summary: section.choice("summary", &SUMMARIES).unwrap_or(Summary::Silent),
            urls: section.section("url_sanitizer", read_urls).flatten(),
            databases: section.section("db_sanitizer", read_databases).unwrap_or_default(),
        };
        Self { rules }
    }
}

fn read_mask(section: &mut Section<'_>) -> Mask {
    let hash = section.choice("hash_function", &HASHES).unwrap_or(Hash::None);
    let key: Option<Secret> = section.get("hmac_key");
    let mut checked = |bytes_min: usize| {
        let key = key.clone().filter(|key| key.expose().len() >= bytes_min);
        if key.is_none() {
            let message = format!("must have at least {bytes_min} bytes for this hash_function");
            section.problem(Some("hmac_key"), message);
        }
        key
    };
    match hash {
        Hash::None => Mask::Stars,
        Hash::Md5 => Mask::Md5,
        Hash::Sha1 => Mask::Sha1,
        Hash::Sha3 => Mask::Sha3,
        Hash::HmacSha256 => checked(32).map_or(Mask::Stars, Mask::HmacSha256),
        Hash::HmacSha512 => checked(64).map_or(Mask::Stars, Mask::HmacSha512),
    }
}

fn read_urls(section: &mut Section<'_>) -> Option<Urls> {
    let enabled = section.or("enabled", false);
    let attributes: Vec<String> = section.or("attributes", Vec::new());
    let sanitizes_names = section.or("sanitize_span_name", true);
    enabled.then_some(Urls { attributes, sanitizes_names })
}

fn read_databases(section: &mut Section<'_>) -> Databases {
    let sanitizes_names = section.or("sanitize_span_name", true);
    let mut sanitizers = Vec::new();
    let _: Option<bool> = section.get("allow_fallback_without_system");
    for (key, sanitizer) in [
        ("sql", Sanitizer::Sql),
        ("redis", Sanitizer::Command(&["redis"])),
        ("valkey", Sanitizer::Command(&["valkey"])),
        ("memcached", Sanitizer::Command(&["memcached"])),
        ("mongo", Sanitizer::Json(&["mongodb"])),
        ("opensearch", Sanitizer::Json(&["opensearch"])),
        ("es", Sanitizer::Json(&["elasticsearch"])),
    ] {
        section.section(key, |section| {
            let enabled = section.or("enabled", false);
            let attributes: Vec<String> = section.or("attributes", Vec::new());
            if enabled {
                sanitizers.push((sanitizer, attributes));
            }
        });
    }
    Databases { sanitizers, sanitizes_names }
}

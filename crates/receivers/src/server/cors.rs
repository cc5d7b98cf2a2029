//! CORS: which web pages may send spans from a browser.
//!
//! Answers like the OpenTelemetry Collector: an allowed origin may send credentials, and a preflight of
//! a disallowed one is answered without permission rather than with an error. The headers that a page asks
//! for are all granted, for the origin is trusted already, unless the operator has listed some.

use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// How long a browser may remember a permission.
const MAX_AGE_DEFAULT: Duration = Duration::from_secs(3600);

/// What a browser is told of CORS besides the origins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CorsOptions {
    /// Headers that a page may send; all if there are none here, or with `*`.
    pub allowed_headers: Vec<String>,
    /// Headers of answers that a page may read, besides `Retry-After`.
    pub exposed_headers: Vec<String>,
    /// How long the browser may remember the permission; `None` is an hour.
    pub max_age: Option<Duration>,
}

impl CorsOptions {
    /// As the configuration has them.
    pub(crate) fn of(cors: &spandrel_config::blocks::Cors) -> Self {
        Self {
            allowed_headers: cors.allowed_headers.clone(),
            exposed_headers: cors.exposed_headers.clone(),
            max_age: (cors.max_age > 0).then_some(Duration::from_secs(cors.max_age)),
        }
    }
}

/// The allowed origins.
#[derive(Debug)]
pub(crate) struct Cors {
    /// In lower case, as browsers write origins.
    patterns: Vec<String>,
    /// In lower case; empty for all.
    allowed_headers: Vec<String>,
    exposed_headers: HeaderValue,
    max_age: Duration,
}

impl Cors {
    pub(crate) fn new(allowed_origins: &[String], options: &CorsOptions) -> Self {
        let lower = |texts: &[String]| texts.iter().map(|text| text.to_ascii_lowercase()).collect();
        let any_header = options.allowed_headers.iter().any(|header| header == "*");
        let mut exposed = vec!["retry-after"];
        exposed.extend(options.exposed_headers.iter().map(String::as_str));
        let exposed = HeaderValue::from_str(&exposed.join(", "));
        Self {
            patterns: lower(allowed_origins),
            allowed_headers: if any_header { Vec::new() } else { lower(&options.allowed_headers) },
            exposed_headers: exposed.unwrap_or(HeaderValue::from_static("retry-after")),
            max_age: options.max_age.unwrap_or(MAX_AGE_DEFAULT),
        }
    }

    /// Whether a request asks for permission only. Without allowed origins there are no such requests.
    pub(crate) fn is_preflight(&self, method: &Method, headers: &HeaderMap) -> bool {
        !self.patterns.is_empty()
            && method == Method::OPTIONS
            && headers.contains_key(ORIGIN)
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Headers that every answer to this request gets.
    pub(crate) fn answer_headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        if self.patterns.is_empty() {
            return answer;
        }
        answer.insert(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = request.get(ORIGIN).filter(|origin| self.allows(origin)) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed_headers.clone());
        }
        answer
    }

    /// Headers that the answer to a preflight gets on top.
    pub(crate) fn preflight_headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        if request.get(ORIGIN).is_some_and(|origin| self.allows(origin)) {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            answer.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.as_secs().into());
            if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                let granted = self.granted(asked);
                answer.extend(granted.map(|granted| (ACCESS_CONTROL_ALLOW_HEADERS, granted)));
            }
        }
        answer
    }

    /// Of the headers that a page asks for, those that it may send; `None` when there are none.
    fn granted(&self, asked: &HeaderValue) -> Option<HeaderValue> {
        if self.allowed_headers.is_empty() {
            return Some(asked.clone());
        }
        let asked = asked.to_str().ok()?.to_ascii_lowercase();
        let granted: Vec<_> = asked
            .split(',')
            .map(str::trim)
            .filter(|header| self.allowed_headers.iter().any(|allowed| allowed == header))
            .collect();
        if granted.is_empty() { None } else { HeaderValue::from_str(&granted.join(", ")).ok() }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        let origin = origin.to_ascii_lowercase();
        self.patterns.iter().any(|pattern| matches(pattern, &origin))
    }
}

/// Whether `text` is `pattern` with something, or nothing, in the place of each `*`.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts = rest.split('*');
    let Some(end) = parts.next_back() else { return true };
    for part in parts {
        // The first place where a part fits leaves the most for the parts after it.
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        let cases = [
            ("https://shop.example", "https://shop.example", true),
            ("https://shop.example", "https://shop.example.evil", false),
            ("http://localhost:*", "http://localhost:3000", true),
            ("http://localhost:*", "http://localhost", false),
            ("http://localhost:*", "https://localhost:3000", false),
            ("https://*.example", "https://a.b.example", true),
            ("https://*.example", "https://example", false),
            ("https://*.example", "https://a.example.evil", false),
            ("*://*.shop.example:*", "https://eu.shop.example:8443", true),
            ("*://*.shop.example:*", "https://shop.example:8443", false),
            ("https://ab*ba", "https://aba", false),
            ("*", "null", true),
        ];
        for (pattern, origin, expected) in cases {
            assert_eq!(matches(pattern, origin), expected, "{pattern} {origin}");
        }
    }
}

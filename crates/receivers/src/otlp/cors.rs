//! CORS: which web pages may send spans from a browser.
//!
//! Answers like the OpenTelemetry Collector: an allowed origin may send credentials, and a preflight of
//! a disallowed one is answered without permission rather than with an error. The headers that a page asks
//! for are all granted, for the origin is trusted already.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// How long a browser may remember a permission, in seconds.
const MAX_AGE_SECONDS: HeaderValue = HeaderValue::from_static("3600");

/// The allowed origins.
#[derive(Debug)]
pub(crate) struct Cors {
    /// In lower case, as browsers write origins.
    patterns: Vec<String>,
}

impl Cors {
    pub(crate) fn new(allowed_origins: &[String]) -> Self {
        Self {
            patterns: allowed_origins.iter().map(|origin| origin.to_ascii_lowercase()).collect(),
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
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("retry-after"));
        }
        answer
    }

    /// Headers that the answer to a preflight gets on top.
    pub(crate) fn preflight_headers(&self, request: &HeaderMap) -> HeaderMap {
        let mut answer = HeaderMap::new();
        if request.get(ORIGIN).is_some_and(|origin| self.allows(origin)) {
            answer.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
            answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
            if let Some(asked) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
        }
        answer
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

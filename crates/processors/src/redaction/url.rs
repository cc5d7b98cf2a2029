//! URLs without what is variable in them: ids in the path become `*`, query and fragment go.

/// A path is cut behind so many segments.
const SEGMENTS_MAX: usize = 10;
/// A word is not longer.
const WORD_LENGTH_MAX: usize = 32;

/// Where URLs are.
#[derive(Debug, Clone)]
pub(super) struct Urls {
    pub(super) attributes: Vec<String>,
    pub(super) sanitizes_names: bool,
}

impl Urls {
    /// The value of an attribute, when it is one that holds URLs.
    pub(super) fn attribute(&self, key: &str, text: &str) -> Option<String> {
        self.attributes.iter().any(|attribute| attribute == key).then(|| sanitize(text))
    }

    /// The name of a span, when it has a path in it.
    pub(super) fn name(&self, name: &str) -> Option<String> {
        if !self.sanitizes_names || !name.contains('/') {
            return None;
        }
        // `GET /users/12`
        let (method, path) =
            name.split_once(' ').map_or(("", name), |(method, path)| (method, path));
        let path = sanitize(path);
        Some(if method.is_empty() { path } else { format!("{method} {path}") })
    }
}

/// A URL or a path, sanitized.
fn sanitize(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (url, _) = url.split_at(end);
    let path_start = match url.find("://") {
        Some(scheme) => {
            url.get(scheme + 3..).and_then(|rest| rest.find('/')).map(|i| i + scheme + 3)
        }
        None => Some(0),
    };
    let Some(path_start) = path_start else { return url.to_owned() };
    let (origin, path) = url.split_at(path_start);
    let mut segments = path.split('/');
    let mut sanitized = origin.to_owned();
    if let Some(first) = segments.next() {
        sanitized.push_str(word_or_star(first));
    }
    for segment in segments.take(SEGMENTS_MAX) {
        sanitized.push('/');
        sanitized.push_str(word_or_star(segment));
    }
    sanitized
}

/// A segment that looks like a word, or a version such as `v2`, stays.
fn word_or_star(segment: &str) -> &str {
    let is_version = segment.strip_prefix('v').is_some_and(|rest| {
        (1..=2).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_word = segment.len() <= WORD_LENGTH_MAX
        && segment.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.{}:".contains(&byte));
    if segment.is_empty() || is_version || is_word { segment } else { "*" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_become_stars() {
        for (url, sanitized) in [
            ("/users/12/profile", "/users/*/profile"),
            ("/api/v1/orders/7f3a-99", "/api/v1/orders/*"),
            ("https://example.com/a/1?token=x#y", "https://example.com/a/*"),
            ("https://example.com:8080", "https://example.com:8080"),
            ("https://example.com?secret=1", "https://example.com"),
            ("/a/b/c/d/e/f/g/h/i/j/k/l", "/a/b/c/d/e/f/g/h/i/j"),
            ("", ""),
        ] {
            assert_eq!(sanitize(url), sanitized);
        }
        let urls = Urls { attributes: vec!["url.full".to_owned()], sanitizes_names: true };
        assert_eq!(urls.name("GET /users/12"), Some("GET /users/*".to_owned()));
        assert_eq!(urls.name("checkout 12"), None);
        assert_eq!(urls.attribute("other", "/users/12"), None);
    }
}

//! Which addresses a short link may lead to: pages of the same site, and nothing else.

use url::{Position, Url};

/// Bytes of an address, as browsers send it: what proxies let through.
const BYTES_MAX: usize = 8 << 10;
/// A site to read addresses against; it is never asked.
const SITE: &str = "http://site.invalid";
/// What is no page: an API, or another short link.
const NO_PAGES: [&str; 2] = ["api", "s"];

/// The address as a browser would send it.
///
/// # Errors
/// A text that says what it has to be instead.
pub(super) fn checked(path: &str) -> Result<String, String> {
    if path.len() > BYTES_MAX {
        return Err(format!("path: expected at most {BYTES_MAX} bytes"));
    }
    page(path).ok_or_else(|| {
        "path: expected path and query of a page of this site, such as /search?q=%7B%7D".to_owned()
    })
}

fn page(path: &str) -> Option<String> {
    // Two slashes, also backward ones, begin the name of another site.
    if !path.starts_with('/') || path[1..].starts_with(['/', '\\']) {
        return None;
    }
    let site = Url::parse(SITE).ok()?;
    let url = site.join(path).ok()?;
    let first = url.path_segments()?.next()?;
    if url.origin() != site.origin() || url.fragment().is_some() || NO_PAGES.contains(&first) {
        return None;
    }
    let whole = &url[Position::BeforePath..Position::AfterQuery];
    // Dots before slashes are taken out when an address is read, so this may be one only now.
    let is_page = !whole.starts_with("//") && whole.len() <= BYTES_MAX;
    is_page.then(|| whole.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_kept_as_browsers_send_them() {
        for (given, kept) in [
            ("/", "/"),
            ("/search?q=%7B%7D&from=now-1h", "/search?q=%7B%7D&from=now-1h"),
            ("/search?q={ name = \"\u{e4}\" }", "/search?q={%20name%20=%20%22%C3%A4%22%20}"),
            ("/trace/a...b", "/trace/a...b"),
            ("/services/../map", "/map"),
        ] {
            assert_eq!(checked(given).as_deref(), Ok(kept), "{given}");
        }
    }

    #[test]
    fn nothing_leads_elsewhere() {
        for given in [
            "",
            "search",
            "http://evil.example/",
            "//evil.example/",
            "/\\evil.example/",
            "/\t/evil.example/",
            "\t//evil.example/",
            "/.//evil.example/",
            "/a/..//evil.example/",
            "javascript:alert(1)",
            "/search#x",
            "/s/abc",
            "/a/../s/abc",
            "/api/ui/tenant",
        ] {
            assert!(checked(given).is_err(), "{given:?}: {:?}", checked(given));
        }
        assert!(checked(&format!("/{}", "a".repeat(BYTES_MAX))).is_err());
        assert!(checked(&format!("/search?q={}", "\u{e4}".repeat(BYTES_MAX / 4))).is_err());
    }
}

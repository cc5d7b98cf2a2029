//! The web interface: the files that `npm run build` in `ui/` makes, compressed in the binary.
//!
//! Without them a page says how to build them. Files with a hash in their name never change, so browsers keep
//! them; the page itself is asked for each time.
//!
//! # Security
//! The page may load nothing from elsewhere and run no inline scripts, and no other site may frame it.

mod accept;

use std::io::Read;

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use flate2::read::GzDecoder;
use http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, StatusCode};

use accept::accepts_gzip;

/// Path below `ui/dist` and content, compressed with gzip.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/files.rs"));

const INDEX: &str = "index.html";
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'self'; frame-ancestors 'self'; form-action 'self'";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Addresses of pages: each is the same file, which looks at the address itself. Those of the interfaces of Jaeger,
/// Zipkin, Grafana and Aspire are among them, so that links that people have keep working (`ui/src/legacy-urls.ts`).
const PAGES: &[&str] = &[
    "/",
    "/admin",
    "/compare",
    "/compare/{pair}",
    "/embed/trace/{id}",
    "/exceptions",
    "/live",
    "/map",
    "/search",
    "/services/{service}",
    "/services/{service}/{operation}",
    "/sql",
    "/structure",
    "/trace/{id}",
    "/upload",
    "/deep-dependencies",
    "/dependencies",
    "/jaeger/ui/trace/{id}",
    "/monitor",
    "/quality-metrics",
    "/traceViewer",
    "/traces/{id}",
    "/zipkin/",
    "/zipkin/dependency",
    "/zipkin/traceViewer",
    "/zipkin/traces/{id}",
    "/a/grafana-exploretraces-app/explore",
    "/explore",
    "/traces/detail/{id}",
];

/// Whether the interface is part of this build.
pub fn is_built() -> bool {
    file(INDEX).is_some()
}

/// The pages and their files.
pub fn ui_router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let page = async |headers: HeaderMap| page(&headers);
    let routes = PAGES.iter().fold(Router::new(), |routes, path| routes.route(path, get(page)));
    routes
        .route("/theme.js", get(async |headers: HeaderMap| answer("theme.js", &headers)))
        .route("/favicon.svg", get(async |headers: HeaderMap| answer("favicon.svg", &headers)))
        .route(
            "/assets/{file}",
            get(async |Path(name): Path<String>, headers: HeaderMap| {
                answer(&format!("assets/{name}"), &headers)
            }),
        )
}

fn file(path: &str) -> Option<&'static [u8]> {
    let found = FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    FILES.get(found).map(|(_, content)| *content)
}

/// The page, for an address that is not the interface's alone.
pub fn page(headers: &HeaderMap) -> Response {
    if is_built() {
        return answer(INDEX, headers);
    }
    let headers = security(content_type(INDEX));
    (headers, include_str!("not-built.html")).into_response()
}

fn answer(path: &str, headers: &HeaderMap) -> Response {
    let Some(packed) = file(path) else {
        return (StatusCode::NOT_FOUND, "404 page not found\n").into_response();
    };
    let cached = if path.starts_with("assets/") { FOREVER } else { "no-cache" };
    let common =
        (security(content_type(path)), [(CACHE_CONTROL, cached), (VARY, "accept-encoding")]);
    if accepts_gzip(headers) {
        return (common, [(CONTENT_ENCODING, "gzip")], packed).into_response();
    }
    let mut plain = Vec::new();
    match GzDecoder::new(packed).read_to_end(&mut plain) {
        Ok(_) => (common, plain).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn security(content_type: &'static str) -> [(HeaderName, &'static str); 4] {
    [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "same-origin"),
    ]
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::Request;
    use http::header::ACCEPT_ENCODING;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str, encoding: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        let request = Request::get(path).header(ACCEPT_ENCODING, encoding).body(Body::empty());
        let response = ui_router::<()>().oneshot(request.unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    /// Guarantees: whether the interface was built or not, every page's address answers with a page that may
    /// load nothing from elsewhere.
    #[tokio::test]
    async fn every_page_is_a_page() {
        for path in PAGES {
            let (status, headers, body) = get(&path.replace("{id}", "0af7"), "identity").await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(
                headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'self'")
            );
            let text = String::from_utf8(body).unwrap();
            assert!(text.to_ascii_lowercase().starts_with("<!doctype html>"), "{path}: {text}");
        }
        assert_eq!(get("/assets/none.js", "gzip").await.0, StatusCode::NOT_FOUND);
    }

    /// Guarantees: files arrive compressed where that is accepted and whole where it is not, and those whose name
    /// has a hash are kept by browsers.
    #[tokio::test]
    async fn files_are_sent_as_they_are_accepted() {
        for (path, packed) in FILES {
            let address = if *path == INDEX { "/".to_owned() } else { format!("/{path}") };
            let (status, headers, body) = get(&address, "gzip, br").await;
            assert_eq!((status, body.as_slice()), (StatusCode::OK, *packed), "{path}");
            assert_eq!(headers[CONTENT_ENCODING], "gzip");
            let forever = headers[CACHE_CONTROL].to_str().unwrap().contains("immutable");
            assert_eq!(forever, path.starts_with("assets/"), "{path}");
            let (_, headers, plain) = get(&address, "identity").await;
            assert!(!headers.contains_key(CONTENT_ENCODING));
            assert!(plain.len() > packed.len() || plain.len() < 200, "{path}");
        }
    }
}

//! Parameters that are malformed, absurd or huge: the status of Tempo, and a text that says what to change.

use http::{Method, StatusCode};
use spandrel_api::Dialect;

use crate::harness::{CHECKOUT, Server};

#[tokio::test]
async fn every_parameter_has_a_text_of_its_own() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let tags = ["/api/search/tags?", "/api/v2/search/tags?"];
    let values = ["/api/search/tag/a/values?", "/api/v2/search/tag/.a/values?"];
    for path in tags.iter().chain(&values) {
        for (params, text) in [
            ("start=x", "unable to parse param 'start'"),
            ("end=-1", "unable to parse param 'end'"),
            ("start=5&end=5", "start must be before end. received start=5 end=5"),
            ("start=9&end=5", "start must be before end. received start=9 end=5"),
            ("limit=-1", "unable to parse param 'limit': expected a whole number from 0"),
            ("limit=1e3", "unable to parse param 'limit'"),
            ("limit=18446744073709551616", "unable to parse param 'limit'"),
            ("maxStaleValues=no", "unable to parse param 'maxStaleValues'"),
        ] {
            let answer = server.get(&format!("{path}{params}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}{params}");
            assert!(answer.text().contains(text), "{path}{params}: {}", answer.text());
            assert!(answer.header("content-type").starts_with("text/plain"));
        }
        // Empty is absent, huge is everything, and half a range is one.
        for params in
            ["start=&end=&limit=&q=&scope=", "limit=4294967295", "end=99999999999", "start=1"]
        {
            let answer = server.get(&format!("{path}{params}")).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}{params}: {}", answer.text());
        }
    }
    for scope in ["x", "Span", "resource,span"] {
        let answer = server.get(&format!("/api/v2/search/tags?scope={scope}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{scope}");
        assert!(answer.text().contains("expected resource, span, event"), "{}", answer.text());
    }
}

#[tokio::test]
async fn ids_and_names_in_paths() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    for (path, text) in [
        ("/api/traces/%20", "invalid character ' ' at position 1"),
        ("/api/v2/traces/0x1", "invalid character 'x' at position 2"),
        ("/api/v2/traces/%C3%A4", "trace IDs can only contain hex characters"),
        ("/api/traces/123456789012345678901234567890123", "can't be larger than 128 bits"),
        ("/api/v2/traces/abc?q=%7B", "parse error at line 1"),
        ("/api/v2/traces/abc?q=%7B%7D%20%7C%20count()%3E1", "a single spanset filter"),
        ("/api/v2/traces/abc?q=%7B1/0=1%7D", "division by zero"),
        ("/api/v2/search/tag//values", "please provide a non-empty tagName"),
        ("/api/search/tag//values", "please provide a non-empty tagName"),
        ("/api/v2/search/tag/x/values", "unable to parse tag name 'x'"),
        ("/api/v2/search/tag/span./values", "unable to parse tag name 'span.'"),
        ("/api/v2/search/tag/%257B%257D/values", "unable to parse tag name '{}'"),
    ] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.text());
        assert!(answer.text().contains(text), "{path}: {}", answer.text());
    }
    // Not UTF-8.
    let answer = server.get("/api/traces/%FF").await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let long = format!("/api/v2/search/tag/span.{}/values", "x".repeat(20_000));
    assert_eq!(server.get(&long).await.status, StatusCode::OK);
    let absurd = format!("/api/v2/search/tags?q=%7B{}%7D", "(".repeat(10_000));
    assert_eq!(server.get(&absurd).await.status, StatusCode::OK);
}

#[tokio::test]
async fn methods_and_paths_that_are_none() {
    let server = Server::start(Dialect::Tempo).await;
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        for path in ["/api/search", "/api/traces/1", "/api/search/tags", "/api/echo"] {
            let answer = server.send(method.clone(), path, &[], String::new()).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        }
    }
    for path in ["/api/", "/api/v3/search", "/api/search/tag/x", "/api/v2/search/tag/x/value"] {
        assert_eq!(server.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

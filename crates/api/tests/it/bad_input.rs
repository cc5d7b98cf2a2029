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
async fn every_parameter_of_a_query_has_a_text_of_its_own() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let rate = "/api/metrics/query_range?q=%7B%7D%7Crate()";
    let instant = "/api/metrics/query?q=%7B%7D%7Crate()";
    for (path, params, text) in [
        ("/api/search?", "limit=0", "'limit': expected a whole number from 1 to 262144, got '0'"),
        ("/api/search?", "limit=262145", "'limit': expected a whole number from 1 to 262144"),
        ("/api/search?", "spss=101", "'spss': expected a whole number from 0 to 100, got '101'"),
        ("/api/search?", "spss=-1", "'spss': expected a whole number"),
        ("/api/search?", "start=5&end=5", "'end' should be after 'start'"),
        ("/api/search?", "start=5", "'start' needs an 'end'"),
        ("/api/search?", "start=now&end=5", "'start': expected Unix seconds, Unix nanoseconds or"),
        ("/api/search?", "minDuration=5", "'minDuration': expected a duration such as 1.5s"),
        ("/api/search?", "minDuration=2s&maxDuration=1s", "'maxDuration' should be greater"),
        ("/api/search?", "q=%7B%7D&tags=a%3Db", "'q' and 'tags' exclude each other"),
        ("/api/search?", "tags=a", "'tags': expected logfmt pairs such as foo=bar"),
        ("/api/search?", "order=size", "'order': expected start or duration, got 'size'"),
        ("/api/search?", "after=x", "'after': expected the cursor of an answer"),
        ("/api/search?", "q=%7B%7D%7Crate()", "metrics queries are not supported here"),
        ("/api/search?", "q=%7B1/0=1%7D", "division by zero"),
        (rate, "&step=0", "step should be above zero; the minimum step for this range is 0.36s"),
        (rate, "&step=-1s", "'step': expected a duration such as 15s or 1m, or seconds"),
        (rate, "&step=NaN", "'step': expected a duration"),
        (rate, "&step=1ns", "at most 10000 are allowed; the minimum step for this range is"),
        (rate, "&since=365d&step=1ms", "it gives 31536000000 intervals, at most 10000 are allowed"),
        (rate, "&start=0&end=99999999999999999999", "'end': expected Unix seconds"),
        (rate, "&start=-9223372036854775808", "'start': expected Unix seconds"),
        (rate, "&maxSeries=1001", "'maxSeries': expected a whole number from 0 to 1000"),
        (rate, "&exemplars=-1", "'exemplars': expected a whole number"),
        (rate, "&instant=maybe", "'instant': expected true or false, got 'maybe'"),
        (instant, "&since=5", "'since': expected a duration such as 30m, 12h or 7d"),
        (instant, "&start=9&end=5", "'end' should be after 'start'"),
        ("/api/metrics/query?", "q=%7B%7D", "not a metrics query: it finds traces"),
        (
            "/api/metrics/query?",
            "q=%7B1/0=1%7D%7Crate()&start=1485431000&end=1485433000",
            "division by zero",
        ),
        ("/api/v2/traces/abc?", "mode=fast", "'mode': expected all, ingesters, blocks or external"),
        ("/api/v2/traces/abc?", "blockStart=1", "'blockStart': expected a UUID"),
        ("/api/v2/traces/abc?", "q=%7B%7D&match_depth=-2", "'match_depth': expected a whole"),
    ] {
        let answer = server.get(&format!("{path}{params}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}{params}: {}", answer.text());
        assert!(answer.text().contains(text), "{path}{params}: {}", answer.text());
        assert!(answer.header("content-type").starts_with("text/plain"));
    }
}

/// Guarantees: queries that would take much to read or to run are refused with a text that says what is too much.
#[tokio::test]
async fn queries_that_are_too_much_say_of_what() {
    let server = Server::start(Dialect::Tempo).await;
    server.store(CHECKOUT).await;
    let nested = format!("{}{{ true }}{}", "(".repeat(5_000), ")".repeat(5_000));
    let chain = format!("{{ {} }}", vec![".a = 1"; 3_000].join(" || "));
    for (q, text) in [
        ("{ name =~ `(a{1000}){1000}` }", "compiles to more than 1048576 bytes"),
        ("{ name =~ `((((a*)*)*)*` }", "unclosed group"),
        ("{ name =~ `\\p{Greek}{999}{999}` }", "compiles to more than"),
        (&*nested, "query nests deeper than"),
        (&*chain, "expression is deeper than 1000 operators"),
        ("{ } | by(name) | by(name", "parse error at line 1"),
        ("{ } | rate() by (.a, .b, .c, .d, .e, .f)", "at most 5"),
        ("{ } | quantile_over_time(duration, 1.5)", "1.5"),
        ("{ } | compare({ .a = 1 }, 1001)", "1000"),
        ("{ } | rate() | topk(0)", "above zero"),
    ] {
        let q: String = url::form_urlencoded::byte_serialize(q.as_bytes()).collect();
        for path in ["/api/search", "/api/metrics/query_range", "/api/metrics/query"] {
            let answer = server.get(&format!("{path}?q={q}")).await;
            let shown = &q[..q.len().min(60)];
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {shown}");
            assert!(answer.text().contains(text), "{path} {shown}: {}", answer.text());
            assert!(answer.text().len() < 1_000, "{path} {shown}: {}", answer.text().len());
        }
    }
    // What backtracking engines never come back from takes no time here.
    let q = "q=%7Bname%3D~%60(a%2B)%2B%24%60%7D";
    assert_eq!(server.get(&format!("/api/search?{q}")).await.status, StatusCode::OK);
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

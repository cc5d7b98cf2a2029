//! SQL over HTTP: the shapes of answers and of refusals. What a query finds is tested where it is computed.

#[cfg(feature = "sql")]
mod built {
    use std::time::Duration;

    use http::{Method, StatusCode};
    use serde_json::json;
    use spandrel_api::{ApiOptions, Dialect};
    use spandrel_base::memory::MemoryBudget;
    use spandrel_model::TenantId;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpStream;

    use crate::harness::{Answer, CHECKOUT, Server};
    use crate::limits::{eventually, server};

    const PATH: &str = "/api/sql";
    const QUERY: &str =
        "SELECT name, attr('vip') AS vip, duration_ms FROM spans ORDER BY start_time";

    async fn ask(server: &Server, query: &str, headers: &[(&str, &str)]) -> Answer {
        server.send(Method::POST, PATH, headers, query.to_owned()).await
    }

    #[tokio::test]
    async fn rows_come_in_the_form_that_is_asked_for() {
        let server = Server::start(Dialect::Tempo).await;
        server.store(CHECKOUT).await;
        for flushed in [false, true] {
            if flushed {
                server.flush().await;
            }
            let expected = json!({
                "columns": [
                    { "name": "name", "type": "text" },
                    { "name": "vip", "type": "boolean" },
                    { "name": "duration_ms", "type": "double" },
                ],
                "rows": [["GET /checkout", null, 250.0], ["charge", true, 100.0]],
            });
            let in_json = json!({ "query": QUERY }).to_string();
            for (query, headers) in [
                (QUERY, &[][..]),
                (QUERY, &[("content-type", "application/x-www-form-urlencoded")]),
                (&in_json, &[("content-type", "application/json")]),
            ] {
                let answer = ask(&server, query, headers).await;
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
                assert_eq!(answer.header("content-type"), "application/json");
                assert_eq!(answer.json(), expected);
            }
            let csv = ask(&server, QUERY, &[("accept", "text/csv")]).await;
            assert_eq!(csv.header("content-type"), "text/csv");
            assert_eq!(
                csv.text(),
                "name,vip,duration_ms\nGET /checkout,,250.0\ncharge,true,100.0\n"
            );
            let arrow =
                ask(&server, QUERY, &[("accept", "application/vnd.apache.arrow.stream")]).await;
            assert_eq!(arrow.header("content-type"), "application/vnd.apache.arrow.stream");
            assert_eq!(arrow.body[..4], [0xff; 4], "a message begins with its mark");
        }
    }

    /// Browsers take compressed answers, and who compresses one asks for more behind its end.
    #[tokio::test]
    async fn an_answer_comes_compressed_to_those_who_take_it_so() {
        let server = Server::start(Dialect::Tempo).await;
        server.store(CHECKOUT).await;
        for accept in ["application/json", "text/csv", "application/vnd.apache.arrow.stream"] {
            let headers = [("accept", accept), ("accept-encoding", "gzip")];
            let answer = ask(&server, QUERY, &headers).await;
            assert_eq!(answer.status, StatusCode::OK, "{accept}");
            assert_eq!(answer.header("content-encoding"), "gzip", "{accept}");
            assert_eq!(answer.body[..2], [0x1f, 0x8b], "{accept}: gzip begins with its mark");
        }
    }

    #[tokio::test]
    async fn parameters_bound_the_starts() {
        let server = Server::start(Dialect::Tempo).await;
        server.store(CHECKOUT).await;
        for (parameters, expected) in [
            ("", 2),
            ("?start=1485432000.05", 1),
            ("?end=1485432000", 1),
            ("?start=1485432000&end=1485432001", 2),
        ] {
            let path = format!("{PATH}{parameters}");
            let query = "SELECT count(*) FROM spans".to_owned();
            let answer = server.send(Method::POST, &path, &[], query).await;
            assert_eq!(answer.json()["rows"], json!([[expected]]), "{parameters}");
        }
    }

    #[tokio::test]
    async fn refusals_have_a_status_and_a_reason() {
        let server = Server::start(Dialect::Tempo).await;
        server.store(CHECKOUT).await;
        for (query, headers, status, expected) in [
            ("SELECT nam FROM spans", &[][..], 400, "Did you mean 'spans.name'?"),
            ("", &[], 400, "expected one statement"),
            ("DELETE FROM spans", &[], 400, "SQL reads spans"),
            ("SELECT 1/0", &[], 400, "Divide by zero"),
            ("{\"q\": 1}", &[], 400, "expected SQL, or JSON"),
            ("SELECT 1", &[("x-scope-orgid", "a/b")], 400, "X-Scope-OrgID"),
            ("SELECT 1", &[("x-scope-orgid", "a|b")], 400, "multi-tenant query unsupported"),
        ] {
            let answer = ask(&server, query, headers).await;
            assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.text());
            assert!(answer.text().contains(expected), "{query}: {}", answer.text());
        }
        assert_eq!(server.get(PATH).await.status, StatusCode::METHOD_NOT_ALLOWED);
        let long = "x".repeat(600 << 10);
        assert_eq!(ask(&server, &long, &[]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_tenant_is_asked_about_its_own_spans() {
        let server = Server::start_switched(ApiOptions {
            multi_tenant_queries: true,
            ..ApiOptions::default()
        })
        .await;
        server.store_for(TenantId::new("a").unwrap(), CHECKOUT).await;
        let count = "SELECT count(*) FROM spans";
        for (tenant, expected) in [("a", 2), ("b", 0)] {
            let answer = ask(&server, count, &[("x-scope-orgid", tenant)]).await;
            assert_eq!(answer.json()["rows"], json!([[expected]]), "{tenant}");
        }
        let both = ask(&server, count, &[("x-scope-orgid", "a|b")]).await;
        assert_eq!(both.status, StatusCode::BAD_REQUEST);
    }

    /// What goes wrong behind the first rows ends the answer with a reason, or breaks it off.
    #[tokio::test]
    async fn an_answer_that_fails_half_way_says_so() {
        let server = Server::start(Dialect::Tempo).await;
        let query = "SELECT 100 / (value - 20000) AS x FROM generate_series(1, 100000)";
        let answer = ask(&server, query, &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        let json = answer.json();
        assert!(!json["rows"].as_array().unwrap().is_empty());
        assert!(json["error"].as_str().unwrap().contains("Divide by zero"), "{}", json["error"]);
        let (address, _tasks) = server.listen().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\naccept: text/csv\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n{query}",
            query.len()
        );
        client.write_all(request.as_bytes()).await.unwrap();
        let mut reply = Vec::new();
        drop(tokio::io::AsyncReadExt::read_to_end(&mut client, &mut reply).await);
        assert!(reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply));
        assert!(!reply.ends_with(b"0\r\n\r\n"), "the end of the chunks must be missing");
    }

    /// Scenario: a client asks what takes for ever, and hangs up.
    /// Guarantees: the query ends: its memory is free again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_client_that_hangs_up_ends_its_query() {
        let memory = MemoryBudget::new("memory of all queries", 1 << 30);
        let (server, _) = server(&memory, 1 << 30).await;
        let (address, _tasks) = server.listen().await;
        let query = "SELECT a.value, count(*) FROM generate_series(1, 100000) a, \
                     generate_series(1, 100000000) b GROUP BY 1";
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{query}",
            query.len()
        );
        client.write_all(request.as_bytes()).await.unwrap();
        eventually("the query holds memory", || memory.used() > 0).await;
        drop(client);
        eventually("its memory is free again", || memory.used() == 0).await;
    }

    #[tokio::test]
    async fn what_is_too_much_is_refused() {
        let memory = MemoryBudget::new("memory of all queries", 1 << 30);
        let (small, _) = server(&memory, 1 << 20).await;
        let query = "SELECT value, count(*) FROM generate_series(1, 1000000) GROUP BY 1";
        let answer = ask(&small, query, &[]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.text());
        assert!(answer.text().contains("query-bytes-max"), "{}", answer.text());
        let quick = crate::harness::Server::start_with(
            Dialect::Tempo,
            std::sync::Arc::new(object_store::memory::InMemory::new()),
            spandrel_query::QueryOptions {
                deadline: Duration::from_millis(100),
                ..spandrel_query::QueryOptions::default()
            },
        )
        .await;
        let endless =
            "SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000000) b";
        let answer = ask(&quick, endless, &[]).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{}", answer.text());
    }
}

#[cfg(not(feature = "sql"))]
#[tokio::test]
async fn a_build_without_sql_says_how_to_get_it() {
    use http::{Method, StatusCode};
    use spandrel_api::Dialect;

    use crate::harness::Server;

    let server = Server::start(Dialect::Tempo).await;
    let answer = server.send(Method::POST, "/api/sql", &[], "SELECT 1".to_owned()).await;
    assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED);
    assert!(answer.text().contains("--features sql"), "{}", answer.text());
}

//! SQL against a running server: over HTTP, from the command line, and through ADBC's driver for Flight SQL.
//!
//! Only a binary with the feature `sql` has it, and the one that the other tests run has not: see
//! `SPANDREL_SQL_BIN` of the settings.

use std::process::Command;

use serde_json::{Value, json};
use spandrel_tests::{
    Home, Http, Spandrel, python, request, run, say, send, span, span_id, sql_binary, trace_id,
};

/// 2026-01-01.
const START: u64 = 1_767_225_600_000_000_000;
const BY_SERVICE: &str = "SELECT service_name, count(*) AS spans FROM spans GROUP BY 1 ORDER BY 1";
const ONE: &str = "SELECT name, start_time, duration_ms, attr('nowhere') AS nowhere FROM spans \
                   WHERE span_id = '0000000000000001'";

/// A server with four spans in a block and two live ones; `None` where no binary has SQL.
fn server() -> Option<(Home, Spandrel)> {
    let Some(binary) = sql_binary() else {
        say("skipped: SPANDREL_SQL_BIN is not set, so no binary has SQL");
        return None;
    };
    let mut home = Home::new().with_binary(binary);
    let first = home.start();
    let spans = |ids: std::ops::Range<u64>| {
        let spans = ids.map(|id| {
            let mut span = span(&trace_id(1, id), id, "GET /cart", START + id);
            span.end_time_unix_nano = span.start_time_unix_nano + 1_500_000;
            span.parent_span_id = if id > 1 { span_id(1) } else { Vec::new() };
            span
        });
        spans.collect()
    };
    send(&mut first.otlp(), &request("shop", spans(1..5)));
    first.stop();
    let second = home.start();
    send(&mut second.otlp(), &request("cart", spans(5..7)));
    Some((home, second))
}

#[test]
fn the_command_line_asks() {
    let Some((_home, server)) = server() else { return };
    let endpoint = format!("http://{}", server.ports.http);
    let binary = sql_binary().unwrap();
    let sql = |arguments: &[&str]| {
        run(Command::new(&binary).arg("sql").args(arguments).args(["--endpoint", &endpoint]))
    };
    assert_eq!(
        sql(&[BY_SERVICE]),
        json!("service_name  spans\ncart              2\nshop              4\n")
    );
    assert_eq!(sql(&[BY_SERVICE, "--csv"]), json!("service_name,spans\ncart,2\nshop,4\n"));
    let answer = json!({
        "columns": [
            { "name": "name", "type": "text" },
            { "name": "start_time", "type": "timestamptz" },
            { "name": "duration_ms", "type": "double" },
            { "name": "nowhere", "type": "text" },
        ],
        "rows": [["GET /cart", "2026-01-01T00:00:00.000000001Z", 1.5, null]],
    });
    assert_eq!(sql(&[ONE, "--json"]), answer);
    let early = ["SELECT count(*) FROM spans", "--end", "2026-01-01T00:00:00.000000003Z", "--csv"];
    assert_eq!(sql(&early), json!("count(*)\n3\n"));
    let mut wrong = Command::new(&binary);
    let output = wrong.args(["sql", "SELECT nam FROM spans", "--endpoint", &endpoint]).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && text.contains("Did you mean 'spans.name'?"), "{text}");
}

#[test]
fn adbc_connects() {
    let Some((_home, server)) = server() else { return };
    let queries = json!([BY_SERVICE, ONE]);
    let mut reader = python();
    reader.arg("readers/flight_sql.py").arg(server.ports.http.to_string());
    let found: Value = run(reader.arg("single-tenant").arg(queries.to_string()));
    assert_eq!(found["vendor"], "Spandrel");
    assert_eq!(found["tables"], json!([["spandrel", "public", "spans", "TABLE"]]));
    assert_eq!(found["table_types"], json!(["TABLE"]));
    assert_eq!(found["schema"].as_array().unwrap().len(), 16, "{found}");
    let by_service = json!({ "types": ["string", "int64"], "rows": [["cart", 2], ["shop", 4]] });
    let one = json!({
        "types": ["string", "timestamp[ns, tz=UTC]", "double", "string"],
        "rows": [["GET /cart", 1_767_225_600_000_000_001_i64, 1.5, null]],
    });
    assert_eq!(found["answers"], json!([by_service, one]));
    assert_eq!(found["prepared"], json!([2, 2]));
    assert_eq!(found["another_tenant"], json!({ "types": ["int64"], "rows": [[0]] }));
    let refused: Vec<&str> =
        found["refused"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert!(refused[0].contains("No field named nothing"), "{refused:?}");
    assert!(refused[1].contains("SQL reads spans"), "{refused:?}");
}

#[test]
fn without_the_feature_the_server_says_how_to_get_it() {
    if sql_binary() == Some(spandrel_tests::binary()) {
        return;
    }
    let server = Home::new().start();
    let reply = Http::new(server.ports.http).post("/api/sql", &[], b"SELECT 1").unwrap();
    assert_eq!(reply.status, 501);
    assert!(reply.text().contains("--features sql"), "{}", reply.text());
}

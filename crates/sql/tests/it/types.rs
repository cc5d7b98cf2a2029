//! The types of columns, and the forms of answers.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::ipc::reader::StreamReader;
use serde_json::json;
use spandrel_model::TenantId;
use spandrel_query::TimeRange;
use spandrel_sql::{AnswerFormat, AnswerWriter};

use crate::data::batches;
use crate::place::{Place, Placement};

const TYPED: &str = "SELECT attr('http.route') AS t, attr('status') AS i, attr('ratio') AS d, attr('cached') AS b, \
                     attr('mixed') AS m, attr('tags') AS a, attr('nowhere') AS n FROM spans \
                     WHERE span_id = '000000000000000d'";

#[tokio::test]
async fn an_attribute_has_the_type_of_its_values() {
    for placement in Placement::ALL {
        let place = Place::with(&batches(2), placement).await;
        let (answer, _) = place.ask(&TenantId::single(), TYPED, TimeRange::ALL).await.unwrap();
        let types: Vec<&str> = answer["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["type"].as_str().unwrap())
            .collect();
        let expected = ["text", "bigint", "double", "boolean", "text", "text", "text"];
        assert_eq!(types, expected, "{placement:?}");
        let rows = json!([["/home", 201, 4.0, true, "4", "[`a`, `b`]", null]]);
        assert_eq!(answer["rows"], rows, "{placement:?}");
    }
}

#[tokio::test]
async fn mixed_values_compare_as_texts() {
    for placement in Placement::ALL {
        let place = Place::with(&batches(2), placement).await;
        for (condition, expected) in [
            ("attr('mixed') = '4'", 1),
            ("attr('mixed') = 'five'", 16),
            ("attr('ratio') = 1", 3),
            ("attr('ratio') = 1.5", 2),
            ("attr('status') = 201.0", 9),
            ("attr('cached')", 12),
            ("NOT attr('cached')", 12),
            ("attr('status') IN (200, 202)", 15),
            ("attr('tags') LIKE '%b%'", 24),
        ] {
            let query = format!("SELECT count(*) FROM spans WHERE {condition}");
            assert_eq!(place.rows(&query).await, json!([[expected]]), "{placement:?}: {query}");
        }
    }
}

/// An answer as bytes.
async fn written(place: &Place, query: &str, format: AnswerFormat) -> Vec<u8> {
    let mut answer = place.sql.query(&TenantId::single(), query, TimeRange::ALL).await.unwrap();
    let (mut writer, mut bytes) = AnswerWriter::start(format, &answer.schema()).unwrap();
    while let Some(batch) = answer.next().await {
        bytes.extend(writer.rows(&batch.unwrap()).unwrap());
    }
    bytes.extend(writer.end(None).unwrap());
    bytes
}

#[tokio::test]
async fn answers_have_three_forms() {
    let place = Place::with(&batches(1), Placement::OneBlock).await;
    let query = "SELECT name, start_time, attr('status') AS status, array_agg(span_id) AS ids FROM spans \
                 WHERE trace_id = '00000000000000000000000000000001' AND kind = 'server' GROUP BY 1, 2, 3";
    let csv = String::from_utf8(written(&place, query, AnswerFormat::Csv).await).unwrap();
    assert_eq!(
        csv,
        "name,start_time,status,ids\nGET /cart,2026-01-01T00:00:00Z,200,[0000000000000001]\n"
    );
    let json: serde_json::Value =
        serde_json::from_slice(&written(&place, query, AnswerFormat::Json).await).unwrap();
    assert_eq!(
        json,
        json!({
            "columns": [
                { "name": "name", "type": "text" },
                { "name": "start_time", "type": "timestamptz" },
                { "name": "status", "type": "bigint" },
                { "name": "ids", "type": "text[]" },
            ],
            "rows": [["GET /cart", "2026-01-01T00:00:00Z", 200, ["0000000000000001"]]],
        })
    );
    let arrow = written(&place, query, AnswerFormat::Arrow).await;
    let batches: Vec<RecordBatch> =
        StreamReader::try_new(arrow.as_slice(), None).unwrap().map(Result::unwrap).collect();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    assert_eq!(batches[0].column(2).data_type().to_string(), "Int64");
    let empty = written(&place, "SELECT name FROM spans WHERE false", AnswerFormat::Csv).await;
    assert_eq!(empty, b"name\n");
}

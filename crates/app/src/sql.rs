//! `spandrel sql`: SQL to a table, CSV or JSON.

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::Value;
use spandrel_base::clock::{Clock, SystemClock};

use crate::api_client::{ApiClient, EndpointArgs, JSON};
use crate::output;
use crate::table::{self, Align};
use crate::time_range::TimeRangeArgs;

const PATH: &str = "/api/sql";
const CSV: &str = "text/csv";
/// What a cell of the table shows at most, in characters.
const CELL_WIDTH_MAX: usize = 60;

/// What to ask.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  spandrel sql 'SELECT service_name, count(*) FROM spans GROUP BY 1 ORDER BY 2 DESC' --since 1h
  spandrel sql \"SELECT attr('http.route') AS route, approx_percentile_cont(duration_ms, 0.99) AS p99
                FROM spans WHERE kind = 'server' GROUP BY 1 ORDER BY 2 DESC LIMIT 10\"
  spandrel sql 'DESCRIBE spans'
  spandrel sql \"SELECT * FROM spans WHERE trace_id = '4bf92f3577b34da6a3ce929d0e0e4736'\" --csv

The server needs SQL built in: `cargo build --release --features sql`.")]
pub(crate) struct SqlArgs {
    /// A query over the table `spans`, in quotes
    query: String,

    #[command(flatten)]
    endpoint: EndpointArgs,

    #[command(flatten)]
    range: TimeRangeArgs,

    /// Print the server's answer as JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print the rows as CSV
    #[arg(long)]
    csv: bool,

    /// Width of the table
    #[arg(long, env = "COLUMNS", default_value_t = 100, hide_env = true)]
    width: usize,
}

/// An answer.
#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    /// Why there are not all rows.
    error: Option<String>,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    #[serde(rename = "type")]
    kind: String,
}

/// Asks, and prints the rows.
pub(crate) async fn run(args: SqlArgs) -> anyhow::Result<ExitCode> {
    let client = ApiClient::new(&args.endpoint)?;
    let range = args.range.range(SystemClock::new().now_unix_nanos())?;
    let bounds =
        [("start", range.start_unix_nanos, i64::MIN), ("end", range.end_unix_nanos, i64::MAX)];
    let given = bounds.into_iter().filter(|(_, nanos, open)| nanos != open);
    let parameters: Vec<_> = given.map(|(name, nanos, _)| (name, unix_time(nanos))).collect();
    let accept = if args.csv { CSV } else { JSON };
    let body = client.post(PATH, &parameters, accept, args.query.into()).await?;
    let text = String::from_utf8_lossy(&body);
    if args.csv {
        output::print(&text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let answer: Answer = serde_json::from_str(&text).context("the answer is no result of SQL")?;
    match args.json {
        true => output::print(&text)?,
        false => output::print(&render(&answer, args.width))?,
    }
    if let Some(error) = answer.error {
        bail!("not all rows came: {error}");
    }
    if !args.json {
        output::note(&format!("{}\n", output::counted(answer.rows.len() as u64, "row")));
    }
    Ok(ExitCode::SUCCESS)
}

/// Ten digits or fewer would be seconds.
fn unix_time(nanos: i64) -> String {
    format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000))
}

fn render(answer: &Answer, width: usize) -> String {
    let numbers = ["bigint", "integer", "smallint", "double", "numeric", "bigint unsigned"];
    let headings = answer.columns.iter().map(|column| {
        let align = match numbers.contains(&column.kind.as_str()) {
            true => Align::Right,
            false => Align::Left,
        };
        (column.name.as_str(), align)
    });
    let headings: Vec<(&str, Align)> = headings.collect();
    let row = |row: &Vec<Value>| row.iter().map(cell).collect::<Vec<String>>();
    let rows: Vec<Vec<String>> = answer.rows.iter().map(row).collect();
    let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
    table::render_rows(&headings, &rows, width)
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    table::fit(&text, CELL_WIDTH_MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn rows_become_a_table() {
        let answer = r#"{"columns":[{"name":"route","type":"text"},{"name":"n","type":"bigint"},
            {"name":"p99","type":"double"}],"rows":[["/cart",12,1.5],[null,3,null]]}"#;
        let answer: Answer = serde_json::from_str(answer).unwrap();
        expect![[r#"
            route   n  p99
            /cart  12  1.5
                    3
        "#]]
        .assert_eq(&render(&answer, 80));
        assert!(answer.error.is_none());
    }

    #[test]
    fn times_cannot_be_taken_for_seconds() {
        assert_eq!(unix_time(5), "0.000000005");
        assert_eq!(unix_time(1_767_225_600_000_000_001), "1767225600.000000001");
    }
}

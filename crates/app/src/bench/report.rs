//! The figures, as a table and as JSON.

use std::fmt;

use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Cores, and the size of the data set.
    pub setup: Vec<(String, String)>,
    /// Spans per CPU second by stage.
    pub rates: Vec<Rate>,
    /// Size of the data set on disk.
    pub storage: Option<Storage>,
    /// Latencies of the queries.
    pub queries: Vec<Latency>,
    /// Anything else: name, value, and the bar when there is one.
    pub others: Vec<Figure>,
}

/// Speed of a stage.
#[derive(Debug, Serialize)]
pub struct Rate {
    /// The stage.
    pub stage: &'static str,
    /// Spans it took.
    pub spans: u64,
    /// CPU seconds of all threads.
    pub cpu_seconds: f64,
    /// Seconds by the clock.
    pub wall_seconds: f64,
    /// Spans per CPU second.
    pub spans_per_cpu_second: f64,
}

/// Bytes on disk.
#[derive(Debug, Serialize)]
pub struct Storage {
    /// Spans in blocks.
    pub spans: u64,
    /// Blocks.
    pub blocks: usize,
    /// Bytes of the blocks per span, indexes included.
    pub bytes_per_span: f64,
    /// OTLP bytes per span, as received.
    pub otlp_bytes_per_span: f64,
    /// Bytes per span by column, largest first.
    pub columns: Vec<(String, f64)>,
}

/// Latency of a query.
#[derive(Debug, Serialize)]
pub struct Latency {
    /// What is asked.
    pub query: String,
    /// Median in milliseconds, warm.
    pub median_ms: f64,
    /// The slowest run.
    pub max_ms: f64,
    /// Traces or spans found.
    pub found: usize,
    /// Row groups read, of all.
    pub row_groups: Option<(u64, u64)>,
    /// The bar in milliseconds.
    pub bar_ms: Option<f64>,
}

/// A single number.
#[derive(Debug, Serialize)]
pub struct Figure {
    /// What it is, with its unit.
    pub name: &'static str,
    /// The number.
    pub value: f64,
    /// The bar.
    pub bar: Option<f64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.setup {
            writeln!(f, "{name:<28}{value}")?;
        }
        writeln!(f, "\n{:<34}{:>12}{:>10}{:>10}{:>16}", "stage", "spans", "cpu s", "wall s", "spans/cpu s")?;
        for rate in &self.rates {
            let Rate { stage, spans, cpu_seconds, wall_seconds, spans_per_cpu_second } = rate;
            writeln!(
                f,
                "{stage:<34}{spans:>12}{cpu_seconds:>10.2}{wall_seconds:>10.2}{spans_per_cpu_second:>16.0}"
            )?;
        }
        if let Some(storage) = &self.storage {
            let Storage { spans, blocks, bytes_per_span, otlp_bytes_per_span, columns } = storage;
            writeln!(f, "\n{spans} spans in {blocks} blocks: {bytes_per_span:.1} B/span (bar 40), {otlp_bytes_per_span:.0} B/span as OTLP")?;
            for (name, bytes) in columns.iter().take(24) {
                writeln!(f, "  {bytes:>7.2}  {name}")?;
            }
            let rest: f64 = columns.iter().skip(24).map(|column| column.1).sum();
            writeln!(f, "  {rest:>7.2}  {} more", columns.len().saturating_sub(24))?;
        }
        writeln!(f, "\n{:>10}{:>10}{:>8}{:>8}{:>16}  query", "median ms", "max ms", "bar", "found", "row groups")?;
        for query in &self.queries {
            let bar = query.bar_ms.map_or(String::from("-"), |bar| format!("{bar:.0}"));
            let groups = query.row_groups.map_or(String::new(), |(read, all)| format!("{read} of {all}"));
            let Latency { query, median_ms, max_ms, found, .. } = query;
            writeln!(f, "{median_ms:>10.2}{max_ms:>10.2}{bar:>8}{found:>8}{groups:>16}  {query}")?;
        }
        writeln!(f)?;
        for Figure { name, value, bar } in &self.others {
            let bar = bar.map_or(String::new(), |bar| format!("  (bar {bar})"));
            writeln!(f, "{name:<52}{value:>12.1}{bar}")?;
        }
        Ok(())
    }
}

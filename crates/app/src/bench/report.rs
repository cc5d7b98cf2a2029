//! The figures, as a table and as JSON.

use std::fmt;

use serde::Serialize;

/// Everything that was measured.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    /// Cores, and the size of the data set.
    pub(crate) setup: Vec<(String, String)>,
    /// Spans per CPU second by stage.
    pub(crate) rates: Vec<Rate>,
    /// Size of the data set on disk.
    pub(crate) storage: Option<Storage>,
    /// Latencies of the queries.
    pub(crate) queries: Vec<Latency>,
    /// Anything else: name, value, and the bar when there is one.
    pub(crate) others: Vec<Figure>,
}

/// Speed of a stage.
#[derive(Debug, Serialize)]
pub(crate) struct Rate {
    /// The stage.
    pub(crate) stage: &'static str,
    /// Spans it took.
    pub(crate) spans: u64,
    /// CPU seconds of all threads.
    pub(crate) cpu_seconds: f64,
    /// Seconds by the clock.
    pub(crate) wall_seconds: f64,
    /// Spans per CPU second.
    pub(crate) spans_per_cpu_second: f64,
}

/// Bytes on disk.
#[derive(Debug, Serialize)]
pub(crate) struct Storage {
    /// Spans in blocks.
    pub(crate) spans: u64,
    /// Blocks.
    pub(crate) blocks: usize,
    /// Bytes of the blocks per span, indexes included.
    pub(crate) bytes_per_span: f64,
    /// OTLP bytes per span, as received.
    pub(crate) otlp_bytes_per_span: f64,
    /// Bytes per span by column, largest first.
    pub(crate) columns: Vec<(String, f64)>,
}

/// Latency of a query.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    /// What is asked.
    pub(crate) query: String,
    /// Median in milliseconds, warm.
    pub(crate) median_ms: f64,
    /// The slowest run.
    pub(crate) max_ms: f64,
    /// Traces or spans found.
    pub(crate) found: usize,
    /// Row groups read, of all.
    pub(crate) row_groups: Option<(u64, u64)>,
    /// The bar in milliseconds.
    pub(crate) bar_ms: Option<f64>,
}

/// A single number.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    /// What it is, with its unit.
    pub(crate) name: &'static str,
    /// The number.
    pub(crate) value: f64,
    /// The bar.
    pub(crate) bar: Option<f64>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.setup {
            writeln!(f, "{name:<28}{value}")?;
        }
        writeln!(
            f,
            "\n{:<34}{:>12}{:>10}{:>10}{:>16}",
            "stage", "spans", "cpu s", "wall s", "spans/cpu s"
        )?;
        for rate in &self.rates {
            let Rate { stage, spans, cpu_seconds, wall_seconds, spans_per_cpu_second } = rate;
            writeln!(
                f,
                "{stage:<34}{spans:>12}{cpu_seconds:>10.2}{wall_seconds:>10.2}{spans_per_cpu_second:>16.0}"
            )?;
        }
        if let Some(storage) = &self.storage {
            let Storage { spans, blocks, bytes_per_span, otlp_bytes_per_span, columns } = storage;
            writeln!(
                f,
                "\n{spans} spans in {blocks} blocks: {bytes_per_span:.1} B/span (bar 40), {otlp_bytes_per_span:.0} B/span as OTLP"
            )?;
            for (name, bytes) in columns.iter().take(24) {
                writeln!(f, "  {bytes:>7.2}  {name}")?;
            }
            let rest: f64 = columns.iter().skip(24).map(|column| column.1).sum();
            writeln!(f, "  {rest:>7.2}  {} more", columns.len().saturating_sub(24))?;
        }
        writeln!(
            f,
            "\n{:>10}{:>10}{:>8}{:>8}{:>16}  query",
            "median ms", "max ms", "bar", "found", "row groups"
        )?;
        for query in &self.queries {
            let bar = query.bar_ms.map_or(String::from("-"), |bar| format!("{bar:.0}"));
            let groups =
                query.row_groups.map_or(String::new(), |(read, all)| format!("{read} of {all}"));
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

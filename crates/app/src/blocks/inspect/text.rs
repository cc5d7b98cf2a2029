//! The report as text.

use serde_json::Value;
use spandrel_base::byte_size::ByteSize;

use super::super::per_span;
use super::report::{Attribute, OperationRow, Report};
use crate::duration::format_nanos;
use crate::output::grouped;
use crate::query::format_time;
use crate::table::{self, Align};

/// Values shown of one attribute.
const VALUES_SHOWN: usize = 4;

pub(super) fn render(report: &Report, rows_max: usize, width: usize) -> String {
    [
        head(report),
        row_groups(report, width),
        columns(report, width),
        index(report, width),
        attributes(&report.attributes, rows_max, width),
        operations(report, rows_max, width),
    ]
    .join("\n")
}

fn head(report: &Report) -> String {
    let block = &report.block;
    let nanos = block.end_unix_nanos.saturating_sub(block.start_unix_nanos);
    let lines = [
        ("tenant", block.tenant.clone()),
        ("file", block.path.clone()),
        ("format", format!("version {}, written by {}", block.format_version, report.written_by)),
        ("level", level(block.level)),
        (
            "time (UTC)",
            format!(
                "{} to {} ({})",
                format_time(block.start_unix_nanos),
                format_time(block.end_unix_nanos),
                format_nanos(i64::try_from(nanos).unwrap_or(i64::MAX)),
            ),
        ),
        ("spans", format!("{} in {} traces", grouped(block.spans), grouped(block.traces))),
        (
            "size",
            format!(
                "{}, {} bytes per span",
                ByteSize(block.bytes),
                per_span(block.bytes, block.spans)
            ),
        ),
    ];
    let mut out = format!("block {}\n", block.id);
    for (name, value) in lines {
        out.push_str(&format!("  {name:<10}  {value}\n"));
    }
    out
}

fn level(level: u8) -> String {
    match level {
        0 => "0, as it was written first".to_owned(),
        1 => "1, compacted once".to_owned(),
        n => format!("{n}, compacted {n} times"),
    }
}

fn row_groups(report: &Report, width: usize) -> String {
    let headings = [
        ("ROW GROUP", Align::Right),
        ("ROWS", Align::Right),
        ("TRACES", Align::Right),
        ("PAGES", Align::Right),
        ("SIZE", Align::Right),
        ("B/SPAN", Align::Right),
        ("TOKEN FILTER", Align::Right),
    ];
    let row = |(number, group): (usize, &super::report::RowGroup)| {
        [
            number.to_string(),
            grouped(group.rows),
            grouped(group.traces),
            grouped(group.pages),
            ByteSize(group.bytes).to_string(),
            per_span(group.bytes, group.rows),
            ByteSize(group.token_filter_bytes).to_string(),
        ]
    };
    let rows: Vec<_> = report.row_groups.iter().enumerate().map(row).collect();
    table::render(headings, &rows, width)
}

fn columns(report: &Report, width: usize) -> String {
    let headings = [
        ("COLUMN", Align::Left),
        ("TYPE", Align::Left),
        ("ENCODING", Align::Left),
        ("COMPRESSION", Align::Left),
        ("SIZE", Align::Right),
        ("RAW", Align::Right),
        ("B/SPAN", Align::Right),
        ("SHARE", Align::Right),
    ];
    let spans = report.block.spans;
    let rows: Vec<_> = report
        .columns
        .iter()
        .map(|column| {
            [
                column.name.clone(),
                column.value_type.clone(),
                column.encoding.clone(),
                column.compression.clone(),
                ByteSize(column.bytes).to_string(),
                ByteSize(column.raw_bytes).to_string(),
                per_span_exact(column.bytes, spans),
                share(column.bytes, report.block.bytes),
            ]
        })
        .collect();
    table::render(headings, &rows, width)
}

fn index(report: &Report, width: usize) -> String {
    let headings = [
        ("INDEX AND FOOTER", Align::Left),
        ("SIZE", Align::Right),
        ("RAW", Align::Right),
        ("B/SPAN", Align::Right),
        ("SHARE", Align::Right),
    ];
    let (spans, all) = (report.block.spans, report.block.bytes);
    let row = |name: &str, bytes: u64, raw_bytes: u64| {
        [
            name.to_owned(),
            ByteSize(bytes).to_string(),
            ByteSize(raw_bytes).to_string(),
            per_span_exact(bytes, spans),
            share(bytes, all),
        ]
    };
    let mut rows: Vec<_> = report
        .index
        .sections
        .iter()
        .map(|section| row(&section.name, section.bytes, section.raw_bytes))
        .collect();
    rows.push(row("footer, page checksums", report.footer_bytes, report.footer_bytes));
    table::render(headings, &rows, width)
}

fn attributes(attributes: &[Attribute], rows_max: usize, width: usize) -> String {
    let headings = [
        ("ATTRIBUTE", Align::Left),
        ("TYPE", Align::Left),
        ("COLUMN", Align::Left),
        ("COUNT", Align::Right),
        ("DISTINCT", Align::Right),
        ("MOST FREQUENT VALUES", Align::Left),
    ];
    let mut by_count: Vec<&Attribute> = attributes.iter().collect();
    by_count.sort_by_key(|attribute| std::cmp::Reverse(attribute.count));
    let rows: Vec<_> = by_count
        .iter()
        .take(rows_max)
        .map(|attribute| {
            let at_least = if attribute.distinct_exact { "" } else { ">=" };
            [
                table::fit(&format!("{}.{}", attribute.scope, attribute.key), 48),
                attribute.value_type.to_owned(),
                if attribute.has_column { "yes" } else { "no" }.to_owned(),
                grouped(attribute.count),
                format!("{at_least}{}", grouped(attribute.distinct)),
                values(attribute),
            ]
        })
        .collect();
    table::render(headings, &rows, width) + &left_out(attributes.len(), rows_max)
}

fn values(attribute: &Attribute) -> String {
    let shown = attribute.values.iter().take(VALUES_SHOWN).map(|listed| {
        let value = match &listed.value {
            Value::String(text) => table::fit(text, 32),
            other => other.to_string(),
        };
        format!("{value} ({})", grouped(listed.count))
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    match (&attribute.min, &attribute.max) {
        (Some(min), Some(max)) if shown.is_empty() => format!("{min} to {max}"),
        (Some(min), Some(max)) if min != max => format!("{min} to {max}: {shown}"),
        _ => shown,
    }
}

fn operations(report: &Report, rows_max: usize, width: usize) -> String {
    let headings = [
        ("SPANS", Align::Right),
        ("ERRORS", Align::Right),
        ("ROOTS", Align::Right),
        ("MEDIAN", Align::Right),
        ("P99", Align::Right),
        ("MAX", Align::Right),
        ("KIND", Align::Left),
        ("OPERATION", Align::Left),
    ];
    let rows: Vec<_> = report.operations.iter().take(rows_max).map(operation).collect();
    let note = if report.operations_complete {
        String::new()
    } else {
        "The rarest operations are summed up by service.\n".to_owned()
    };
    table::render(headings, &rows, width) + &left_out(report.operations.len(), rows_max) + &note
}

fn operation(row: &OperationRow) -> [String; 8] {
    let nanos = |nanos| format_nanos(i64::try_from(nanos).unwrap_or(i64::MAX));
    let service = row.service.as_deref().unwrap_or("(no service)");
    [
        grouped(row.spans),
        grouped(row.errors),
        grouped(row.roots),
        nanos(row.p50_nanos),
        nanos(row.p99_nanos),
        nanos(row.max_nanos),
        row.kind.to_owned(),
        format!("{service}: {}", row.name.as_deref().unwrap_or("(others)")),
    ]
}

fn left_out(n: usize, rows_max: usize) -> String {
    match n.checked_sub(rows_max) {
        Some(rest) if rest > 0 => {
            format!("... and {} more; --rows 0 shows all\n", grouped(rest as u64))
        }
        _ => String::new(),
    }
}

fn per_span_exact(bytes: u64, spans: u64) -> String {
    if spans == 0 { "-".to_owned() } else { format!("{:.3}", bytes as f64 / spans as f64) }
}

fn share(part: u64, all: u64) -> String {
    format!("{:.1}%", part as f64 * 100.0 / all.max(1) as f64)
}

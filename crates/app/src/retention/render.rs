//! A report as tables.

use spandrel_base::byte_size::ByteSize;
use spandrel_retention::{Example, Outcome, Report, RuleReport, ServiceReport, Tally};

use super::dry_run::TenantReport;
use crate::duration::format_nanos;
use crate::output::grouped;
use crate::query::format_time;
use crate::table::{self, Align};

/// Everything about one tenant.
pub(super) fn text(of: &TenantReport, width: usize) -> String {
    let at = format_time(of.at_unix_nanos.max(0).cast_unsigned());
    let blocks = grouped(of.blocks as u64);
    let noun = if of.blocks == 1 { "block" } else { "blocks" };
    let head = format!("tenant {}, {blocks} {noun}, as of {at} UTC\n", of.tenant);
    let Some(report) = &of.report else {
        return format!("{head}no rules for this tenant: everything is kept\n");
    };
    let mut text = head + "\n" + &totals(report) + &estimate(report);
    text.push_str(&format!("\n{}", rules(report, width)));
    text.push_str(&format!("\n{}", services(report, width)));
    text.push_str(&examples(report, width));
    text
}

/// A number and which part of both it is.
fn share(part: u64, other: u64) -> String {
    let all = part.saturating_add(other);
    if all == 0 {
        return "-".to_owned();
    }
    format!("{:.1} %", 100.0 * part as f64 / all as f64)
}

fn totals(report: &Report) -> String {
    let row = |name: &str, tally: &Tally, other: &Tally| {
        [
            name.to_owned(),
            grouped(tally.traces),
            share(tally.traces, other.traces),
            grouped(tally.spans),
            share(tally.spans, other.spans),
            ByteSize(tally.bytes).to_string(),
            share(tally.bytes, other.bytes),
        ]
    };
    let headings = ["", "TRACES", "", "SPANS", "", "BYTES", ""];
    let mut headings = headings.map(|heading| (heading, Align::Right));
    headings[0].1 = Align::Left;
    let rows =
        [row("kept", &report.kept, &report.dropped), row("dropped", &report.dropped, &report.kept)];
    table::render(headings, &rows, usize::MAX)
}

/// What the weights of the kept traces add up to.
fn estimate(report: &Report) -> String {
    let Report { in_force_traces, in_force_traces_estimated, .. } = report;
    if *in_force_traces == 0 {
        return String::new();
    }
    // A sum of finite weights, far from the end of the range.
    let estimated = in_force_traces_estimated.round() as u64;
    format!(
        "weights: rules in force match {} traces, the kept ones stand for {}\n",
        grouped(*in_force_traces),
        grouped(estimated)
    )
}

fn rules(report: &Report, width: usize) -> String {
    let headings = [
        ("KEPT", Align::Right),
        ("SPANS", Align::Right),
        ("BYTES", Align::Right),
        ("EXPIRED", Align::Right),
        ("SPANS", Align::Right),
        ("NOT SAMPLED", Align::Right),
        ("SPANS", Align::Right),
        ("RULE", Align::Left),
    ];
    let row = |(kept, expired, not_sampled): (&Tally, &Tally, &Tally), rule: String| {
        [
            grouped(kept.traces),
            grouped(kept.spans),
            ByteSize(kept.bytes).to_string(),
            grouped(expired.traces),
            grouped(expired.spans),
            grouped(not_sampled.traces),
            grouped(not_sampled.spans),
            rule,
        ]
    };
    let rule = |rule: &RuleReport| {
        let fraction =
            if rule.fraction < 1.0 { format!(", {}", rule.fraction) } else { String::new() };
        let name = format!("{} ({}{fraction})", rule.name, rule.keep);
        row((&rule.kept.tally, &rule.expired.tally, &rule.not_sampled.tally), name)
    };
    let none = Tally::default();
    let mut rows: Vec<_> = report.rules.iter().map(rule).collect();
    if report.waiting.tally != none {
        let name = "(too young to decide about)".to_owned();
        rows.push(row((&report.waiting.tally, &none, &none), name));
    }
    if report.unmatched.tally != none {
        let name = "(no rule matches)".to_owned();
        rows.push(row((&none, &report.unmatched.tally, &none), name));
    }
    table::render(headings, &rows, width)
}

fn services(report: &Report, width: usize) -> String {
    let headings = [
        ("KEPT SPANS", Align::Right),
        ("", Align::Right),
        ("BYTES", Align::Right),
        ("DROPPED SPANS", Align::Right),
        ("BYTES", Align::Right),
        ("SERVICE", Align::Left),
    ];
    let mut services: Vec<(&String, &ServiceReport)> = report.services.iter().collect();
    // What costs most comes first.
    let spans = |of: &ServiceReport| of.kept.spans.saturating_add(of.dropped.spans);
    services.sort_by_key(|(_, of)| std::cmp::Reverse(spans(of)));
    let row = |(name, of): &(&String, &ServiceReport)| {
        [
            grouped(of.kept.spans),
            share(of.kept.spans, of.dropped.spans),
            ByteSize(of.kept.bytes).to_string(),
            grouped(of.dropped.spans),
            ByteSize(of.dropped.bytes).to_string(),
            if name.is_empty() { "(no service)".to_owned() } else { (*name).clone() },
        ]
    };
    table::render(headings, &services.iter().map(row).collect::<Vec<_>>(), width)
}

fn examples(report: &Report, width: usize) -> String {
    let mut text = String::new();
    let mut list = |title: String, outcome: &Outcome| {
        if outcome.examples.is_empty() {
            return;
        }
        text.push_str(&format!("\n{title}\n"));
        for example in &outcome.examples {
            text.push_str(&table::fit(&line(example), width));
            text.push('\n');
        }
    };
    for rule in &report.rules {
        list(format!("kept by {}", rule.name), &rule.kept);
        list(format!("dropped, {} is over", rule.name), &rule.expired);
        list(format!("dropped, not sampled by {}", rule.name), &rule.not_sampled);
    }
    list("kept, too young to decide about".to_owned(), &report.waiting);
    list("dropped, no rule matches".to_owned(), &report.unmatched);
    text
}

fn line(example: &Example) -> String {
    let duration = format_nanos(example.duration_nanos);
    let Example { trace_id, root_service, root_name, spans, .. } = example;
    format!("  {trace_id}  {duration:>7}  {spans:>5} spans  {root_service}: {root_name}")
}

//! Draws a trace: a line per span with its service, name, duration and a bar on the trace's time axis.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::Span;
use super::tree::{Row, rows};
use crate::duration::format_nanos;
use crate::query::format_time;
use crate::style::{Painter, Style};
use crate::table::fit;

/// Room for a duration.
const DURATION_WIDTH: usize = 7;
/// The least room for the name of a span and for the bars.
const LABEL_WIDTH_MIN: usize = 16;
const BAR_WIDTH_MIN: usize = 10;
/// Deeper spans are not moved further to the right.
const INDENT_MAX: usize = 24;

/// What bars are made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyphs {
    bar: char,
    /// For a span that is shorter than a character.
    point: char,
    error_bar: char,
}

impl Glyphs {
    pub(super) const ASCII: Self = Self { bar: '=', point: '|', error_bar: '#' };
    /// A thick horizontal stroke, a vertical bar, and a dark shade.
    pub(super) const BLOCKS: Self =
        Self { bar: '\u{2501}', point: '\u{2502}', error_bar: '\u{2593}' };
}

/// A drawing to be made. There is at least one span.
pub(super) struct Waterfall<'a> {
    pub(super) trace_id: &'a str,
    pub(super) spans: &'a [Span],
    pub(super) width: usize,
    pub(super) glyphs: Glyphs,
    pub(super) painter: Painter,
}

/// Times and measures of a drawing.
struct Layout {
    start: u64,
    /// Nanoseconds from the first start to the last end, at least 1.
    total: u64,
    label_width: usize,
    bar_width: usize,
    /// Colors of services, in order of appearance.
    services: BTreeMap<String, usize>,
}

impl Waterfall<'_> {
    /// The whole drawing.
    pub(super) fn render(&self) -> String {
        let rows = rows(self.spans);
        let layout = self.layout(&rows);
        let mut out = String::new();
        self.header(&mut out, &rows, &layout);
        self.axis(&mut out, &layout);
        let passed_on = self.passed_on(&rows);
        for row in &rows {
            self.row(&mut out, row, &layout);
            for (style, note) in notes(row, &self.spans[row.span_idx], &passed_on) {
                let line = format!("{}{note}", " ".repeat(indent(row) + 2));
                self.painter.paint(&mut out, style, &fit(&line, self.width));
                out.push('\n');
            }
        }
        out
    }

    /// Spans whose error is that of a child, which is where it is written.
    fn passed_on(&self, rows: &[Row]) -> HashSet<usize> {
        let mut ancestors: Vec<usize> = Vec::new();
        let mut passed_on = HashSet::new();
        for row in rows {
            ancestors.truncate(row.depth);
            if let Some(&parent) = ancestors.last()
                && self.spans[row.span_idx].error.is_some()
                && self.spans[row.span_idx].error == self.spans[parent].error
            {
                passed_on.insert(parent);
            }
            ancestors.push(row.span_idx);
        }
        passed_on
    }

    fn layout(&self, rows: &[Row]) -> Layout {
        let start = self.spans.iter().map(|span| span.start_unix_nanos).min().unwrap_or(0);
        // Of spans that end before they start, the start counts.
        let last = |span: &Span| span.end_unix_nanos.max(span.start_unix_nanos);
        let end = self.spans.iter().map(last).max().unwrap_or(0);
        let longest = rows.iter().map(|row| label(row, &self.spans[row.span_idx]).1).max();
        let fixed = DURATION_WIDTH + 4;
        let label_width = longest
            .unwrap_or(0)
            .min((self.width * 11 / 20).saturating_sub(fixed))
            .max(LABEL_WIDTH_MIN);
        let bar_width = self.width.saturating_sub(label_width + fixed).max(BAR_WIDTH_MIN);
        let mut services = BTreeMap::new();
        for row in rows {
            let number = services.len();
            services.entry(self.spans[row.span_idx].service.clone()).or_insert(number);
        }
        Layout { start, total: end.saturating_sub(start).max(1), label_width, bar_width, services }
    }

    fn header(&self, out: &mut String, rows: &[Row], layout: &Layout) {
        let root = rows.first().map(|row| &self.spans[row.span_idx]);
        let title = root.map(|root| format!("{}: {}", root.service, root.name)).unwrap_or_default();
        self.painter.paint(out, Style::Bold, &fit(&title, self.width));
        let n_services = self.spans.iter().map(|span| &span.service).collect::<BTreeSet<_>>().len();
        let n_errors = self.spans.iter().filter(|span| span.error.is_some()).count();
        let count = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        out.push_str(&format!(
            "\n{}  {} UTC\n{}, {}, {}, {}\n\n",
            self.trace_id,
            format_time(layout.start),
            format_nanos(signed(layout.total)),
            count(self.spans.len(), "span"),
            count(n_services, "service"),
            count(n_errors, "error"),
        ));
    }

    /// Times above the bars: at the left edge, in the middle, at the right edge.
    fn axis(&self, out: &mut String, layout: &Layout) {
        let middle = format_nanos(signed(layout.total / 2));
        let end = format_nanos(signed(layout.total));
        let half = layout.bar_width / 2;
        let mut line = " ".repeat(layout.label_width + DURATION_WIDTH + 4);
        line.push_str(&format!("{:<half$}", "0"));
        let rest = layout.bar_width - half;
        if middle.len() + end.len() + 2 <= rest {
            line.push_str(&format!("{middle}{end:>width$}", width = rest - middle.len()));
        } else {
            line.push_str(&format!("{end:>rest$}"));
        }
        self.painter.paint(out, Style::Faint, &line);
        out.push('\n');
    }

    fn row(&self, out: &mut String, row: &Row, layout: &Layout) {
        let span = &self.spans[row.span_idx];
        let color = Style::Service(layout.services.get(&span.service).copied().unwrap_or(0));
        let is_error = span.error.is_some();
        let bar_style = if is_error { Style::Error } else { color };

        let (text, _) = label(row, span);
        let text = fit(&text, layout.label_width);
        let (service, name) = text.split_at(service_end(row, span, &text));
        self.painter.paint(out, color, service);
        self.painter.paint(out, if is_error { Style::Error } else { Style::Plain }, name);
        out.push_str(&" ".repeat(layout.label_width - text.chars().count() + 2));
        let duration =
            format_nanos(span.end_unix_nanos.wrapping_sub(span.start_unix_nanos).cast_signed());
        out.push_str(&format!("{duration:>DURATION_WIDTH$}  "));
        let (from, to) = layout.columns(span);
        out.push_str(&" ".repeat(from));
        let bar = match (is_error, to - from) {
            (true, _) => self.glyphs.error_bar,
            (false, 1) => self.glyphs.point,
            (false, _) => self.glyphs.bar,
        };
        self.painter.paint(out, bar_style, &bar.to_string().repeat(to - from));
        out.push('\n');
    }
}

impl Layout {
    /// The columns that a span's bar takes, at least one.
    fn columns(&self, span: &Span) -> (usize, usize) {
        let column = |time: u64| {
            let offset = u128::from(time.saturating_sub(self.start).min(self.total));
            let position = offset * self.bar_width as u128;
            (position, u128::from(self.total))
        };
        let (position, total) = column(span.start_unix_nanos);
        let from = ((position / total) as usize).min(self.bar_width - 1);
        let (position, total) = column(span.end_unix_nanos);
        let to = (position.div_ceil(total) as usize).clamp(from + 1, self.bar_width.max(from + 1));
        (from, to)
    }
}

fn indent(row: &Row) -> usize {
    (2 * row.depth).min(INDENT_MAX)
}

/// What stands before the bar, and its width.
fn label(row: &Row, span: &Span) -> (String, usize) {
    let text = format!("{}{} {}", " ".repeat(indent(row)), span.service, span.name);
    let width = text.chars().count();
    (text, width)
}

/// Where in the label, which may be cut, the service ends.
fn service_end(row: &Row, span: &Span, label: &str) -> usize {
    let n_chars = indent(row) + span.service.chars().count();
    label.char_indices().nth(n_chars).map_or(label.len(), |(at, _)| at)
}

/// Lines below a span: what is wrong with it.
fn notes(row: &Row, span: &Span, passed_on: &HashSet<usize>) -> Vec<(Style, String)> {
    let mut notes = Vec::new();
    if let Some(message) = &span.error
        && !passed_on.contains(&row.span_idx)
    {
        let message = if message.is_empty() { "error" } else { message };
        notes.push((Style::Error, format!("! {message}")));
    }
    if row.misses_parent {
        let id: String = span.parent_id.iter().map(|byte| format!("{byte:02x}")).collect();
        notes.push((Style::Faint, format!("? its parent {id} has not been received")));
    }
    if span.end_unix_nanos < span.start_unix_nanos {
        notes.push((Style::Faint, "? it ends before it starts".to_owned()));
    }
    notes
}

fn signed(nanos: u64) -> i64 {
    i64::try_from(nanos).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::tests_fixture::{failed, span};
    use super::*;
    use crate::style::ColorChoice;

    const MS: u64 = 1_000_000;

    #[track_caller]
    fn check(spans: &[Span], width: usize, expected: Expect) {
        let drawing = Waterfall {
            trace_id: "0102030405060708090a0b0c0d0e0f10",
            spans,
            width,
            glyphs: Glyphs::ASCII,
            painter: Painter::for_stdout(ColorChoice::Never, None),
        };
        let text: String =
            drawing.render().lines().map(|line| format!("{}\n", line.trim_end())).collect();
        expected.assert_eq(&text);
    }

    fn checkout() -> Vec<Span> {
        const START: u64 = 1_767_225_600_000 * MS;
        let at = |from: u64, to: u64| (START + from * MS, START + to * MS);
        vec![
            span(1, 0, "frontend", "POST /checkout", at(0, 400)),
            span(2, 1, "cart", "GET /cart", at(10, 60)),
            span(3, 2, "redis", "HGETALL", at(20, 21)),
            failed(span(4, 1, "payment", "charge", at(80, 390)), "card declined"),
            failed(
                span(5, 4, "payment", "POST https://bank.example/v1/charges", at(100, 380)),
                "card declined",
            ),
            failed(span(7, 5, "bank", "authorize", at(150, 350)), ""),
            span(6, 9, "mail", "send receipt", at(395, 400)),
        ]
    }

    #[test]
    fn a_trace_with_errors_and_a_missing_parent() {
        check(
            &checkout(),
            90,
            expect![[r#"
                frontend: POST /checkout
                0102030405060708090a0b0c0d0e0f10  2026-01-01 00:00:00.000 UTC
                400ms, 7 spans, 6 services, 3 errors

                                                                 0                   200ms           400ms
                frontend POST /checkout                   400ms  =========================================
                  cart GET /cart                           50ms   ======
                    redis HGETALL                           1ms    |
                  payment charge                          310ms          ################################
                    payment POST https://bank.exampl..    280ms            #############################
                      ! card declined
                      bank authorize                      200ms                 #####################
                        ! error
                mail send receipt                           5ms                                          |
                  ? its parent 09 has not been received
            "#]],
        );
    }

    #[test]
    fn a_narrow_terminal() {
        check(
            &checkout()[..3],
            40,
            expect![[r#"
            frontend: POST /checkout
            0102030405060708090a0b0c0d0e0f10  2026-01-01 00:00:00.000 UTC
            400ms, 3 spans, 3 services, 0 errors

                                       0       400ms
            frontend POST ..    400ms  =============
              cart GET /cart     50ms  ==
                redis HGET..      1ms  |
        "#]],
        );
    }

    #[test]
    fn broken_times_are_drawn_and_named() {
        let spans = [span(1, 0, "a", "late", (1_000, 500)), span(2, 1, "b", "instant", (700, 700))];
        check(
            &spans,
            60,
            expect![[r#"
            a: late
            0102030405060708090a0b0c0d0e0f10  1970-01-01 00:00:00.000 UTC
            300ns, 2 spans, 2 services, 0 errors

                                       0               150ns       300ns
            a late             -500ns                                  |
              ? it ends before it starts
              b instant             0  |
        "#]],
        );
    }

    #[test]
    fn bars_stay_within_their_columns() {
        let layout = Layout {
            start: 0,
            total: u64::MAX,
            label_width: 0,
            bar_width: 7,
            services: BTreeMap::new(),
        };
        for (from, to) in [(0, u64::MAX), (u64::MAX, u64::MAX), (u64::MAX - 1, u64::MAX), (5, 0)] {
            let (first, end) = layout.columns(&span(1, 0, "s", "n", (from, to)));
            assert!(first < end && end <= 7, "{from}..{to} gives {first}..{end}");
        }
    }
}

//! The chart: counts of blocks by level and column of time, density of spans, gaps and overlap.

use std::collections::BTreeMap;

use serde_json::json;
use spandrel_catalog::BlockEntry;

use super::super::extent_nanos;
use crate::duration::format_nanos;
use crate::output::{counted, grouped};
use crate::query::format_time_seconds;
use crate::style::{Painter, Style};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// Times that a column can stand for; above them it is a power of two of days.
const STEPS: [u64; 23] = [
    10 * MILLI,
    20 * MILLI,
    50 * MILLI,
    100 * MILLI,
    200 * MILLI,
    500 * MILLI,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
];
/// Characters before and behind the columns.
const LABEL: usize = 11;
const COUNTS: usize = 30;
const COLUMNS_MIN: usize = 20;
/// Columns between two times on the axis.
const TICK: usize = 20;
const GAPS_SHOWN: usize = 5;

const BARS: [char; 9] = [
    ' ', '\u{2581}', '\u{2582}', '\u{2583}', '\u{2584}', '\u{2585}', '\u{2586}', '\u{2587}',
    '\u{2588}',
];
const ASCII_BARS: [char; 9] = [' ', '.', ':', '-', '=', '+', '*', '#', '@'];

/// Blocks of one level.
#[derive(Debug, Default, PartialEq, Eq)]
struct Level {
    /// By column, how many have spans of that time.
    counts: Vec<u32>,
    blocks: u64,
    spans: u64,
}

/// Blocks over time.
#[derive(Debug, PartialEq)]
pub(super) struct Chart {
    /// Where the first column begins, Unix nanoseconds.
    start: u64,
    step: u64,
    levels: BTreeMap<u8, Level>,
    /// Spans by column.
    density: Vec<f64>,
    /// Times without a block between blocks, if longer than a column: from and to.
    gaps: Vec<(u64, u64)>,
    /// How many blocks hold the moment that most blocks hold, and one such moment.
    overlap_max: (u32, u64),
    /// Blocks that hold a moment, on average over the moments that any block holds.
    overlap_mean: f64,
}

impl Chart {
    /// The chart of what blocks have in a range of time; `None` without a block.
    pub(super) fn new(blocks: &[&BlockEntry], start: u64, end: u64, width: usize) -> Option<Self> {
        let first = blocks.iter().map(|block| block.min_start_unix_nanos).min()?.max(start);
        let last = blocks.iter().map(|block| block.max_end_unix_nanos).max()?.min(end);
        let columns_max = width.saturating_sub(LABEL + COUNTS).max(COLUMNS_MIN) as u64;
        let step = step(last.saturating_sub(first), columns_max);
        let start = first - first % step;
        let n_columns = (last.saturating_sub(start) / step + 1) as usize;
        let mut levels: BTreeMap<u8, Level> = BTreeMap::new();
        let mut density = vec![0.0; n_columns];
        for block in blocks {
            let column = |time: u64| (time.clamp(first, last.max(first)) - start) / step;
            let columns = column(block.min_start_unix_nanos) as usize
                ..=column(block.max_end_unix_nanos) as usize;
            let level = levels.entry(block.level).or_default();
            level.counts.resize(n_columns, 0);
            level.blocks += 1;
            level.spans += block.n_spans;
            let share = block.n_spans as f64 / (columns.end() - columns.start() + 1) as f64;
            for number in columns {
                level.counts[number] += 1;
                density[number] += share;
            }
        }
        let mut extents: Vec<(u64, u64)> = blocks
            .iter()
            .map(|block| (block.min_start_unix_nanos, block.max_end_unix_nanos))
            .collect();
        extents.sort_unstable();
        let (gaps, covered) = gaps(&extents, step);
        let total: f64 = blocks.iter().map(|block| extent_nanos(block) as f64).sum();
        let overlap_mean = if covered == 0 { 1.0 } else { total / covered as f64 };
        let overlap_max = overlap_max(&extents);
        Some(Self { start, step, levels, density, gaps, overlap_max, overlap_mean })
    }

    /// For programs.
    pub(super) fn json(&self) -> serde_json::Value {
        let levels = self.levels.iter().map(|(number, level)| {
            json!({
                "level": number,
                "blocks": level.blocks,
                "spans": level.spans,
                "blocksByColumn": level.counts,
            })
        });
        let gaps = self.gaps.iter();
        json!({
            "startUnixNanos": self.start,
            "columnNanos": self.step,
            "levels": levels.collect::<Vec<_>>(),
            "gaps": gaps.map(|(from, to)| json!({ "startUnixNanos": from, "endUnixNanos": to })).collect::<Vec<_>>(),
            "overlapMax": self.overlap_max.0,
            "overlapMean": self.overlap_mean,
        })
    }

    /// For people.
    pub(super) fn render(&self, out: &mut String, ascii: bool, painter: Painter) {
        let none = if ascii { '.' } else { '\u{b7}' };
        for (number, level) in self.levels.iter().rev() {
            out.push_str(&format!("{:<LABEL$}", format!("level {number}")));
            let marks = level.counts.iter().map(|count| match count {
                0 => none,
                1..=9 => char::from_digit(*count, 10).unwrap_or('+'),
                _ => '+',
            });
            painter.paint(out, Style::Service(usize::from(*number)), &marks.collect::<String>());
            let (blocks, spans) = (counted(level.blocks, "block"), counted(level.spans, "span"));
            out.push_str(&format!("  {blocks}, {spans}\n"));
        }
        out.push_str(&format!("{:<LABEL$}{}\n", "spans", self.bars(ascii)));
        self.axis(out);
        out.push_str(&format!(
            "{:LABEL$}a column is {}; a digit says how many blocks hold that time, + is more than 9\n",
            "",
            step_text(self.step),
        ));
        self.sentences(out);
    }

    fn bars(&self, ascii: bool) -> String {
        let bars = if ascii { ASCII_BARS } else { BARS };
        let most = self.density.iter().copied().fold(0.0, f64::max);
        let bar = |spans: &f64| {
            // Rounded up, so that few spans show as some.
            let height = (spans / most.max(f64::MIN_POSITIVE) * 8.0).ceil();
            bars.get(height as usize).copied().unwrap_or(' ')
        };
        self.density.iter().map(bar).collect::<String>().trim_end().to_owned()
    }

    /// Ticks with times; the first one with its date.
    fn axis(&self, out: &mut String) {
        let (mut ticks, mut times) = (String::new(), String::new());
        for number in (0..self.density.len()).step_by(TICK) {
            let at = self.start + number as u64 * self.step;
            ticks.push_str(&format!("{:<TICK$}", "|"));
            times.push_str(&format!("{:<TICK$}", format_time_seconds(at)));
        }
        for line in [ticks, times] {
            out.push_str(&format!("{:LABEL$}{}\n", "", line.trim_end()));
        }
    }

    fn sentences(&self, out: &mut String) {
        let (most, at) = self.overlap_max;
        out.push_str(&format!(
            "\noverlap: a moment lies in {:.1} blocks on average, in {most} at most ({})\n",
            self.overlap_mean,
            format_time_seconds(at),
        ));
        let mut longest = self.gaps.clone();
        longest.sort_by_key(|(from, to)| std::cmp::Reverse(to - from));
        longest.truncate(GAPS_SHOWN);
        longest.sort_unstable();
        for (from, to) in &longest {
            out.push_str(&format!(
                "gap:     {} to {} ({})\n",
                format_time_seconds(*from),
                format_time_seconds(*to),
                format_nanos(i64::try_from(to - from).unwrap_or(i64::MAX)),
            ));
        }
        match self.gaps.len() - longest.len() {
            0 if longest.is_empty() => out.push_str("gaps:    none longer than a column\n"),
            0 => {}
            more => out.push_str(&format!("gaps:    {} shorter ones\n", grouped(more as u64))),
        }
    }
}

/// The shortest time with which so many columns are enough.
fn step(nanos: u64, columns_max: u64) -> u64 {
    // One column is kept for the rounding of the start.
    let fits = |step: &u64| nanos / step + 2 <= columns_max;
    let days = (0..24).map(|power| DAY << power);
    STEPS.into_iter().chain(days).find(fits).unwrap_or(DAY << 24)
}

fn step_text(step: u64) -> String {
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s")] {
        if step.is_multiple_of(unit) {
            return format!("{}{name}", step / unit);
        }
    }
    format!("{}ms", step / MILLI)
}

/// Gaps of at least `step` in sorted extents, and how long the time is that they cover.
fn gaps(extents: &[(u64, u64)], step: u64) -> (Vec<(u64, u64)>, u64) {
    let mut gaps = Vec::new();
    let mut covered = 0;
    let mut covered_to: Option<u64> = None;
    for &(from, to) in extents {
        let begin = covered_to.map_or(from, |end| end.max(from));
        if let Some(end) = covered_to.filter(|end| from.saturating_sub(*end) >= step) {
            gaps.push((end, from));
        }
        covered += to.saturating_sub(begin);
        covered_to = Some(covered_to.map_or(to, |end| end.max(to)));
    }
    (gaps, covered)
}

/// The greatest number of extents that share a moment, and the first such moment.
fn overlap_max(extents: &[(u64, u64)]) -> (u32, u64) {
    let starts = extents.iter().map(|&(from, _)| (from, 0_u8));
    let ends = extents.iter().map(|&(_, to)| (to, 1));
    let mut events: Vec<(u64, u8)> = starts.chain(ends).collect();
    // At the same moment starts come first: both ends belong to a block.
    events.sort_unstable();
    let (mut open, mut most) = (0_u32, (0, 0));
    for (time, is_end) in events {
        if is_end == 1 {
            open = open.saturating_sub(1);
            continue;
        }
        open += 1;
        if open > most.0 {
            most = (open, time);
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use spandrel_catalog::BlockId;

    use super::*;
    use crate::style::ColorChoice;

    const START: u64 = 1_767_225_600 * SECOND;

    fn block(level: u8, from_minutes: u64, to_minutes: u64, n_spans: u64) -> BlockEntry {
        BlockEntry {
            id: BlockId::from_bytes([level; 16]),
            path: String::new(),
            size_bytes: 1,
            n_spans,
            n_traces: 1,
            min_start_unix_nanos: START + from_minutes * MINUTE,
            max_end_unix_nanos: START + to_minutes * MINUTE,
            max_trace_start_unix_nanos: 0,
            max_received_unix_nanos: 0,
            format_version: 1,
            level,
            tail: None,
        }
    }

    fn drawn(blocks: &[BlockEntry], ascii: bool) -> String {
        let blocks: Vec<&BlockEntry> = blocks.iter().collect();
        let chart = Chart::new(&blocks, 0, u64::MAX, 81).unwrap();
        let mut out = String::new();
        chart.render(&mut out, ascii, Painter::for_stdout(ColorChoice::Never, None));
        out
    }

    #[test]
    fn levels_overlap_and_gaps_show() {
        let blocks = [
            block(1, 0, 60, 90_000),
            block(0, 55, 65, 5_000),
            block(0, 58, 70, 5_000),
            block(0, 120, 121, 10),
        ];
        expect![[r#"
            level 1    1111111111111............  1 block, 90 000 spans
            level 0    ...........2221.........1  3 blocks, 10 010 spans
            spans      ***********@@-:         .
                       |                   |
                       2026-01-01 00:00:00 2026-01-01 01:40:00
                       a column is 5m; a digit says how many blocks hold that time, + is more than 9

            overlap: a moment lies in 1.2 blocks on average, in 3 at most (2026-01-01 00:58:00)
            gap:     2026-01-01 01:10:00 to 2026-01-01 02:00:00 (50m00s)
        "#]]
        .assert_eq(&drawn(&blocks, true));
    }

    #[test]
    fn one_span_is_a_chart_too() {
        expect![[r#"
            level 0    1  1 block, 1 span
            spans      @
                       |
                       2026-01-01 00:07:00
                       a column is 10ms; a digit says how many blocks hold that time, + is more than 9

            overlap: a moment lies in 1.0 blocks on average, in 1 at most (2026-01-01 00:07:00)
            gaps:    none longer than a column
        "#]]
        .assert_eq(&drawn(&[block(0, 7, 7, 1)], true));
    }

    #[test]
    fn a_range_cuts_blocks() {
        let entry = block(0, 0, 600, 1_000);
        let (from, to) = (START + 60 * MINUTE, START + 70 * MINUTE);
        let chart = Chart::new(&[&entry], from, to, 81).unwrap();
        assert_eq!((chart.start, chart.step), (from, 30 * SECOND));
        assert_eq!(chart.density.len(), 21);
    }

    #[test]
    fn absurd_times_do_not_break_the_chart() {
        let mut entry = block(0, 0, 0, 1);
        entry.min_start_unix_nanos = 0;
        entry.max_end_unix_nanos = u64::MAX;
        let text = drawn(&[entry], true);
        assert!(text.contains("a column is 8192d"), "{text}");
    }
}

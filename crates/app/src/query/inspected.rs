//! What a search looked at, in words: `spandrel query --explain`.
//!
//! The figures are those of the server; what another server than Spandrel does not tell is 0.

use spandrel_proto::tempo::SearchMetrics;

/// One line per kind of thing that was looked at or not.
pub(crate) fn render(metrics: &SearchMetrics) -> String {
    let more = |name: &str| metrics.additional_metrics.get(name).copied().unwrap_or_default();
    let blocks = u64::from(metrics.total_blocks);
    let row_groups = more("rowGroupsInspected") + more("rowGroupsSkipped");
    let lines = [
        ("blocks in the time range", format!("{blocks} ({})", bytes(metrics.total_block_bytes))),
        ("  out of the range", more("blocksOutOfRange").to_string()),
        ("  not reached, before or behind the answer", more("blocksNotReached").to_string()),
        ("row groups of opened blocks", row_groups.to_string()),
        ("  ruled out by the filter of values", more("rowGroupsSkippedByFilter").to_string()),
        ("  ruled out by statistics", more("rowGroupsSkippedByStatistics").to_string()),
        ("  read", more("rowGroupsInspected").to_string()),
        ("live runs read", more("liveRunsInspected").to_string()),
        ("spans in what was read", metrics.inspected_spans.to_string()),
        ("bytes of columns", bytes(metrics.inspected_bytes)),
        ("traces that lie in several places", more("splitTraces").to_string()),
        ("candidate traces read whole", metrics.inspected_traces.to_string()),
    ];
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or_default();
    lines.iter().map(|(label, value)| format!("{label:width$}  {value}\n")).collect()
}

fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..1_048_576 => format!("{} KiB", count / 1024),
        _ => format!("{} MiB", count / 1_048_576),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::*;

    #[test]
    fn every_figure_has_a_line() {
        let more = [
            ("rowGroupsInspected", 1),
            ("rowGroupsSkipped", 41),
            ("rowGroupsSkippedByFilter", 40),
            ("rowGroupsSkippedByStatistics", 1),
            ("blocksOutOfRange", 7),
            ("blocksNotReached", 2),
            ("liveRunsInspected", 3),
            ("splitTraces", 5),
        ];
        let metrics = SearchMetrics {
            inspected_traces: 1,
            inspected_bytes: 70_000,
            total_blocks: 44,
            total_block_bytes: 5_000_000,
            inspected_spans: 900,
            additional_metrics: BTreeMap::from(more.map(|(name, count)| (name.to_owned(), count))),
            ..SearchMetrics::default()
        };
        expect![[r#"
            blocks in the time range                    44 (4 MiB)
              out of the range                          7
              not reached, before or behind the answer  2
            row groups of opened blocks                 42
              ruled out by the filter of values         40
              ruled out by statistics                   1
              read                                      1
            live runs read                              3
            spans in what was read                      900
            bytes of columns                            68 KiB
            traces that lie in several places           5
            candidate traces read whole                 1
        "#]]
        .assert_eq(&render(&metrics));
    }
}

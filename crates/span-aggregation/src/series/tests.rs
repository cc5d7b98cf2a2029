//! Limits, deltas and expiry against what they promise.

use proptest::prelude::*;

use super::*;

fn settings() -> TableSettings {
    TableSettings {
        histograms: vec![Buckets::Explicit(Arc::from([1.0, 10.0]))],
        cardinality_limit: 0,
        exemplars_max: 0,
        temporality: Temporality::Cumulative,
        expiration_nanos: 0,
    }
}

fn table(settings: TableSettings) -> SeriesTable<String> {
    SeriesTable::new(Arc::new(settings), &MemoryBudget::unlimited())
}

fn record(table: &mut SeriesTable<String>, key: &str, value: f64, unix_nanos: u64) {
    let exemplar = Exemplar::new(&[7; 16], &[9; 8], value, unix_nanos);
    let observation =
        Observation { values: &[value], adjusted_count: None, amount: 0, exemplar, unix_nanos };
    table.record(key.as_bytes(), &observation, || key.to_owned());
}

/// Every series as "label count [start]", sorted.
fn shown(table: &SeriesTable<String>) -> Vec<String> {
    let mut lines: Vec<_> = table
        .iter()
        .map(|(labels, series)| {
            let label = match labels {
                SeriesLabels::Own(label) => label.as_str(),
                SeriesLabels::Overflow => "overflow",
            };
            format!("{label} {} [{}]", series.count, series.start_unix_nanos)
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn what_exceeds_the_limit_goes_into_the_overflow_series() {
    let mut table = table(TableSettings { cardinality_limit: 2, ..settings() });
    for key in ["a", "b", "c", "a", "d"] {
        record(&mut table, key, 5.0, 1);
    }
    assert_eq!(shown(&table), ["a 2 [1]", "b 1 [1]", "overflow 2 [1]"]);
    assert_eq!(table.len(), 3);
}

#[test]
fn without_memory_for_another_series_the_sum_stays_right() {
    let budget = MemoryBudget::new("test", 2000);
    let mut table = SeriesTable::new(Arc::new(settings()), &budget);
    for key in ["a", "b", "c", "d", "e"] {
        record(&mut table, key, 5.0, 1);
    }
    assert!(table.len() < 5 && budget.used() <= 2000, "{:?}", shown(&table));
    assert_eq!(table.iter().map(|(_, series)| series.count).sum::<u64>(), 5);
    drop(table);
    assert_eq!(budget.used(), 0);
}

#[test]
fn cumulative_series_end_after_their_expiration() {
    let mut table = table(TableSettings { expiration_nanos: 10, exemplars_max: 1, ..settings() });
    record(&mut table, "a", 1.0, 100);
    record(&mut table, "b", 1.0, 105);
    record(&mut table, "b", 1.0, 106);
    assert_eq!(table.iter().map(|(_, series)| series.exemplars.len()).sum::<usize>(), 2);
    table.end_interval(110);
    assert_eq!(shown(&table), ["b 2 [105]"]);
    assert!(table.iter().all(|(_, series)| series.exemplars.is_empty()));
    table.end_interval(115);
    assert_eq!(shown(&table), ["b 2 [105]"]);
    table.end_interval(116);
    assert!(table.is_empty());
}

#[test]
fn series_that_end_are_named_and_their_memory_is_free() {
    let budget = MemoryBudget::new("test", 1 << 20);
    let mut table = SeriesTable::new(Arc::new(settings()), &budget);
    record(&mut table, "a", 1.0, 100);
    record(&mut table, "b", 1.0, 105);
    let both = budget.used();
    assert_eq!(table.take_expired(200, 0), [""; 0]);
    assert_eq!(table.take_expired(110, 10), ["a"]);
    assert_eq!((table.len(), budget.used()), (1, both / 2));
}

#[test]
fn deltas_begin_where_the_last_interval_ended() {
    let temporality = Temporality::Delta { idle_max: 1 };
    let mut table = table(TableSettings { temporality, ..settings() });
    record(&mut table, "a", 1.0, 10);
    record(&mut table, "a", 1.0, 11);
    assert_eq!(shown(&table), ["a 2 [10]"]);
    table.end_interval(20);
    assert!(table.is_empty());
    record(&mut table, "a", 1.0, 25);
    record(&mut table, "b", 1.0, 26);
    assert_eq!(shown(&table), ["a 1 [20]", "b 1 [26]"]);
    // One of both is remembered, the other begins anew.
    table.end_interval(30);
    record(&mut table, "a", 1.0, 31);
    record(&mut table, "b", 1.0, 31);
    let starts: Vec<_> = shown(&table).iter().map(|line| line.contains("[30]")).collect();
    assert_eq!(starts.iter().filter(|kept| **kept).count(), 1);
}

#[test]
fn the_limit_of_deltas_is_for_one_interval() {
    let temporality = Temporality::Delta { idle_max: 10 };
    let mut table = table(TableSettings { temporality, cardinality_limit: 1, ..settings() });
    record(&mut table, "a", 1.0, 10);
    table.end_interval(20);
    record(&mut table, "b", 1.0, 21);
    record(&mut table, "a", 1.0, 22);
    assert_eq!(shown(&table), ["b 1 [21]", "overflow 1 [22]"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn adjusted_counts_add_up(counts in proptest::collection::vec(1.0..1000.0_f64, 1..50)) {
        let mut table = table(settings());
        for count in &counts {
            let observation = Observation {
                values: &[2.0],
                adjusted_count: Some(*count),
                amount: 3,
                exemplar: None,
                unix_nanos: 1,
            };
            table.record(b"a", &observation, String::new);
        }
        let (_, series) = table.iter().next().unwrap();
        let sum: f64 = counts.iter().sum();
        prop_assert!((series.count as f64 - sum).abs() < 1.0 + 1e-6);
        let Histogram::Explicit(histogram) = &series.histograms[0] else { unreachable!() };
        prop_assert_eq!(&histogram.counts, &vec![0, series.count, 0]);
        prop_assert_eq!(histogram.count, series.count);
    }
}

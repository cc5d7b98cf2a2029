//! Which attributes tell a selection of spans from the rest: by evidence, not by the raw difference of shares, so that
//! a handful of spans wins nothing.
//!
//! An attribute is a table: for each of its values the spans of the selection and of the baseline, and as one value
//! more those that lack it. Evidence is the G of that table (twice the log likelihood ratio against "both sides are
//! alike"), less what as many values give by chance.

use hashbrown::HashMap;

/// Spans on both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sides {
    /// Those that are selected.
    pub selection: u64,
    /// Those that are not.
    pub baseline: u64,
}

impl Sides {
    /// All of them.
    pub fn sum(self) -> u64 {
        self.selection + self.baseline
    }

    /// These without some of them.
    #[must_use]
    pub fn without(self, some: Self) -> Self {
        Self {
            selection: self.selection.saturating_sub(some.selection),
            baseline: self.baseline.saturating_sub(some.baseline),
        }
    }
}

impl std::ops::AddAssign for Sides {
    fn add_assign(&mut self, more: Self) {
        self.selection += more.selection;
        self.baseline += more.baseline;
    }
}

/// The spans that have one value of an attribute, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueSpans {
    /// How many.
    pub spans: Sides,
    /// Which: equal for equal sets of spans.
    pub mark: u64,
}

/// What a table says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evidence {
    /// How strongly the attribute tells the sides apart; 0 when it does not.
    pub score: f64,
    /// How many times as frequent the value that speaks most for the selection is there as in the baseline.
    pub lift: f64,
    /// The values by what they contribute, the strongest first.
    pub by_contribution: Vec<usize>,
}

impl Evidence {
    /// Of a table with these values out of all spans `total`; what is in none of them lacks the attribute.
    pub fn of(values: &[Sides], total: Sides) -> Self {
        let mut present = Sides::default();
        values.iter().for_each(|value| present += *value);
        let absent = total.without(present);
        let rows = || values.iter().copied().chain([absent]).filter(|row| row.sum() > 0);
        let n_rows = rows().count();
        if n_rows < 2 || total.selection == 0 || total.baseline == 0 {
            let by_contribution = by_descending(values, total, |value| value.sum() as f64);
            return Self { score: 0.0, lift: 1.0, by_contribution };
        }
        let free = (n_rows - 1) as f64;
        let whole: f64 = rows().map(|row| part(row, total)).sum::<f64>() - 2.0 * free;
        let single = |row: Sides| part(row, total) + part(total.without(row), total);
        let best = rows().map(single).fold(0.0, f64::max) - 2.0 * (1.0 + free.ln());
        let top = rows().filter(|row| ratio(*row, total) > 1.0);
        let top = top.max_by(|a, b| single(*a).total_cmp(&single(*b)));
        Self {
            score: whole.max(best).max(0.0),
            lift: top.map_or(1.0, |row| ratio(row, total)),
            by_contribution: by_descending(values, total, single),
        }
    }
}

/// Numbers of the values, those with the greatest weight first. Of two values each tells as much as the other: then the
/// one that speaks for the selection comes first.
fn by_descending(values: &[Sides], total: Sides, weight: impl Fn(Sides) -> f64) -> Vec<usize> {
    // Rounded, since the same sum in another order is not quite the same.
    let weighed = values.iter().map(|row| ((weight(*row) * 1e6).round(), ratio(*row, total)));
    let mut weighed: Vec<_> = weighed.zip(0..).collect();
    weighed.sort_by(|((a, a_ratio), _), ((b, b_ratio), _)| {
        b.total_cmp(a).then(b_ratio.total_cmp(a_ratio))
    });
    weighed.into_iter().map(|(_, number)| number).collect()
}

/// What a row of a table adds to its G.
fn part(row: Sides, total: Sides) -> f64 {
    let share = row.sum() as f64 / total.sum() as f64;
    let cell = |n: u64, all: u64| {
        let expected = all as f64 * share;
        if n == 0 { 0.0 } else { 2.0 * n as f64 * (n as f64 / expected).ln() }
    };
    cell(row.selection, total.selection) + cell(row.baseline, total.baseline)
}

/// The share of the selection by that of the baseline. Half a span more on each side keeps it finite.
fn ratio(row: Sides, total: Sides) -> f64 {
    let share = |n: u64, all: u64| (n as f64 + 0.5) / (all as f64 + 1.0);
    share(row.selection, total.selection) / share(row.baseline, total.baseline)
}

/// Whether the values of an attribute are hardly ever shared, as those of an id.
pub fn is_id_like(n_values: usize, n_spans: u64) -> bool {
    n_spans > 20 && n_values as f64 > 0.9 * n_spans as f64
}

/// Attributes that cut the spans into the same sets, whatever their values are called: for each of them the first one
/// that does. `mark` is of all spans.
pub fn first_alike<'a>(
    attributes: impl Iterator<Item = &'a [ValueSpans]>,
    mark: u64,
) -> Vec<usize> {
    let mut known: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut firsts = Vec::new();
    for (number, values) in attributes.enumerate() {
        let absent = values.iter().fold(mark, |left, value| left.wrapping_sub(value.mark));
        let mut sets: Vec<u64> = values.iter().map(|value| value.mark).chain([absent]).collect();
        sets.retain(|set| *set != 0);
        sets.sort_unstable();
        firsts.push(*known.entry(sets).or_insert(number));
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sides(selection: u64, baseline: u64) -> Sides {
        Sides { selection, baseline }
    }

    const TOTAL: Sides = Sides { selection: 100, baseline: 10_000 };

    #[test]
    fn the_value_that_was_planted_comes_first() {
        let planted = Evidence::of(&[sides(3, 9_000), sides(92, 11), sides(5, 989)], TOTAL);
        let alike = Evidence::of(&[sides(50, 5_000), sides(50, 5_000)], TOTAL);
        let few = Evidence::of(&[sides(1, 0), sides(99, 10_000)], TOTAL);
        assert!(planted.score > 500.0, "{planted:?}");
        assert_eq!(planted.by_contribution[0], 1);
        assert!((planted.lift - 92.5 / 101.0 / (11.5 / 10_001.0)).abs() < 1e-9, "{planted:?}");
        assert!(alike.score.abs() < 1e-9, "{alike:?}");
        let two = Evidence::of(&[sides(8, 9_000), sides(92, 1_000)], TOTAL);
        assert_eq!(two.by_contribution, [1, 0], "what speaks for the selection");
        // A difference of one percent that is one span.
        assert!(few.score > 0.0 && few.score < 10.0, "{few:?}");
    }

    #[test]
    fn lacking_an_attribute_counts_as_a_value() {
        // One value, and only on selected spans.
        let only_there = Evidence::of(&[sides(90, 0)], TOTAL);
        assert!(only_there.score > 500.0 && only_there.lift > 1000.0, "{only_there:?}");
        let missing_there = Evidence::of(&[sides(0, 9_990)], TOTAL);
        assert!(missing_there.score > 500.0 && missing_there.lift > 500.0, "{missing_there:?}");
        assert!(Evidence::of(&[TOTAL], TOTAL).score.abs() < 1e-9, "everybody has it");
    }

    #[test]
    fn it_is_g_of_the_table_less_two_for_each_value_more() {
        let table = Evidence::of(&[sides(30, 10)], sides(40, 40));
        let expected = |n: f64, e: f64| 2.0 * n * (n / e).ln();
        let g = expected(30.0, 20.0)
            + expected(10.0, 20.0)
            + expected(10.0, 20.0)
            + expected(30.0, 20.0);
        assert!((table.score - (g - 2.0)).abs() < 1e-9, "{table:?}");
    }

    #[test]
    fn many_values_are_no_evidence_and_do_not_hide_one() {
        // A thousand values, of which each has its fair share of spans, and chance decides where the few lie.
        let noise: Vec<Sides> = (0..1000).map(|n| sides(u64::from(n % 10 == 0), 10)).collect();
        assert!(Evidence::of(&noise, TOTAL).score < 20.0);
        let mut one: Vec<Sides> = (0..999).map(|n| sides(u64::from(n % 50 == 0), 10)).collect();
        one.push(sides(80, 10));
        let found = Evidence::of(&one, TOTAL);
        assert!(found.score > 300.0, "{}", found.score);
        assert_eq!(found.by_contribution[0], 999);
    }

    #[test]
    fn attributes_that_cut_alike_are_found_whatever_their_values() {
        let value = |mark| ValueSpans { mark, ..ValueSpans::default() };
        let attributes = [
            vec![value(7), value(20)],
            vec![value(3)],
            // The same two sets in another order.
            vec![value(20), value(7)],
            // One set has the attribute, the other one lacks it.
            vec![value(20)],
            vec![value(24)],
        ];
        let firsts = first_alike(attributes.iter().map(Vec::as_slice), 27);
        assert_eq!(firsts, [0, 1, 0, 0, 1]);
        assert!(is_id_like(95, 100) && !is_id_like(90, 100) && !is_id_like(20, 20));
    }
}

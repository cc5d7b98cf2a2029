//! The attribute directory: which keys the block's spans have, of which types, with which values.
//!
//! Every key of the block is in it, so a key that it does not have occurs on no span. Values are
//! listed only as far as they are few: [`TypeSummary::complete`] says whether the list is all of
//! them. Entries stand in the order of (scope, key).

use spandrel_model::AttributeScope;

use super::IndexError;
use super::attribute_codec;
use super::oversized::Oversized;
use super::wire::Cursor;

/// How many values of one key and type are listed.
pub const TOP_VALUES_MAX: usize = 64;
/// Longer texts are not listed.
pub const LISTED_TEXT_BYTES_MAX: usize = 256;
/// The texts listed for one key have at most so many bytes together.
pub const LISTED_BYTES_MAX: usize = 4096;

/// One key of one scope.
#[derive(Debug, Clone, PartialEq)]
pub struct AttributeEntry {
    /// What the attribute is attached to.
    pub scope: AttributeScope,
    /// The key.
    pub key: Box<str>,
    /// One for each type that occurs, in the order of [`Values`].
    pub types: Vec<TypeSummary>,
}

/// The values of one type under one key.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeSummary {
    /// How many values there are: spans, or events or links for their scopes.
    pub count: u64,
    /// Whether the values have a typed column in this block; otherwise they lie in the residual one.
    /// Oversized values of spans, resources and scopes lie in neither.
    pub column: bool,
    /// How many different values there are.
    pub distinct: u64,
    /// Whether `distinct` is exact; otherwise there are at least so many.
    pub distinct_exact: bool,
    /// Whether the values listed are all there are.
    pub complete: bool,
    /// How large the oversized ones are, of which `count` counts every one; `None` when there is none.
    pub oversized: Option<Oversized>,
    /// What the values are.
    pub values: Values,
}

impl AttributeEntry {
    /// The oversized values of all types; `None` when there is none. A sender whose attributes have many wastes
    /// space and network.
    pub fn oversized(&self) -> Option<Oversized> {
        let types = self.types.iter().filter_map(|summary| summary.oversized);
        types.reduce(Oversized::merge)
    }
}

/// Values by type. Listed values have their counts and stand with the most frequent first, equally
/// frequent ones in the order of the values.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Texts.
    Strings(Vec<(Box<str>, u64)>),
    /// Integers.
    Ints {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// The most frequent.
        top: Vec<(i64, u64)>,
    },
    /// Floats.
    Doubles {
        /// The least and the greatest, NaN left out; `None` when all are NaN.
        range: Option<(f64, f64)>,
    },
    /// Truth values.
    Bools(Vec<(bool, u64)>),
    /// Arrays, maps, bytes and empty values.
    Others,
}

impl Values {
    /// The place of the type in the order of types.
    pub(super) fn type_number(&self) -> u8 {
        match self {
            Self::Strings(_) => 0,
            Self::Ints { .. } => 1,
            Self::Doubles { .. } => 2,
            Self::Bools(_) => 3,
            Self::Others => 4,
        }
    }
}

impl TypeSummary {
    /// Of texts with how often each occurs, each text once and no count zero.
    pub fn strings<'a>(counts: impl IntoIterator<Item = (&'a str, u64)>, column: bool) -> Self {
        let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
        let (count, distinct) = (counts.iter().map(|(_, n)| n).sum(), counts.len());
        keep_top(&mut counts);
        let mut bytes = 0;
        counts.retain(|(text, _)| {
            let fits =
                text.len() <= LISTED_TEXT_BYTES_MAX && bytes + text.len() <= LISTED_BYTES_MAX;
            bytes += if fits { text.len() } else { 0 };
            fits
        });
        let listed: Vec<_> = counts.into_iter().map(|(text, n)| (text.into(), n)).collect();
        Self::exact(count, distinct, listed.len(), column, Values::Strings(listed))
    }

    /// Of all values of integers, one for each span, in any order; they are sorted. `None` when there
    /// is none.
    pub fn ints(values: &mut [i64], column: bool) -> Option<Self> {
        values.sort_unstable();
        let (&min, &max) = (values.first()?, values.last()?);
        let runs = values.chunk_by(|a, b| a == b);
        let mut top: Vec<_> =
            runs.filter_map(|run| run.first().map(|&value| (value, run.len() as u64))).collect();
        let distinct = top.len();
        keep_top(&mut top);
        let listed = top.len();
        let values_listed = Values::Ints { min, max, top };
        Some(Self::exact(values.len() as u64, distinct, listed, column, values_listed))
    }

    /// Of all values of floats, one for each span, in any order; they are sorted. `None` when there
    /// is none. No value is listed.
    pub fn doubles(values: &mut [f64], column: bool) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let distinct = values.chunk_by(|a, b| a.to_bits() == b.to_bits()).count();
        // NaN sorts before the least and behind the greatest number, by its sign.
        let min = values.iter().copied().find(|value| !value.is_nan());
        let max = values.iter().copied().rfind(|value| !value.is_nan());
        let summary = Values::Doubles { range: min.zip(max) };
        (!values.is_empty()).then(|| Self::exact(values.len() as u64, distinct, 0, column, summary))
    }

    /// Of truth values, by how many are false and how many true. `None` when there is none.
    pub fn bools(n_false: u64, n_true: u64, column: bool) -> Option<Self> {
        let mut top = vec![(false, n_false), (true, n_true)];
        top.retain(|&(_, n)| n > 0);
        keep_top(&mut top);
        let listed = top.len();
        let values = Values::Bools(top);
        (listed > 0).then(|| Self::exact(n_false + n_true, listed, listed, column, values))
    }

    /// Of values that have no type of their own here. `count` is at least 1.
    pub fn others(count: u64, column: bool) -> Self {
        let values = Values::Others;
        Self {
            count,
            column,
            distinct: 1,
            distinct_exact: false,
            complete: false,
            oversized: None,
            values,
        }
    }

    fn exact(count: u64, distinct: usize, listed: usize, column: bool, values: Values) -> Self {
        let (complete, distinct) = (listed == distinct, distinct as u64);
        let oversized = None;
        Self { count, column, distinct, distinct_exact: true, complete, oversized, values }
    }
}

/// Keeps the most frequent values, in the order that [`Values`] promises.
fn keep_top<T: Ord + Copy>(counts: &mut Vec<(T, u64)>) {
    let most_frequent_first =
        |a: &(T, u64), b: &(T, u64)| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0));
    if counts.len() > TOP_VALUES_MAX {
        counts.select_nth_unstable_by(TOP_VALUES_MAX, most_frequent_first);
        counts.truncate(TOP_VALUES_MAX);
    }
    counts.sort_unstable_by(most_frequent_first);
}

/// All keys of the block's spans.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AttributeDirectory {
    entries: Vec<AttributeEntry>,
}

impl AttributeDirectory {
    /// The directory of `entries`, in any order; no two have one scope and key.
    pub fn new(mut entries: Vec<AttributeEntry>) -> Self {
        for entry in &mut entries {
            entry.types.sort_by_key(|summary| summary.values.type_number());
        }
        entries.sort_by(|a, b| (a.scope, &a.key).cmp(&(b.scope, &b.key)));
        Self { entries }
    }

    /// The entry of a key; `None` means that no span of the block has it.
    pub fn find(&self, scope: AttributeScope, key: &str) -> Option<&AttributeEntry> {
        let at = self
            .entries
            .binary_search_by(|entry| (entry.scope, entry.key.as_ref()).cmp(&(scope, key)))
            .ok()?;
        self.entries.get(at)
    }

    /// All entries in the order of (scope, key).
    pub fn entries(&self) -> &[AttributeEntry] {
        &self.entries
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        attribute_codec::encode(&self.entries, out);
    }

    pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Self, IndexError> {
        let entries = attribute_codec::decode(cursor)?;
        if !entries.is_sorted_by(|a, b| (a.scope, &a.key) < (b.scope, &b.key)) {
            return Err(cursor.corrupt("keys are out of order"));
        }
        Ok(Self { entries })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_values_come_first_and_ties_by_value() {
        let summary = TypeSummary::strings([("b", 2), ("c", 9), ("a", 2)], true);
        let top = [("c", 9), ("a", 2), ("b", 2)].map(|(text, n)| (text.into(), n)).into();
        assert_eq!(
            summary,
            TypeSummary {
                count: 13,
                column: true,
                distinct: 3,
                distinct_exact: true,
                complete: true,
                oversized: None,
                values: Values::Strings(top),
            }
        );
    }

    #[test]
    fn too_many_values_are_cut_and_said_to_be_cut() {
        let mut ints: Vec<i64> = (0..65).chain([64]).collect();
        let summary = TypeSummary::ints(&mut ints, false).unwrap();
        assert_eq!((summary.count, summary.distinct, summary.complete), (66, 65, false));
        let mut top = vec![(64, 2)];
        top.extend((0..63).map(|i| (i, 1)));
        assert_eq!(summary.values, Values::Ints { min: 0, max: 64, top });
    }

    #[test]
    fn long_texts_are_not_listed() {
        let long = "x".repeat(LISTED_TEXT_BYTES_MAX + 1);
        let summary = TypeSummary::strings([(long.as_str(), 5), ("y", 1)], true);
        assert!(!summary.complete);
        assert_eq!(summary.values, Values::Strings(vec![("y".into(), 1)]));
        let texts: Vec<String> = (0..30).map(|i| format!("{i:0>200}")).collect();
        let summary = TypeSummary::strings(texts.iter().map(|text| (text.as_str(), 1)), true);
        let Values::Strings(listed) = &summary.values else { panic!("{summary:?}") };
        assert_eq!((listed.len(), summary.complete), (LISTED_BYTES_MAX / 200, false));
    }

    #[test]
    fn the_range_of_floats_leaves_nan_out() {
        let range = |values: &mut [f64]| TypeSummary::doubles(values, true).map(|s| s.values);
        let nan = f64::NAN;
        assert_eq!(
            range(&mut [nan, 2.0, -1.5, -nan]),
            Some(Values::Doubles { range: Some((-1.5, 2.0)) })
        );
        assert_eq!(range(&mut [nan]), Some(Values::Doubles { range: None }));
        assert_eq!(range(&mut []), None);
    }

    #[test]
    fn keys_are_found_by_scope() {
        let entry = |scope, key: &str| AttributeEntry {
            scope,
            key: key.into(),
            types: vec![TypeSummary::others(1, false), TypeSummary::strings([("v", 1)], true)],
        };
        let directory = AttributeDirectory::new(vec![
            entry(AttributeScope::Resource, "b"),
            entry(AttributeScope::Span, "b"),
            entry(AttributeScope::Span, "a"),
        ]);
        let found = directory.find(AttributeScope::Span, "b").unwrap();
        assert_eq!((found.scope, found.key.as_ref()), (AttributeScope::Span, "b"));
        assert!(matches!(found.types[0].values, Values::Strings(_)), "types are in order");
        assert_eq!(directory.find(AttributeScope::Resource, "a"), None);
        let keys: Vec<_> =
            directory.entries().iter().map(|entry| (entry.scope, &*entry.key)).collect();
        assert_eq!(
            keys,
            [
                (AttributeScope::Span, "a"),
                (AttributeScope::Span, "b"),
                (AttributeScope::Resource, "b")
            ]
        );
    }
}

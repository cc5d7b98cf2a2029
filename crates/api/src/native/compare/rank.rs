//! Counts to findings: the attributes that tell most first, those that say the same as one.

use spandrel_insight::{Evidence, Sides, ValueSpans, first_alike, is_id_like};
use spandrel_series::{AttributeCounts, ComparisonCounts, SpanCounts};
use spandrel_traceql::{Attribute, FieldExpr, Scope, Static};

use super::AttributeJson;
use super::values::{is_absent, value_json};

/// Values of an attribute.
const VALUES: usize = 10;

/// The attributes, one for all that cut the spans into the same sets. First come those that are news: neither what
/// was selected by, nor ids; within that by score.
pub(super) fn rank(counts: ComparisonCounts, selection: &FieldExpr) -> Vec<AttributeJson> {
    let all = counts.all;
    let mut tables: Vec<Table> =
        counts.attributes.into_iter().map(|counts| Table::of(counts, selection)).collect();
    // The first one of those that are alike names them all.
    tables.sort_by(|a, b| {
        let order = |table: &Table| (table.is_cut(), table.id_like, table.name.len());
        order(a).cmp(&order(b)).then_with(|| a.name.cmp(&b.name))
    });
    let n_whole = tables.iter().take_while(|table| !table.is_cut()).count();
    let firsts = first_alike(tables.iter().take(n_whole).map(|t| t.spans.as_slice()), all.mark);
    let mut found: Vec<AttributeJson> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    for (number, table) in tables.into_iter().enumerate() {
        let first = firsts.get(number).copied().filter(|first| *first < number);
        match first.and_then(|first| places.get(first)).copied() {
            Some(place) => {
                let known = &mut found[place];
                known.of_selection |= table.of_selection;
                known.same_as.push(table.name);
                places.push(place);
            }
            None => {
                places.push(found.len());
                found.push(table.json(sides(all)));
            }
        }
    }
    found.sort_by(|a, b| {
        let told = |one: &AttributeJson| (one.of_selection, one.id_like);
        told(a).cmp(&told(b)).then(b.score.total_cmp(&a.score)).then_with(|| a.name.cmp(&b.name))
    });
    found
}

/// An attribute and the spans of its values.
struct Table {
    name: String,
    values: Vec<Static>,
    /// By value.
    spans: Vec<ValueSpans>,
    /// Spans of values that are too many to be told apart.
    others: Sides,
    id_like: bool,
    of_selection: bool,
}

impl Table {
    fn of(counts: AttributeCounts, selection: &FieldExpr) -> Self {
        let AttributeCounts { name, values, others } = counts;
        let others = sides(others);
        let told = values.into_iter().filter(|(value, _)| !is_absent(&name, value));
        let (values, spans): (Vec<Static>, Vec<ValueSpans>) =
            told.map(|(value, counts)| (value, value_spans(counts))).unzip();
        let n_spans = spans.iter().map(|value| value.spans.sum()).sum();
        Self {
            id_like: others.sum() > 0 || is_id_like(values.len(), n_spans),
            of_selection: selection.attributes().any(|attribute| is_named(attribute, &name)),
            name,
            values,
            spans,
            others,
        }
    }

    fn is_cut(&self) -> bool {
        self.others.sum() > 0
    }

    fn json(self, all: Sides) -> AttributeJson {
        let mut rows: Vec<Sides> = self.spans.iter().map(|value| value.spans).collect();
        if self.is_cut() {
            rows.push(self.others);
        }
        let evidence = Evidence::of(&rows, all);
        let mut present = Sides::default();
        rows.iter().for_each(|row| present += *row);
        let shown = evidence.by_contribution.iter().take(VALUES);
        let shown = shown.filter_map(|number| self.values.get(*number).zip(rows.get(*number)));
        let (mut other, mut values) = (present, Vec::new());
        for (value, spans) in shown {
            other = other.without(*spans);
            values.push(value_json(&self.name, value, *spans));
        }
        AttributeJson {
            name: self.name,
            score: evidence.score,
            lift: evidence.lift,
            id_like: self.id_like,
            of_selection: self.of_selection,
            same_as: Vec::new(),
            values,
            other: other.into(),
            absent: all.without(present).into(),
        }
    }
}

fn sides(counts: SpanCounts) -> Sides {
    Sides { selection: counts.selection, baseline: counts.baseline }
}

fn value_spans(counts: SpanCounts) -> ValueSpans {
    ValueSpans { spans: sides(counts), mark: counts.mark }
}

/// Whether a condition on this attribute is one on the attribute with that name.
fn is_named(attribute: &Attribute, name: &str) -> bool {
    match attribute {
        Attribute::Scoped { scope: Scope::None, parent: false, name: key } => {
            [Scope::Span, Scope::Resource]
                .into_iter()
                .any(|scope| Attribute::scoped(scope, key).to_string() == name)
        }
        attribute => attribute.to_string() == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::compare::SidesJson;

    fn text(text: &str) -> Static {
        Static::String(text.to_owned())
    }

    fn counts(selection: u64, baseline: u64, mark: u64) -> SpanCounts {
        SpanCounts { selection, baseline, mark }
    }

    fn attribute(name: &str, values: &[(&str, SpanCounts)]) -> AttributeCounts {
        let values = values.iter().map(|(value, spans)| (text(value), *spans)).collect();
        AttributeCounts { name: name.to_owned(), values, others: SpanCounts::default() }
    }

    #[test]
    fn what_was_planted_comes_first_with_its_twin() {
        let (good, bad) = (counts(8, 89, 1000), counts(92, 11, 23));
        let counts = ComparisonCounts {
            all: counts(100, 100, 1023),
            attributes: vec![
                attribute("resource.k8s.pod.name", &[("pod-1", good), ("pod-2", bad)]),
                attribute("span.flag", &[("on", counts(60, 0, 17))]),
                attribute("span.http.method", &[("GET", counts(100, 100, 1023))]),
                attribute("span.version", &[("good", good), ("bad", bad)]),
                attribute("statusMessage", &[("", counts(100, 100, 1023))]),
                attribute(
                    "status",
                    &[("error", counts(100, 0, 3)), ("unset", counts(0, 100, 1020))],
                ),
            ],
        };
        let selection = spandrel_traceql::compile("{ status = error }").unwrap();
        let found = rank(counts, selection.spanset_filter().unwrap());
        let names: Vec<_> = found.iter().map(|one| one.name.as_str()).collect();
        // Without a text and with the same one everywhere are the same.
        assert_eq!(names, ["span.version", "span.flag", "statusMessage", "status"]);
        assert_eq!(found[0].same_as, ["resource.k8s.pod.name"]);
        assert_eq!(found[0].values[0].text, "bad");
        assert_eq!((found[0].values[0].selection, found[0].values[0].baseline), (92, 11));
        assert_eq!(found[1].absent, SidesJson { selection: 40, baseline: 100 });
        assert!(found[0].score > found[1].score && found[1].score > 50.0, "{found:?}");
        assert_eq!(found[2].same_as, ["span.http.method"]);
        assert!(found[3].of_selection && !found[0].of_selection);
    }

    #[test]
    fn ten_values_are_told_and_the_rest_is_counted() {
        let names: Vec<String> = (0..30).map(|n| format!("v{n:02}")).collect();
        let values: Vec<_> =
            names.iter().zip(1..).map(|(name, n)| (name.as_str(), counts(n, 10, n))).collect();
        let sum = (1..=30).sum();
        let mut cut = attribute("span.id", &[]);
        cut.others = counts(sum, 290, 0);
        let all = counts(sum, 300, sum);
        let attributes = vec![attribute("span.a", &values), cut];
        let selection = spandrel_traceql::compile("{ .a = 1 }").unwrap();
        let found = rank(ComparisonCounts { all, attributes }, selection.spanset_filter().unwrap());
        let [id, a] = found.as_slice() else { panic!("{found:?}") };
        assert!(id.id_like && id.values.is_empty(), "{id:?}");
        assert_eq!(id.other, SidesJson { selection: sum, baseline: 290 });
        assert_eq!(id.absent, SidesJson { selection: 0, baseline: 10 });
        assert!(a.of_selection, "an attribute without scope is any of that name");
        assert_eq!(a.values.len(), 10);
        let told: u64 = a.values.iter().map(|value| value.selection).sum();
        assert_eq!(a.other, SidesJson { selection: sum - told, baseline: 200 });
    }
}

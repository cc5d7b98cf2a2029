//! The labels of a series, and their order.

use std::cmp::Ordering;
use std::fmt;

use spandrel_traceql::Static;

/// The label of a series whose query has no `by`: the name of the function.
pub(crate) const NAME: &str = "__name__";

/// One label.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Label {
    /// Its name: an attribute as it is written in a query, or a name with two underscores.
    pub name: String,
    /// Its value. Nil only where a series would have no label otherwise, and where `compare` tells of an attribute
    /// without telling of a value.
    pub value: Static,
}

/// Labels in the order of the query.
///
/// Ordered by how many there are, then by names and values; numbers by size.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Labels(pub Vec<Label>);

impl Labels {
    /// Labels from pairs of name and value.
    pub fn of<const N: usize>(pairs: [(&str, Static); N]) -> Self {
        Self(
            pairs.into_iter().map(|(name, value)| Label { name: name.to_owned(), value }).collect(),
        )
    }

    /// Adds a label at the end.
    #[must_use]
    pub fn with(mut self, name: &str, value: Static) -> Self {
        self.0.push(Label { name: name.to_owned(), value });
        self
    }

    /// The value of a label.
    pub fn get(&self, name: &str) -> Option<&Static> {
        self.0.iter().find(|label| label.name == name).map(|label| &label.value)
    }

    /// What series are joined by: the labels by name, without the name of the function.
    pub(crate) fn key(&self) -> Self {
        let mut key: Vec<Label> =
            self.0.iter().filter(|label| label.name != NAME).cloned().collect();
        key.sort_by(|a, b| a.name.cmp(&b.name));
        Self(key)
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        let pairs = || self.0.iter().zip(&other.0);
        let names = || pairs().map(|(a, b)| a.name.cmp(&b.name)).find(|order| order.is_ne());
        let values = || pairs().map(|(a, b)| order(&a.value, &b.value)).find(|order| order.is_ne());
        let by_number = self.0.len().cmp(&other.0.len());
        by_number.then_with(|| names().or_else(values).unwrap_or(Ordering::Equal))
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Labels {
    /// `{a="x", b=5}`, for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, label) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{}=", label.name)?;
            match &label.value {
                Static::String(text) => write!(f, "{text:?}")?,
                value => write!(f, "{value}")?,
            }
        }
        f.write_str("}")
    }
}

/// A total order of values: by type, then by value.
pub(crate) fn order(a: &Static, b: &Static) -> Ordering {
    match (a, b) {
        (Static::String(a), Static::String(b)) => a.cmp(b),
        (Static::Int(a), Static::Int(b)) | (Static::Duration(a), Static::Duration(b)) => a.cmp(b),
        (Static::Float(a), Static::Float(b)) => a.total_cmp(b),
        (Static::Bool(a), Static::Bool(b)) => a.cmp(b),
        (Static::Status(a), Static::Status(b)) => a.cmp(b),
        (Static::Kind(a), Static::Kind(b)) => a.cmp(b),
        _ => type_rank(a).cmp(&type_rank(b)).then_with(|| {
            let (a, b) = (a.elements(), b.elements());
            let pairs = a.iter().zip(&b).map(|(a, b)| order(a, b));
            pairs.into_iter().find(|order| order.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
        }),
    }
}

fn type_rank(value: &Static) -> u8 {
    match value {
        Static::Nil => 0,
        Static::String(_) => 1,
        Static::Int(_) => 2,
        Static::Float(_) => 3,
        Static::Duration(_) => 4,
        Static::Bool(_) => 5,
        Static::Status(_) => 6,
        Static::Kind(_) => 7,
        Static::StringArray(_) => 8,
        Static::IntArray(_) => 9,
        Static::FloatArray(_) => 10,
        Static::BoolArray(_) => 11,
        Static::Several(_) => 12,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_labels_come_first_then_names_then_values() {
        let text = |text: &str| Static::String(text.to_owned());
        let mut all = [
            Labels::of([("b", text("x")), ("p", Static::Float(0.9))]),
            Labels::of([("b", text("x")), ("p", Static::Float(0.5))]),
            Labels::of([("b", text("y"))]),
            Labels::of([("a", text("z"))]),
            Labels::of([("b", Static::Int(10))]),
            Labels::of([("b", Static::Int(9))]),
        ];
        all.sort();
        let shown: Vec<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["{a=\"z\"}", "{b=\"y\"}", "{b=9}", "{b=10}", "{b=\"x\", p=0.5}", "{b=\"x\", p=0.9}"]
        );
    }

    #[test]
    fn values_have_a_total_order() {
        let arrays = [vec![1, 2], vec![1], vec![2]].map(Static::IntArray);
        assert_eq!(order(&arrays[0], &arrays[1]), Ordering::Greater);
        assert_eq!(order(&arrays[0], &arrays[2]), Ordering::Less);
        assert_eq!(order(&Static::Nil, &Static::Int(0)), Ordering::Less);
        assert_eq!(order(&Static::Float(f64::NAN), &Static::Float(f64::NAN)), Ordering::Equal);
    }
}

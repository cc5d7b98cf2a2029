//! Oversized values of a row group, read only as far as a condition needs them.
//!
//! The directory knows how large the values of a key are, a small column knows it row by row, and many
//! conditions need no more: whether there is a value, or whether it equals a text of another length. What has
//! to be looked at is read piece by piece and forgotten when the condition has been decided.

use std::ops::Range;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use spandrel_block::index::{AttributeEntry, Oversized, Values};
use spandrel_block::schema::{oversized_column, oversized_sizes_column};
use spandrel_model::AttributeScope;
use spandrel_otlp::decode_key_value_list;
use spandrel_trace_values::find_attribute;
use spandrel_traceql::ast::{BinaryOp, UnaryOp};
use spandrel_traceql::{Attribute, FieldExpr, Scope, Static};

use super::block::Reader;
use crate::QueryError;
use crate::filter::{Layer, Leaf};

/// Bytes of pages that are held at a time. A dictionary, and a value, may be larger.
const PIECE_BYTES: u64 = 16 << 20;

/// What a condition has to know of an oversized text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Nothing: all of them pass, or none does.
    Nothing { passes: bool },
    /// The text if it has this length; otherwise nothing.
    TextOfLength { bytes: u64, others_pass: bool },
    /// The text.
    Text,
}

impl Needs {
    fn of(leaf: &Leaf) -> Self {
        let any_text = || leaf.passes(&Static::String(String::new()));
        let (op, literal) = match &leaf.expr {
            FieldExpr::Unary { op: UnaryOp::Exists | UnaryOp::NotExists, operand }
                if matches!(**operand, FieldExpr::Attribute(_)) =>
            {
                return Self::Nothing { passes: any_text() };
            }
            FieldExpr::Binary { op, lhs, rhs } if is_comparison(*op) => match (&**lhs, &**rhs) {
                (FieldExpr::Attribute(_), FieldExpr::Static(literal))
                | (FieldExpr::Static(literal), FieldExpr::Attribute(_)) => (*op, literal),
                _ => return Self::Text,
            },
            _ => return Self::Text,
        };
        match literal {
            Static::String(text) if matches!(op, BinaryOp::Equal | BinaryOp::NotEqual) => {
                let another = Static::String(format!("{text}."));
                let others_pass = leaf.passes(&another);
                Self::TextOfLength { bytes: text.len() as u64, others_pass }
            }
            // A text is neither equal to a value of these types nor on any side of it.
            Static::Int(_)
            | Static::Float(_)
            | Static::Duration(_)
            | Static::Bool(_)
            | Static::Status(_)
            | Static::Kind(_) => Self::Nothing { passes: any_text() },
            _ => Self::Text,
        }
    }

    /// Less, if no text has the length.
    fn among(self, texts: Oversized) -> Self {
        match self {
            Self::TextOfLength { bytes, others_pass }
                if !(texts.least_bytes..=texts.greatest_bytes).contains(&bytes) =>
            {
                Self::Nothing { passes: others_pass }
            }
            needs => needs,
        }
    }

    /// Whether a text of this size passes; `None` when it has to be looked at.
    fn passes(self, size: u64) -> Option<bool> {
        match self {
            Self::Nothing { passes } => Some(passes),
            Self::TextOfLength { bytes, others_pass } => (size != bytes).then_some(others_pass),
            Self::Text => None,
        }
    }
}

fn is_comparison(op: BinaryOp) -> bool {
    use BinaryOp::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    matches!(op, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}

impl Reader<'_> {
    /// Adds the oversized values of a key, in place of which whether they pass if all of it is for a leaf.
    pub(super) async fn oversized(
        &self,
        entry: &AttributeEntry,
        layer: &mut Layer,
    ) -> Result<(), QueryError> {
        let needs = self.leaf.map_or(Needs::Text, |leaf| self.needs(leaf, entry));
        if let (Needs::Nothing { passes }, Some(leaf)) = (needs, self.leaf)
            && passes == leaf.passes(&Static::Nil)
            && !self.hides_resource(leaf, entry)?
        {
            return Ok(());
        }
        let rows = self.sizes(entry).await?;
        let decided = rows.iter().filter_map(|(row, size)| Some((*row, needs.passes(*size)?)));
        layer.decided = decided.collect();
        let unknown = rows.iter().filter(|(_, size)| needs.passes(*size).is_none());
        let unknown: Vec<(u32, u64)> = unknown.copied().collect();
        let raw_bytes =
            self.block.file.raw_bytes(self.row_group, oversized_column(entry.scope)).max(1);
        let n_pieces = raw_bytes.div_ceil(PIECE_BYTES);
        let piece_bytes = rows.iter().map(|(_, size)| size).sum::<u64>().div_ceil(n_pieces);
        for piece in pieces(&unknown, piece_bytes) {
            self.look_at(piece, entry, layer).await?;
        }
        layer.others.sort_by_key(|(row, _)| *row);
        layer.decided.sort_unstable();
        Ok(())
    }

    fn needs(&self, leaf: &Leaf, entry: &AttributeEntry) -> Needs {
        let mut needs = Needs::of(leaf);
        for summary in &entry.types {
            match (&summary.values, summary.oversized) {
                (_, None) => {}
                (Values::Strings(_), Some(texts)) => needs = needs.among(texts),
                // An array stands for its elements, which may be anything.
                _ => return Needs::Text,
            }
        }
        needs
    }

    /// Whether a value of the resource may be hidden by one of the span.
    fn hides_resource(&self, leaf: &Leaf, entry: &AttributeEntry) -> Result<bool, QueryError> {
        let unscoped = matches!(&leaf.attribute, Attribute::Scoped { scope: Scope::None, .. });
        Ok(unscoped
            && entry.scope == AttributeScope::Span
            && self.block.attributes()?.find(AttributeScope::Resource, &entry.key).is_some())
    }

    /// The rows with an oversized value, ascending, and its size.
    async fn sizes(&self, entry: &AttributeEntry) -> Result<Vec<(u32, u64)>, QueryError> {
        let sizes = self.in_lists(oversized_sizes_column(entry.scope), &entry.key).await?;
        let size = |value| match value {
            Static::Int(size) => u64::try_from(size).ok(),
            _ => None,
        };
        Ok(sizes.into_iter().filter_map(|(row, value)| Some((row, size(value)?))).collect())
    }

    /// Reads the values of some rows, and decides or keeps them.
    async fn look_at(
        &self,
        rows: &[(u32, u64)],
        entry: &AttributeEntry,
        layer: &mut Layer,
    ) -> Result<(), QueryError> {
        let column = oversized_column(entry.scope);
        let batch = self.block.columns(self.row_group, [column], Some(&ranges(rows))).await?;
        let lists = batch.as_ref().and_then(|batch| batch.column_by_name(column));
        let Some(lists) = lists.and_then(|lists| lists.as_binary_view_opt()) else {
            return Ok(());
        };
        if self.leaf.is_some() {
            layer.not_kept_bytes += lists.get_array_memory_size();
        }
        // Rows that share a value point to the same bytes.
        let mut last: Option<(u128, Static, bool)> = None;
        for (i, (row, _)) in rows.iter().enumerate().take(lists.len()) {
            if lists.is_null(i) {
                continue;
            }
            let view = lists.views()[i];
            let (value, passes) = match &last {
                Some((known, value, passes)) if *known == view => (value, *passes),
                _ => {
                    let value = find_attribute(&decode_key_value_list(lists.value(i))?, &entry.key);
                    let passes = self.leaf.is_some_and(|leaf| leaf.passes(&value));
                    let (_, value, passes) = last.insert((view, value, passes));
                    (&*value, *passes)
                }
            };
            match self.leaf {
                _ if value.is_nil() => {}
                Some(_) => layer.decided.push((*row, passes)),
                None => layer.others.push((*row, value.clone())),
            }
        }
        Ok(())
    }
}

/// Divides rows so that the values of each piece have about so many bytes.
fn pieces(rows: &[(u32, u64)], piece_bytes: u64) -> impl Iterator<Item = &[(u32, u64)]> {
    let mut rest = rows;
    std::iter::from_fn(move || {
        let mut bytes = 0_u64;
        let fits = rest.iter().take_while(|(_, size)| {
            let fits = bytes < piece_bytes;
            bytes = bytes.saturating_add(*size);
            fits
        });
        let (piece, behind) = rest.split_at(fits.count().max(1).min(rest.len()));
        rest = behind;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The rows as ranges.
fn ranges(rows: &[(u32, u64)]) -> Vec<Range<u32>> {
    let adjacent = rows.chunk_by(|a, b| a.0 + 1 == b.0);
    adjacent.filter_map(|rows| Some(rows.first()?.0..rows.last()?.0 + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Node;

    fn needs(condition: &str) -> Needs {
        let query = spandrel_traceql::compile(&format!("{{ {condition} }}")).unwrap();
        match Node::compile(query.spanset_filter().unwrap(), true) {
            Node::Leaf(leaf) => Needs::of(&leaf),
            node => panic!("{node:?}"),
        }
    }

    #[test]
    fn a_condition_says_what_it_needs_of_a_text() {
        for (condition, passes) in [
            (".a != nil", true),
            (".a = nil", false),
            (".a = 5", false),
            (".a != 5", false),
            ("2.5 < .a", false),
            (".a = true", false),
            (".a >= 1s", false),
        ] {
            assert_eq!(needs(condition), Needs::Nothing { passes }, "{condition}");
        }
        let of_length = |bytes, others_pass| Needs::TextOfLength { bytes, others_pass };
        assert_eq!(needs(".a = `text`"), of_length(4, false));
        assert_eq!(needs("`text` != .a"), of_length(4, true));
        for condition in
            [".a < `text`", ".a =~ `.*`", ".a !~ `x`", ".a + 1 = 2", ".a", "(.a = 1) = .a"]
        {
            assert_eq!(needs(condition), Needs::Text, "{condition}");
        }
    }

    #[test]
    fn lengths_that_do_not_occur_need_nothing() {
        let texts = Oversized::of([2_000, 5_000]).unwrap();
        let needs = Needs::TextOfLength { bytes: 1_999, others_pass: true };
        assert_eq!(needs.among(texts), Needs::Nothing { passes: true });
        let needs = Needs::TextOfLength { bytes: 3_000, others_pass: true };
        assert_eq!(needs.among(texts), needs);
        assert_eq!((needs.passes(3_000), needs.passes(2_000)), (None, Some(true)));
    }

    #[test]
    fn pieces_cover_the_rows_in_order() {
        let rows: Vec<(u32, u64)> = (0..10).map(|row| (row * 2, 100)).collect();
        let lengths = |bytes| pieces(&rows, bytes).map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(250), [3, 3, 3, 1]);
        assert_eq!(lengths(1), [1; 10]);
        assert_eq!(lengths(5_000), [10]);
        assert_eq!(pieces(&[], 5).count(), 0);
        assert_eq!(ranges(&[(1, 0), (2, 0), (5, 0)]), [1..3, 5..6]);
    }
}

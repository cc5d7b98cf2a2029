//! Possibility: what a condition may do where its value is not known exactly.

use super::{Leaf, Node};
use spandrel_traceql::Static;

/// Whether a condition may hold, and whether it may fail, for some span. Both are over-estimated, so that
/// `!` can swap them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Possible {
    pub(crate) holds: bool,
    pub(crate) fails: bool,
}

impl Possible {
    pub(crate) const UNKNOWN: Self = Self { holds: true, fails: true };

    pub(crate) fn exactly(holds: bool) -> Self {
        Self { holds, fails: !holds }
    }

    /// For spans with this value; everything is possible where it cannot be computed.
    pub(crate) fn of(leaf: &Leaf, value: &Static) -> Self {
        leaf.try_passes(value).map_or(Self::UNKNOWN, Self::exactly)
    }

    pub(crate) fn or_else(self, other: Self) -> Self {
        Self { holds: self.holds || other.holds, fails: self.fails || other.fails }
    }
}

impl Node {
    /// What the filter may do, given what each of its leaves may do.
    pub(crate) fn possible<E>(
        &self,
        of_leaf: &mut impl FnMut(&Leaf) -> Result<Possible, E>,
    ) -> Result<Possible, E> {
        Ok(match self {
            Self::Const(value) => Possible::exactly(*value),
            Self::And(left, right) => {
                let (left, right) = (left.possible(of_leaf)?, right.possible(of_leaf)?);
                Possible { holds: left.holds && right.holds, fails: left.fails || right.fails }
            }
            Self::Or(left, right) => {
                let (left, right) = (left.possible(of_leaf)?, right.possible(of_leaf)?);
                Possible { holds: left.holds || right.holds, fails: left.fails && right.fails }
            }
            Self::Not(operand) => {
                let operand = operand.possible(of_leaf)?;
                Possible { holds: operand.fails, fails: operand.holds }
            }
            Self::Rows { .. } => Possible::UNKNOWN,
            Self::Leaf(leaf) => of_leaf(leaf)?,
        })
    }
}

//! The order of a search's answer, and positions in it.
//!
//! A position is the rank and the id of a trace. It is exclusive and does not move: traces that arrive later
//! come before or behind it by their own rank, and none that is behind it is left out or comes twice.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use spandrel_model::TraceId;

use crate::TraceMatch;

/// Which traces come first. Ties are by trace id, ascending.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchOrder {
    /// Those that start last.
    #[default]
    NewestFirst,
    /// Those that take longest.
    LongestFirst,
}

impl SearchOrder {
    /// Both.
    pub const ALL: [Self; 2] = [Self::NewestFirst, Self::LongestFirst];

    /// The word for it: what traces are ordered by.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewestFirst => "start",
            Self::LongestFirst => "duration",
        }
    }

    /// What a trace that was found is ordered by, descending.
    pub fn rank_of(self, found: &TraceMatch) -> i64 {
        let end = found.start_unix_nanos.saturating_add(found.duration_nanos);
        self.rank(found.start_unix_nanos, end)
    }

    /// The position behind a trace that was found.
    pub fn cursor_at(self, found: &TraceMatch) -> SearchCursor {
        SearchCursor { order: self, nanos: self.rank_of(found), trace_id: found.trace_id }
    }

    /// What a trace is ordered by, descending: its start or its duration, nanoseconds.
    pub(crate) fn rank(self, start: i64, end: i64) -> i64 {
        match self {
            Self::NewestFirst => start,
            Self::LongestFirst => end.saturating_sub(start),
        }
    }
}

/// A word that names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected start or duration")]
pub struct UnknownOrder;

impl FromStr for SearchOrder {
    type Err = UnknownOrder;

    fn from_str(word: &str) -> Result<Self, UnknownOrder> {
        Self::ALL.into_iter().find(|order| order.as_str() == word).ok_or(UnknownOrder)
    }
}

/// A position in an answer: right behind a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchCursor {
    /// The order that it is a position of.
    pub order: SearchOrder,
    /// Start of the trace as Unix nanoseconds, or its duration in nanoseconds.
    pub nanos: i64,
    /// The trace.
    pub trace_id: TraceId,
}

impl SearchCursor {
    /// Whether a trace lies behind.
    pub(crate) fn is_before(&self, rank: i64, trace_id: TraceId) -> bool {
        (Reverse(self.nanos), self.trace_id) < (Reverse(rank), trace_id)
    }
}

impl fmt::Display for SearchCursor {
    /// `start:1767225600000000000:0102...`, for URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.order.as_str(), self.nanos, self.trace_id)
    }
}

/// A text that is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected the cursor of an answer, such as start:1767225600000000000:<trace id>")]
pub struct InvalidCursor;

impl FromStr for SearchCursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let mut parts = text.split(':');
        let (Some(order), Some(nanos), Some(id), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidCursor);
        };
        Ok(Self {
            order: order.parse().map_err(|_unknown| InvalidCursor)?,
            nanos: nanos.parse().map_err(|_no_number| InvalidCursor)?,
            trace_id: TraceId::from_hex(id).map_err(|_no_id| InvalidCursor)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_texts() {
        let cursor = SearchCursor {
            order: SearchOrder::LongestFirst,
            nanos: -5,
            trace_id: TraceId([0xab; 16]),
        };
        let text = "duration:-5:abababababababababababababababab";
        assert_eq!(cursor.to_string(), text);
        assert_eq!(text.parse(), Ok(cursor));
        for wrong in ["", "duration:5", "length:5:ab", "start:x:ab", "start:5:xy", "start:5:ab:c"] {
            assert_eq!(wrong.parse::<SearchCursor>(), Err(InvalidCursor), "{wrong}");
        }
    }

    #[test]
    fn what_lies_behind_is_older_or_has_a_greater_id() {
        let at = |number: u8| TraceId([number; 16]);
        let cursor = SearchCursor { order: SearchOrder::NewestFirst, nanos: 10, trace_id: at(5) };
        for (rank, number, behind) in
            [(11, 9, false), (10, 4, false), (10, 5, false), (10, 6, true), (9, 1, true)]
        {
            assert_eq!(cursor.is_before(rank, at(number)), behind, "{rank} {number}");
        }
    }
}

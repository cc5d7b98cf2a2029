//! What can stand at a place of a query that somebody is typing: for editors.
//!
//! The grammar is followed loosely, so that a query with a mistake somewhere before the cursor can
//! still be completed at it. Everything takes time linear in the text and nothing fails.

mod candidate;
mod cursor;
mod place;

use std::ops::Range;

use crate::ast::BinaryOp;
use crate::attribute::{Attribute, Scope};
use crate::parser::MAX_QUERY_BYTES;

/// What can stand at a cursor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completion {
    /// The bytes of the text that a candidate replaces: the word at the cursor, empty between words.
    pub replaces: Range<usize>,
    /// What can stand there, the most likely first. Texts are those that begin with what stands
    /// between the start of the range and the cursor.
    pub candidates: Vec<Candidate>,
}

/// One thing, or one kind of things, that can stand at a cursor.
#[derive(Clone, Debug, PartialEq)]
pub enum Candidate {
    /// The names of the attributes of a scope, all of them for [`Scope::None`]. They replace the
    /// range when `prefixed`, where the scope stands before it already; else with their scope, as
    /// [`Attribute`] is displayed.
    AttributeNames {
        /// Of which scope.
        scope: Scope,
        /// Whether they are those of the parent span.
        parent: bool,
        /// Whether the scope is written already.
        prefixed: bool,
    },
    /// The values that an attribute has, as literals.
    AttributeValues {
        /// Which attribute.
        attribute: Attribute,
        /// The operator that it is compared with.
        op: BinaryOp,
    },
    /// A text of a fixed kind.
    Text {
        /// What kind.
        kind: TextKind,
        /// The text.
        text: String,
    },
}

/// What a text that can stand at a cursor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextKind {
    /// A field that every span has, such as `duration`.
    Intrinsic,
    /// What names begin with, such as `span.`.
    Scope,
    /// An operator.
    Operator,
    /// A function with its opening parenthesis.
    Function,
    /// A literal or another word of the language.
    Keyword,
    /// A brace, a parenthesis, a comma or a pipe.
    Bracket,
    /// The name of a hint, as in `with(most_recent=true)`.
    Hint,
}

/// What can stand at byte `cursor` of `text`. A cursor behind the end counts as at the end, one
/// within a character as before it.
#[must_use]
pub fn complete(text: &str, cursor: usize) -> Completion {
    let cursor = text.floor_char_boundary(cursor);
    let nothing = Completion { replaces: cursor..cursor, candidates: Vec::new() };
    if text.len() > MAX_QUERY_BYTES {
        return nothing;
    }
    let Some(word) = cursor::word_at(text, cursor) else { return nothing };
    let typed = text.get(word.range.start..cursor).unwrap_or_default();
    let candidates = match word.kind {
        cursor::WordKind::Name { scope, parent } => candidate::names(scope, parent, typed),
        cursor::WordKind::Literal => candidate::values(&place::before(&word.tokens)),
        cursor::WordKind::Plain => candidate::at(&place::before(&word.tokens), typed),
    };
    Completion { replaces: word.range, candidates }
}

//! YAML as go-yaml v3 reads it, with the place of every key and value.
//!
//! Only the first document is read. A key twice in a map is an error; `<<` merges; `yes` and `on` are texts; `0750`
//! and `0o750` are octal, `1_000` is a number. Keys are texts. Depth, the number of values and the length of texts
//! are bounded, aliases included.

mod compose;
mod scalar;

use std::sync::Arc;

use crate::problem::Problem;
use crate::value::Value;

pub(crate) use compose::compose;

/// The longest text that is read.
pub const TEXT_BYTES_MAX: usize = 8 << 20;
/// How deep lists and maps may be nested.
pub const DEPTH_MAX: usize = 100;

/// What is left of the room for values, over everything that one configuration takes in.
#[derive(Debug)]
pub(crate) struct Budget {
    values: usize,
    bytes: usize,
}

impl Budget {
    /// Room for one configuration: about a hundred times the largest ones there are.
    pub(crate) fn new() -> Self {
        Self { values: 500_000, bytes: 4 * TEXT_BYTES_MAX }
    }

    /// Takes room; an error when there is none left.
    pub(crate) fn take(&mut self, values: usize, bytes: usize) -> Result<(), String> {
        let left = (self.values.checked_sub(values), self.bytes.checked_sub(bytes));
        let (Some(values), Some(bytes)) = left else {
            return Err("the configuration is too large, with aliases and substitutions".to_owned());
        };
        *self = Self { values, bytes };
        Ok(())
    }
}

/// Reads the first document of a text; nothing is null.
///
/// # Errors
/// Where and why the text is no YAML.
pub fn parse(text: &str, file: &str) -> Result<Value, Problem> {
    compose(text, &Arc::from(file), &mut Budget::new())
}

/// Whether a plain scalar of this text would be a text.
pub(crate) fn is_text(text: &str) -> bool {
    matches!(scalar::resolve(text), crate::value::ValueKind::String(_))
}

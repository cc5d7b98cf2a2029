//! Regular expressions in RE2 syntax, as Go reads it, on the `regex` crate.
//!
//! ```
//! let pattern = spandrel_re2::Regex::new(r"^/users/(\d+)/{rest}")?;
//! assert_eq!(pattern.replace_all("/users/12/{rest}", "/users/<$1>"), "/users/<12>");
//! # Ok::<(), spandrel_re2::PatternError>(())
//! ```

mod pattern;
mod translate;

pub use pattern::{PatternError, Regex};
pub use translate::translate;

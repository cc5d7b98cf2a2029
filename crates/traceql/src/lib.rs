//! The TraceQL language: lexer, parser, types, validation, printing, evaluation of expressions.
//!
//! ```
//! use spandrel_traceql::{Attribute, Scope, compile};
//!
//! let query = compile("{ span.http.status_code >= 500 && duration > 2s }")?;
//! let filter = query.spanset_filter().expect("one spanset filter");
//! let first = filter.attributes().next();
//! assert_eq!(first, Some(&Attribute::scoped(Scope::Span, "http.status_code")));
//! assert_eq!(query.to_string(), "{ (span.http.status_code >= 500) && (duration > 2s) }");
//! # Ok::<(), spandrel_traceql::Error>(())
//! ```

pub mod ast;
mod attribute;
pub mod complete;
mod conjunction;
mod diagnose;
mod error;
mod eval;
mod fix;
pub mod lenient;
mod lexer;
mod operator;
mod parser;
mod pattern;
mod print;
pub mod token;
mod validate;
mod value;

pub use ast::{FieldExpr, Query};
pub use attribute::{Attribute, Intrinsic, Scope};
pub use conjunction::{Condition, conjunction, quoted};
pub use diagnose::{Diagnostic, Severity, diagnose};
pub use error::{Error, EvalError, ParseError, ValidateError};
pub use eval::{SpanValues, binary, compare_texts, eval, matches};
pub use fix::{Fix, fix};
pub use lexer::tokenize;
pub use parser::{MAX_DEPTH, MAX_QUERY_BYTES, parse, parse_identifier};
pub use pattern::Pattern;
pub use validate::{compile, validate};
pub use value::{Kind, Static, StaticType, Status};

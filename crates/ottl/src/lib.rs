//! The OpenTelemetry Transformation Language: statements that change spans, and conditions on them.
//!
//! A text is compiled once, for a context, and evaluated on many items. Conditions look at shared
//! references and copy nothing that they need not.
//!
//! ```
//! use spandrel_ottl::{Condition, Context, Functions, Statement, Target, View};
//! use spandrel_proto::otlp::trace::{ResourceSpans, Span};
//!
//! let functions = Functions::standard();
//! let slow = Condition::compile(r#"IsMatch(span.name, "^GET ")"#, Context::Span, &functions)?;
//! let rename = Statement::compile(
//!     r#"set(span.attributes["route"], Substring(name, 4, Len(name) - 4)) where name != "GET""#,
//!     Context::Span,
//!     &functions,
//! )?;
//!
//! let mut resource_spans = ResourceSpans::default();
//! let mut span = Span { name: "GET /cart".to_owned(), ..Span::default() };
//! assert!(slow.holds(&View::of(&resource_spans).with_span(&span))?);
//!
//! let ResourceSpans { resource, schema_url, .. } = &mut resource_spans;
//! rename.execute(&mut Target::of(resource, schema_url).with_span(&mut span))?;
//! assert_eq!(span.attributes[0].key, "route");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ast;
mod compile;
mod context;
mod error;
mod expression;
mod functions;
mod grok;
mod hex;
mod infer;
mod lexer;
mod list;
mod parser;
mod path;
mod print;
mod reads;
mod rewrite;
mod statement;
mod suggest;
mod syntax;
mod time;
mod user_agent;
mod value;
mod view;
mod walk;
mod xml;

pub use context::Context;
pub use error::{EvalError, OttlError};
pub use functions::Functions;
pub use infer::{infer_condition, infer_statements};
pub use list::{Conditions, ErrorMode, Statements};
pub use reads::Reads;
pub use statement::{Condition, Statement, ValueExpression};
pub use syntax::{Kind, parse_syntax, print_syntax};
pub use time::Time;
pub use value::Value;
pub use view::{Client, Target, View};

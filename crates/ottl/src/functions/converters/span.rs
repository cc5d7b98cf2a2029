//! Questions about spans.

use super::super::{Args, Function, Run};
use crate::context::Context;
use crate::error::EvalError;
use crate::value::Value;

pub(super) const FUNCTIONS: [Function; 1] = [Function {
    name: "IsRootSpan",
    parameters: &[],
    run: Run::Converter(is_root_span),
    contexts: &[Context::Span],
}];

fn is_root_span<'v>(args: &Args<'_, 'v>) -> Result<Value<'v>, EvalError> {
    let span = args.env.view.span;
    Ok(Value::Bool(span.is_some_and(|span| span.parent_span_id.iter().all(|byte| *byte == 0))))
}

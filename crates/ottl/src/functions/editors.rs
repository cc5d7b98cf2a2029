//! Editors: functions that change what a statement is about.

use super::{Argument, Function};
use crate::error::EvalError;
use crate::expression::Call;
use crate::path::Path;

mod assign;
mod keys;
mod list;
mod maps;
mod replace;
mod semconv;
mod shorten;

/// All editors.
pub(super) fn all() -> impl Iterator<Item = Function> {
    [
        &assign::FUNCTIONS[..],
        &keys::FUNCTIONS,
        &list::FUNCTIONS,
        &maps::FUNCTIONS,
        &replace::FUNCTIONS,
        &semconv::FUNCTIONS,
        &shorten::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The path that is edited, always the first argument.
fn place(call: &Call) -> Result<&Path, EvalError> {
    match call.arguments.first() {
        Some(Argument::Place(path)) => Ok(path),
        _ => Err(EvalError::ReadOnly("what is no path")),
    }
}

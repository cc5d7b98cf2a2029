//! `set`.

use super::super::{Args, Function, Kind, editor, needs};
use super::place;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::value::Value;
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 1] =
    [editor("set", &[needs("target", Kind::Place), needs("value", Kind::Value)], set)];

/// Does nothing when the value is nil.
fn set(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let path = place(call)?;
    let (value, keys) = {
        let view = target.view();
        let env = Env::new(view);
        let value = Args::new(call, &env).value(1)?.into_owned();
        if value == Value::Nil {
            return Ok(());
        }
        (value, path.keys_now(view)?)
    };
    path.set(target, &keys, value)
}

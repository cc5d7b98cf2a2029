//! `truncate_all`.

use spandrel_proto::otlp::common::any_value::Value as Any;

use super::super::{Args, Function, Kind, editor, may, needs};
use super::keys::with_map;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 1] = [editor(
    "truncate_all",
    &[
        needs("target", Kind::MapPlace),
        needs("limit", Kind::Int),
        may("utf8_safe", Kind::Bool),
        may("truncation_marker", Kind::Text),
    ],
    truncate_all,
)];

/// Cuts texts to so many bytes, the marker included, never inside of a character.
fn truncate_all(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let (limit, marker) = {
        let env = Env::new(target.view());
        let args = Args::new(call, &env);
        let limit = args.int(1)?;
        let Ok(limit) = usize::try_from(limit) else {
            return Err(args.refused(format_args!("limit {limit} is less than 0")));
        };
        // What would not be safe is no text for the protocol: the argument is read and always on.
        args.bool_or(2, true)?;
        (limit, args.text_or(3, "")?.into_owned())
    };
    with_map(call, target, |entries| {
        for entry in entries {
            if let Some(Any::StringValue(text)) =
                entry.value.as_mut().and_then(|any| any.value.as_mut())
                && text.len() > limit
            {
                // A marker that leaves no room for text is left out.
                let marker = if marker.len() < limit { marker.as_str() } else { "" };
                text.truncate(text.floor_char_boundary(limit - marker.len()));
                text.push_str(marker);
            }
        }
        Ok(())
    })
}

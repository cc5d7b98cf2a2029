//! Editors that replace text, by pattern or glob.

use std::borrow::Cow;

use spandrel_proto::otlp::common::KeyValue;
use spandrel_proto::otlp::common::any_value::Value as Any;
use spandrel_re2::Regex;

use super::super::args::apply;
use super::super::{Args, Function, Kind, editor, may, needs};
use super::keys::{literal_pattern, pattern, with_map};
use super::place;
use crate::error::EvalError;
use crate::expression::{Call, Env};
use crate::value::{Value, put, text_of};
use crate::view::Target;

pub(super) const FUNCTIONS: [Function; 4] = [
    editor(
        "replace_pattern",
        &[
            needs("target", Kind::Place),
            needs("regex", Kind::Pattern),
            needs("replacement", Kind::Text),
            may("function", Kind::Function),
            may("replacement_format", Kind::Text),
        ],
        replace_pattern,
    ),
    editor(
        "replace_match",
        &[
            needs("target", Kind::Place),
            needs("pattern", Kind::Glob),
            needs("replacement", Kind::Text),
            may("function", Kind::Function),
            may("replacement_format", Kind::Text),
        ],
        replace_match,
    ),
    editor(
        "replace_all_patterns",
        &[
            needs("target", Kind::MapPlace),
            needs("mode", Kind::Word(&["key", "value"])),
            needs("regex", Kind::Pattern),
            needs("replacement", Kind::Text),
            may("function", Kind::Function),
            may("replacement_format", Kind::Text),
        ],
        replace_all_patterns,
    ),
    editor(
        "replace_all_matches",
        &[
            needs("target", Kind::MapPlace),
            needs("pattern", Kind::Glob),
            needs("replacement", Kind::Text),
            may("function", Kind::Function),
            may("replacement_format", Kind::Text),
        ],
        replace_all_matches,
    ),
];

/// What replaces, owned, so that the target can be changed.
struct Replacement {
    template: String,
    function: Option<Function>,
    format: Option<String>,
}

impl Replacement {
    /// Reads three arguments from `index` on.
    fn read(args: &Args<'_, '_>, index: usize) -> Result<Self, EvalError> {
        let format = match args.given(index + 2) {
            true => Some(args.text(index + 2)?.into_owned()),
            false => None,
        };
        if format.as_ref().is_some_and(|format| format.matches("%s").count() != 1) {
            return Err(args.refused("the replacement format needs one `%s`"));
        }
        let template = args.text(index)?.into_owned();
        Ok(Self { template, function: args.function(index + 1), format })
    }

    /// What `text` becomes, changed by the function and put into the format.
    fn finish(&self, text: &str) -> Result<String, EvalError> {
        let Some(function) = self.function else { return Ok(text.to_owned()) };
        let changed = apply(function, Value::text(text))?;
        let changed = text_of(changed).unwrap_or_default();
        Ok(match &self.format {
            Some(format) => format.replacen("%s", &changed, 1),
            None => changed.into_owned(),
        })
    }

    /// `text` with all matches replaced; none when nothing matches.
    fn pattern(&self, regex: &Regex, text: &str) -> Result<Option<String>, EvalError> {
        let replaced = match self.function {
            None => regex.replace_all(text, &self.template),
            Some(_) => regex.replace_all_with(text, &self.template, |part| self.finish(part))?,
        };
        Ok(match replaced {
            Cow::Borrowed(_) => None,
            Cow::Owned(text) => Some(text),
        })
    }
}

/// The glob of the second argument.
fn glob<'c>(call: &'c Call, target: &Target<'_>) -> Result<Cow<'c, Regex>, EvalError> {
    if let Some(regex) = literal_pattern(call, 1) {
        return Ok(Cow::Borrowed(regex));
    }
    let env = Env::new(target.view());
    Ok(Cow::Owned(Args::new(call, &env).glob(1)?.into_owned()))
}

/// Replaces in the text that the first argument leads to; what is no text stays.
fn in_text(
    call: &Call,
    target: &mut Target<'_>,
    replace: impl FnOnce(&str) -> Result<Option<String>, EvalError>,
) -> Result<(), EvalError> {
    let path = place(call)?;
    let keys = path.keys_now(target.view())?;
    let replaced = match path.get(&Env::new(target.view()))? {
        Value::String(text) => replace(&text)?,
        _ => None,
    };
    match replaced {
        Some(text) => path.set(target, &keys, Value::String(Cow::Owned(text))),
        None => Ok(()),
    }
}

/// Replaces in the values of a map that are text.
fn in_values(
    entries: &mut [KeyValue],
    mut replace: impl FnMut(&str) -> Result<Option<String>, EvalError>,
) -> Result<(), EvalError> {
    for entry in entries {
        if let Some(Any::StringValue(text)) =
            entry.value.as_mut().and_then(|any| any.value.as_mut())
            && let Some(replaced) = replace(text)?
        {
            *text = replaced;
        }
    }
    Ok(())
}

fn replace_pattern(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let regex = pattern(call, target, 1)?;
    let replacement = Replacement::read(&Args::new(call, &Env::new(target.view())), 2)?;
    in_text(call, target, |text| replacement.pattern(&regex, text))
}

fn replace_match(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let glob = glob(call, target)?;
    let replacement = Replacement::read(&Args::new(call, &Env::new(target.view())), 2)?;
    in_text(call, target, |text| match glob.is_match(text) {
        true => replacement.finish(&replacement.template).map(Some),
        false => Ok(None),
    })
}

fn replace_all_patterns(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let regex = pattern(call, target, 2)?;
    let (mode, replacement) = {
        let env = Env::new(target.view());
        let args = Args::new(call, &env);
        (args.text(1)?.into_owned(), Replacement::read(&args, 3)?)
    };
    with_map(call, target, |entries| {
        if mode == "value" {
            return in_values(entries, |text| replacement.pattern(&regex, text));
        }
        // Two keys may become one: the later value counts.
        let mut renamed = Vec::with_capacity(entries.len());
        for KeyValue { key, value } in std::mem::take(entries) {
            let name = replacement.pattern(&regex, &key)?.unwrap_or(key);
            put(&mut renamed, &name, value.unwrap_or_default());
        }
        *entries = renamed;
        Ok(())
    })
}

fn replace_all_matches(call: &Call, target: &mut Target<'_>) -> Result<(), EvalError> {
    let glob = glob(call, target)?;
    let replacement = Replacement::read(&Args::new(call, &Env::new(target.view())), 2)?;
    with_map(call, target, |entries| {
        in_values(entries, |text| match glob.is_match(text) {
            true => replacement.finish(&replacement.template).map(Some),
            false => Ok(None),
        })
    })
}

//! Converters: functions that make values of values.

use super::Function;

mod clock;
mod collection;
mod csv;
mod encoding;
mod extract;
mod format;
mod grok;
mod hash;
mod id;
mod json;
mod key_value;
mod lambda;
mod murmur3;
mod network;
mod number;
mod severity;
mod span;
mod text;
mod types;
mod url;
mod user_agent;
mod words;
mod xml;

/// All converters.
pub(super) fn all() -> impl Iterator<Item = Function> {
    [
        &clock::FUNCTIONS[..],
        &collection::FUNCTIONS,
        &csv::FUNCTIONS,
        &encoding::FUNCTIONS,
        &extract::FUNCTIONS,
        &format::FUNCTIONS,
        &grok::FUNCTIONS,
        &hash::FUNCTIONS,
        &id::FUNCTIONS,
        &json::FUNCTIONS,
        &key_value::FUNCTIONS,
        &lambda::FUNCTIONS,
        &network::FUNCTIONS,
        &number::FUNCTIONS,
        &severity::FUNCTIONS,
        &span::FUNCTIONS,
        &text::FUNCTIONS,
        &types::FUNCTIONS,
        &url::FUNCTIONS,
        &user_agent::FUNCTIONS,
        &words::FUNCTIONS,
        &xml::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

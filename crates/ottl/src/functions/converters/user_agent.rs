//! `UserAgent`.

use super::super::{Args, Function, Kind, converter, needs};
use crate::error::EvalError;
use crate::user_agent::UserAgent;
use crate::value::{Value, any_text, entry};

pub(super) const FUNCTIONS: [Function; 1] =
    [converter("UserAgent", &[needs("user_agent", Kind::Text)], user_agent)];

/// Attributes of semantic conventions; the version of the system is left out when it is not told.
fn user_agent<'v>(args: &Args<'_, 'v>) -> Result<Value<'v>, EvalError> {
    let text = args.text(0)?;
    let UserAgent { name, version, os_name, os_version } = UserAgent::of(&text);
    let mut out = vec![
        entry("user_agent.name", any_text(name)),
        entry("user_agent.original", any_text(text)),
        entry("user_agent.version", any_text(version)),
        entry("os.name", any_text(os_name)),
    ];
    if !os_version.is_empty() {
        out.push(entry("os.version", any_text(os_version)));
    }
    Ok(Value::map(out))
}

//! Headers that the configuration adds to every request.

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue};
use spandrel_config::blocks::Headers;
use spandrel_pipeline::ComponentError;

/// The headers of the configuration, ready to be sent. Their values may be secrets and are never logged.
pub(crate) fn fixed_headers(headers: &Headers) -> Result<HeaderMap, ComponentError> {
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter() {
        let refuse = |what: &str| ComponentError::new(format!("headers: {what} of {name:?}"));
        let key = HeaderName::try_from(name).map_err(|_| refuse("invalid name"))?;
        let mut value =
            HeaderValue::try_from(value.expose()).map_err(|_| refuse("invalid value"))?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

/// Sets `user-agent` unless the configuration has.
pub(crate) fn set_user_agent(
    headers: &mut HeaderMap,
    user_agent: &str,
) -> Result<(), ComponentError> {
    let own = concat!("spandrel/", env!("CARGO_PKG_VERSION"));
    let user_agent = if user_agent.is_empty() { own } else { user_agent };
    let value = HeaderValue::try_from(user_agent)
        .map_err(|_| ComponentError::new("user_agent: cannot be in a header"))?;
    headers.entry(USER_AGENT).or_insert(value);
    Ok(())
}

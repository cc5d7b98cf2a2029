//! The W3C trace state: `key=value` pairs with commas between, the newest first.

/// The value of `key`, empty when there is none.
pub(crate) fn get<'a>(state: &'a str, key: &str) -> &'a str {
    let pairs = state.split(',').filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(name, _)| *name == key).map_or("", |(_, value)| value)
}

/// `state` with the pair in first place.
pub(crate) fn put(state: &str, key: &str, value: &str) -> String {
    let mut out = format!("{key}={value}");
    let kept = state.split(',').map(str::trim).filter(|pair| {
        !pair.is_empty() && pair.split_once('=').is_none_or(|(name, _)| name != key)
    });
    for pair in kept {
        out.push(',');
        out.push_str(pair);
    }
    out
}

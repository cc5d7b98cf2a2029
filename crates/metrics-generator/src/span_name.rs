//! Names of spans with ids in them: once a service has too many, what looks like an id becomes a placeholder.

use std::borrow::Cow;

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashSet};
use std::hash::BuildHasher;

/// Names of one service that stay as they are.
const NAMES_MAX: usize = 100;
/// Services that are told apart; of others, all names with ids are rewritten.
const SERVICES_MAX: usize = 1000;
const PLACEHOLDER: &[u8] = b"<_>";
/// Shorter words of hex digits may be words.
const HEX_MIN: usize = 8;

/// The names that each service has had.
#[derive(Debug, Default)]
pub(crate) struct SpanNames {
    services: HashMap<u64, HashSet<u64>>,
}

impl SpanNames {
    /// The name, or the same with placeholders.
    pub(crate) fn shown<'n>(&mut self, service: &[u8], name: &'n [u8]) -> Cow<'n, [u8]> {
        let hasher = FixedState::default();
        let service = hasher.hash_one(service);
        if !self.services.contains_key(&service) {
            if self.services.len() >= SERVICES_MAX {
                return without_ids(name);
            }
            self.services.insert(service, HashSet::new());
        }
        let Some(names) = self.services.get_mut(&service) else { return Cow::Borrowed(name) };
        let hash = hasher.hash_one(name);
        if names.contains(&hash) || (names.len() < NAMES_MAX && names.insert(hash)) {
            return Cow::Borrowed(name);
        }
        without_ids(name)
    }
}

/// The name with a placeholder for every word that is a number, a UUID or a long row of hex digits.
fn without_ids(name: &[u8]) -> Cow<'_, [u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-' || *byte == b'_';
    let words = || name.chunk_by(|a, b| is_word(a) == is_word(b));
    if !words().any(is_id) {
        return Cow::Borrowed(name);
    }
    let shown = words().flat_map(|word| if is_id(word) { PLACEHOLDER } else { word });
    Cow::Owned(shown.copied().collect())
}

fn is_id(word: &[u8]) -> bool {
    let digits = word.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hex = word.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    digits > 0 && (digits == word.len() || (hex && word.len() >= HEX_MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_replaced_and_words_are_not() {
        for (name, shown) in [
            ("GET /users/42/orders/7", "GET /users/<_>/orders/<_>"),
            ("GET /v1/feed", "GET /v1/feed"),
            ("job 550e8400-e29b-41d4-a716-446655440000", "job <_>"),
            ("blob:deadbeef01", "blob:<_>"),
            ("facade", "facade"),
        ] {
            assert_eq!(&*without_ids(name.as_bytes()), shown.as_bytes(), "{name}");
        }
    }

    #[test]
    fn only_names_beyond_the_limit_are_rewritten() {
        let mut names = SpanNames::default();
        for i in 0..NAMES_MAX {
            let name = format!("GET /{i}");
            assert_eq!(&*names.shown(b"a", name.as_bytes()), name.as_bytes());
        }
        assert_eq!(&*names.shown(b"a", b"GET /100"), b"GET /<_>");
        assert_eq!(&*names.shown(b"a", b"GET /7"), b"GET /7");
        assert_eq!(&*names.shown(b"b", b"GET /100"), b"GET /100");
    }
}

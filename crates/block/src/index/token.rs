//! Tokens: stable 64-bit hashes of `key = value` and of trace ids, as the filters hold them.
//!
//! The hashes are persisted, so they may never change; docs/formats/block-index.md specifies them and
//! a test pins known values. Integers and floats that TraceQL calls equal have equal tokens: both go
//! through the bits of the value as an f64. Above 2^53 several integers share a token, which costs a
//! false positive and never a false negative.

use spandrel_model::{AttributeScope, TraceId};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// Keeps a number apart from a string of the same eight bytes.
const NUMBER_SEED: u64 = 0x6e75_6d62_6572_0000;
/// Keeps a truth value apart from a string of the same byte.
const BOOL_SEED: u64 = 0x626f_6f6c_0000_0000;

/// A value that has a token. Other types (arrays, maps, bytes, empty) have none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TokenValue<'a> {
    /// UTF-8 text.
    Str(&'a str),
    /// A signed integer.
    Int(i64),
    /// A float. NaN has a token, although a comparison with it is never true.
    Double(f64),
    /// A truth value.
    Bool(bool),
}

/// The token of one attribute. [`KeyHasher`] is faster for many values of one key.
pub fn token(scope: AttributeScope, key: &str, value: TokenValue<'_>) -> u64 {
    KeyHasher::new(scope, key).token(value)
}

/// The hash of a trace id in the trace filter.
pub(super) fn trace_token(trace_id: TraceId) -> u64 {
    xxh3_64(&trace_id.0)
}

/// Makes tokens of one key: the key is hashed once.
#[derive(Debug, Clone, Copy)]
pub struct KeyHasher {
    seed: u64,
}

impl KeyHasher {
    /// For the attribute `key` of `scope`.
    pub fn new(scope: AttributeScope, key: &str) -> Self {
        Self { seed: xxh3_64_with_seed(key.as_bytes(), u64::from(scope_number(scope))) }
    }

    /// The token of this key with `value`.
    pub fn token(self, value: TokenValue<'_>) -> u64 {
        match value {
            TokenValue::Str(text) => self.text(text.as_bytes()),
            TokenValue::Int(int) => self.number(int as f64),
            TokenValue::Double(double) => self.number(double),
            TokenValue::Bool(bool) => xxh3_64_with_seed(&[u8::from(bool)], self.seed ^ BOOL_SEED),
        }
    }

    /// The token of this key with a string given as its UTF-8 bytes, which are not checked.
    pub fn text(self, bytes: &[u8]) -> u64 {
        xxh3_64_with_seed(bytes, self.seed)
    }

    fn number(self, number: f64) -> u64 {
        // Adding zero turns -0.0 into 0.0 and leaves every other number as it is.
        let bits = (number + 0.0).to_bits();
        xxh3_64_with_seed(&bits.to_le_bytes(), self.seed ^ NUMBER_SEED)
    }
}

/// The number of a scope in tokens and in the attribute directory.
pub(super) fn scope_number(scope: AttributeScope) -> u8 {
    match scope {
        AttributeScope::Span => 0,
        AttributeScope::Resource => 1,
        AttributeScope::Instrumentation => 2,
        AttributeScope::Event => 3,
        AttributeScope::Link => 4,
    }
}

/// The scope with this number, if there is one.
pub(super) fn scope_from_number(number: u8) -> Option<AttributeScope> {
    Some(match number {
        0 => AttributeScope::Span,
        1 => AttributeScope::Resource,
        2 => AttributeScope::Instrumentation,
        3 => AttributeScope::Event,
        4 => AttributeScope::Link,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_never_change() {
        let span = |key, value| token(AttributeScope::Span, key, value);
        let resource = |key, value| token(AttributeScope::Resource, key, value);
        let tokens = [
            resource("service.name", TokenValue::Str("frontend")),
            span("service.name", TokenValue::Str("frontend")),
            span("", TokenValue::Str("")),
            span("http.response.status_code", TokenValue::Int(200)),
            span("ratio", TokenValue::Double(0.25)),
            span("cache.hit", TokenValue::Bool(true)),
            span("db.query.text", TokenValue::Str(&"x".repeat(1000))),
            trace_token(TraceId([0xab; 16])),
        ];
        assert_eq!(tokens.map(|token| format!("{token:016x}")), PINNED);
    }

    const PINNED: [&str; 8] = [
        "705fff6cb9eca217",
        "6e1eb5779591fa69",
        "412f1275e10017f3",
        "e8bdccb1b0be5e1e",
        "4f0618bc90cb9b9a",
        "42a826818855a4e4",
        "722ac29c142f5fcc",
        "743e6e03428e75f1",
    ];

    #[test]
    fn numbers_that_are_equal_have_equal_tokens() {
        let key = KeyHasher::new(AttributeScope::Span, "n");
        for (int, double) in
            [(0, 0.0), (0, -0.0), (200, 200.0), (-7, -7.0), (1 << 60, 2f64.powi(60))]
        {
            assert_eq!(key.token(TokenValue::Int(int)), key.token(TokenValue::Double(double)));
        }
        assert_ne!(key.token(TokenValue::Int(1)), key.token(TokenValue::Int(2)));
    }

    #[test]
    fn scope_key_type_and_value_all_count() {
        let of = |scope, key| KeyHasher::new(scope, key);
        let span = of(AttributeScope::Span, "a");
        let mut tokens = [
            span.token(TokenValue::Str("1")),
            span.token(TokenValue::Int(1)),
            span.token(TokenValue::Bool(true)),
            span.token(TokenValue::Str("\u{1}")),
            span.text(&1f64.to_le_bytes()),
            of(AttributeScope::Resource, "a").token(TokenValue::Str("1")),
            of(AttributeScope::Span, "b").token(TokenValue::Str("1")),
            of(AttributeScope::Span, "").token(TokenValue::Str("a1")),
        ];
        tokens.sort_unstable();
        assert!(tokens.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn scopes_and_numbers_agree() {
        for number in 0..=u8::MAX {
            let Some(scope) = scope_from_number(number) else { continue };
            assert_eq!(scope_number(scope), number);
        }
        assert_eq!((0..=u8::MAX).filter_map(scope_from_number).count(), 5);
    }
}

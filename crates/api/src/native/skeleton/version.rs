//! Which spans a skeleton is of, as an entity tag: it is another one when they are others.
//!
//! It follows from the spans alone. Neither their order, nor how often one was sent, nor whether they lie in live
//! spans, in blocks, or in both, is part of it.

use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use spandrel_query::{BareSpan, TraceSpans};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// Raised when the columns or the header change: what was kept of an older server is of no use then.
const FORMAT: u64 = 3;

/// The tag of the skeleton of a trace. It is weak: the same for all encodings of the body.
pub(super) fn tag_of(trace: &TraceSpans) -> String {
    // A sum, so that the order does not count, and two that are alike do not cancel each other out.
    let sum = trace.bare().fold(0u128, |sum, bare| sum.wrapping_add(digest(&bare)));
    format!("W/\"{FORMAT}-{}-{sum:032x}\"", trace.n_spans())
}

/// What a skeleton shows of one span.
fn digest(BareSpan { span, n_events, n_links }: &BareSpan) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&span.span_id.0);
    hash.update(&span.parent_span_id.map_or([0; 8], |id| id.0));
    hash.update(&span.start_unix_nanos.to_le_bytes());
    hash.update(&span.end_unix_nanos.to_le_bytes());
    hash.update(&[span.kind as u8, span.status_code as u8]);
    hash.update(&n_events.to_le_bytes());
    hash.update(&n_links.to_le_bytes());
    // Hashes of the texts, whose length is always the same, keep one text from running into the next.
    hash.update(&xxh3_64(span.name.as_bytes()).to_le_bytes());
    let service = span.resource.service_name().unwrap_or_default();
    hash.update(&xxh3_64(service.as_bytes()).to_le_bytes());
    hash.digest128()
}

/// Whether who asks has what this tag stands for.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = opaque(tag);
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|one| one.trim() == "*" || opaque(one) == tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn asked(values: &[&'static str]) -> HeaderMap {
        let pairs = values.iter().map(|value| (IF_NONE_MATCH, HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn a_tag_is_known_among_others_and_however_strong() {
        let tag = "W/\"1-2-ab\"";
        for known in [&["W/\"1-2-ab\""][..], &["\"1-2-ab\""], &["*"], &["\"x\", W/\"1-2-ab\""]] {
            assert!(is_known(&asked(known), tag), "{known:?}");
        }
        for other in [&[][..], &["\"1-2-abc\""], &["1-2-ab"], &[""]] {
            assert!(!is_known(&asked(other), tag), "{other:?}");
        }
    }
}

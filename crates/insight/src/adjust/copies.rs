//! Exact copies of spans, which senders make that try again.

use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashMap};
use spandrel_model::Span;

/// Sorts what has no order of its own. Attributes of one key keep theirs: the last of them counts.
pub(super) fn sort_parts(spans: &mut [Span]) {
    for span in spans {
        span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        for event in &mut span.events {
            event.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        }
        span.events.sort_by(|a, b| (a.time_unix_nanos, &a.name).cmp(&(b.time_unix_nanos, &b.name)));
        for link in &mut span.links {
            link.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        }
        span.links.sort_by_key(|link| (link.trace_id, link.span_id));
    }
}

/// Keeps the first of spans that are the same in everything. Spans that share an id and differ stay.
pub(super) fn drop_copies(spans: &mut Vec<Span>) {
    let hashes = DefaultHashBuilder::default();
    let mut seen: HashMap<u64, Vec<usize>> = HashMap::with_capacity(spans.len());
    let mut is_copy = vec![false; spans.len()];
    let mut any = false;
    for (place, span) in spans.iter().enumerate() {
        let first = seen.entry(hash(&hashes, span)).or_default();
        // A float that is no number differs from itself, so texts are compared.
        is_copy[place] = first.iter().any(|earlier| same(&spans[*earlier], span));
        any |= is_copy[place];
        if !is_copy[place] {
            first.push(place);
        }
    }
    if any {
        let mut is_copy = is_copy.into_iter();
        spans.retain(|_| !is_copy.next().unwrap_or(false));
    }
}

fn same(a: &Span, b: &Span) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}")
}

/// Of everything that [`same`] looks at but the resource and the scope, which hardly ever tell spans apart.
fn hash(hashes: &DefaultHashBuilder, span: &Span) -> u64 {
    let mut hasher = HashWriter(hashes.build_hasher());
    let ids = (span.span_id, span.parent_span_id, span.start_unix_nanos, span.end_unix_nanos);
    let written = write!(hasher, "{ids:?}{}{:?}{:?}", span.name, span.kind, span.attributes);
    debug_assert!(written.is_ok(), "hashing does not fail");
    hasher.0.finish()
}

struct HashWriter<H>(H);

impl<H: Hasher> Write for HashWriter<H> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.write(text.as_bytes());
        Ok(())
    }
}

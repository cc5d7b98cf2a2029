//! Collects the operations of a block's spans, and folds the rarest when there are too many.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::SpanKind;

use super::operations::{OPERATIONS_MAX, Operation, OperationDirectory, OperationStats};
use super::strings::StringTableBuilder;

/// A handle of the builder that made it, so that the names of a span are looked up once and not for
/// every span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationId(u32);

/// Collects operations. Its memory grows with the operations of one block, which are at most as many
/// as its spans; only the result is limited.
#[derive(Debug, Default)]
pub struct OperationDirectoryBuilder {
    strings: StringTableBuilder,
    ids: HashMap<(Option<u32>, u32, SpanKind), OperationId>,
    keys: Vec<(Option<u32>, u32, SpanKind)>,
    stats: Vec<OperationStats>,
}

impl OperationDirectoryBuilder {
    /// The handle of an operation.
    pub fn operation(&mut self, service: Option<&str>, name: &str, kind: SpanKind) -> OperationId {
        let key =
            (service.map(|service| self.strings.code(service)), self.strings.code(name), kind);
        *self.ids.entry(key).or_insert_with(|| {
            self.keys.push(key);
            self.stats.push(OperationStats::default());
            OperationId(self.stats.len() as u32 - 1)
        })
    }

    /// The figures of an operation, to record spans in.
    ///
    /// # Panics
    /// When `id` comes from another builder.
    pub fn stats_mut(&mut self, id: OperationId) -> &mut OperationStats {
        &mut self.stats[id.0 as usize]
    }

    /// The directory. Operations without a recorded span are left out.
    pub fn finish(self) -> OperationDirectory {
        self.finish_with_limit(OPERATIONS_MAX)
    }

    pub(super) fn finish_with_limit(self, limit: usize) -> OperationDirectory {
        let strings = self.strings.finish();
        let text = |code: u32| strings.get(code).cloned();
        let mut operations: Vec<Operation> = self
            .keys
            .into_iter()
            .zip(self.stats)
            .filter(|(_, stats)| stats.n_spans > 0)
            .map(|((service, name, kind), stats)| Operation {
                service: service.and_then(text),
                name: text(name),
                kind,
                stats,
            })
            .collect();
        if operations.len() > limit {
            operations.sort_unstable_by(|a, b| {
                b.stats.n_spans.cmp(&a.stats.n_spans).then_with(|| a.sort_key().cmp(&b.sort_key()))
            });
            let rest = operations.split_off(limit);
            operations.extend(fold(rest));
        }
        OperationDirectory::new(operations)
    }
}

/// One entry without a name for each service of `operations`.
fn fold(operations: Vec<Operation>) -> impl Iterator<Item = Operation> {
    let mut by_service: BTreeMap<Option<Arc<str>>, OperationStats> = BTreeMap::new();
    for operation in operations {
        by_service.entry(operation.service).or_default().merge(&operation.stats);
    }
    by_service.into_iter().map(|(service, stats)| Operation {
        service,
        name: None,
        kind: SpanKind::Unspecified,
        stats,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(spans: &[(Option<&str>, &str, u64)]) -> OperationDirectoryBuilder {
        let mut builder = OperationDirectoryBuilder::default();
        for &(service, name, n) in spans {
            let id = builder.operation(service, name, SpanKind::Server);
            (0..n).for_each(|i| builder.stats_mut(id).record(1000 + i, i == 0, i == 1));
        }
        builder
    }

    fn names(operations: &[Operation]) -> Vec<(Option<&str>, Option<&str>, u64)> {
        let name = |op: &'_ Operation| op.stats.n_spans;
        operations.iter().map(|op| (op.service.as_deref(), op.name.as_deref(), name(op))).collect()
    }

    #[test]
    fn operations_are_listed_in_order_with_their_figures() {
        let spans = [(Some("b"), "y", 1), (None, "", 1), (Some("a"), "x", 2), (Some("b"), "x", 3)];
        let mut builder = builder(&spans);
        let unused = builder.operation(Some("unused"), "z", SpanKind::Client);
        assert_eq!(builder.operation(Some("unused"), "z", SpanKind::Client), unused);
        let directory = builder.finish();
        let (a, b) = (Some("a"), Some("b"));
        assert_eq!(
            names(directory.operations()),
            [(None, Some(""), 1), (a, Some("x"), 2), (b, Some("x"), 3), (b, Some("y"), 1)]
        );
        let services: Vec<_> = directory.services().map(|s| s.map(AsRef::as_ref)).collect();
        assert_eq!(services, [None, a, b]);
        assert_eq!(names(directory.of_service(b)), [(b, Some("x"), 3), (b, Some("y"), 1)]);
        assert_eq!(names(directory.of_service(None)), [(None, Some(""), 1)]);
        assert_eq!(directory.of_service(Some("unused")), []);
        assert!(directory.is_complete());
        let stats = &directory.of_service(a)[0].stats;
        assert_eq!((stats.n_errors, stats.n_roots, stats.durations.sum()), (1, 1, 2001));
    }

    #[test]
    fn the_rarest_operations_are_folded_by_service() {
        let (a, b) = (Some("a"), Some("b"));
        let spans =
            [(a, "x", 9), (a, "y", 1), (a, "z", 2), (b, "x", 1), (b, "y", 8), (None, "x", 1)];
        let directory = builder(&spans).finish_with_limit(2);
        assert_eq!(
            names(directory.operations()),
            [(None, None, 1), (a, None, 3), (a, Some("x"), 9), (b, None, 1), (b, Some("y"), 8)]
        );
        assert!(!directory.is_complete());
        let folded = &directory.of_service(a)[0].stats;
        assert_eq!((folded.n_errors, folded.n_roots, folded.durations.count()), (2, 1, 3));
    }
}

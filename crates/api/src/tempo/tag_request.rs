//! What requests for names and for values of tags have in common, and the metrics of their answers.

use std::collections::BTreeMap;

use spandrel_proto::tempo::MetadataMetrics;
use spandrel_query::{TagLimits, TagsInspected, TimeRange};
use spandrel_traceql::{FieldExpr, lenient};

use super::time_range::open_range;
use crate::error::ApiError;
use crate::params::Params;

/// Bytes of all names or values of an answer. Tempo cuts at a million and does not say so.
const BYTES_MAX: usize = 4 << 20;

/// The key under which [`MetadataMetrics`] say that there may be more than the answer holds.
const TRUNCATED: &str = "truncated";

/// Filter, range and limits.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TagRequest {
    pub(super) filter: Option<FieldExpr>,
    pub(super) range: TimeRange,
    pub(super) limits: TagLimits,
}

impl TagRequest {
    /// From `q`, `start`, `end`, `limit` and `maxStaleValues`.
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn parse(params: &Params) -> Result<Self, ApiError> {
        let all = u32::MAX as usize;
        let n_max = params.number("limit", 0..=all)?.filter(|limit| *limit > 0);
        Ok(Self {
            filter: params.get("q").and_then(|q| lenient::repair(q).expr().cloned()),
            range: open_range(params)?,
            limits: TagLimits {
                n_max: n_max.unwrap_or(usize::MAX),
                bytes_max: BYTES_MAX,
                stale_max: params.number("maxStaleValues", 0..=all)?.unwrap_or(0),
            },
        })
    }
}

/// The metrics of an answer. Fewer jobs are done than there are when a limit ended the reading, as in Tempo; `truncated`
/// says the same in a word.
pub(super) fn metadata_metrics(inspected: &TagsInspected, truncated: bool) -> MetadataMetrics {
    let additional = truncated.then(|| (TRUNCATED.to_owned(), 1));
    MetadataMetrics {
        inspected_bytes: inspected.bytes,
        total_jobs: saturate(inspected.jobs.total),
        completed_jobs: saturate(inspected.jobs.done),
        total_blocks: saturate(inspected.blocks),
        total_block_bytes: inspected.block_bytes,
        backend_reads: 0,
        backend_bytes: 0,
        additional_metrics: BTreeMap::from_iter(additional),
    }
}

fn saturate(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_given_is_everything() {
        let request =
            TagRequest::parse(&Params::parse("q=&limit=&start=&maxStaleValues=")).unwrap();
        let limits = TagLimits { n_max: usize::MAX, bytes_max: BYTES_MAX, stale_max: 0 };
        assert_eq!(request, TagRequest { filter: None, range: TimeRange::ALL, limits });
        assert_eq!(TagRequest::parse(&Params::parse("limit=0")).unwrap().limits, limits);
    }

    #[test]
    fn limits_are_numbers() {
        let parse = |query| TagRequest::parse(&Params::parse(query)).map_err(|e| e.to_string());
        let limits = parse("limit=5000&maxStaleValues=7").unwrap().limits;
        assert_eq!((limits.n_max, limits.stale_max), (5000, 7));
        for query in ["limit=-1", "limit=x", "limit=99999999999", "maxStaleValues=1.5"] {
            let name = query.split('=').next().unwrap_or_default();
            let error = parse(query).unwrap_err();
            assert!(
                error.starts_with(&format!("unable to parse param '{name}': expected a whole"))
            );
        }
    }
}

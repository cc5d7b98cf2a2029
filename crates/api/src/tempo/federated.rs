//! Questions to one tenant, or to several at once: the answers of all of them as one.
//!
//! Each tenant is asked on its own, one after the other, so that a query over many tenants takes no more memory at a
//! time than one over a single tenant. What is merged is exact: traces are joined span by span, results of searches
//! compete for the same places, and names and values are united within the same limits.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use spandrel_model::TraceId;
use spandrel_query::{
    Progress, Search, SearchAnswer, SearchInspected, TagNamesAnswer, TagValue, TagValues,
    TagsInspected, TimeRange, TraceMatch, TraceSpans,
};

use super::tag_values::ValuesRequest;
use super::tags::NamesRequest;
use crate::ApiState;
use crate::error::ApiError;
use crate::tenant::Tenants;

/// A trace by its id, with the spans of all tenants.
///
/// # Errors
/// [`ApiError`].
pub(crate) async fn find_trace(
    state: &ApiState,
    tenants: &Tenants,
    trace_id: TraceId,
) -> Result<Option<TraceSpans>, ApiError> {
    let mut parts = Vec::new();
    for tenant in tenants.all() {
        parts.extend(state.engine.find_trace(tenant, trace_id, TimeRange::ALL).await?);
    }
    Ok(state.engine.join_traces(parts).await?)
}

/// The newest traces of all tenants.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn search(
    state: &ApiState,
    tenants: &Tenants,
    search: &Search,
) -> Result<SearchAnswer, ApiError> {
    if let Ok(tenant) = tenants.only() {
        return Ok(state.engine.search(tenant, search).await?);
    }
    let mut best: BTreeMap<(Reverse<i64>, TraceId), TraceMatch> = BTreeMap::new();
    let mut ranks: BTreeMap<TraceId, i64> = BTreeMap::new();
    let mut inspected = SearchInspected::default();
    for tenant in tenants.all() {
        let answer = state.engine.search(tenant, search).await?;
        inspected += answer.inspected;
        for found in answer.traces {
            let known = ranks.remove(&found.trace_id);
            let known = known.and_then(|rank| best.remove(&(Reverse(rank), found.trace_id)));
            let found = match known {
                Some(known) => merged(known, found, search.spans_per_spanset),
                None => found,
            };
            let rank = search.order.rank_of(&found);
            ranks.insert(found.trace_id, rank);
            best.insert((Reverse(rank), found.trace_id), found);
        }
    }
    let traces: Vec<TraceMatch> = best.into_values().take(search.traces_max).collect();
    let last = traces.last().filter(|_| traces.len() >= search.traces_max);
    let next = last.map(|last| search.order.cursor_at(last));
    Ok(SearchAnswer { traces, next, inspected })
}

/// One result out of two of the same trace id. Each tenant has decided about its own part of the trace; spansets of the
/// same groups are put together.
fn merged(a: TraceMatch, b: TraceMatch, spans_max: usize) -> TraceMatch {
    let end = |found: &TraceMatch| found.start_unix_nanos.saturating_add(found.duration_nanos);
    let last_end = end(&a).max(end(&b));
    let (mut first, second) = match b.start_unix_nanos < a.start_unix_nanos {
        true => (b, a),
        false => (a, b),
    };
    if first.root_name.is_none() {
        (first.root_service, first.root_name) = (second.root_service, second.root_name);
    }
    first.duration_nanos = last_end.saturating_sub(first.start_unix_nanos);
    for spanset in second.spansets {
        let same = first.spansets.iter_mut().find(|own| own.attributes == spanset.attributes);
        match same {
            Some(own) => {
                own.matched = own.matched.saturating_add(spanset.matched);
                own.spans.extend(spanset.spans);
                own.spans.sort_by_key(|span| span.start_unix_nanos);
                own.spans.truncate(spans_max);
            }
            None => first.spansets.push(spanset),
        }
    }
    for (service, stats) in second.services {
        match first.services.entry(service) {
            Entry::Vacant(entry) => {
                entry.insert(stats);
            }
            Entry::Occupied(mut entry) => {
                entry.get_mut().n_spans += stats.n_spans;
                entry.get_mut().n_errors += stats.n_errors;
            }
        }
    }
    first
}

/// The names of all tenants.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn tag_names(
    state: &ApiState,
    tenants: &Tenants,
    request: &NamesRequest,
) -> Result<TagNamesAnswer, ApiError> {
    let mut sum = TagNamesAnswer::default();
    for tenant in tenants.all() {
        let asked = request.for_engine();
        let answer = state.engine.tag_names(tenant, &asked, &Progress::unwatched()).await?;
        add_tags_inspected(&mut sum.inspected, &answer.inspected);
        sum.truncated |= answer.truncated;
        for (scope, names) in answer.names {
            let all = sum.names.entry(scope).or_default();
            all.extend(names);
            while all.len() > asked.limits.n_max {
                all.pop_last();
                sum.truncated = true;
            }
        }
    }
    sum.inspected.jobs = jobs_as_told(&sum.inspected, sum.truncated);
    Ok(sum)
}

/// The values of all tenants.
///
/// # Errors
/// [`ApiError`].
pub(super) async fn tag_values(
    state: &ApiState,
    tenants: &Tenants,
    request: &ValuesRequest,
) -> Result<TagValues, ApiError> {
    if let Some(fixed) = request.fixed() {
        return Ok(fixed);
    }
    let mut sum = TagValues::default();
    for tenant in tenants.all() {
        let asked = request.for_engine();
        let answer = state.engine.tag_values(tenant, &asked, &Progress::unwatched()).await?;
        add_tags_inspected(&mut sum.inspected, &answer.inspected);
        sum.truncated |= answer.truncated;
        unite(&mut sum.values, answer.values);
        if sum.values.len() > asked.limits.n_max {
            sum.values.truncate(asked.limits.n_max);
            sum.truncated = true;
        }
    }
    sum.inspected.jobs = jobs_as_told(&sum.inspected, sum.truncated);
    Ok(sum)
}

/// Adds sorted values to sorted values, each once.
fn unite(values: &mut Vec<TagValue>, more: Vec<TagValue>) {
    values.extend(more);
    values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values.dedup();
}

fn add_tags_inspected(sum: &mut TagsInspected, more: &TagsInspected) {
    sum.jobs.done += more.jobs.done;
    sum.jobs.total += more.jobs.total;
    sum.blocks += more.blocks;
    sum.block_bytes += more.block_bytes;
    sum.bytes += more.bytes;
}

/// An answer that was cut after all jobs were done still has one that was not done to its end.
fn jobs_as_told(inspected: &TagsInspected, truncated: bool) -> spandrel_query::Jobs {
    let mut jobs = inspected.jobs;
    if truncated {
        jobs.done = jobs.done.min(jobs.total.saturating_sub(1));
    }
    jobs
}

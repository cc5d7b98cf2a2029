//! Questions to a node, and what their answers must be.

use std::collections::BTreeSet;

use spandrel_model::{Span, SpanId, TenantId, TraceId};
use spandrel_query::{QueryEngine, QueryError, Search, TimeRange, TraceMatch};

use crate::naive;
use crate::naive_tree::content;
use crate::random::Random;
use crate::traffic::NEEDLES;

/// Finds everything.
pub(crate) const EVERYTHING: &str = "{ }";

/// A search without limits.
pub(crate) fn search_for(query: &str) -> Result<Search, String> {
    let query = spandrel_traceql::compile(query).map_err(|error| format!("{query}: {error}"))?;
    Ok(Search::newest(query, TimeRange::ALL, usize::MAX, usize::MAX))
}

/// Searches whose answers are compared with their definition.
pub(crate) fn searches(random: &mut Random) -> Result<Vec<Search>, String> {
    let needle = format!("{{ span.needle = \"{}\" }}", random.pick(&NEEDLES));
    let shapes: [&str; 9] = [
        "{ status = error && span.items > 2 }",
        "{ resource.service.name = \"pay\" && duration > 20ms }",
        "{ span.ratio >= 1.5 || name = \"buy\" }",
        "{ rootServiceName = \"shop\" && kind = server }",
        "{ event.last = true }",
        "{ traceDuration > 60ms }",
        "{ kind = server } >> { status = error } | count() > 1",
        "{ parent.items > 2 } || { status = error } ~ { name = \"buy\" }",
        "{ } | by(resource.service.name) | max(duration) > 20ms",
    ];
    let shape: &str = random.pick::<&str>(&shapes);
    let mut newest = search_for(EVERYTHING)?;
    (newest.traces_max, newest.spans_per_spanset) = (3, 2);
    Ok(vec![search_for(EVERYTHING)?, newest, search_for(&needle)?, search_for(shape)?])
}

/// The traces that a search finds.
pub(crate) async fn ask(
    engine: &QueryEngine,
    tenant: &TenantId,
    search: &Search,
) -> Result<Vec<TraceMatch>, QueryError> {
    Ok(engine.search(tenant, search).await?.traces)
}

/// The spans in an answer, as often as they are there.
pub(crate) fn span_ids(found: &[TraceMatch]) -> Vec<SpanId> {
    let spans = found.iter().flat_map(|trace| trace.spansets.iter().flat_map(|set| &set.spans));
    spans.map(|span| span.span_id).collect()
}

/// Compares searches with what they mean over these spans, and asks each of them twice. Returns how many
/// there were.
pub(crate) async fn compare_searches(
    engine: &QueryEngine,
    tenant: &TenantId,
    (spans, random): (&[Span], &mut Random),
) -> Result<u64, String> {
    let traces = naive::traces(&[spans.to_vec()]);
    let searches = searches(random)?;
    for search in &searches {
        let query = &search.query;
        let failed = |error: &dyn std::fmt::Debug| format!("{tenant}: {query} fails: {error:?}");
        let found = ask(engine, tenant, search).await.map_err(|error| failed(&error))?;
        let expected = naive::search(&traces, search).map_err(|error| failed(&error))?;
        if found != expected {
            let what = difference(&found, &expected);
            return Err(format!("{tenant}: the answer to {query} is wrong: {what}"));
        }
        let again = ask(engine, tenant, search).await.map_err(|error| failed(&error))?;
        if again != found {
            return Err(format!(
                "{tenant}: two answers to {query}: {}",
                difference(&again, &found)
            ));
        }
    }
    Ok(searches.len() as u64)
}

fn difference(found: &[TraceMatch], expected: &[TraceMatch]) -> String {
    let first = found.iter().zip(expected).find(|(found, expected)| found != expected);
    let (n_found, n_expected) = (found.len(), expected.len());
    format!(
        "{n_found} traces, {n_expected} expected; first difference (found, expected): {first:#?}"
    )
}

/// Compares a trace by id with what was sent of it.
pub(crate) async fn compare_trace(
    engine: &QueryEngine,
    tenant: &TenantId,
    (trace_id, spans): (TraceId, &[Span]),
) -> Result<(), String> {
    let found = engine.find_trace(tenant, trace_id, TimeRange::ALL).await;
    let found = found.map_err(|error| format!("{tenant}: trace {trace_id} fails: {error:?}"))?;
    let found = found.map(|found| found.to_trace()).transpose();
    let found = found.map_err(|error| format!("{tenant}: trace {trace_id} fails: {error:?}"))?;
    let found = found.map_or_else(Vec::new, |found| found.spans);
    let sorted = |spans: &mut dyn Iterator<Item = &Span>| {
        let mut contents: Vec<String> = spans.map(content).collect();
        contents.sort();
        contents
    };
    let sent = sorted(&mut spans.iter().filter(|span| span.trace_id == trace_id));
    let found = sorted(&mut found.iter());
    if sent == found {
        return Ok(());
    }
    let (sent, found): (BTreeSet<_>, BTreeSet<_>) = (sent.iter().collect(), found.iter().collect());
    let missing: Vec<_> = sent.difference(&found).collect();
    let strange: Vec<_> = found.difference(&sent).collect();
    Err(format!("{tenant}: trace {trace_id}: missing {missing:#?}, not sent {strange:#?}"))
}

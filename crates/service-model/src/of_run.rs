//! The facts of a run of spans in columns.

use spandrel_columns::SpanColumns;
use spandrel_model::{SpanKind, StatusCode};

use crate::of_trace::number_of;
use crate::{Names, PEER_KEYS, PeerSets, Peers, SpanFacts, Weight, name_of};

/// No code yet.
const UNKNOWN: u32 = u32::MAX;

/// The facts of all spans of a run, in order of arrival.
pub fn facts_of_run(spans: &SpanColumns, names: &mut Names, peers: &mut Peers) -> Vec<SpanFacts> {
    let resources = spans.resource_table.values().iter();
    let services: Vec<u32> = resources
        .map(|resource| names.code(name_of(resource.service_name().unwrap_or_default())))
        .collect();
    let span_names: Vec<u32> = spans.name_dictionary.iter().map(|name| names.code(name)).collect();
    let mut facts: Vec<SpanFacts> = Vec::with_capacity(spans.len() as usize);
    for row in 0..spans.len() as usize {
        facts.push(SpanFacts {
            span_id: number_of(spans.span_ids[row]),
            parent_id: number_of(spans.parent_span_ids[row]),
            start_unix_nanos: spans.start_unix_nanos[row],
            duration_nanos: u64::try_from(spans.duration_nanos[row]).unwrap_or(0),
            service: services[spans.resources[row] as usize],
            name: span_names[spans.names[row] as usize],
            peer: 0,
            kind: SpanKind::from_number(spans.kinds[row]),
            failed: spans.status_codes[row] == StatusCode::Error as u8,
            weight: Weight::default(),
        });
    }
    let states = &spans.trace_states;
    let weights: Vec<Weight> = states.dictionary.iter().map(Weight::of_trace_state).collect();
    for (row, code) in states.codes.iter() {
        facts[row as usize].weight = weights[code as usize];
    }
    set_peers(spans, &mut facts, names, peers);
    facts
}

fn set_peers(spans: &SpanColumns, facts: &mut [SpanFacts], names: &mut Names, peers: &mut Peers) {
    let mut sets = PeerSets::default();
    for (number, key) in PEER_KEYS.iter().enumerate() {
        let Some(columns) = spans.attributes.find(key) else { continue };
        let mut codes = vec![UNKNOWN; columns.strings.dictionary.len()];
        for (row, code) in columns.strings.codes.iter() {
            let own = &mut codes[code as usize];
            if *own == UNKNOWN {
                *own = names.code(name_of(columns.strings.dictionary.get(code)));
            }
            if *own != 0 {
                let set = &mut facts[row as usize].peer;
                *set = sets.with(*set, number, *own);
            }
        }
    }
    let numbers = sets.peers(peers);
    facts.iter_mut().for_each(|facts| facts.peer = numbers[facts.peer as usize]);
}

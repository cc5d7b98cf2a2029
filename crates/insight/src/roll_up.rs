//! Many traces as one: the spans of each path added up.

use spandrel_model::{Span, StatusCode};

use crate::{Path, Paths, SpanTree, error_origins, self_nanos};

/// Figures of the spans of one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PathFigures {
    /// How many spans.
    pub n_spans: u64,
    /// In how many traces.
    pub n_traces: u64,
    /// How many of the spans failed.
    pub n_errors: u64,
    /// How many of them failed although nothing below them did.
    pub n_error_origins: u64,
    /// Sum of their durations; one that ends before it starts counts as none.
    pub duration_nanos: u128,
    /// Sum of their self times.
    pub self_nanos: u128,
}

impl PathFigures {
    /// Adds the spans of one trace to the figures of their paths, whose numbers `places` has by span.
    pub fn add_trace(
        figures: &mut Vec<Self>,
        spans: &[Span],
        tree: &SpanTree,
        places: &[Option<usize>],
    ) {
        let n_paths = places.iter().flatten().max().map_or(0, |last| last + 1);
        if figures.len() < n_paths {
            figures.resize(n_paths, Self::default());
        }
        let own = self_nanos(spans, tree);
        let mut seen = vec![false; n_paths];
        for ((span, place), own) in spans.iter().zip(places).zip(own) {
            let Some(place) = *place else { continue };
            let one = &mut figures[place];
            one.n_spans += 1;
            one.n_traces += u64::from(!std::mem::replace(&mut seen[place], true));
            one.n_errors += u64::from(span.status_code == StatusCode::Error);
            one.duration_nanos +=
                u128::from(span.end_unix_nanos.saturating_sub(span.start_unix_nanos));
            one.self_nanos += u128::from(own);
        }
        for origin in error_origins(spans, tree) {
            if let Some(place) = places[origin.span] {
                figures[place].n_error_origins += 1;
            }
        }
    }
}

/// Traces, merged by path.
#[derive(Debug, Clone)]
pub struct RollUp {
    paths: Paths,
    figures: Vec<PathFigures>,
    n_traces: u64,
    n_spans: u64,
    n_spans_left_out: u64,
}

impl RollUp {
    /// Of no trace yet, for at most so many paths. Spans without a place are counted, nothing else.
    pub fn new(nodes_max: usize) -> Self {
        Self {
            paths: Paths::new(nodes_max),
            figures: Vec::new(),
            n_traces: 0,
            n_spans: 0,
            n_spans_left_out: 0,
        }
    }

    /// Adds a trace. Returns the path of each span, by number.
    pub fn add(&mut self, spans: &[Span]) -> Vec<Option<usize>> {
        let tree = SpanTree::new(spans);
        let places = self.paths.place(spans, &tree);
        PathFigures::add_trace(&mut self.figures, spans, &tree, &places);
        self.n_traces += 1;
        self.n_spans += spans.len() as u64;
        self.n_spans_left_out += places.iter().filter(|place| place.is_none()).count() as u64;
        places
    }

    /// The paths and their figures, parents before their children.
    pub fn nodes(&self) -> impl Iterator<Item = (&Path, &PathFigures)> {
        self.paths.nodes().iter().zip(&self.figures)
    }

    /// How many traces were added.
    pub fn n_traces(&self) -> u64 {
        self.n_traces
    }

    /// How many spans were added, those without a place among them.
    pub fn n_spans(&self) -> u64 {
        self.n_spans
    }

    /// How many spans had no place.
    pub fn n_spans_left_out(&self) -> u64 {
        self.n_spans_left_out
    }
}

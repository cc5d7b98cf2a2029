//! The shop: plays one request after another.

use spandrel_proto::otlp::trace::Span;

use crate::fleet::{Fleet, InstanceIndex};
use crate::journey::{Journey, World};
use crate::scenario::Scenario;
use crate::service::Library;

/// A span and who reports it.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedSpan {
    /// The instance whose exporter sends it.
    pub instance: InstanceIndex,
    /// The instrumentation that made it.
    pub library: Library,
    /// The span itself.
    pub span: Span,
}

/// Everything one request or job left behind.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedTrace {
    /// What was played.
    pub scenario: Scenario,
    /// The spans in the order they began to be worked on: parents before children, the root first.
    pub spans: Vec<SimulatedSpan>,
}

/// A simulated web shop; the same seed and calls give the same traces.
#[derive(Debug)]
pub struct Shop {
    world: World,
}

impl Shop {
    /// A shop whose fleet, users and luck all hang on `seed`.
    pub fn new(seed: u64) -> Self {
        Self { world: World::new(seed) }
    }

    /// The instances that report spans.
    pub fn fleet(&self) -> &Fleet {
        &self.world.fleet
    }

    /// Plays a request of the usual mix that arrives at `start_unix_nanos`.
    pub fn next_trace(&mut self, start_unix_nanos: u64) -> SimulatedTrace {
        let scenario = Scenario::draw(self.world.random());
        self.play(scenario, start_unix_nanos)
    }

    /// Plays one scenario.
    pub fn play(&mut self, scenario: Scenario, start_unix_nanos: u64) -> SimulatedTrace {
        let mut journey = Journey::new(&mut self.world, start_unix_nanos);
        scenario.play(&mut journey);
        SimulatedTrace { scenario, spans: journey.into_spans() }
    }

    /// Nanoseconds until the next arrival at a mean rate; arrivals come in bursts.
    pub(crate) fn next_gap(&mut self, traces_per_second: f64) -> u64 {
        // A lognormal with sigma 1 has its mean at exp(1/2) medians.
        let median = 1e9 / traces_per_second / 1.648_721_270_700_128;
        self.world.random().lognormal(median, 1.0) as u64
    }
}

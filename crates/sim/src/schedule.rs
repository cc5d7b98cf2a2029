//! What happens in a world, as a list that the seed alone decides.
//!
//! The list is made before anything runs. A step that makes no sense when its turn comes (a flush of a node
//! that is down) does nothing, so that what the world did so far never changes what comes.

use std::fmt;
use std::time::Duration;

use spandrel_objects_testing::Fault;

use crate::clock::BEGIN_UNIX_NANOS;
use crate::life::Blow;
use crate::random::Random;
use crate::traffic::{Batch, Traffic};

/// Every so many seeds there is a burst.
const BURST_EVERY: u64 = 10;
/// Blocks of a burst. A table writes a checkpoint every 64 commits.
const BURST_BLOCKS: usize = 66;

/// A process, by its number among those of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Process {
    /// Writes, answers questions, and may compact.
    Node(usize),
    /// Only compacts.
    Compactor(usize),
}

/// What there is in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) n_nodes: usize,
    /// Processes of their own that compact.
    pub(crate) n_compactors: usize,
    /// Whether nodes compact as well.
    pub(crate) nodes_compact: bool,
    /// Whether nodes cut and flush by themselves, side by side with everything else.
    pub(crate) nodes_flush: bool,
    pub(crate) wal_segment_bytes_max: u64,
    /// Blocks that make a merge worth while.
    pub(crate) fan_in: usize,
}

/// One step.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Senders send these batches, all at once.
    Send {
        node: usize,
        batches: Vec<Batch>,
    },
    /// A sender that got no answer sends its oldest batch again, maybe to another node.
    SendAgain {
        node: usize,
    },
    Flush {
        node: usize,
    },
    /// Merge what is due, and vacuum.
    Compact(Process),
    /// Ask, whatever state things are in.
    Ask {
        node: usize,
    },
    /// Many small batches, each of which becomes a block: enough for a checkpoint of the table.
    Burst {
        node: usize,
        batches: Vec<Batch>,
    },
    /// These side by side.
    Together(Vec<Self>),
    Advance(Duration),
    /// The process dies, or loses the object store, when it has sent some more requests.
    Doom {
        process: Process,
        blow: Blow,
        power_cut: bool,
    },
    /// The process reaches the object store again.
    Reconnect(Process),
    /// An operation on the node's disk fails, or the process dies of it.
    BreakDisk {
        node: usize,
        after: u64,
        part: u8,
        is_fatal: bool,
        power_cut: bool,
    },
    Crash {
        process: Process,
        power_cut: bool,
    },
    Start(Process),
    /// So many faults of a kind in a thousand requests from now on.
    Faults {
        process: Process,
        per_mille: u32,
    },
    /// Something that only blocks and listings of them can suffer.
    OneFault {
        process: Process,
        fault: Fault,
    },
    /// Nobody reaches the object store, or all do again.
    Outage {
        is_down: bool,
    },
    /// Everything is compared with what was sent.
    Check,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send { node, batches } => {
                write!(f, "Send to node {node}:")?;
                for Batch { tenant, spans } in batches {
                    let ids = spans.iter().map(|span| u64::from_be_bytes(span.span_id.0));
                    let (first, last) = (ids.clone().min(), ids.max());
                    let [first, last] = [first, last].map(|id| id.unwrap_or_default());
                    write!(f, " tenant {tenant} {} spans {first}..={last};", spans.len())?;
                }
                Ok(())
            }
            Self::Burst { node, batches } => {
                write!(f, "Burst on node {node} of {} batches", batches.len())
            }
            Self::Together(steps) => {
                f.write_str("Together [")?;
                for (i, step) in steps.iter().enumerate() {
                    write!(f, "{}{step}", if i == 0 { "" } else { " | " })?;
                }
                f.write_str("]")
            }
            step => write!(f, "{step:?}"),
        }
    }
}

/// The setup and the steps of a seed.
pub(crate) fn schedule(seed: u64, n_steps: usize) -> (Setup, Vec<Step>) {
    let mut random = Random::new(seed);
    let (n_nodes, n_compactors) = (1 + random.index(2), random.index(3));
    let setup = Setup {
        n_nodes,
        n_compactors,
        nodes_compact: n_compactors == 0 || (n_compactors == 1 && random.percent(50)),
        nodes_flush: random.percent(30),
        wal_segment_bytes_max: 1_000 + random.below(12_000),
        fan_in: 2 + random.index(2),
    };
    let traffic = Traffic::new(random.fork());
    let mut writer = Writer { setup: &setup, random, traffic, now: Duration::ZERO };
    let mut steps: Vec<Step> = (0..n_steps).map(|_| writer.step()).collect();
    if seed.is_multiple_of(BURST_EVERY) {
        let at = writer.random.index(steps.len() + 1);
        steps.insert(at, writer.burst());
    }
    (setup, steps)
}

struct Writer<'a> {
    setup: &'a Setup,
    random: Random,
    traffic: Traffic,
    now: Duration,
}

impl Writer<'_> {
    fn step(&mut self) -> Step {
        match self.random.below(100) {
            0..30 => self.work(),
            30..45 => {
                let n = 2 + self.random.index(3);
                Step::Together((0..n).map(|_| self.work()).collect())
            }
            45..57 => self.advance(),
            57..72 => Step::Start(self.process()),
            72..78 => Step::Doom {
                process: self.process(),
                blow: Blow {
                    after_requests: self.random.below(25),
                    has_effect: self.random.percent(60),
                    is_fatal: self.random.percent(60),
                },
                power_cut: self.random.percent(60),
            },
            78..80 => Step::Reconnect(self.process()),
            80..84 => Step::BreakDisk {
                node: self.node(),
                after: self.random.below(8),
                part: u8::try_from(self.random.below(256)).unwrap_or(u8::MAX),
                is_fatal: self.random.percent(70),
                power_cut: self.random.percent(60),
            },
            84..87 => Step::Crash { process: self.process(), power_cut: self.random.percent(60) },
            87..92 => {
                let per_mille = *self.random.pick(&[0, 0, 5, 20, 60]);
                Step::Faults { process: self.process(), per_mille }
            }
            92..94 => {
                let fault = *self.random.pick(&[Fault::TornWrite, Fault::StaleList]);
                Step::OneFault { process: self.process(), fault }
            }
            94..97 => Step::Outage { is_down: self.random.percent(35) },
            _ => Step::Check,
        }
    }

    fn work(&mut self) -> Step {
        match self.random.below(100) {
            0..45 => {
                let (n, now) = (1 + self.random.index(3), self.now());
                let batches = (0..n).map(|_| self.traffic.batch(now)).collect();
                Step::Send { node: self.node(), batches }
            }
            45..55 => Step::SendAgain { node: self.node() },
            55..75 => Step::Flush { node: self.node() },
            75..90 => Step::Compact(self.compacting()),
            _ => Step::Ask { node: self.node() },
        }
    }

    fn burst(&mut self) -> Step {
        let now = self.now();
        let batches = (0..BURST_BLOCKS).map(|_| self.traffic.batch_of(0, now)).collect();
        Step::Burst { node: self.node(), batches }
    }

    fn now(&self) -> u64 {
        BEGIN_UNIX_NANOS + u64::try_from(self.now.as_nanos()).unwrap_or(0)
    }

    fn advance(&mut self) -> Step {
        let seconds = [1, 5, 60, 300, 1_200, 2_400, 4_000];
        let by = Duration::from_secs(*self.random.pick(&seconds));
        self.now += by;
        Step::Advance(by)
    }

    fn node(&mut self) -> usize {
        self.random.index(self.setup.n_nodes)
    }

    fn process(&mut self) -> Process {
        let number = self.random.index(self.setup.n_nodes + self.setup.n_compactors);
        match number.checked_sub(self.setup.n_nodes) {
            None => Process::Node(number),
            Some(number) => Process::Compactor(number),
        }
    }

    fn compacting(&mut self) -> Process {
        let nodes = if self.setup.nodes_compact { self.setup.n_nodes } else { 0 };
        let number = self.random.index(nodes + self.setup.n_compactors);
        match number.checked_sub(nodes) {
            None => Process::Node(number),
            Some(number) => Process::Compactor(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text((setup, steps): &(Setup, Vec<Step>)) -> String {
        format!("{setup:?} {steps:?}")
    }

    #[test]
    fn the_seed_alone_decides_what_happens() {
        let first = text(&schedule(7, 60));
        assert_eq!(first, text(&schedule(7, 60)));
        assert_ne!(first, text(&schedule(8, 60)));
    }

    #[test]
    fn everything_that_can_happen_is_planned_in_some_world() {
        let all: String = (0..50).map(|seed| text(&schedule(seed, 60))).collect();
        for step in [
            "Send {",
            "SendAgain {",
            "Flush {",
            "Burst {",
            "Compact(Node",
            "Compact(Compactor",
            "Ask {",
            "Together(",
            "Advance(",
            "Doom {",
            "Reconnect(",
            "BreakDisk {",
            "Crash {",
            "Start(Node",
            "Start(Compactor",
            "Faults {",
            "fault: TornWrite",
            "fault: StaleList",
            "is_down: true",
            "Check",
            "nodes_flush: true",
            "nodes_compact: false",
        ] {
            assert!(all.contains(step), "{step}");
        }
    }
}

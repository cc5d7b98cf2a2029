//! Random histories of appends, rotations, truncations, failing operations and power cuts.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};
use spandrel_wal::Record;

use crate::fault_env::Fault;
use crate::model::{Model, Restart};
use crate::record;

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<Record>),
    Rotate,
    Truncate { part: u8 },
    Restart(Restart),
    Arm { n_ops: u64, fault: Fault, part: u8 },
    Disarm,
}

fn any_record() -> impl Strategy<Value = Record> {
    let tenant = prop_oneof![Just("a"), Just("tenant-b"), Just("")];
    (tenant, any::<u64>(), vec(any::<u8>(), 0..200))
        .prop_map(|(tenant, nanos, payload)| record(tenant, nanos, &payload))
}

fn any_step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![3 => Just(Fault::Error), 1 => Just(Fault::Stop)];
    prop_oneof![
        8 => vec(any_record(), 0..6).prop_map(Step::Append),
        1 => Just(Step::Rotate),
        1 => any::<u8>().prop_map(|part| Step::Truncate { part }),
        2 => (any::<(bool, u64, bool)>(), option::of((0..8_u64, fault.clone()))).prop_map(
            |((power_cut, seed, replays_all), fault)| {
                Step::Restart(Restart { power_cut, seed, replays_all, fault })
            },
        ),
        3 => (0..8_u64, fault, any::<u8>())
            .prop_map(|(n_ops, fault, part)| Step::Arm { n_ops, fault, part }),
        1 => Just(Step::Disarm),
    ]
}

/// Every acknowledged record after the truncation point comes back once, in order; nothing of a
/// failed group does, unless the disk failed so thoroughly that nobody can know.
#[test]
fn acknowledged_records_survive_any_history() {
    let config = ProptestConfig {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(0x5370_616e),
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = (prop_oneof![Just(200_u64), Just(2_000)], vec(any_step(), 0..40));
    let run = TestRunner::new(config).run(&steps, |(segment_bytes_max, steps)| {
        let mut model = Model::new(segment_bytes_max);
        for step in steps {
            match step {
                Step::Append(records) => model.append(&records),
                Step::Rotate => model.rotate(),
                Step::Truncate { part } => model.truncate(part),
                Step::Restart(restart) => model.restart(restart),
                Step::Arm { n_ops, fault, part } => model.env.arm(n_ops, fault, part),
                Step::Disarm => model.env.disarm(),
            }
        }
        model.restart(Restart { power_cut: true, seed: 7, replays_all: true, fault: None });
        Ok(())
    });
    if let Err(err) = run {
        panic!("{err}");
    }
}

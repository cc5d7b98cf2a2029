//! A store that fails on purpose.
//!
//! What happens to an operation is decided when it begins: by [`FaultStore::inject`], else by chance, from a seed
//! and [`FaultRates`]. The same operations in the same order meet the same faults. What was done to whom is
//! in [`FaultStore::injected`], for the message of a test that fails.
//!
//! An operation that cannot suffer a fault (a torn read, a stale put) passes, and does not use the fault up.

mod injured;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use object_store::path::Path;
use object_store::{Error, ObjectMeta, ObjectStore, PutMode, PutPayload};
use parking_lot::Mutex;

/// Writes that a stale listing does not know.
const STALE_WRITES: usize = 8;
/// A duplicate of a write comes at most so many operations later.
const DUPLICATE_WITHIN: u64 = 8;
/// How long an operation that times out takes, unless the test says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What goes wrong with one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and has no effect.
    ErrorBefore,
    /// It has its effect and fails.
    ErrorAfter,
    /// It has no effect, and the error comes after the timeout.
    TimeoutBefore,
    /// It has its effect, and the error comes after the timeout.
    TimeoutAfter,
    /// A write stores the first half of its bytes, and fails.
    TornWrite,
    /// A write succeeds, and is done again some operations later.
    DuplicatedWrite,
    /// A write is done, its answer is lost, and the client repeats it by itself: the caller gets the answer to the
    /// second write. A creation is told that somebody else was first.
    LostAcknowledgment,
    /// A listing is from before the last writes and deletions.
    StaleList,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// An object or a part of it is read.
    Get,
    /// The facts of an object are read.
    Head,
    /// An object is written.
    Put,
    /// An upload is begun.
    BeginUpload,
    /// A part is uploaded.
    PutPart,
    /// An upload is completed or aborted.
    EndUpload,
    /// Names are listed.
    List,
    /// An object is deleted.
    Delete,
    /// An object is copied.
    Copy,
}

/// How often faults happen: this many in a thousand operations that can suffer them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FaultRates {
    /// [`Fault::ErrorBefore`].
    pub error_before: u32,
    /// [`Fault::ErrorAfter`].
    pub error_after: u32,
    /// [`Fault::TimeoutBefore`].
    pub timeout_before: u32,
    /// [`Fault::TimeoutAfter`].
    pub timeout_after: u32,
    /// [`Fault::TornWrite`]. No store of today does this; a block's own checks have to notice.
    pub torn_write: u32,
    /// [`Fault::DuplicatedWrite`].
    pub duplicated_write: u32,
    /// [`Fault::LostAcknowledgment`].
    pub lost_acknowledgment: u32,
    /// [`Fault::StaleList`].
    pub stale_list: u32,
}

impl FaultRates {
    /// Everything that a cloud's store may do, this many in a thousand each: all but torn writes and stale
    /// listings.
    pub fn cloud(per_mille: u32) -> Self {
        Self {
            error_before: per_mille,
            error_after: per_mille,
            timeout_before: per_mille,
            timeout_after: per_mille,
            duplicated_write: per_mille,
            lost_acknowledgment: per_mille,
            ..Self::default()
        }
    }

    fn each(&self) -> [(Fault, u32); 8] {
        [
            (Fault::ErrorBefore, self.error_before),
            (Fault::ErrorAfter, self.error_after),
            (Fault::TimeoutBefore, self.timeout_before),
            (Fault::TimeoutAfter, self.timeout_after),
            (Fault::TornWrite, self.torn_write),
            (Fault::DuplicatedWrite, self.duplicated_write),
            (Fault::LostAcknowledgment, self.lost_acknowledgment),
            (Fault::StaleList, self.stale_list),
        ]
    }
}

impl Fault {
    fn can_befall(self, operation: Operation) -> bool {
        match self {
            Self::ErrorBefore | Self::ErrorAfter | Self::TimeoutBefore | Self::TimeoutAfter => true,
            Self::TornWrite | Self::DuplicatedWrite | Self::LostAcknowledgment => {
                operation == Operation::Put
            }
            Self::StaleList => operation == Operation::List,
        }
    }
}

/// A fault that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Injected {
    /// What.
    pub fault: Fault,
    /// During what.
    pub operation: Operation,
    /// To which object, or in which directory.
    pub path: Path,
}

/// The error of an operation that failed on purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OnPurpose(Fault, Operation);

impl std::fmt::Display for OnPurpose {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} during {:?}, on purpose", self.0, self.1)
    }
}

impl std::error::Error for OnPurpose {}

/// A store whose operations fail.
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    state: Arc<State>,
}

struct State {
    chance: Mutex<Chance>,
    plan: Mutex<Plan>,
    history: Mutex<History>,
    is_down: AtomicBool,
}

struct Plan {
    rates: FaultRates,
    timeout: Duration,
    scripted: VecDeque<Scripted>,
    injected: Vec<Injected>,
}

/// A fault that waits for its victim.
struct Scripted {
    fault: Fault,
    operation: Option<Operation>,
    path_part: String,
}

/// What faults need to know of the past.
#[derive(Default)]
struct History {
    operations: u64,
    /// Names that appeared and objects that vanished, newest last.
    changes: VecDeque<Change>,
    duplicates: Vec<Duplicate>,
}

enum Change {
    Appeared(Path),
    Vanished(ObjectMeta),
}

struct Duplicate {
    due: u64,
    path: Path,
    payload: PutPayload,
    mode: PutMode,
}

impl FaultStore {
    /// `inner`, without faults so far.
    pub fn new(inner: Arc<dyn ObjectStore>, seed: u64) -> Self {
        let plan = Plan {
            rates: FaultRates::default(),
            timeout: TIMEOUT,
            scripted: VecDeque::new(),
            injected: Vec::new(),
        };
        let state = State {
            chance: Mutex::new(Chance(seed)),
            plan: Mutex::new(plan),
            history: Mutex::default(),
            is_down: AtomicBool::new(false),
        };
        Self { inner, state: Arc::new(state) }
    }

    /// Faults by chance from now on.
    pub fn set_rates(&self, rates: FaultRates) {
        self.state.plan.lock().rates = rates;
    }

    /// How long an operation takes that times out.
    pub fn set_timeout(&self, timeout: Duration) {
        self.state.plan.lock().timeout = timeout;
    }

    /// The next operation that can suffer `fault`, on a path that contains `path_part`, does; in the
    /// order of the calls.
    pub fn inject(&self, fault: Fault, path_part: &str) {
        self.script(fault, None, path_part);
    }

    /// As [`FaultStore::inject`], for the next operation of this kind.
    pub fn inject_into(&self, fault: Fault, operation: Operation, path_part: &str) {
        self.script(fault, Some(operation), path_part);
    }

    fn script(&self, fault: Fault, operation: Option<Operation>, path_part: &str) {
        let scripted = Scripted { fault, operation, path_part: path_part.to_owned() };
        self.state.plan.lock().scripted.push_back(scripted);
    }

    /// While the store is down everything fails at once, without effect.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }

    /// The faults that happened so far, oldest first.
    pub fn injected(&self) -> Vec<Injected> {
        self.state.plan.lock().injected.clone()
    }
}

impl State {
    /// What happens to an operation that begins now.
    fn decide(&self, operation: Operation, path: &Path) -> Result<Option<Fault>, Error> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(error(Fault::ErrorBefore, operation));
        }
        let mut plan = self.plan.lock();
        let scripted = plan.scripted.iter().position(|scripted| {
            scripted.fault.can_befall(operation)
                && scripted.operation.is_none_or(|wanted| wanted == operation)
                && path.as_ref().contains(scripted.path_part.as_str())
        });
        let fault = match scripted {
            Some(index) => plan.scripted.remove(index).map(|scripted| scripted.fault),
            None => self.by_chance(operation, &plan.rates),
        };
        if let Some(fault) = fault {
            plan.injected.push(Injected { fault, operation, path: path.clone() });
        }
        Ok(fault)
    }

    /// One draw for each operation, whatever the rates, so that rates can be changed without changing the rest.
    fn by_chance(&self, operation: Operation, rates: &FaultRates) -> Option<Fault> {
        let mut draw = self.chance.lock().below(1_000);
        for (fault, rate) in rates.each().into_iter().filter(|(f, _)| f.can_befall(operation)) {
            match draw.checked_sub(u64::from(rate)) {
                Some(rest) => draw = rest,
                None => return Some(fault),
            }
        }
        None
    }

    fn note(&self, change: Change) {
        let mut history = self.history.lock();
        if history.changes.len() == STALE_WRITES {
            history.changes.pop_front();
        }
        history.changes.push_back(change);
    }

    fn duplicate_later(&self, path: &Path, payload: &PutPayload, mode: PutMode) {
        let delay = 1 + self.chance.lock().below(DUPLICATE_WITHIN);
        let mut history = self.history.lock();
        let due = history.operations + delay;
        history.duplicates.push(Duplicate {
            due,
            path: path.clone(),
            payload: payload.clone(),
            mode,
        });
    }

    /// Counts an operation; returns the duplicates of earlier writes that arrive before it.
    fn due(&self) -> Vec<Duplicate> {
        let mut history = self.history.lock();
        history.operations += 1;
        let now = history.operations;
        let (due, later) =
            history.duplicates.drain(..).partition(|duplicate: &Duplicate| duplicate.due <= now);
        history.duplicates = later;
        due
    }
}

fn error(fault: Fault, operation: Operation) -> Error {
    Error::Generic { store: "FaultStore", source: Box::new(OnPurpose(fault, operation)) }
}

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

#[cfg(test)]
mod tests;

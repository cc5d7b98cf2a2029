//! A process that starts, dies and starts again on what its last life left.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;
use spandrel_compaction::{CompactionOptions, Compactor, PlanOptions};
use spandrel_ingest::{CutOptions, Store, StoreError, StoreOptions};
use spandrel_objects_testing::{Fault, FaultRates, FaultStore};
use spandrel_query::{QueryEngine, QueryOptions};
use spandrel_telemetry::Metrics;
use spandrel_wal::Durability;
use tempfile::TempDir;

use crate::bucket::Bucket;
use crate::clock::SimClock;
use crate::connection::Connection;
use crate::disk::Disk;
use crate::life::Life;
use crate::random::Random;
use crate::sabotage::{Forgetful, Sabotage};
use crate::schedule::Setup;
use crate::tables::{NodeTables, OwnTables};

/// How long a query may go on reading what was removed meanwhile.
pub(crate) const GRACE: Duration = Duration::from_secs(3_600);
/// Longer than any world lasts.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// What all processes of a world share.
pub(crate) struct Shared {
    pub(crate) setup: Setup,
    pub(crate) sabotage: Option<Sabotage>,
    pub(crate) clock: Arc<SimClock>,
    pub(crate) bucket: Arc<Bucket>,
}

/// A process and what outlives it.
pub(crate) struct Host {
    /// Its way to the object store.
    pub(crate) faults: Arc<FaultStore>,
    /// Nodes have one.
    pub(crate) disk: Option<Disk>,
    /// For the file `names` of the log, which is replaced as a whole.
    folder: TempDir,
    random: Arc<Mutex<Random>>,
    state: Mutex<HostState>,
}

#[derive(Default)]
struct HostState {
    running: Option<Arc<Running>>,
    /// Whether the death that is to come is a power cut.
    dies_by_power_cut: bool,
    per_mille: u32,
    /// Faults that were planned so far.
    n_planned: usize,
}

/// A process that runs.
pub(crate) struct Running {
    pub(crate) life: Arc<Life>,
    pub(crate) node: Option<RunningNode>,
    pub(crate) compactor: Option<Compactor>,
}

/// What a node has besides.
pub(crate) struct RunningNode {
    pub(crate) store: Arc<Store>,
    pub(crate) engine: QueryEngine,
    pub(crate) metrics: Metrics,
    /// When it last learned of what others committed.
    pub(crate) refreshed_at: Mutex<Duration>,
    /// Whether the last flush that was asked for has to be tried again.
    pub(crate) flush_failed: AtomicBool,
}

impl Host {
    pub(crate) fn new(
        shared: &Shared,
        is_node: bool,
        random: &mut Random,
    ) -> std::io::Result<Self> {
        let lies = shared.sabotage == Some(Sabotage::LyingDisk);
        let faults = FaultStore::new(Arc::clone(&shared.bucket) as _, random.next());
        // Time that passes in a request would pass by chance; the connection lets it pass.
        faults.set_timeout(Duration::ZERO);
        Ok(Self {
            faults: Arc::new(faults),
            disk: is_node.then(|| Disk::new(lies)),
            folder: tempfile::tempdir()?,
            random: Arc::new(Mutex::new(random.fork())),
            state: Mutex::default(),
        })
    }

    /// The process, if it runs.
    pub(crate) fn running(&self) -> Option<Arc<Running>> {
        self.state.lock().running.clone()
    }

    pub(crate) fn set_faults(&self, per_mille: u32) {
        self.state.lock().per_mille = per_mille;
        self.faults.set_rates(FaultRates::cloud(per_mille));
    }

    pub(crate) fn per_mille(&self) -> u32 {
        self.state.lock().per_mille
    }

    /// Plans a fault of blocks and their listings, unless one is planned already.
    pub(crate) fn plan_fault(&self, fault: Fault) {
        let mut state = self.state.lock();
        let is_planned = |fault: Fault| matches!(fault, Fault::TornWrite | Fault::StaleList);
        let happened = self.faults.injected();
        let n_happened = happened.iter().filter(|injected| is_planned(injected.fault)).count();
        if n_happened == state.n_planned {
            state.n_planned += 1;
            self.faults.inject(fault, "blocks");
        }
    }

    /// How it dies when it does not die at once.
    pub(crate) fn die_by(&self, power_cut: bool) {
        self.state.lock().dies_by_power_cut = power_cut;
    }

    /// Buries the process if it is dead. Returns whether a power cut was what it died of.
    pub(crate) fn bury(&self) -> Option<bool> {
        let mut state = self.state.lock();
        state.running.take_if(|running| running.life.is_over())?;
        let is_power_cut = state.dies_by_power_cut;
        if let Some(disk) = &self.disk {
            disk.crash(is_power_cut.then(|| self.random.lock().next()));
        }
        Some(is_power_cut)
    }

    /// Starts the process.
    pub(crate) async fn start(&self, shared: &Shared) -> Result<(), StoreError> {
        let life = Arc::new(Life::default());
        let connection = Arc::new(Connection {
            store: Arc::clone(&self.faults),
            life: Arc::clone(&life),
            clock: Arc::clone(&shared.clock),
            random: Arc::clone(&self.random),
        });
        let node = match &self.disk {
            Some(disk) => {
                if disk.has_lost_writes() {
                    disk.crash(Some(self.random.lock().next()));
                }
                let node = self.start_node(shared, disk, (&connection, &life)).await;
                if node.is_err() {
                    life.end_now();
                    disk.crash(None);
                }
                Some(node?)
            }
            None => None,
        };
        let compactor = compactor(shared, &connection, node.as_ref());
        let running = Arc::new(Running { life, node, compactor });
        self.state.lock().running = Some(running);
        Ok(())
    }

    async fn start_node(
        &self,
        shared: &Shared,
        disk: &Disk,
        (connection, life): (&Arc<Connection>, &Arc<Life>),
    ) -> Result<RunningNode, StoreError> {
        let metrics = Metrics::new();
        let (options, env) = (self.store_options(shared), disk.mount(life));
        let (objects, clock) = (Arc::clone(connection) as _, Arc::clone(&shared.clock) as _);
        let store = Store::open_in(options, env, objects, clock, metrics.clone()).await?;
        let store = Arc::new(store);
        let options = QueryOptions { block_cache_bytes_max: 4 << 20, ..QueryOptions::default() };
        let engine = QueryEngine::new(Arc::clone(&store), options, metrics.clone());
        let (refreshed_at, flush_failed) = Default::default();
        Ok(RunningNode { store, engine, metrics, refreshed_at, flush_failed })
    }

    fn store_options(&self, shared: &Shared) -> StoreOptions {
        let mut options = StoreOptions::new(self.folder.path());
        options.wal_segment_bytes_max = shared.setup.wal_segment_bytes_max;
        options.cut = if shared.setup.nodes_flush {
            CutOptions { spans_max: 60, age_max: Duration::from_secs(240), ..CutOptions::default() }
        } else {
            CutOptions { spans_max: u32::MAX, age_max: NEVER, ..CutOptions::default() }
        };
        // The world decides when, so that a seed decides it.
        options.refresh_interval = NEVER;
        if shared.sabotage == Some(Sabotage::EarlyAcknowledgment) {
            options.durability = Durability::Os;
        }
        options
    }
}

fn compactor(
    shared: &Shared,
    connection: &Arc<Connection>,
    node: Option<&RunningNode>,
) -> Option<Compactor> {
    if node.is_some() && !shared.setup.nodes_compact {
        return None;
    }
    let clock = || Arc::clone(&shared.clock) as _;
    let objects = || Arc::clone(connection) as _;
    let plan = PlanOptions {
        windows: [60 * 60, 6 * 60 * 60].map(Duration::from_secs).to_vec(),
        fan_in: shared.setup.fan_in,
        ..PlanOptions::default()
    };
    let is_hasty = shared.sabotage == Some(Sabotage::HastyVacuum);
    let options = CompactionOptions {
        plan,
        vacuum_interval: Duration::ZERO,
        vacuum_grace: if is_hasty { Duration::ZERO } else { GRACE },
        ..CompactionOptions::default()
    };
    let metrics = Metrics::new();
    let compactor = match node {
        Some(node) => {
            let tables = Arc::new(NodeTables(Arc::clone(&node.store)));
            Compactor::new(objects(), tables, options, clock(), metrics)
        }
        None => {
            let tables = OwnTables { objects: objects(), clock: clock(), open: Mutex::default() };
            Compactor::new(objects(), Arc::new(tables), options, clock(), metrics)
        }
    };
    Some(match shared.sabotage {
        Some(Sabotage::ForgetfulMerge) => compactor.with_filter(Arc::new(Forgetful)),
        _ => compactor,
    })
}

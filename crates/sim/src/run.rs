//! One seed from its beginning to its end.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::schedule::schedule;
use crate::totals::Totals;
use crate::world::World;

/// What is run.
#[derive(Debug, Clone, Copy)]
pub struct RunOptions {
    /// Steps of a world before it is repaired and compared for the last time.
    pub steps: usize,
    /// What is broken in it on purpose.
    pub sabotage: Option<Sabotage>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { steps: 60, sabotage: None }
    }
}

/// A promise that was broken, and how it came to that.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// What was run.
    pub options: RunOptions,
    /// What is wrong.
    pub what: String,
    /// The setup and the steps that were begun.
    pub log: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, options, what, log } = self;
        writeln!(f, "seed {seed}: {what}\n")?;
        for line in log {
            writeln!(f, "  {line}")?;
        }
        let steps = options.steps;
        write!(
            f,
            "\nagain: cargo run -p spandrel-sim -- --first {seed} --seeds 1 --steps {steps}"
        )?;
        match options.sabotage {
            Some(sabotage) => write!(f, " --sabotage {sabotage}"),
            None => Ok(()),
        }
    }
}

/// Runs one seed.
///
/// # Errors
/// [`Violation`], also when something panics.
pub fn run_seed(seed: u64, options: RunOptions) -> Result<Totals, Box<Violation>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| error.to_string())?;
        let done = runtime.block_on(run_world(seed, options, &log));
        runtime.shutdown_background();
        done
    };
    let what = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(totals)) => return Ok(totals),
        Ok(Err(what)) => what,
        Err(payload) => {
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            format!("panicked: {}", text.unwrap_or("without a text"))
        }
    };
    let log = log.lock().clone();
    Err(Box::new(Violation { seed, options, what, log }))
}

async fn run_world(
    seed: u64,
    options: RunOptions,
    log: &Mutex<Vec<String>>,
) -> Result<Totals, String> {
    // A paused runtime moves its time when it has nothing to do, and so it would whenever it waits for the
    // thread of a log. It does not while a blocking task runs.
    let (end, ended) = sync_channel::<()>(1);
    let holding_time = spawn_blocking(move || ended.recv());
    let (setup, steps) = schedule(seed, options.steps);
    log.lock().push(format!("{setup:?}"));
    let mut random = Random::new(!seed);
    let world = World::new(setup, random.fork(), options.sabotage).await?;
    for (number, step) in steps.iter().enumerate() {
        log.lock().push(format!("{number:3} {step}"));
        world.step(step).await?;
    }
    log.lock().push("    the end".to_owned());
    world.finish().await?;
    let mut totals = world.totals.lock().clone();
    totals.seeds = 1;
    totals.steps = steps.len() as u64;
    for host in world.hosts() {
        for injected in host.faults.injected() {
            *totals.faults.entry(format!("{:?}", injected.fault)).or_default() += 1;
        }
        if let Some(disk) = &host.disk {
            *totals.faults.entry("Disk".to_owned()).or_default() += disk.n_faults();
        }
    }
    drop(end);
    // It has nothing to say.
    let _ = holding_time.await;
    Ok(totals)
}

//! Runs many seeds, and shows what happened in them: see `docs/testing.md`.

#![expect(clippy::print_stdout, reason = "this is a command")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use clap::Parser;
use parking_lot::Mutex;
use spandrel_sim::{RunOptions, Sabotage, Totals, run_seed};

/// Writers, compactors, readers and crashes, against what was sent.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Steps of each world.
    #[arg(long, default_value_t = RunOptions::default().steps)]
    steps: usize,
    /// Threads; as many as cores unless it is said.
    #[arg(long)]
    jobs: Option<usize>,
    /// Something to break, which has to be noticed.
    #[arg(long)]
    sabotage: Option<Sabotage>,
}

/// Seeds between two lines that say how far it is.
const PROGRESS: u64 = 100;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let options = RunOptions { steps: arguments.steps, sabotage: arguments.sabotage };
    let cores = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let totals = Mutex::new(Totals::default());
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.unwrap_or(cores) {
            scope.spawn(|| {
                while !failed.load(Ordering::SeqCst) {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= arguments.seeds {
                        break;
                    }
                    match run_seed(arguments.first.saturating_add(number), options) {
                        Ok(done) => {
                            let mut totals = totals.lock();
                            *totals += &done;
                            if totals.seeds % PROGRESS == 0 && totals.seeds < arguments.seeds {
                                println!("{} of {} seeds", totals.seeds, arguments.seeds);
                            }
                        }
                        Err(violation) => {
                            failed.store(true, Ordering::SeqCst);
                            println!("{violation}");
                        }
                    }
                }
            });
        }
    });
    println!("{}", totals.lock());
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

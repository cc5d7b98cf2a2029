//! The `spandrel` command: one binary that is the server and the tools around it.
//!
//! Exit status: 0 for success, 1 when something failed or a check found fault, 2 for wrong arguments.

mod address;
mod api_client;
mod bench;
mod blocks;
mod cli;
mod demo;
mod duration;
mod export;
mod import;
mod otlp_client;
mod otlp_file;
mod output;
mod pipelines;
mod progress;
mod query;
mod retention;
mod serve;
mod signal;
mod sql;
mod storage;
mod style;
mod table;
mod time_range;
mod trace;
mod verify;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use spandrel_server::ServerError;

use crate::cli::{Cli, Command};

/// Returns memory to the system after peaks, and scales over threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What still blocks a thread after an orderly end may take this long.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Stack of each thread, of which only what is touched takes memory. Planning SQL is recursive: the deepest query that is
/// taken fits in a quarter of this without optimizations.
const STACK_BYTES: usize = 8 << 20;

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.enable_all().thread_stack_size(STACK_BYTES).build()?;
    let result = runtime.block_on(async {
        match cli.command {
            None => serve::run(cli.serve).await,
            Some(Command::Serve(args)) => serve::run(*args).await,
            Some(Command::Validate(args)) => pipelines::validate(&args),
            Some(Command::PrintConfig(args)) => pipelines::print_config(&args),
            Some(Command::Components(args)) => pipelines::components(&args),
            Some(Command::Demo(args)) => demo::run(args).await,
            Some(Command::Query(args)) => query::run(args).await,
            Some(Command::Sql(args)) => sql::run(args).await,
            Some(Command::Trace(args)) => trace::run(args).await,
            Some(Command::Verify(args)) => verify::run(args).await,
            Some(Command::Export(args)) => export::run(args).await,
            Some(Command::Import(args)) => import::run(args).await,
            Some(Command::Blocks(args)) => blocks::run(args).await,
            Some(Command::Retention(args)) => retention::run(args).await,
            Some(Command::Bench(args)) => bench::run(args).await,
        }
    });
    runtime.shutdown_timeout(LAST_WORDS);
    result
}

fn report(error: &anyhow::Error) {
    let mut lines = format!("error: {error}\n");
    for cause in error.chain().skip(1) {
        lines.push_str(&format!("  because: {cause}\n"));
    }
    if let Some(hint) = error.downcast_ref().and_then(ServerError::hint) {
        lines.push_str(&format!("  hint: {hint}\n"));
    }
    output::note(&lines);
}

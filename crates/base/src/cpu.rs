//! CPU-bound work, kept away from the threads that serve connections.
//!
//! At most as many closures run at once as the machine has cores, over the whole process; the rest
//! wait their turn in order. Waiting is bounded by what the callers hold open (requests, tasks), so
//! there is no queue to overflow here. A closure that has started runs to its end, even when the
//! caller stops waiting for it.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

use crate::panic_message::panic_message;

static CORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(cores())));

/// How many closures run at once: as many as the machine, or its container, has cores.
pub fn cores() -> usize {
    available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Why CPU-bound work has no result.
#[derive(Debug, thiserror::Error)]
pub enum CpuError {
    /// The closure panicked; only this piece of work is lost.
    #[error("cpu-bound work panicked: {message}")]
    Panicked {
        /// The text of the panic.
        message: String,
    },
    /// The runtime is shutting down and did not start the closure.
    #[error("cpu-bound work was not started because the runtime is stopping")]
    Stopping,
}

/// Runs `work` on a thread where it may take as long as it needs.
///
/// # Errors
/// [`CpuError::Panicked`] when `work` panics, [`CpuError::Stopping`] when the runtime is stopping.
pub async fn run<T, F>(work: F) -> Result<T, CpuError>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let permit = Arc::clone(&CORES).acquire_owned().await.map_err(|_closed| CpuError::Stopping)?;
    let joined = tokio::task::spawn_blocking(move || {
        // Held by the closure, not by the caller: a caller that goes away does not free the core.
        let _permit = permit;
        work()
    })
    .await;
    joined.map_err(|err| match err.try_into_panic() {
        Ok(payload) => CpuError::Panicked { message: panic_message(payload.as_ref()) },
        Err(_cancelled) => CpuError::Stopping,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn returns_the_result_and_reports_a_panic() {
        assert_eq!(run(|| 6 * 7).await.expect("nothing panics"), 42);
        let err = run(|| -> u32 { panic!("bad {}", "input") }).await.expect_err("it panics");
        assert!(matches!(err, CpuError::Panicked { ref message } if message == "bad input"));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn never_runs_more_closures_than_cores() {
        let n_cores = cores();
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..n_cores * 8 {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            set.spawn(run(move || {
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most.fetch_max(now, Ordering::SeqCst);
                std::hint::black_box((0..200_000_u64).fold(0, |sum, i| sum ^ i));
                running.fetch_sub(1, Ordering::SeqCst);
            }));
        }
        while let Some(joined) = set.join_next().await {
            joined.expect("no task panics").expect("no closure panics");
        }
        let most = most.load(Ordering::SeqCst);
        assert!((1..=n_cores).contains(&most), "{most} closures on {n_cores} cores");
    }
}

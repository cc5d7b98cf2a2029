//! CPU-bound work, kept away from the threads that serve connections.
//!
//! At most as many closures run at once as the machine has cores, over the whole process; the rest
//! wait their turn in order. Waiting is bounded by what the callers hold open (requests, tasks), so
//! there is no queue to overflow here. A closure that has started runs to its end, even when the
//! caller stops waiting for it.

use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinError;

use crate::panic_message::panic_message;
use crate::task::apart;

static CORES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(cores())));

/// Work of any kind, which leaves its result where its caller finds it.
type Work = Box<dyn FnOnce() + Send>;

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
    let (sender, mut result) = oneshot::channel();
    // Nobody is there to take it when the caller has gone.
    run_erased(Box::new(move || drop(sender.send(work())))).await?;
    result.try_recv().map_err(|_not_started| CpuError::Stopping)
}

/// The same for work of any kind. What tokio needs of code for a task is compiled here, once, and not for each caller.
fn run_erased(work: Work) -> Pin<Box<dyn Future<Output = Result<(), CpuError>> + Send>> {
    Box::pin(async move {
        let joined = match Arc::clone(&CORES).try_acquire_owned() {
            Ok(permit) => on_core(permit, work).await,
            // A core is given to the one that has waited longest. To a future that its owner does not poll, while it
            // waits for a core itself, it would be lost; a task goes on whatever the caller does.
            Err(_none_free) => {
                let waiting = apart(async move {
                    let permit = Arc::clone(&CORES).acquire_owned().await.ok()?;
                    Some(on_core(permit, work).await)
                });
                waiting.await.ok().flatten().ok_or(CpuError::Stopping)?
            }
        };
        joined.map_err(|err| match err.try_into_panic() {
            Ok(payload) => CpuError::Panicked { message: panic_message(payload.as_ref()) },
            Err(_cancelled) => CpuError::Stopping,
        })
    })
}

async fn on_core(permit: OwnedSemaphorePermit, work: Work) -> Result<(), JoinError> {
    let work = move || {
        // Held by the closure, not by the caller: a caller that goes away does not free the core.
        let _permit = permit;
        work();
    };
    tokio::task::spawn_blocking(work).await
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

    /// Scenario: all cores are taken, others wait and are not polled again, as parts of a stream whose reader does
    /// something else; then the cores are free.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_is_not_polled_takes_no_core_from_others() {
        let (mut taken, mut release) = (tokio::task::JoinSet::new(), Vec::new());
        let (began, mut begun) = tokio::sync::mpsc::channel(cores());
        for _ in 0..cores() {
            let (sender, receiver) = std::sync::mpsc::sync_channel::<()>(1);
            release.push(sender);
            let began = began.clone();
            taken.spawn(run(move || began.try_send(()).is_ok() && receiver.recv().is_err()));
        }
        for _ in 0..cores() {
            begun.recv().await.expect("it begins");
        }
        let mut waiting: Vec<_> = (0..2 * cores()).map(|_| Box::pin(run(|| ()))).collect();
        for future in &mut waiting {
            std::future::poll_fn(|context| {
                let _ready = future.as_mut().poll(context);
                std::task::Poll::Ready(())
            })
            .await;
        }
        drop(release);
        let last = tokio::time::timeout(std::time::Duration::from_secs(60), run(|| 7)).await;
        assert_eq!(last.expect("a core is free").expect("nothing panics"), 7);
        while let Some(taken) = taken.join_next().await {
            assert!(taken.expect("no task panics").expect("no closure panics"));
        }
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

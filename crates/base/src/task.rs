//! Owned tasks: whoever starts a task can stop it, wait for it and learn that it failed.
//!
//! # Invariants
//! - Every task has a name and belongs to exactly one [`TaskSet`]; dropping the set aborts its tasks.
//! - A panic ends one task only. It is logged once, kept in [`TaskSet::failed`], and
//!   [`TaskSet::first_failure`] wakes up, so the owner can stop a process that lost a vital task.
//! - Tasks stop by themselves when [`TaskSet::token`] is cancelled; only tasks that miss the deadline
//!   of [`TaskSet::shutdown`] are aborted, and those are named.

use std::any::Any;
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::panic_message::panic_message;

/// A task that ended by a panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskFailure {
    /// The name given to [`TaskSet::spawn`].
    pub name: Arc<str>,
    /// The text of the panic.
    pub message: String,
}

/// Tasks that were still running at the deadline and have been aborted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tasks did not stop before the deadline: {}", .names.join(", "))]
pub struct ShutdownTimeout {
    /// Their names, in the order in which they were spawned.
    pub names: Vec<Arc<str>>,
}

/// A set of named tasks with one owner and one cancellation token.
#[derive(Debug, Default)]
pub struct TaskSet {
    token: CancellationToken,
    tasks: Mutex<JoinSet<()>>,
    board: Arc<Board>,
}

/// What the tasks report about themselves.
#[derive(Debug, Default)]
struct Board {
    state: Mutex<BoardState>,
    any_failed: CancellationToken,
}

#[derive(Debug, Default)]
struct BoardState {
    next_id: u64,
    running: BTreeMap<u64, Arc<str>>,
    failed: Vec<TaskFailure>,
}

impl TaskSet {
    /// An empty set with a token of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// The token that [`TaskSet::shutdown`] cancels; every task watches it and returns.
    pub fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Starts `future` as a task of this set. Several tasks may share a name.
    ///
    /// # Panics
    /// When called outside a tokio runtime.
    pub fn spawn<F>(&self, name: impl Into<Arc<str>>, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn_erased(name.into(), Box::pin(future));
    }

    /// The same for a future of any kind: what tokio needs of code for a task is compiled once, and not for each
    /// caller.
    fn spawn_erased(&self, name: Arc<str>, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let running = self.board.enter(Arc::clone(&name));
        let board = Arc::clone(&self.board);
        let mut tasks = self.tasks.lock();
        // Finished tasks are let go here, so a long-lived set holds only what runs.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let _running = running;
            if let Err(payload) = catch_panic(future).await {
                board.fail(name, panic_message(payload.as_ref()));
            }
        });
    }

    /// The tasks that have panicked so far, oldest first.
    pub fn failed(&self) -> Vec<TaskFailure> {
        self.board.state.lock().failed.clone()
    }

    /// Returns as soon as any task has panicked; never if none does.
    #[expect(clippy::missing_panics_doc, reason = "the expectation below is a proof")]
    pub async fn first_failure(&self) -> TaskFailure {
        self.board.any_failed.cancelled().await;
        let failed = self.board.state.lock().failed.first().cloned();
        failed.expect("the failure is recorded before `any_failed` is cancelled")
    }

    /// How many tasks have not ended.
    pub fn running(&self) -> usize {
        self.board.state.lock().running.len()
    }

    /// Cancels the token, waits for every task, and aborts what is left after `deadline`.
    ///
    /// Afterwards no task of the set runs, except code that blocks its thread without yielding.
    ///
    /// # Errors
    /// [`ShutdownTimeout`] names the tasks that were aborted.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), ShutdownTimeout> {
        self.token.cancel();
        let mut tasks = std::mem::take(&mut *self.tasks.lock());
        let all_joined = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(deadline, all_joined).await.is_ok() {
            return Ok(());
        }
        let names: Vec<_> = self.board.state.lock().running.values().cloned().collect();
        tracing::warn!(tasks = ?names, "tasks did not stop before the deadline and are aborted");
        tasks.abort_all();
        Err(ShutdownTimeout { names })
    }
}

/// The runtime is stopping and has ended a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the runtime is stopping")]
pub struct Stopping;

/// Runs `future` as a task of its own, which ends with whoever waits for it.
///
/// It goes on when the one who waits is not polled, as part of a stream whose reader does something else. So nothing
/// that it holds (a core, a block that is being opened) is kept from others meanwhile. A panic of the task becomes one
/// of the caller.
///
/// # Errors
/// [`Stopping`].
pub async fn apart<F>(future: F) -> Result<F::Output, Stopping>
where
    F: Future<Output: Send> + Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "it ends with the caller, who waits for it")]
    let task = AbortOnDropHandle::new(tokio::spawn(future));
    task.await.map_err(|err| match err.try_into_panic() {
        Ok(payload) => resume_unwind(payload),
        Err(_cancelled) => Stopping,
    })
}

impl Board {
    fn enter(self: &Arc<Self>, name: Arc<str>) -> Running {
        let mut state = self.state.lock();
        let id = state.next_id;
        state.next_id += 1;
        state.running.insert(id, name);
        Running { id, board: Arc::clone(self) }
    }

    fn fail(&self, name: Arc<str>, message: String) {
        tracing::error!(task = %name, panic = %message, "task panicked");
        self.state.lock().failed.push(TaskFailure { name, message });
        self.any_failed.cancel();
    }
}

/// Takes the task off the board however it ends: return, panic or abort.
struct Running {
    id: u64,
    board: Arc<Board>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.board.state.lock().running.remove(&self.id);
    }
}

async fn catch_panic<F: Future<Output = ()>>(future: F) -> Result<(), Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // Unwind safety: the future is never polled again after a panic, and what it shared with
        // others is behind locks that those others judge for themselves.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::task::{Context, Waker};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn shutdown_cancels_and_joins() {
        let set = TaskSet::new();
        for name in ["one", "two"] {
            let token = set.token();
            set.spawn(name, async move { token.cancelled().await });
        }
        assert_eq!(set.running(), 2);
        assert_eq!(set.shutdown(Duration::from_secs(5)).await, Ok(()));
        assert_eq!((set.running(), set.failed()), (0, vec![]));
    }

    #[tokio::test(start_paused = true)]
    async fn shutdown_names_and_aborts_a_task_that_does_not_stop() {
        let set = TaskSet::new();
        let token = set.token();
        set.spawn("obedient", async move { token.cancelled().await });
        set.spawn("stubborn", pending());
        let err = set.shutdown(Duration::from_secs(3)).await.expect_err("one task never stops");
        assert_eq!(err.to_string(), "tasks did not stop before the deadline: stubborn");
        while set.running() > 0 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_panic_is_recorded_and_wakes_the_owner() {
        let set = TaskSet::new();
        set.spawn("healthy", pending());
        set.spawn("broken", async {
            tokio::task::yield_now().await;
            panic!("lost {}", 7);
        });
        let failure = TaskFailure { name: "broken".into(), message: "lost 7".to_owned() };
        assert_eq!(set.first_failure().await, failure);
        assert_eq!(set.failed(), vec![failure]);
        let err = set.shutdown(Duration::ZERO).await.expect_err("`healthy` never stops");
        assert_eq!(err.names, vec![Arc::from("healthy")]);
    }

    #[tokio::test]
    async fn a_task_apart_goes_on_unpolled_and_ends_with_its_caller() {
        let (begin, begun) = oneshot::channel::<()>();
        let (end, ended) = oneshot::channel::<()>();
        let mut unpolled = Box::pin(apart(async move {
            begin.send(()).expect("the test waits for it");
            let _held = end;
            pending::<()>().await;
        }));
        let mut once = Context::from_waker(Waker::noop());
        assert!(unpolled.as_mut().poll(&mut once).is_pending());
        begun.await.expect("it runs without being polled again");
        drop(unpolled);
        ended.await.expect_err("it was ended, and dropped what it held");
    }

    #[tokio::test]
    #[should_panic(expected = "lost 7")]
    async fn a_panic_apart_is_one_of_the_caller() {
        let ended: Result<(), Stopping> = apart(async { panic!("lost {}", 7) }).await;
        ended.expect("it panics before");
    }
}

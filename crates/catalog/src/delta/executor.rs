//! Runs the asynchronous requests of the Delta engine on the thread that called into it.
//!
//! The Delta library is synchronous, object stores are not, and its engine asks for a bridge. The
//! bridges that it brings cost a thread per table, or need the multi-threaded runtime; the latter
//! matters because writing a checkpoint nests one blocking call inside another. Polling on the
//! calling thread needs neither and nests freely.
//!
//! Invariant: every call into the Delta library happens inside `tokio::task::spawn_blocking`, so
//! the thread may block and a runtime drives timers and sockets meanwhile.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use delta_kernel::{KernelError, KernelResult};
use delta_kernel_default_engine::executor::TaskExecutor;
use futures::TryFutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

/// Polls futures on the calling thread.
#[derive(Debug)]
pub(super) struct CallingThread;

impl TaskExecutor for CallingThread {
    /// The runtime is entered already: see the invariant of the module.
    type Guard<'a> = ();

    fn block_on<T>(&self, task: T) -> T::Output
    where
        T: Future + Send + 'static,
        T::Output: Send + 'static,
    {
        let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
        let waker = Waker::from(Arc::clone(&unpark));
        let mut context = Context::from_waker(&waker);
        let mut task = pin!(task);
        loop {
            if let Poll::Ready(output) = task.as_mut().poll(&mut context) {
                return output;
            }
            // The flag, not the token of `park`, says who was woken: a nested call may have
            // consumed the token that was meant for this one.
            while !unpark.woken.swap(false, Ordering::Acquire) {
                thread::park();
            }
        }
    }

    fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Handle::current().spawn(task);
    }

    fn spawn_blocking<T, R>(&self, task: T) -> BoxFuture<'_, KernelResult<R>>
    where
        T: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Box::pin(spawn_blocking(task).map_err(KernelError::join_failure))
    }

    fn enter(&self) -> Self::Guard<'_> {}
}

struct Unpark {
    thread: Thread,
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn blocking_calls_nest_on_a_single_threaded_runtime() {
        let sum = spawn_blocking(|| {
            CallingThread.block_on(async {
                let outer = spawn_blocking(|| 1);
                let inner = CallingThread.block_on(async { spawn_blocking(|| 2).await });
                outer.await.ok().zip(inner.ok()).map(|(a, b)| a + b)
            })
        });
        assert_eq!(sum.await.ok().flatten(), Some(3));
    }
}

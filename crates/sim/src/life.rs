//! The life of one process from its start to its crash.
//!
//! Everything that a process does to the world outside goes through its life: to the disk by [`Life::run`], to the
//! object store by [`Life::begin`] and [`Life::end`]. A process that is dead can do nothing any more, even when
//! threads of it still run, and the moment of its death is a number of operations, so that a crash can come
//! between any two of them.

use std::io;

use parking_lot::Mutex;

/// A process that is alive until it is killed.
#[derive(Debug, Default)]
pub(crate) struct Life(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_over: bool,
    is_cut_off: bool,
    blow: Option<Blow>,
}

/// What is going to happen to a process at one of its requests to the object store.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Blow {
    /// Requests that it comes after.
    pub(crate) after_requests: u64,
    /// Whether the request that it falls on still has its effect; its answer is lost.
    pub(crate) has_effect: bool,
    /// Whether the process dies of it. If not, it lives on without the object store.
    pub(crate) is_fatal: bool,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its answer arrives.
    Answered,
    /// It has its effect, and there is nobody any more who could hear the answer.
    Unheard,
    /// It is never sent.
    Unsent,
}

impl Life {
    /// Ends it. Returns when no operation on the disk is under way.
    pub(crate) fn end_now(&self) {
        self.0.lock().is_over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.lock().is_over
    }

    /// Lets it end, or be cut off, at a request to the object store.
    pub(crate) fn doom(&self, blow: Blow) {
        self.0.lock().blow = Some(blow);
    }

    /// Whether the process reaches the object store.
    pub(crate) fn is_connected(&self) -> bool {
        let state = self.0.lock();
        !state.is_over && !state.is_cut_off
    }

    /// Lets the process reach the object store again.
    pub(crate) fn reconnect(&self) {
        self.0.lock().is_cut_off = false;
    }

    /// An operation on the disk, which is not done when the process is dead. `is_fatal` says whether the process
    /// has died of it.
    pub(crate) fn run<T>(
        &self,
        operation: impl FnOnce() -> io::Result<T>,
        is_fatal: impl FnOnce() -> bool,
    ) -> io::Result<T> {
        let mut state = self.0.lock();
        if state.is_over {
            return Err(io::Error::other("the process is dead"));
        }
        let outcome = operation();
        state.is_over = is_fatal();
        outcome
    }

    /// A request to the object store that is about to be sent.
    pub(crate) fn begin(&self) -> Fate {
        let mut state = self.0.lock();
        if state.is_over || state.is_cut_off {
            return Fate::Unsent;
        }
        match &mut state.blow {
            None => Fate::Answered,
            Some(Blow { after_requests: 0, has_effect, is_fatal }) => {
                let fate = if *has_effect { Fate::Unheard } else { Fate::Unsent };
                if *is_fatal {
                    state.is_over = true;
                } else {
                    (state.is_cut_off, state.blow) = (true, None);
                }
                fate
            }
            Some(blow) => {
                blow.after_requests -= 1;
                Fate::Answered
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blow_falls_on_its_request_and_the_dead_do_nothing() {
        for (has_effect, is_fatal) in [(true, true), (false, true), (true, false), (false, false)] {
            let life = Life::default();
            life.doom(Blow { after_requests: 2, has_effect, is_fatal });
            assert_eq!([life.begin(), life.begin()], [Fate::Answered; 2]);
            assert!(life.is_connected());
            assert_eq!(life.begin(), if has_effect { Fate::Unheard } else { Fate::Unsent });
            assert_eq!((life.begin(), life.is_connected()), (Fate::Unsent, false));
            assert_eq!(life.is_over(), is_fatal);
            assert_eq!(life.run(|| Ok(()), || false).is_err(), is_fatal);
            life.reconnect();
            assert_eq!(life.begin(), if is_fatal { Fate::Unsent } else { Fate::Answered });
        }
    }

    #[test]
    fn a_process_dies_of_its_disk() {
        let life = Life::default();
        assert!(life.run(|| Ok(()), || false).is_ok());
        assert!(life.run(|| Ok(()), || true).is_ok());
        assert!(life.run(|| Ok(()), || false).is_err());
        assert_eq!(life.begin(), Fate::Unsent);
    }
}

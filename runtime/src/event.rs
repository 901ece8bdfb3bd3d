//! [`Event`]: the completion of work that goes on by itself.
//!
//! An event is completed once, by its [`Promise`], with success or with the error that the work
//! met. A promise that is dropped completes its event with [`Error::Abandoned`], so that nobody
//! waits for ever. Callbacks run on the thread that completes the event, in the order in which they
//! were added, or at once if it is completed already; no lock is held meanwhile.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::Error;

/// An error that several may be told of.
pub type SharedError = Arc<Error>;

/// How work ended.
pub type Outcome = Result<(), SharedError>;

type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// Work that is done or will be.
#[derive(Clone)]
pub struct Event(Arc<Inner>);

/// The other end of an [`Event`].
#[derive(Debug)]
pub struct Promise(Option<Event>);

struct Inner {
    state: Mutex<State>,
    done: Condvar,
}

enum State {
    Pending(Vec<Callback>),
    Done(Outcome),
}

impl Event {
    /// An event that is completed by the promise.
    pub fn pending() -> (Self, Promise) {
        let event = Self::new(State::Pending(Vec::new()));
        (event.clone(), Promise(Some(event)))
    }

    /// Work that is done.
    pub fn ready() -> Self {
        Self::new(State::Done(Ok(())))
    }

    /// Work that has failed.
    pub fn failed(error: SharedError) -> Self {
        Self::new(State::Done(Err(error)))
    }

    /// Done when all of `events` are; the error is that of the first of them that failed.
    pub fn all(events: Vec<Self>) -> Self {
        let (all, promise) = Self::pending();
        wait_for_rest(events.into_iter(), Ok(()), promise);
        all
    }

    fn new(state: State) -> Self {
        Self(Arc::new(Inner { state: Mutex::new(state), done: Condvar::new() }))
    }

    /// Whether the work has ended.
    pub fn is_ready(&self) -> bool {
        matches!(*self.state(), State::Done(_))
    }

    /// How the work ended, if it has.
    pub fn outcome(&self) -> Option<Outcome> {
        match &*self.state() {
            State::Done(outcome) => Some(outcome.clone()),
            State::Pending(_) => None,
        }
    }

    /// Why the work failed, if it has.
    pub fn error(&self) -> Option<SharedError> {
        self.outcome().and_then(Result::err)
    }

    /// Waits until the work has ended.
    ///
    /// # Errors
    /// The work failed.
    pub fn wait(&self) -> Outcome {
        let mut state = self.state();
        loop {
            match &*state {
                State::Done(outcome) => return outcome.clone(),
                State::Pending(_) => {
                    state = self.0.done.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Calls `callback` when the work has ended.
    pub fn on_ready(&self, callback: impl FnOnce(Outcome) + Send + 'static) {
        let mut state = self.state();
        match &mut *state {
            State::Pending(callbacks) => callbacks.push(Box::new(callback)),
            State::Done(outcome) => {
                let outcome = outcome.clone();
                drop(state);
                callback(outcome);
            }
        }
    }

    fn complete(&self, outcome: Outcome) {
        let before = std::mem::replace(&mut *self.state(), State::Done(outcome.clone()));
        self.0.done.notify_all();
        if let State::Pending(callbacks) = before {
            callbacks.into_iter().for_each(|callback| callback(outcome.clone()));
        }
    }

    /// No code of others runs while the lock is held, so the state is good even after a panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Goes through events that are done and comes back when the next one is.
fn wait_for_rest(mut events: std::vec::IntoIter<Event>, mut outcome: Outcome, promise: Promise) {
    for event in events.by_ref() {
        match event.outcome() {
            Some(done) => outcome = outcome.and(done),
            None => {
                event.on_ready(move |done| wait_for_rest(events, outcome.and(done), promise));
                return;
            }
        }
    }
    promise.complete(outcome);
}

impl Promise {
    /// Ends the work.
    pub fn complete(mut self, outcome: Outcome) {
        if let Some(event) = self.0.take() {
            event.complete(outcome);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(event) = self.0.take() {
            event.complete(Err(Arc::new(Error::Abandoned)));
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.outcome() {
            None => f.write_str("Event(pending)"),
            Some(Ok(())) => f.write_str("Event(ready)"),
            Some(Err(error)) => write!(f, "Event({error})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn callbacks_run_in_order_whether_early_or_late() {
        let (event, promise) = Event::pending();
        let (sender, calls) = mpsc::channel();
        for n in 0..2 {
            let sender = sender.clone();
            event.on_ready(move |outcome| sender.send((n, outcome.is_ok())).expect("listening"));
        }
        assert!(!event.is_ready() && calls.try_recv().is_err());
        promise.complete(Ok(()));
        event.on_ready(move |outcome| sender.send((2, outcome.is_ok())).expect("listening"));
        assert_eq!(calls.iter().collect::<Vec<_>>(), [(0, true), (1, true), (2, true)]);
    }

    #[test]
    fn a_waiter_on_another_thread_is_woken() {
        let (event, promise) = Event::pending();
        let waiter = std::thread::spawn(move || event.wait().is_ok());
        promise.complete(Ok(()));
        assert!(waiter.join().expect("no panic"));
    }

    #[test]
    fn a_dropped_promise_is_an_error_and_not_a_hang() {
        let (event, promise) = Event::pending();
        drop(promise);
        assert!(matches!(*event.wait().expect_err("abandoned"), Error::Abandoned));
    }

    #[test]
    fn all_waits_for_all_and_tells_the_first_error() {
        assert!(Event::all(Vec::new()).is_ready());
        let (a, first) = Event::pending();
        let (b, second) = Event::pending();
        let all = Event::all(vec![Event::ready(), a, b]);
        drop(second);
        assert!(!all.is_ready());
        first.complete(Ok(()));
        assert!(matches!(*all.wait().expect_err("one failed"), Error::Abandoned));
    }
}

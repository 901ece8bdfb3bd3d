//! [`Stream`]: work that is done in order; and the threads that do it.
//!
//! Each device has a stream. A few threads serve all of them: at most one at a time a stream, and
//! none waits. A job that depends on an event which is not ready parks its stream; the event brings
//! it back. Such events are always of jobs that were dispatched before, so somebody can always go
//! on.
//!
//! A job that panics is dropped, and with it the promises that it holds: whoever waits is told.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::event::Event;

/// Jobs that a thread takes from one stream before it looks after others.
const TURN: usize = 16;

type Work<S> = Box<dyn FnOnce(&mut S) + Send>;

/// What a stream's state becomes when a job runs on it.
struct Job<S> {
    after: Option<Event>,
    work: Work<S>,
}

/// Jobs in order on a state of type `S`, which only they touch.
pub(crate) struct Stream<S>(Arc<Inner<S>>);

struct Inner<S> {
    queue: Mutex<Queue<S>>,
    state: Mutex<S>,
    workers: Arc<Workers>,
}

struct Queue<S> {
    jobs: VecDeque<Job<S>>,
    /// A thread has the stream, will have it, or an event will bring it back.
    is_taken: bool,
}

/// Something that a thread can go on with.
trait Turn: Send + Sync {
    fn take_turn(self: Arc<Self>);
}

/// The threads of a client. They end when nothing refers to this any more.
pub(crate) struct Workers {
    pool: Arc<Pool>,
}

struct Pool {
    state: Mutex<PoolState>,
    wake: Condvar,
    limit: usize,
}

#[derive(Default)]
struct PoolState {
    runnable: VecDeque<Arc<dyn Turn>>,
    n_threads: usize,
    n_idle: usize,
    closed: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workers {
    /// At most `limit` threads, started when there is work for them.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let pool = Pool { state: Mutex::default(), wake: Condvar::new(), limit: limit.max(1) };
        Arc::new(Self { pool: Arc::new(pool) })
    }

    fn schedule(&self, turn: Arc<dyn Turn>) {
        let mut state = lock(&self.pool.state);
        state.runnable.push_back(turn);
        if state.n_idle == 0 && state.n_threads < self.pool.limit {
            let pool = Arc::clone(&self.pool);
            let name = format!("palmetto-{}", state.n_threads);
            // If the host has no more threads, those that there are do the work.
            if std::thread::Builder::new().name(name).spawn(move || pool.serve()).is_ok() {
                state.n_threads += 1;
            }
        }
        drop(state);
        self.pool.wake.notify_one();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        lock(&self.pool.state).closed = true;
        self.pool.wake.notify_all();
    }
}

impl Pool {
    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(turn) = state.runnable.pop_front() {
                drop(state);
                turn.take_turn();
                state = lock(&self.state);
            } else if state.closed {
                return;
            } else {
                state.n_idle += 1;
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.n_idle -= 1;
            }
        }
    }
}

impl<S: Send + 'static> Stream<S> {
    pub(crate) fn new(state: S, workers: &Arc<Workers>) -> Self {
        let queue = Mutex::new(Queue { jobs: VecDeque::new(), is_taken: false });
        let workers = Arc::clone(workers);
        Self(Arc::new(Inner { queue, state: Mutex::new(state), workers }))
    }

    /// Adds a job that can run when the ones before it have.
    pub(crate) fn push(&self, work: impl FnOnce(&mut S) + Send + 'static) {
        self.add(None, Box::new(work), true);
    }

    /// Adds a job that also waits for `after`, however that ends.
    pub(crate) fn push_after(&self, after: Event, work: impl FnOnce(&mut S) + Send + 'static) {
        let after = (!after.is_ready()).then_some(after);
        self.add(after, Box::new(work), true);
    }

    /// Adds a job that nobody waits for: it runs before the next one that somebody does.
    pub(crate) fn push_idle(&self, work: impl FnOnce(&mut S) + Send + 'static) {
        self.add(None, Box::new(work), false);
    }

    fn add(&self, after: Option<Event>, work: Work<S>, wake: bool) {
        let mut queue = lock(&self.0.queue);
        queue.jobs.push_back(Job { after, work });
        if wake && !std::mem::replace(&mut queue.is_taken, true) {
            drop(queue);
            self.0.workers.schedule(Arc::clone(&self.0) as Arc<dyn Turn>);
        }
    }
}

/// What comes next in a stream.
enum Next<S> {
    Work(Work<S>),
    Wait(Event),
    Nothing,
}

impl<S> Inner<S> {
    fn next(&self) -> Next<S> {
        let mut queue = lock(&self.queue);
        let Some(job) = queue.jobs.front_mut() else {
            queue.is_taken = false;
            return Next::Nothing;
        };
        match job.after.take() {
            Some(event) if !event.is_ready() => Next::Wait(event),
            Some(_) | None => {
                queue.jobs.pop_front().map_or(Next::Nothing, |job| Next::Work(job.work))
            }
        }
    }
}

impl<S: Send + 'static> Turn for Inner<S> {
    fn take_turn(self: Arc<Self>) {
        for _ in 0..TURN {
            match self.next() {
                Next::Work(work) => {
                    let mut state = lock(&self.state);
                    // The panic was reported by the hook; the job's promises tell who waits.
                    let _ = catch_unwind(AssertUnwindSafe(|| work(&mut state)));
                }
                Next::Wait(event) => {
                    let workers = Arc::clone(&self.workers);
                    event.on_ready(move |_| workers.schedule(self as Arc<dyn Turn>));
                    return;
                }
                Next::Nothing => return,
            }
        }
        Arc::clone(&self.workers).schedule(self as Arc<dyn Turn>);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the stream's state is in the end.
    fn last<S: Clone + Send + 'static>(stream: &Stream<S>) -> S {
        let (sender, receiver) = std::sync::mpsc::channel();
        stream.push(move |state| sender.send(state.clone()).expect("listening"));
        receiver.recv().expect("the job ran")
    }

    #[test]
    fn jobs_of_a_stream_run_in_order_on_any_number_of_threads() {
        for limit in [1, 3] {
            let workers = Workers::new(limit);
            let streams: Vec<_> = (0..20).map(|_| Stream::new(Vec::new(), &workers)).collect();
            for n in 0..100 {
                streams.iter().for_each(|stream| stream.push(move |state| state.push(n)));
            }
            for stream in &streams {
                assert_eq!(last(stream), (0..100).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_stream_that_waits_leaves_the_thread_to_others() {
        let workers = Workers::new(1);
        let (first, second) = (Stream::new(0, &workers), Stream::new(0, &workers));
        let (event, promise) = Event::pending();
        first.push_after(event, |state| *state += 1);
        first.push(|state| *state *= 10);
        second.push(move |_| promise.complete(Ok(())));
        assert_eq!(last(&first), 10);
    }

    #[test]
    fn a_panic_ends_the_job_and_not_the_stream() {
        let workers = Workers::new(1);
        let stream = Stream::new(5, &workers);
        let (event, promise) = Event::pending();
        stream.push(move |_| {
            let _promise = promise;
            panic!("on purpose");
        });
        assert!(event.wait().is_err());
        assert_eq!(last(&stream), 5);
    }

    #[test]
    fn idle_jobs_run_before_the_next_job() {
        let workers = Workers::new(1);
        let stream = Stream::new(0, &workers);
        stream.push_idle(|state| *state += 1);
        assert!(lock(&workers.pool.state).n_threads == 0, "nothing was woken");
        assert_eq!(last(&stream), 1);
    }
}

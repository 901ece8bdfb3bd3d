//! Host callbacks: what a running program sends to the host and receives from it.
//!
//! The caller's function that takes data runs the user's callback, which waits until the program
//! asks for the results. So it has a thread of its own as soon as the program receives anything.

#![expect(
    dead_code,
    reason = "programs that send and receive are refused until the compiler has both"
)]

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use palmetto_runtime as runtime;

use crate::abi::Args;
use crate::abi::async_transfer::{
    PJRT_CopyToDeviceStream_AddChunk_Args, PJRT_CopyToDeviceStream_CurrentBytes_Args,
    PJRT_CopyToDeviceStream_Destroy_Args, PJRT_CopyToDeviceStream_GranuleSize_Args,
    PJRT_CopyToDeviceStream_TotalBytes_Args,
};
use crate::abi::foreign::{ReceiveCallback, SendCallback};
use crate::abi::handle::{self, Object};
use crate::error::Error;
use crate::event::Event;

/// The host's side of one execution on one device.
pub(crate) struct Callbacks {
    sends: Vec<SendCallback>,
    receives: Vec<ReceiveCallback>,
    exchange: Arc<Exchange>,
    /// The thread that sends, once there is one.
    sender: Option<Sender<(SendCallback, Vec<u8>)>>,
    next_stream: u64,
}

/// What the threads of an execution share.
#[derive(Default)]
struct Exchange {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What a callback has said last, if it failed.
    failure: Option<Error>,
    /// What has come for each stream that is open or full.
    received: BTreeMap<u64, Vec<u8>>,
    /// Sends that have not ended.
    n_sending: usize,
}

impl Exchange {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }
}

impl Callbacks {
    /// With these callbacks, found by their channels.
    pub(crate) fn new(sends: &[SendCallback], receives: &[ReceiveCallback]) -> Self {
        Self {
            sends: sends.to_vec(),
            receives: receives.to_vec(),
            exchange: Arc::default(),
            sender: None,
            next_stream: 0,
        }
    }

    /// Sends an array, dense and row-major.
    ///
    /// # Errors
    /// There is no callback for the channel, or one has failed.
    pub(crate) fn send(&mut self, channel: i64, bytes: Vec<u8>) -> Result<(), Error> {
        let callback = self.sends.iter().find(|callback| callback.channel_id == channel);
        let &callback = callback.ok_or_else(|| no_callback("send", channel))?;
        if self.receives.is_empty() {
            return callback.send(&bytes);
        }
        self.exchange.state().n_sending += 1;
        let sender = self.sender.get_or_insert_with(|| start_sender(&self.exchange));
        // The thread takes what it is given until the sender is dropped.
        let _ = sender.send((callback, bytes));
        self.failure()
    }

    /// Asks for an array of so many bytes, and waits for it.
    ///
    /// # Errors
    /// There is no callback for the channel, or one has failed.
    pub(crate) fn receive(&mut self, channel: i64, total_bytes: usize) -> Result<Vec<u8>, Error> {
        let callback = self.receives.iter().find(|callback| callback.channel_id == channel);
        let callback = callback.ok_or_else(|| no_callback("recv", channel))?;
        let id = self.next_stream;
        self.next_stream += 1;
        self.exchange.state().received.insert(id, Vec::new());
        let exchange = Arc::clone(&self.exchange);
        callback.receive(handle::give(CopyToDeviceStream { exchange, id, total_bytes }))?;
        let mut state = self.exchange.state();
        loop {
            if let Some(error) = &state.failure {
                return Err(error.clone());
            }
            match state.received.get(&id) {
                Some(bytes) if bytes.len() == total_bytes => {
                    return Ok(state.received.remove(&id).unwrap_or_default());
                }
                Some(_) => state = self.exchange.wait(state),
                None => {
                    let message = format!("the host gave up on channel {channel}");
                    return Err(Error::new(crate::error::Code::Cancelled, message));
                }
            }
        }
    }

    /// Waits until every callback has returned.
    ///
    /// # Errors
    /// One has failed.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.sender = None;
        let mut state = self.exchange.state();
        while state.n_sending > 0 && state.failure.is_none() {
            state = self.exchange.wait(state);
        }
        state.failure.clone().map_or(Ok(()), Err)
    }

    fn failure(&self) -> Result<(), Error> {
        self.exchange.state().failure.clone().map_or(Ok(()), Err)
    }
}

fn no_callback(kind: &str, channel: i64) -> Error {
    Error::invalid(format!(
        "the program has a {kind} on channel {channel}, for which no callback was given"
    ))
}

/// Starts the thread that calls the functions which take data, in the order of the program.
fn start_sender(exchange: &Arc<Exchange>) -> Sender<(SendCallback, Vec<u8>)> {
    let (sender, jobs) = channel::<(SendCallback, Vec<u8>)>();
    let exchange = Arc::clone(exchange);
    thread::spawn(move || {
        for (callback, bytes) in jobs {
            let sent = callback.send(&bytes);
            let mut state = exchange.state();
            state.n_sending -= 1;
            if let (Err(error), None) = (sent, &state.failure) {
                state.failure = Some(error);
            }
            exchange.changed.notify_all();
        }
    });
    sender
}

/// `PJRT_CopyToDeviceStream`: an array on its way to the device, in pieces.
pub(crate) struct CopyToDeviceStream {
    exchange: Arc<Exchange>,
    id: u64,
    total_bytes: usize,
}

impl Object for CopyToDeviceStream {}

impl Drop for CopyToDeviceStream {
    /// Nobody waits for what will never come.
    fn drop(&mut self) {
        let mut state = self.exchange.state();
        if state.received.get(&self.id).is_some_and(|bytes| bytes.len() < self.total_bytes) {
            state.received.remove(&self.id);
        }
        self.exchange.changed.notify_all();
    }
}

pub(crate) fn destroy(args: Args<'_, PJRT_CopyToDeviceStream_Destroy_Args>) -> Result<(), Error> {
    drop(args.stream());
    Ok(())
}

/// The chunk is copied and deleted before this returns.
pub(crate) fn add_chunk(
    args: Args<'_, PJRT_CopyToDeviceStream_AddChunk_Args>,
) -> Result<(), Error> {
    let stream = args.stream()?;
    let chunk = args.take_chunk()?;
    let mut state = stream.exchange.state();
    let received = state.received.get_mut(&stream.id);
    let room = received.as_ref().map_or(0, |received| stream.total_bytes - received.len());
    match received {
        Some(received) if chunk.len() <= room => received.extend(chunk),
        _ => {
            let given = chunk.len();
            return Err(Error::invalid(format!("{given} bytes, {room} are still expected")));
        }
    }
    stream.exchange.changed.notify_all();
    args.transfer_complete().set(Event::give(&runtime::Event::ready()));
    Ok(())
}

pub(crate) fn total_bytes(
    args: Args<'_, PJRT_CopyToDeviceStream_TotalBytes_Args>,
) -> Result<(), Error> {
    args.total_bytes().set(signed(args.stream()?.total_bytes));
    Ok(())
}

/// Chunks may be of any size.
pub(crate) fn granule_size(
    args: Args<'_, PJRT_CopyToDeviceStream_GranuleSize_Args>,
) -> Result<(), Error> {
    args.stream()?;
    args.granule_size_in_bytes().set(1);
    Ok(())
}

pub(crate) fn current_bytes(
    args: Args<'_, PJRT_CopyToDeviceStream_CurrentBytes_Args>,
) -> Result<(), Error> {
    let stream = args.stream()?;
    let received = stream.exchange.state().received.get(&stream.id).map_or(0, Vec::len);
    args.current_bytes().set(signed(received));
    Ok(())
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

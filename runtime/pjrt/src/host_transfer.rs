//! Host callbacks: what a running program sends to the host and receives from it.
//!
//! The functions are called by the device's thread, in the order of the program. The one that takes
//! the last argument of a user's callback runs it; what it gives comes through streams, which may
//! be filled before or after the program asks.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use palmetto_runtime::{self as runtime, ArrayLiteral, Host, HostTransfer, Literal, Shape};

use crate::abi::Args;
use crate::abi::async_transfer::{
    PJRT_CopyToDeviceStream_AddChunk_Args, PJRT_CopyToDeviceStream_CurrentBytes_Args,
    PJRT_CopyToDeviceStream_Destroy_Args, PJRT_CopyToDeviceStream_GranuleSize_Args,
    PJRT_CopyToDeviceStream_TotalBytes_Args,
};
use crate::abi::executable::PJRT_ExecuteOptions;
use crate::abi::foreign::{ReceiveCallback, SendCallback};
use crate::abi::handle::{self, Object};
use crate::error::Error;
use crate::event::Event;

/// The host's side of one execution on one device.
struct Callbacks {
    sends: Vec<SendCallback>,
    receives: Vec<ReceiveCallback>,
}

/// The host's side on each of so many devices, as the caller gives it.
///
/// # Errors
/// The caller's lists are not as long as it says.
pub(crate) fn hosts(
    options: Args<'_, PJRT_ExecuteOptions>,
    n_devices: usize,
) -> Result<Vec<Host>, Error> {
    let host = |device| {
        let sends = options.sends(device, n_devices)?.to_vec();
        let receives = options.receives(device, n_devices)?.to_vec();
        Ok(Arc::new(Mutex::new(Callbacks { sends, receives })) as Host)
    };
    (0..n_devices).map(host).collect()
}

impl HostTransfer for Callbacks {
    fn send(&mut self, channel: i64, data: &Literal) -> Result<(), String> {
        let callback = self.sends.iter().find(|callback| callback.channel_id == channel);
        let callback = callback.ok_or_else(|| no_callback("send", &self.channels()))?;
        let array = data.as_array().map_err(|error| error.to_string())?;
        callback.send(array.bytes()).map_err(|error| error.to_string())
    }

    fn receive(&mut self, channel: i64, shape: &Shape) -> Result<Literal, String> {
        let callback = self.receives.iter().find(|callback| callback.channel_id == channel);
        let callback = callback.ok_or_else(|| no_callback("recv", &self.channels()))?;
        let shape = shape.as_array().ok_or_else(|| format!("{shape} is no array"))?;
        let transfer = Arc::new(Transfer::new(shape.byte_size()));
        let stream = handle::give(CopyToDeviceStream(Arc::clone(&transfer)));
        callback.receive(stream).map_err(|error| error.to_string())?;
        let bytes = transfer.wait().ok_or("the host gave the transfer up")?;
        let array = ArrayLiteral::from_bytes(shape.clone(), &bytes);
        Ok(array.map_err(|error| error.to_string())?.into())
    }
}

impl Callbacks {
    /// The channels that there are callbacks for.
    fn channels(&self) -> Vec<i64> {
        let sends = self.sends.iter().map(|callback| callback.channel_id);
        sends.chain(self.receives.iter().map(|callback| callback.channel_id)).collect()
    }
}

fn no_callback(kind: &str, channels: &[i64]) -> String {
    format!("there is no {kind} callback for it; the channels with callbacks are {channels:?}")
}

/// An array on its way to the device, in pieces.
struct Transfer {
    total_bytes: usize,
    progress: Mutex<Progress>,
    changed: Condvar,
}

#[derive(Default)]
struct Progress {
    received: Vec<u8>,
    /// Nobody will send more.
    is_closed: bool,
}

impl Transfer {
    fn new(total_bytes: usize) -> Self {
        Self { total_bytes, progress: Mutex::default(), changed: Condvar::new() }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for all bytes; none if they will not come.
    fn wait(&self) -> Option<Vec<u8>> {
        let is_open = |progress: &mut Progress| {
            !progress.is_closed && progress.received.len() < self.total_bytes
        };
        let progress = self.changed.wait_while(self.progress(), is_open);
        let received =
            std::mem::take(&mut progress.unwrap_or_else(PoisonError::into_inner).received);
        (received.len() == self.total_bytes).then_some(received)
    }

    fn add(&self, chunk: &[u8]) -> Result<(), Error> {
        let mut progress = self.progress();
        let room = self.total_bytes - progress.received.len();
        if chunk.len() > room {
            let given = chunk.len();
            return Err(Error::invalid(format!("{given} bytes, {room} are still expected")));
        }
        progress.received.extend(chunk);
        self.changed.notify_all();
        Ok(())
    }
}

/// `PJRT_CopyToDeviceStream`: the host's end of a transfer.
pub(crate) struct CopyToDeviceStream(Arc<Transfer>);

impl Object for CopyToDeviceStream {}

impl Drop for CopyToDeviceStream {
    /// Nobody waits for what will never come.
    fn drop(&mut self) {
        self.0.progress().is_closed = true;
        self.0.changed.notify_all();
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
    stream.0.add(&args.take_chunk()?)?;
    args.transfer_complete().set(Event::give(&runtime::Event::ready()));
    Ok(())
}

pub(crate) fn total_bytes(
    args: Args<'_, PJRT_CopyToDeviceStream_TotalBytes_Args>,
) -> Result<(), Error> {
    args.total_bytes().set(signed(args.stream()?.0.total_bytes));
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
    let received = args.stream()?.0.progress().received.len();
    args.current_bytes().set(signed(received));
    Ok(())
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

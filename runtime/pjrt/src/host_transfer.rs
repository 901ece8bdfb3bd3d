//! Host callbacks: data that a running program sends to the host and receives from it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use palmetto_runtime as runtime;

use crate::abi::Args;
use crate::abi::async_transfer::{
    PJRT_CopyToDeviceStream_AddChunk_Args, PJRT_CopyToDeviceStream_CurrentBytes_Args,
    PJRT_CopyToDeviceStream_Destroy_Args, PJRT_CopyToDeviceStream_GranuleSize_Args,
    PJRT_CopyToDeviceStream_TotalBytes_Args,
};
use crate::abi::handle::Object;
use crate::error::Error;
use crate::event::Event;

/// `PJRT_CopyToDeviceStream`: an array on its way to the device, in pieces.
pub(crate) struct CopyToDeviceStream {
    total_bytes: usize,
    received: Mutex<Vec<u8>>,
}

impl Object for CopyToDeviceStream {}

impl CopyToDeviceStream {
    fn received(&self) -> MutexGuard<'_, Vec<u8>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
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
    let mut received = stream.received();
    let (given, room) = (chunk.len(), stream.total_bytes - received.len());
    if given > room {
        return Err(Error::invalid(format!("a chunk of {given} bytes, {room} are still expected")));
    }
    received.extend(chunk);
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
    args.current_bytes().set(signed(args.stream()?.received().len()));
    Ok(())
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

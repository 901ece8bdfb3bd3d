//! Errors, events and the plugin itself.

use std::ffi::{c_int, c_void};

use super::c_structs;
use super::foreign::OnReady;
use super::named_value::PJRT_NamedValue;
use crate::error::ErrorObject;
use crate::event::Event;

c_structs! {
    struct PJRT_Error_Destroy_Args {
        owned error: ErrorObject,
    }
    struct PJRT_Error_Message_Args {
        maybe error: ErrorObject,
        out message: *const u8,
        out message_size: usize,
    }
    struct PJRT_Error_GetCode_Args {
        object error: ErrorObject,
        out code: c_int,
    }
    struct PJRT_Error_ForEachPayload_Args {
        object error: ErrorObject,
        in visitor: *mut c_void,
        in user_arg: *mut c_void,
    }
    struct PJRT_Plugin_Initialize_Args {}
    struct PJRT_Plugin_Attributes_Args {
        out attributes: *const PJRT_NamedValue,
        out num_attributes: usize,
    }
    struct PJRT_Event_Destroy_Args {
        owned event: Event,
    }
    struct PJRT_Event_IsReady_Args {
        object event: Event,
        out is_ready: u8,
    }
    struct PJRT_Event_Error_Args {
        object event: Event,
    }
    struct PJRT_Event_Await_Args {
        object event: Event,
    }
    struct PJRT_Event_OnReady_Args {
        object event: Event,
        in callback: Option<OnReady>,
        in user_arg: *mut c_void,
    }
    struct PJRT_Event_Create_Args {
        out event: *mut Event,
    }
    struct PJRT_Event_Set_Args {
        object event: Event,
        in error_code: c_int,
        list error_message: u8 [error_message_size],
        in error_message_size: usize,
    }
}

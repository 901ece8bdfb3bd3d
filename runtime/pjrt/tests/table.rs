//! Calls through the table of functions, as a caller in C makes them: structs of raw words that are
//! not initialised, sizes of older versions, null pointers.
#![allow(unsafe_code, reason = "this is the other side of the C interface")]
#![expect(clippy::cast_possible_truncation, reason = "the interface is for 64-bit hosts")]

use std::ffi::{CStr, c_char, c_void};

/// Numbers of functions in the table, from 0.
mod function {
    pub(crate) const ERROR_DESTROY: usize = 0;
    pub(crate) const ERROR_MESSAGE: usize = 1;
    pub(crate) const ERROR_GET_CODE: usize = 2;
    pub(crate) const PLUGIN_ATTRIBUTES: usize = 4;
    pub(crate) const EVENT_DESTROY: usize = 5;
    pub(crate) const EVENT_AWAIT: usize = 8;
    pub(crate) const EVENT_ON_READY: usize = 9;
    pub(crate) const CLIENT_CREATE: usize = 10;
    pub(crate) const CLIENT_DESTROY: usize = 11;
    pub(crate) const CLIENT_PLATFORM_NAME: usize = 12;
    pub(crate) const CLIENT_DEVICES: usize = 15;
    pub(crate) const CLIENT_LOOKUP_DEVICE: usize = 17;
    pub(crate) const CLIENT_COMPILE: usize = 20;
    pub(crate) const CLIENT_BUFFER_FROM_HOST_BUFFER: usize = 22;
    pub(crate) const DEVICE_DEFAULT_MEMORY: usize = 33;
    pub(crate) const DEVICE_MEMORY_STATS: usize = 34;
    pub(crate) const LOADED_EXECUTABLE_DESTROY: usize = 50;
    pub(crate) const LOADED_EXECUTABLE_EXECUTE: usize = 55;
    pub(crate) const BUFFER_DESTROY: usize = 58;
    pub(crate) const BUFFER_IS_DELETED: usize = 68;
    pub(crate) const BUFFER_TO_HOST_BUFFER: usize = 70;
    pub(crate) const CLIENT_DMA_MAP: usize = 110;
}

/// What a struct holds before it is written: what was on the stack.
const GARBAGE: u64 = 0xAAAA_AAAA_AAAA_AAAA;

type Function = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

fn api() -> *const u64 {
    palmetto_pjrt::GetPjrtApi().cast()
}

/// Word `index` of the table.
fn word(index: usize) -> u64 {
    // SAFETY: the table is longer than that, the first test says.
    unsafe { api().add(index).read() }
}

/// A struct of `size` bytes whose words from the third on are `words`, then garbage.
fn arguments(size: u64, words: &[u64]) -> Vec<u64> {
    let mut arguments = vec![size, 0];
    arguments.extend(words);
    arguments.resize(40, GARBAGE);
    arguments
}

fn call(function: usize, arguments: &mut [u64]) -> Result<(), (u32, String)> {
    // SAFETY: the table has a function there.
    let entry: Function = unsafe { api().add(5 + function).cast::<Function>().read() };
    // SAFETY: the arguments are as the interface wants them.
    let error = unsafe { entry(arguments.as_mut_ptr().cast()) };
    if error.is_null() { Ok(()) } else { Err(take_error(error.expose_provenance() as u64)) }
}

fn take_error(error: u64) -> (u32, String) {
    let mut message = arguments(40, &[error]);
    call(function::ERROR_MESSAGE, &mut message).expect("a message");
    let text = read_text(message[3], message[4]);
    let mut code = arguments(28, &[error]);
    call(function::ERROR_GET_CODE, &mut code).expect("a code");
    call(function::ERROR_DESTROY, &mut arguments(24, &[error])).expect("destroyed");
    (u32::try_from(code[3] & 0xFFFF_FFFF).expect("32 bits"), text)
}

fn read_text(start: u64, size: u64) -> String {
    let size = usize::try_from(size).expect("a size");
    let start = std::ptr::with_exposed_provenance::<u8>(start as usize);
    // SAFETY: the plugin says that the text is there.
    let bytes = unsafe { std::slice::from_raw_parts(start, size) };
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn address<T>(place: *const T) -> u64 {
    place.expose_provenance() as u64
}

/// A client of one chip and its device.
struct Client {
    client: u64,
    device: u64,
}

impl Client {
    fn new() -> Self {
        let (name, value) = ("topology", "1x1x1");
        let option = [
            56,
            0,
            address(name.as_ptr()),
            name.len() as u64,
            0,
            address(value.as_ptr()),
            value.len() as u64,
        ];
        let mut create = arguments(88, &[address(option.as_ptr()), 1]);
        call(function::CLIENT_CREATE, &mut create).expect("a client");
        let client = create[8];
        let mut lookup = arguments(40, &[client, GARBAGE & !0xFFFF_FFFF]);
        call(function::CLIENT_LOOKUP_DEVICE, &mut lookup).expect("a device 0");
        Self { client, device: lookup[4] }
    }

    fn put(&self, values: &[f32], dims: &[i64], strides: &[i64]) -> u64 {
        let mut memory = arguments(32, &[self.device]);
        call(function::DEVICE_DEFAULT_MEMORY, &mut memory).expect("a memory");
        let f32_type = 11;
        let mut put = arguments(
            120,
            &[
                self.client,
                address(values.as_ptr()),
                GARBAGE & !0xFFFF_FFFF | f32_type,
                address(dims.as_ptr()),
                dims.len() as u64,
                address(strides.as_ptr()),
                strides.len() as u64,
                2,
                0,
                memory[3],
                0,
            ],
        );
        call(function::CLIENT_BUFFER_FROM_HOST_BUFFER, &mut put).expect("a buffer");
        wait(put[13]);
        put[14]
    }

    fn compile(&self, program: &str) -> u64 {
        let format = "mlir";
        let program = [
            48,
            0,
            address(program.as_ptr()),
            program.len() as u64,
            address(format.as_ptr()),
            format.len() as u64,
        ];
        let mut compile = arguments(56, &[self.client, address(program.as_ptr()), 0, 0]);
        call(function::CLIENT_COMPILE, &mut compile).expect("an executable");
        compile[6]
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        call(function::CLIENT_DESTROY, &mut arguments(24, &[self.client])).expect("destroyed");
    }
}

fn wait(event: u64) {
    call(function::EVENT_AWAIT, &mut arguments(24, &[event])).expect("an event without error");
    call(function::EVENT_DESTROY, &mut arguments(24, &[event])).expect("destroyed");
}

fn get(buffer: u64, n_values: usize) -> Vec<f32> {
    let mut values = vec![0_f32; n_values];
    let size = (n_values * 4) as u64;
    let mut get = arguments(56, &[buffer, 0, address(values.as_mut_ptr()), size]);
    call(function::BUFFER_TO_HOST_BUFFER, &mut get).expect("values");
    wait(get[6]);
    values
}

fn is_deleted(buffer: u64) -> bool {
    let mut deleted = arguments(25, &[buffer]);
    call(function::BUFFER_IS_DELETED, &mut deleted).expect("an answer");
    // One byte is the answer, the rest is not the plugin's.
    assert_eq!(deleted[3] >> 8, GARBAGE >> 8);
    deleted[3] & 0xFF != 0
}

/// Executes with one argument and one result.
fn execute(executable: u64, argument: u64) -> Result<u64, (u32, String)> {
    let argument_list = [argument];
    let argument_lists = [address(argument_list.as_ptr())];
    let mut outputs = [GARBAGE];
    let output_lists = [address(outputs.as_mut_ptr())];
    let mut events = [GARBAGE];
    let mut options = arguments(144, &[0, 0, 0, 0, 7, 0, 0, 0, 0]);
    let mut execute = arguments(
        80,
        &[
            executable,
            address(options.as_mut_ptr()),
            address(argument_lists.as_ptr()),
            1,
            1,
            address(output_lists.as_ptr()),
            address(events.as_mut_ptr()),
            0,
        ],
    );
    call(function::LOADED_EXECUTABLE_EXECUTE, &mut execute)?;
    wait(events[0]);
    Ok(outputs[0])
}

#[test]
fn the_table_is_that_of_the_interface() {
    assert_eq!(word(0), 1144);
    assert_eq!(word(2), 24);
    assert_eq!(word(4), 117 << 32);
    assert!((5..143).all(|index| word(index) != 0));
}

#[test]
fn functions_that_are_missing_say_so() {
    let error = call(function::CLIENT_DMA_MAP, &mut arguments(40, &[0, 0, 0]));
    assert_eq!(error, Err((12, "Palmetto has no PJRT_Client_DmaMap".to_owned())));
}

#[test]
fn null_pointers_are_errors() {
    let null = |what: &str| Err((3, what.to_owned()));
    let name = call(function::CLIENT_PLATFORM_NAME, &mut arguments(40, &[0]));
    assert_eq!(name, null("PJRT_Client_PlatformName_Args: `client` is null"));
    let short = call(function::CLIENT_DEVICES, &mut arguments(8, &[0]));
    assert_eq!(
        short,
        null("PJRT_Client_Devices_Args: struct_size is 8, the least possible one is 16")
    );
    // Destroying nothing is allowed.
    assert_eq!(call(function::BUFFER_DESTROY, &mut arguments(24, &[0])), Ok(()));
}

#[test]
fn attributes_have_the_version_of_stablehlo() {
    let mut attributes = arguments(32, &[]);
    call(function::PLUGIN_ATTRIBUTES, &mut attributes).expect("attributes");
    let value = |attribute: u64, index: u64| {
        let place = attributes[2] + (attribute * 7 + index) * 8;
        // SAFETY: the plugin says that so many attributes of 56 bytes are there.
        unsafe { std::ptr::with_exposed_provenance::<u64>(place as usize).read() }
    };
    let names: Vec<_> = (0..attributes[3]).map(|n| read_text(value(n, 2), value(n, 3))).collect();
    assert_eq!(names, ["xla_version", "stablehlo_current_version", "stablehlo_minimum_version"]);
    // Lists of three numbers.
    let version = |attribute: u64| {
        assert_eq!((value(attribute, 4) & 0xFF, value(attribute, 6)), (2, 3));
        let numbers = value(attribute, 5);
        // SAFETY: the plugin says that three numbers are there.
        unsafe { std::ptr::with_exposed_provenance::<[i64; 3]>(numbers as usize).read() }
    };
    let [oldest, newest] = palmetto_runtime::PORTABLE_VERSIONS.map(|each| each.map(i64::from));
    assert_eq!((version(1), version(2)), (newest, oldest));
    // What JAX 0.12.0.1 writes.
    assert!(newest >= [1, 22, 0]);
}

#[test]
fn fields_beyond_an_older_struct_are_not_written() {
    let client = Client::new();
    let bytes = |size: u64| {
        let mut stats = arguments(size, &[client.device]);
        call(function::DEVICE_MEMORY_STATS, &mut stats).expect("statistics");
        let bytes: Vec<u8> = stats.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes
    };
    // As of 0.10.2: without `peak_allocated_bytes`.
    let (older, newer) = (bytes(185), bytes(201));
    let is_set = [40, 56, 72, 88, 104, 120, 136, 152, 168, 184];
    assert!(is_set.iter().all(|&place| older[place] <= 1), "{older:?}");
    assert_eq!(older[88], 1, "the limit is known");
    assert!(older[185..208].iter().all(|&byte| byte == 0xAA), "{older:?}");
    assert!(newer[201..208].iter().all(|&byte| byte == 0xAA), "{newer:?}");
    assert!(newer[200] <= 1 && newer[192..200] == [0; 8]);
}

#[test]
fn arrays_come_back_from_whatever_strides() {
    let client = Client::new();
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let round = |values: &[f32], dims: &[i64], strides: &[i64], n_values: usize| {
        let buffer = client.put(values, dims, strides);
        let back = get(buffer, n_values);
        call(function::BUFFER_DESTROY, &mut arguments(24, &[buffer])).expect("destroyed");
        back
    };
    assert_eq!(round(&values, &[2, 3], &[12, 4], 6), values);
    assert_eq!(round(&values, &[2, 3], &[], 6), values);
    assert_eq!(round(&values, &[3, 2], &[4, 12], 6), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(round(&values[2..], &[3], &[-4], 3), [3.0, 2.0, 1.0]);
    assert_eq!(round(&values, &[2, 2], &[0, 4], 4), [1.0, 2.0, 1.0, 2.0]);
    assert_eq!(round(&values, &[], &[], 1), [1.0]);
    assert!(round(&[], &[0, 3], &[12, 4], 0).is_empty());
}

#[test]
fn a_program_runs_and_takes_what_it_was_given() {
    let client = Client::new();
    let program = "func.func @main(%x: tensor<4xf32> {jax.buffer_donor = true}) -> tensor<4xf32> {
        %y = stablehlo.add %x, %x : tensor<4xf32>
        return %y : tensor<4xf32>
    }";
    let executable = client.compile(program);
    let argument = client.put(&[1.0, 2.0, 3.0, 4.0], &[4], &[4]);
    assert!(!is_deleted(argument));
    let result = execute(executable, argument).expect("the program runs");
    assert!(is_deleted(argument));
    assert_eq!(get(result, 4), [2.0, 4.0, 6.0, 8.0]);
    let (code, message) = execute(executable, argument).expect_err("it is gone");
    assert!(code == 3 || code == 9, "{code}: {message}");
    assert!(message.contains("deleted"), "{message}");
    for buffer in [argument, result] {
        call(function::BUFFER_DESTROY, &mut arguments(24, &[buffer])).expect("destroyed");
    }
    call(function::LOADED_EXECUTABLE_DESTROY, &mut arguments(24, &[executable])).expect("gone");
}

#[test]
fn callbacks_are_called_with_their_argument() {
    unsafe extern "C" fn note(error: *mut c_void, place: *mut c_void) {
        assert!(error.is_null());
        // SAFETY: the place is the test's.
        unsafe { place.cast::<u64>().write(1) }
    }
    let client = Client::new();
    let buffer = client.put(&[1.0], &[1], &[4]);
    let mut value = [0_f32];
    let mut get = arguments(56, &[buffer, 0, address(value.as_mut_ptr()), 4]);
    call(function::BUFFER_TO_HOST_BUFFER, &mut get).expect("values");
    let mut called = 0_u64;
    let callback: unsafe extern "C" fn(*mut c_void, *mut c_void) = note;
    let mut on_ready =
        arguments(40, &[get[6], address(callback as *const c_void), address(&raw mut called)]);
    call(function::EVENT_ON_READY, &mut on_ready).expect("added");
    wait(get[6]);
    let seen = || {
        // SAFETY: the callback writes whole words.
        unsafe { (&raw const called).read_volatile() }
    };
    while seen() == 0 {
        std::thread::yield_now();
    }
    assert_eq!((seen(), value[0].to_bits()), (1, 1_f32.to_bits()));
    call(function::BUFFER_DESTROY, &mut arguments(24, &[buffer])).expect("destroyed");
}

#[test]
fn settings_go_through_the_extension() {
    type GetOption = unsafe extern "C" fn(*const c_char, *mut *mut c_char) -> i32;
    type FreeText = unsafe extern "C" fn(*mut c_char);
    let at = |place: u64| {
        // SAFETY: extensions are lists of words.
        unsafe { std::ptr::with_exposed_provenance::<u64>(place as usize).read() }
    };
    let mut extension = word(1);
    while at(extension + 8) & 0xFFFF_FFFF != 0x5041_4C4D {
        extension = at(extension + 16);
        assert_ne!(extension, 0, "the list has the extension");
    }
    assert_eq!((at(extension), at(extension + 24)), (64, 1));
    let function =
        |offset: u64| std::ptr::with_exposed_provenance::<u64>((extension + offset) as usize);
    let get_option = |name: &CStr| {
        let mut text = std::ptr::null_mut();
        // SAFETY: the extension has these functions at these places.
        unsafe {
            let get_option = function(48).cast::<GetOption>().read();
            let status = get_option(name.as_ptr(), &raw mut text);
            let answer = CStr::from_ptr(text).to_string_lossy().into_owned();
            function(56).cast::<FreeText>().read()(text);
            (status, answer)
        }
    };
    assert_eq!(get_option(c"strict"), (0, "false".to_owned()));
    let (status, message) = get_option(c"colour");
    assert_eq!(
        (status, &*message),
        (1, "there is no setting `colour`; there are strict, clock, topology")
    );
}

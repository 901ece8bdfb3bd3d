//! Clients, programs and arrays for tests.

use palmetto_compiler::diagnostic::SourceText;
use palmetto_compiler::hlo::{parse_module, verify};
use palmetto_runtime::{
    Argument, ArrayLiteral, Buffer, Client, ClientOptions, CompileOptions, DeviceAssignment,
    DeviceId, Error, ExecuteOptions, LoadedExecutable, MemoryKind, Module, Topology,
};

/// A strict client with the chips of a topology.
pub(crate) fn client(topology: &str) -> Client {
    let mut options = ClientOptions::new(topology.parse::<Topology>().unwrap());
    options.run.strict = true;
    options.run.max_trips = 10_000;
    Client::new(options).unwrap()
}

/// A module with the header's attributes and a body.
pub(crate) fn module(attributes: &str, body: &str) -> Module {
    let text = format!("HloModule test{attributes}\n\n{body}");
    let module = parse_module(SourceText::new("test.hlo", &text));
    let module = module.unwrap_or_else(|error| panic!("{error}"));
    verify(&module).unwrap_or_else(|error| panic!("{error}"));
    module
}

/// Compiles for one device, with the proofs of the back end.
pub(crate) fn load(client: &Client, module: &Module) -> LoadedExecutable {
    let options = CompileOptions::v4().checked();
    let loaded = client.compile(module, &options, DeviceAssignment::one(DeviceId(0)));
    loaded.unwrap_or_else(|error| panic!("{error}"))
}

/// `f(x, y) = x * 2 + y` on arrays of `n` floats.
pub(crate) fn twice_plus(n: usize) -> Module {
    module(
        "",
        &format!(
            "ENTRY e {{\n  x = f32[{n}] parameter(0)\n  y = f32[{n}] parameter(1)\n  \
             two = f32[] constant(2)\n  b = f32[{n}] broadcast(two), dimensions={{}}\n  \
             m = f32[{n}] multiply(x, b)\n  ROOT r = f32[{n}] add(m, y)\n}}\n"
        ),
    )
}

pub(crate) fn floats(values: &[f32]) -> ArrayLiteral {
    ArrayLiteral::from_slice(&[values.len()], values).unwrap()
}

pub(crate) fn put(client: &Client, values: &[f32]) -> Buffer {
    let device = &client.devices()[0];
    client.buffer_from_literal(floats(values), device, MemoryKind::Device).unwrap()
}

pub(crate) fn get(buffer: &Buffer) -> Vec<f32> {
    buffer.to_literal().unwrap().as_slice::<f32>().unwrap().to_vec()
}

pub(crate) fn keep(buffer: &Buffer) -> Argument {
    Argument { buffer: buffer.clone(), donate: false }
}

pub(crate) fn donate(buffer: &Buffer) -> Argument {
    Argument { buffer: buffer.clone(), donate: true }
}

/// Dispatches on one device; the results.
pub(crate) fn execute(
    loaded: &LoadedExecutable,
    arguments: Vec<Argument>,
) -> Result<Vec<Buffer>, Error> {
    let launches = loaded.execute(&[arguments], &ExecuteOptions::default())?;
    assert_eq!(launches.len(), 1);
    Ok(launches.into_iter().next().unwrap().outputs)
}

"""What JAX does with a client besides running programs: callbacks, memory, compilation, errors."""

from compare import CPU, DEVICE, PLATFORM, check, on

import os
import pickle
import subprocess
import sys
import tempfile

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback, serialize_executable

CHIPS = 4

import testing


def raises(function, *words):
    """The error that the function raises; it must have all the words in its message."""
    try:
        function()
    except Exception as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"no {missing} in: {error}"
        return error
    raise AssertionError(f"nothing was raised, wanted an error about {words}")


def python(code, **environment):
    """Standard output of another Python process."""
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ, **environment),
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_devices():
    devices = jax.devices(PLATFORM)
    assert len(devices) == CHIPS == jax.local_device_count(PLATFORM)
    assert [d.id for d in devices] == list(range(CHIPS))
    assert {d.device_kind for d in devices} == {"TPU v4"} and devices[0].platform == "tpu"
    assert [tuple(d.coords) for d in devices] == [(0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)]
    assert all(d.core_on_chip == 0 and d.slice_index == 0 for d in devices)
    assert "TPU" in str(devices[0]) and "coords=(1,1,0)" in repr(devices[3]).replace(" ", "")
    assert jax.default_backend() == "tpu" and jax.devices()[0] == devices[0]


def there_and_back(x):
    y = np.asarray(jax.device_put(x, DEVICE))
    assert y.dtype == x.dtype and y.shape == x.shape and (y == x).all(), x


def test_transfers():
    shapes = [(), (0,), (3, 0, 2), (5,), (33, 7), (2, 3, 4, 5)]
    types = [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.float16,
             jnp.bfloat16, np.float32, np.complex64]
    random = np.random.default_rng(0)
    for shape in shapes:
        for dtype in types:
            there_and_back(random.integers(0, 7, shape).astype(dtype))
    base = random.normal(size=(12, 10)).astype(np.float32)
    for view in (base.T, base[::2, 1::3], base[::-1], np.broadcast_to(base[0], (3, 10))):
        assert (np.asarray(jax.device_put(view, DEVICE)) == view).all()


def test_transfers_of_four_bits():
    for dtype in (jnp.int4, jnp.uint4):
        for shape in ((), (5,), (33, 7)):
            there_and_back((np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(dtype))


def test_transfers_of_small_floats():
    for dtype in (jnp.float8_e4m3fn, jnp.float8_e5m2, jnp.float8_e4m3b11fnuz):
        for shape in ((), (5,), (33, 7)):
            there_and_back((np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(dtype))


def test_arrays_move_between_devices():
    x = jax.device_put(np.arange(35.0, dtype=np.float32).reshape(5, 7), DEVICE)
    for device in (*jax.devices(PLATFORM), CPU):
        y = jax.device_put(x, device)
        assert y.devices() == {device} and (np.asarray(y) == np.asarray(x)).all()
        z = jax.jit(lambda y: y + 1)(y)
        assert z.devices() == {device} and (np.asarray(z) == np.asarray(x) + 1).all()


def test_arrays_do_not_change_with_their_source():
    source = np.ones(1000, np.float32)
    x = jax.device_put(source, DEVICE)
    x.block_until_ready()
    source[:] = 7
    assert (np.asarray(x) == 1).all()


def test_deletion_and_donation():
    x = jax.device_put(np.arange(8.0, dtype=np.float32), DEVICE)
    kept = jax.device_put(np.arange(8.0, dtype=np.float32), DEVICE)
    y = jax.jit(lambda x, k: (x * 2 + k, k.sum()), donate_argnums=0)(x, kept)
    assert x.is_deleted() and not kept.is_deleted()
    assert (np.asarray(y[0]) == np.arange(8) * 3).all()
    raises(lambda: np.asarray(x), "deleted")
    kept.delete()
    raises(lambda: jax.jit(jnp.sin)(kept), "deleted")


def test_debug_print():
    code = """
import jax, jax.numpy as jnp
@jax.jit
def f(x):
    jax.debug.print("sum {s}", s=x.sum())
    for_each = jax.lax.fori_loop(0, 2, lambda i, c: (jax.debug.print("turn {i}", i=i, ordered=True), c)[1], x)
    return for_each * 2
print(f(jnp.arange(4.0)))
jax.effects_barrier()
"""
    lines = python(code).split("\n")
    assert "sum 6.0" in lines and lines.index("turn 0") < lines.index("turn 1"), lines
    assert "[0. 2. 4. 6.]" in lines, lines


def test_pure_callback():
    def host(x, n):
        assert isinstance(np.asarray(x), np.ndarray)
        return np.sort(np.asarray(x)) * np.asarray(n)

    def f(x, n):
        shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return jax.pure_callback(host, shape, x * 2, n) + 1

    x = np.array([3, 1, 2], np.float32)
    assert (on(DEVICE, f, x, np.float32(10)) == np.sort(x) * 20 + 1).all()


def test_io_callback_keeps_order():
    seen = []

    def f(x):
        def body(i, total):
            return total + io_callback(lambda i: (seen.append(int(i)), np.float32(i))[1],
                                       jax.ShapeDtypeStruct((), jnp.float32), i, ordered=True)
        return jax.lax.fori_loop(0, 5, body, x)

    assert on(DEVICE, f, np.float32(1)) == 11
    jax.effects_barrier()
    assert seen == [0, 1, 2, 3, 4]


def test_callbacks_take_and_give_arrays_of_many_types():
    arrays = [np.arange(6, dtype=dtype).reshape(2, 3) for dtype in
              (np.float32, np.int8, np.uint32, jnp.bfloat16, np.complex64, jnp.int4)]
    arrays += [np.array([True, False]), np.float16(2.5), np.zeros((0, 4), np.float32),
               np.arange(2**18, dtype=np.int32)]

    def host(*arrays):
        return tuple(np.asarray(x)[..., ::-1] if np.ndim(x) else np.asarray(x) for x in arrays)

    shapes = tuple(jax.ShapeDtypeStruct(np.shape(x), np.asarray(x).dtype) for x in arrays)
    results = on(DEVICE, lambda *x: jax.pure_callback(host, shapes, *x), *arrays)
    for got, wanted in zip(results, host(*arrays)):
        assert got.dtype == wanted.dtype and (got == wanted).all(), (got, wanted)


def test_callbacks_in_loops_maps_and_gradients():
    @jax.custom_vjp
    def cube(x):
        return jax.pure_callback(lambda x: np.asarray(x) ** 3, jax.ShapeDtypeStruct(x.shape, x.dtype), x,
                                 vmap_method="sequential")

    cube.defvjp(lambda x: (cube(x), x), lambda x, g: (3 * x * x * g,))
    xs = np.arange(4, dtype=np.float32)
    loop = lambda xs: jax.lax.scan(lambda total, x: (total + cube(x), total), 0.0, xs)[0]
    assert on(DEVICE, loop, xs) == 36
    assert (on(DEVICE, jax.vmap(cube), xs) == xs**3).all()
    assert (on(DEVICE, jax.grad(loop), xs) == 3 * xs**2).all()


def test_callbacks_of_programs_on_several_devices():
    for n, device in enumerate(jax.devices(PLATFORM)):
        double = lambda x: jax.pure_callback(lambda x: 2 * np.asarray(x), jax.ShapeDtypeStruct((), jnp.float32), x)
        assert on(device, double, np.float32(n)) == 2 * n


def test_an_exception_in_a_callback_is_raised():
    def host(x):
        raise ValueError("not today")

    f = lambda x: jax.pure_callback(host, jax.ShapeDtypeStruct((), jnp.float32), x)
    raises(lambda: on(DEVICE, f, np.float32(1)), "not today")
    assert on(DEVICE, lambda x: x + 1, np.float32(1)) == 2


def compiled():
    x = np.arange(12.0, dtype=np.float32).reshape(3, 4)
    with jax.default_device(DEVICE):
        return jax.jit(lambda x, y: (x @ y.T).sum(0) + 1).lower(x, x).compile(), x


def test_ahead_of_time():
    program, x = compiled()
    wanted = (x @ x.T).sum(0) + 1
    assert (np.asarray(program(x, x)) == wanted).all()
    raises(lambda: program(x, x[:2]), "float32[3,4]", "float32[2,4]")
    assert "dot" in program.as_text()


def test_serialised_executables():
    program, x = compiled()
    saved = pickle.dumps(serialize_executable.serialize(program))
    loaded = serialize_executable.deserialize_and_load(*pickle.loads(saved), backend=PLATFORM,
                                                       execution_devices=[DEVICE])
    assert (np.asarray(loaded(x, x)) == np.asarray(program(x, x))).all()


def test_exported_programs():
    export = jax.export.export(jax.jit(lambda x: jnp.sin(x) @ x.T), platforms=["tpu"])
    x = np.arange(6.0, dtype=np.float32).reshape(2, 3) / 4
    blob = export(jax.ShapeDtypeStruct(x.shape, x.dtype)).serialize()
    call = jax.export.deserialize(bytearray(blob)).call
    got = on(DEVICE, call, x)
    assert np.abs(got - np.sin(x) @ x.T).max() < 0.02


def test_persistent_cache():
    code = """
import jax, jax.numpy as jnp
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
hits = []
jax.monitoring.register_event_listener(lambda event, **k: hits.append(event) if "cache_hit" in event else None)
x = jax.jit(lambda x: jnp.tanh(x) * 3 + x.sum())(jnp.arange(5.0))
print(len(hits), x)
"""
    with tempfile.TemporaryDirectory() as folder:
        first, second = (python(code, JAX_COMPILATION_CACHE_DIR=folder) for _ in range(2))
    hits = [int(text.split()[0]) for text in (first, second)]
    assert hits[0] == 0 and hits[1] > 0, hits
    assert first.split()[1:] == second.split()[1:]


def test_compilation_for_chips_that_are_not_there():
    from jax.experimental import topologies
    topology = topologies.get_topology_desc("v4:2x2x2", platform="tpu")
    assert len(topology.devices) == 8 and topology.devices[0].device_kind == "TPU v4"
    sharding = jax.sharding.SingleDeviceSharding(topology.devices[0])
    x = jax.ShapeDtypeStruct((64, 64), jnp.float32, sharding=sharding)
    program = jax.jit(lambda x: x @ x).lower(x).compile()
    assert program.cost_analysis()["flops"] >= 2 * 64**3
    assert program.memory_analysis().output_size_in_bytes >= 4 * 64**2


def test_out_of_memory():
    """At compile time by its buffers, at run time by its arrays; the client stays usable."""
    huge = jax.ShapeDtypeStruct((1 << 17, 1 << 16), jnp.float32)
    with jax.default_device(DEVICE):
        raises(lambda: jax.jit(lambda x: jnp.sort(x, 0)).lower(huge).compile(), "RESOURCE_EXHAUSTED", "68719476736 bytes", "Arg_0")
    assert on(DEVICE, lambda x: x + 1, np.float32(1)) == 2


def test_a_failing_program_leaves_the_client_usable():
    with jax.default_device(DEVICE):
        polynomial = jax.export.symbolic_shape("n")[0]
        raises(lambda: jax.jit(lambda x: jax.lax.linalg.schur(x)).lower(jnp.eye(3)).compile())
        before = jnp.arange(5.0)
        for _ in range(3):
            raises(lambda: jax.pure_callback(lambda x: 1 / 0, jax.ShapeDtypeStruct((), jnp.float32),
                                             jnp.float32(1)).block_until_ready())
        assert (np.asarray(before * 2) == np.arange(5) * 2).all()


def test_an_endless_loop_ends():
    """Not in time, but an error must be possible: a while loop whose condition is false at once."""
    assert on(DEVICE, lambda x: jax.lax.while_loop(lambda v: v < 0, lambda v: v + 1, x), np.float32(3)) == 3


def test_memories():
    kinds = {m.kind for m in DEVICE.addressable_memories()}
    assert {"device", "pinned_host", "unpinned_host"} <= kinds
    assert DEVICE.default_memory().kind == "device"
    x = np.arange(6.0, dtype=np.float32)
    for kind in ("pinned_host", "device"):
        sharding = jax.sharding.SingleDeviceSharding(DEVICE, memory_kind=kind)
        y = jax.device_put(x, sharding)
        assert y.sharding.memory_kind == kind and (np.asarray(y) == x).all()
        back = jax.device_put(y, jax.sharding.SingleDeviceSharding(DEVICE, memory_kind="device"))
        assert (np.asarray(jax.jit(lambda v: v * 2)(back)) == x * 2).all()
    host = jax.sharding.SingleDeviceSharding(DEVICE, memory_kind="pinned_host")
    device = jax.sharding.SingleDeviceSharding(DEVICE, memory_kind="device")
    moved = jax.jit(lambda v: jax.device_put(jax.device_put(v, device) * 3, host), out_shardings=host)(
        jax.device_put(x, host))
    assert moved.sharding.memory_kind == "pinned_host" and (np.asarray(moved) == x * 3).all()


def test_memory_statistics():
    before = DEVICE.memory_stats()
    x = jax.device_put(np.zeros((512, 1024), np.float32), DEVICE)
    x.block_until_ready()
    during = DEVICE.memory_stats()
    assert before["bytes_limit"] == during["bytes_limit"] <= 32 << 30
    assert during["bytes_in_use"] - before["bytes_in_use"] >= 512 * 1024 * 4
    x.delete()
    assert DEVICE.memory_stats()["bytes_in_use"] < during["bytes_in_use"]


def test_cost_and_memory_analysis():
    program, x = compiled()
    cost, memory = program.cost_analysis(), program.memory_analysis()
    assert cost["flops"] >= 2 * 3 * 3 * 4 and cost["bytes accessed"] > 0, cost
    assert memory.argument_size_in_bytes >= 2 * x.nbytes and memory.output_size_in_bytes >= 12


def test_programs_for_several_devices():
    """Every device runs the whole program; a program that would have to be cut is refused."""
    mesh = jax.sharding.Mesh(np.array(jax.devices(PLATFORM)), ("x",))
    whole, cut = (jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(*axes))
                  for axes in ((), ("x",)))
    values = np.arange(8, dtype=np.float32)
    result = jax.jit(lambda x: x + 1)(jax.device_put(values, whole))
    assert len(result.addressable_shards) == len(mesh.devices)
    assert all((np.asarray(shard.data) == values + 1).all() for shard in result.addressable_shards)
    refused = lambda f, x: raises(lambda: f(x), "UNIMPLEMENTED", "4 partitions", "cut into parts")
    refused(jax.jit(lambda x: x + 1), jax.device_put(values, cut))
    refused(jax.jit(lambda x: x + 1, out_shardings=cut), jax.device_put(values, whole))


def test_what_several_devices_compute_together_is_refused():
    """By name and as unsupported, in both notations of shardings; the client stays usable."""
    mesh = jax.sharding.Mesh(np.array(jax.devices(PLATFORM)), ("x",))
    cut = jax.sharding.PartitionSpec("x")
    sharded = jax.sharding.NamedSharding(mesh, cut)
    x = np.ones((CHIPS, 8), np.float32)

    def mapped(x):
        return jax.jit(jax.shard_map(lambda x: jax.lax.psum(x, "x"), mesh=mesh, in_specs=cut,
                                     out_specs=cut, check_vma=False))(x)

    programs = (
        (lambda: jax.jit(lambda x: x.sum())(jax.device_put(x, sharded)), "argument 0", "argument 0"),
        (lambda: jax.jit(lambda x: x * 2, out_shardings=sharded)(x), "result 0", "result 0"),
        (lambda: mapped(x), "shard_map", "all_reduce of several devices"),
        (lambda: jax.pmap(lambda x: jax.lax.psum(x, "i"), axis_name="i")(x), "pmap", "all_reduce"),
    )
    try:
        for shardy in (True, False):
            jax.config.update("jax_use_shardy_partitioner", shardy)
            for program, *words in programs:
                raises(lambda: jax.block_until_ready(program()), "UNIMPLEMENTED", words[not shardy])
                assert on(DEVICE, jax.jit(lambda x: x + 1), np.float32(1)) == 2
    finally:
        jax.config.update("jax_use_shardy_partitioner", True)


def test_layout_constraints():
    """Since JAX 0.11 with tilings, which versions of the format before 1.18 cannot express."""
    from jax.experimental.layout import Layout, with_layout_constraint
    layout = Layout(major_to_minor=(1, 0), tiling=((8, 128),))
    x = np.arange(32 * 256, dtype=np.float32).reshape(32, 256)
    f = jax.jit(lambda x: with_layout_constraint(x * 2, layout) + 1)
    assert (np.asarray(f(jax.device_put(x, DEVICE))) == x * 2 + 1).all()


def test_the_host_has_too_little_memory():
    """HBM that the host cannot back is an error as when the chip has none, not the end of it all."""
    code = """
import resource
import jax, jax.numpy as jnp
n = jnp.ones(60000)
resource.setrlimit(resource.RLIMIT_AS, (12 << 30, 12 << 30))
try:
    jax.block_until_ready(jax.jit(lambda x: (jnp.outer(x, x) @ jnp.outer(x, x)).sum())(n))
except Exception as error:
    print(str(error))
print(jax.jit(lambda x: x.sum())(n))
"""
    refused, usable = python(code).splitlines()
    assert "RESOURCE_EXHAUSTED: the host is out of memory" in refused, refused
    assert usable == "60000.0", usable


def test_many_small_programs_in_flight():
    f = jax.jit(lambda x: x * 1.5 + 1)
    x = jax.device_put(np.float32(1), DEVICE)
    wanted = np.float32(1)
    for _ in range(200):
        x, wanted = f(x), np.float32(wanted * np.float32(1.5) + 1)
        if wanted > 1e30:
            x, wanted = jax.device_put(np.float32(1), DEVICE), np.float32(1)
    assert abs(np.asarray(x) - wanted) <= 1e-5 * wanted


def test_two_threads():
    import threading
    results = {}

    def work(n):
        f = jax.jit(lambda x: jnp.sin(x) * n)
        with jax.default_device(jax.devices(PLATFORM)[n % CHIPS]):
            for _ in range(10):
                results[n] = np.asarray(f(np.arange(5.0, dtype=np.float32)))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    for n in range(4):
        assert np.abs(results[n] - np.sin(np.arange(5.0)) * n).max() < 1e-5


def test_512_devices():
    """Devices cost little until they are used; what is used is only the last of them."""
    code = """
import resource, time
import jax, jax.numpy as jnp
start = time.monotonic()
devices = jax.devices()
listed = time.monotonic() - start
last = jax.device_put(jnp.arange(4.0), devices[-1])
added = jax.jit(lambda x: x + 1)(last)
assert added.devices() == {devices[-1]}, added.devices()
print(len(devices), *devices[-1].coords, added.sum())
print(listed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    usage = {}
    for topology, expected in [("1x1x1", "1 0 0 0 10.0"), ("8x8x8", "512 7 7 7 10.0")]:
        lines = python(code, PALMETTO_TOPOLOGY=topology).splitlines()
        assert lines[0] == expected, lines
        usage[topology] = [float(number) for number in lines[1].split()]
    (_, one), (listed, many) = usage["1x1x1"], usage["8x8x8"]
    assert listed < 5, f"{listed} s until 512 devices are listed"
    assert many - one < 64 * 1024, f"{many - one} KiB more than with one device"


def test_wrong_topologies_are_refused():
    code = "import jax; jax.devices()"
    for wrong in ("2x2x", "0x1x1", "99x99x99", "many"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                              env=dict(os.environ, PALMETTO_TOPOLOGY=wrong), timeout=120)
        assert done.returncode == 1 and wrong in done.stderr, (wrong, done.stderr)


def test_results_do_not_depend_on_threads():
    code = """
import jax, jax.numpy as jnp, hashlib
x = jax.random.normal(jax.random.key(0), (64, 96))
f = jax.jit(lambda x: jax.nn.softmax(jnp.sin(x) @ jnp.cos(x).T) @ x)
print(hashlib.sha256(f(x).tobytes()).hexdigest())
"""
    assert len({python(code, RAYON_NUM_THREADS=n) for n in ("1", "2", "5")}) == 1


if __name__ == "__main__":
    testing.main(globals())

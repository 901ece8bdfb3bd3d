"""Writes the programs of this folder, with JAX 0.10.2; the newer ones with JAX 0.12.0.1.

NAME.VERSION.mlirbc is a portable artifact of that version of the format; NAME.mlir is what jaxlib's
own reader makes of the newest one, in generic form with locations. NAME.VERSION.mlir is what it
makes of that version and older ones, where that is something else. NAME.in.mlir is the source of a
program that JAX does not write. NAME.jax_export is an artifact of `jax.export`.
Versions that cannot express a program are left out.
"""

import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from jax import export, lax
from jax._src.interpreters import mlir
from jax._src.lib import _jax
from jax.experimental import pallas as pl
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from jaxlib.mlir import ir

# File names without folders. Locations with a traceback are long; two programs have them.
jax.config.update("jax_hlo_source_file_canonicalization_regex", ".*/")
jax.config.update("jax_include_full_tracebacks_in_locations", False)
TRACEBACKS = ["regression", "sharded"]

FOLDER = pathlib.Path(__file__).parent
NEWEST = "1.17.0"
FEW = [NEWEST, "0.9.0"]
MANY = [NEWEST, "1.15.0", "1.13.0", "1.9.0", "1.0.0", "0.14.0", "0.9.0"]
F32, I32 = jnp.float32, jnp.int32
PROGRAMS = {}


def arg(*shape, dtype=F32):
    return jax.ShapeDtypeStruct(shape, dtype)


def program(*arguments, versions=FEW, platform="tpu", **options):
    def add(function):
        PROGRAMS[function.__name__] = (function, arguments, versions, platform, options)
        return function

    return add


@program(arg(4, 8), arg(8, 3), arg(4, 3), versions=MANY, donate_argnums=1)
def regression(x, w, y):
    def loss(w):
        return jnp.mean((jax.nn.relu(x @ w) - y) ** 2)

    value, gradient = jax.value_and_grad(loss)(w)
    return w - 0.1 * gradient, value


@program(arg(5, 4), arg(dtype=jnp.bool_), arg(dtype=I32), versions=MANY)
def control(x, p, n):
    carry, ys = lax.scan(lambda c, x: (jnp.tanh(c + x), c.sum()), x[0], x)
    a = lax.cond(p, lambda: carry * 2, lambda: jnp.sin(carry))
    b = lax.switch(n, [lambda: a, lambda: -a, lambda: a + 1])
    return lax.fori_loop(0, n, lambda i, c: c * 2 + b.sum(), ys)


@program(arg(6, 8), arg(3, dtype=I32), arg(6, 2, dtype=I32), arg(dtype=I32), versions=MANY)
def indexing(x, rows, columns, k):
    taken = jnp.take_along_axis(x, columns, axis=1)
    added = x.at[rows].add(1.0, unique_indices=True)
    cut = lax.dynamic_slice(added, (k, 0), (2, 8))
    put = lax.dynamic_update_slice(x, cut, (k, k))
    batched = jax.vmap(lambda x, k: x.at[k].set(0.0))(put, columns)
    return x[rows], taken, batched, x[1:5:2, ::-1]


@program(arg(1, 8, 8, 2), arg(3, 3, 2, 4), arg(2, 9), versions=MANY)
def windows(x, kernel, y):
    numbers = ("NHWC", "HWIO", "NHWC")
    a = lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=numbers)
    b = lax.conv_general_dilated(
        x, kernel, (2, 1), [(0, 1), (2, 0)], (1, 2), (2, 1), numbers, precision="highest"
    )
    c = lax.conv_general_dilated(
        x, kernel[:, :, :1], (1, 1), "VALID", dimension_numbers=numbers, feature_group_count=2
    )

    def pooled(x):
        shape = (1, 2, 2, 1)
        return lax.reduce_window(x, -jnp.inf, lax.max, shape, shape, "VALID").sum()

    padded = lax.pad(y, 0.0, [(1, 2, 1), (0, -1, 0)])
    return a, b, c, jax.grad(pooled)(x), jnp.cumsum(y, axis=1), padded


@program(arg(4, 9), versions=[NEWEST, "1.13.0", "1.0.0"])
def sorting(x):
    return jnp.sort(x), jnp.argsort(x, axis=0), lax.top_k(x, 3), jnp.argmax(x, axis=1)


@program(versions=MANY)
def random():
    bits = lax.rng_bit_generator(jnp.zeros(4, jnp.uint32), (8,))
    return bits, lax.rng_uniform(0.0, 1.0, (3,))


@program(arg(4, 4), arg(4, 8), versions=MANY)
def algebra(a, x):
    factor = jnp.linalg.cholesky(a @ a.T + jnp.eye(4))
    solved = jax.scipy.linalg.solve_triangular(factor, x, lower=True)
    transformed = jnp.fft.rfft(x), jnp.fft.ifft(x + 1j)
    return solved, transformed, jnp.linalg.qr(a), jnp.einsum("ij,ik->i", a, x)


UNARY = """abs cbrt ceil cos exp expm1 floor is_finite log log1p logistic neg round rsqrt sign sin
sqrt tan tanh erf acosh atan""".split()


@program(arg(7), versions=[NEWEST, "1.9.0"])
def functions(x):
    ones = [getattr(lax, name)(x) for name in UNARY ]
    two = [lax.pow(x, x), lax.atan2(x, x), lax.rem(x, x), lax.nextafter(x, x)]
    return ones, two, lax.clamp(0.0, x, 1.0)


@program(arg(4, dtype=jnp.uint32), arg(4, dtype=jnp.bfloat16), versions=FEW)
def bits(x, y):
    shifted = (x << 3) ^ (x >> 5) | (~x & 7)
    arithmetic = lax.shift_right_arithmetic(x.astype(I32), 2)
    counted = lax.population_count(x) + lax.clz(x)
    float_bits = lax.bitcast_convert_type(x, F32)
    return shifted, arithmetic, counted, float_bits, lax.reduce_precision(float_bits, 5, 10), y + 1


@program(versions=[NEWEST, "1.9.0"])
def constants():
    numbers = np.arange(-3, 9)
    widths = ("int8", "int16", "int32", "uint8", "uint32")
    integers = [jnp.asarray(numbers.astype(width)) for width in widths]
    floats = [jnp.asarray((numbers / 3).astype(t)) for t in ("float32", "float16", "bfloat16")]
    small = [
        jnp.asarray(numbers.astype(getattr(ml_dtypes, t)))
        for t in ("float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "int4", "uint4")
    ]
    truths = [jnp.asarray(numbers[:n] % 3 == 0) for n in (1, 3, 8, 9, 12)]
    others = [jnp.asarray(numbers * (1 + 2j)), jnp.asarray(np.float32("nan"))]
    empty_and_full = [jnp.zeros((0, 3)), jnp.ones((3, 5), bool)]
    return integers, floats, small, truths, others, empty_and_full


@program(arg(8, 16), arg(16, 8), versions=[NEWEST, "1.15.0", "1.13.0"])
def dots(x, w):
    presets = lax.DotAlgorithmPreset
    algorithms = [presets.BF16_BF16_F32, presets.BF16_BF16_F32_X3, presets.TF32_TF32_F32]
    narrow = jnp.dot(x.astype(jnp.bfloat16), w.astype(jnp.bfloat16), preferred_element_type=F32)
    return [jnp.dot(x, w, precision=p) for p in ["high", *algorithms]], narrow


def mesh(shape, names):
    return jax.make_mesh(shape, names, axis_types=(AxisType.Auto,) * len(shape))


MESH = mesh((2, 4), ("x", "y"))
IN = NamedSharding(MESH, P("x", "y"))


@program(
    arg(8, 8),
    arg(8, 8),
    versions=[NEWEST, "1.15.0", "1.13.0", "1.11.0"],
    platform=None,
    in_shardings=(IN, NamedSharding(MESH, P(("y", "x")))),
    out_shardings=IN,
    donate_argnums=0,
)
def sharded(a, b):
    a = lax.with_sharding_constraint(a, NamedSharding(MESH, P(P.UNCONSTRAINED, "x")))

    def block(a, b):
        c = lax.psum(a @ b, "y") + lax.all_gather(a, "x", axis=0, tiled=True).sum()
        d = lax.ppermute(a, "x", [(0, 1), (1, 0)]) + lax.pmax(a, ("x", "y"))
        e = lax.psum_scatter(a, "y", scatter_dimension=0, tiled=True)
        f = lax.all_to_all(a, "x", 0, 0, tiled=True)
        return c + d.sum() + e.sum() + f.sum() + lax.axis_index("x")

    specs = {"in_specs": (P("x", "y"), P("y", None)), "out_specs": P("x", None)}
    c = jax.shard_map(block, mesh=MESH, check_vma=False, **specs)(a, b)
    return a @ c


@program(arg(8, 8), versions=[NEWEST, "1.13.0"], platform=None)
def partly_manual(a):
    def block(a):
        return lax.psum(a, "x") * 2

    specs = {"in_specs": P("x"), "out_specs": P(), "axis_names": {"x"}}
    return jax.shard_map(block, mesh=MESH, check_vma=False, **specs)(a)


@program(arg(3), versions=[NEWEST, "1.9.0"], platform=None)
def callbacks(x):
    jax.debug.print("{x}", x=x, ordered=True)
    y = jax.pure_callback(lambda x: np.sin(x), arg(3), x)
    return jax.experimental.io_callback(lambda x: x, arg(3), y, ordered=False)


def scaled(x, *, factor, label="a"):
    return x * factor, x.sum()


scaled = lax.composite(scaled, name="test.scaled", version=2)


@program(arg(4), versions=[NEWEST, "1.13.0", "1.0.0"])
def composites(x):
    return scaled(x, factor=3.0), lax.erf(x), lax.asinh(x)


@program(arg(8, 128), versions=[NEWEST, "1.13.0"])
def kernel(x):
    def double(x_ref, y_ref):
        y_ref[...] = x_ref[...] * 2

    return pl.pallas_call(double, out_shape=arg(8, 128))(x)


def text_program(name, versions=FEW):
    """A program of this folder in StableHLO text, with what JAX does not write."""
    PROGRAMS[name] = (None, (), versions, None, {})


text_program("zoo", [NEWEST, "1.15.0", "1.13.0"])
text_program("dialects", [NEWEST, "1.13.0"])
text_program("old", MANY)


def lower(name):
    function, arguments, _, platform, options = PROGRAMS[name]
    if function is None:
        return ir.Module.parse((FOLDER / f"{name}.in.mlir").read_text())
    jitted = jax.jit(function, keep_unused=True, **options)
    if platform is None:
        return jitted.lower(*arguments).compiler_ir("stablehlo")
    lowered = jitted.trace(*arguments).lower(lowering_platforms=(platform,))
    return lowered.compiler_ir("stablehlo")


def text_of(artifact):
    module = _jax.mlir.deserialize_portable_artifact(artifact)
    return module.operation.get_asm(print_generic_op_form=True, enable_debug_info=True)


def write(name):
    versions = PROGRAMS[name][2]
    jax.config.update("jax_include_full_tracebacks_in_locations", name in TRACEBACKS)
    module = lower(name)
    newer = None
    for version in versions:
        artifact = bytes(_jax.mlir.serialize_portable_artifact(module, version, True))
        (FOLDER / f"{name}.{version}.mlirbc").write_bytes(artifact)
        text = text_of(artifact)
        if text != newer:
            middle = "" if newer is None else f".{version}"
            (FOLDER / f"{name}{middle}.mlir").write_text(text)
        newer = text


def write_exports():
    exported = export.export(jax.jit(lambda x, y: x * 2 + y), platforms=["tpu"])(arg(3), arg(3))
    (FOLDER / "affine.jax_export").write_bytes(exported.serialize())
    exported = export.export(jax.jit(lambda x: jnp.sin(x)), platforms=["tpu"])(arg(3))
    (FOLDER / "derivative.jax_export").write_bytes(exported.serialize(vjp_order=1))
    sizes = export.symbolic_shape("n, 3")
    exported = export.export(jax.jit(lambda x: x + 1), platforms=["tpu"])(arg(*sizes))
    (FOLDER / "dynamic.jax_export").write_bytes(exported.serialize())


# What came after JAX 0.10.2, from the version of the format that brought it.
NEWER = "1.22.0"
text_program("tiled", [NEWER, "1.18.0"])
text_program("reduced", [NEWER, "1.19.0"])
text_program("recent", [NEWER, "1.20.0"])
text_program("mixed", [NEWER, "1.20.0"])
text_program("narrow", [NEWER, "1.21.0"])


@program(
    arg(4, 8, 16),
    {"norm": arg(16), "qkv": arg(16, 24), "up": arg(16, 64), "out": arg(72, 16)},
    versions=[NEWER],
    platform=None,
    in_shardings=(NamedSharding(MESH, P("x")), NamedSharding(MESH, P())),
)
def layer(x, weights):
    def forward(weights):
        h = x * lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6) * weights["norm"]
        q, k, v = jnp.split(h @ weights["qkv"], 3, axis=-1)
        scores = jax.nn.softmax(jnp.einsum("btd,bsd->bts", q, k) / 8**0.5)
        attended = jnp.einsum("bts,bsd->btd", scores, v)
        hidden = lax.with_sharding_constraint(
            jax.nn.gelu(h @ weights["up"]), NamedSharding(MESH, P("x", None, "y"))
        )
        return x + jnp.concatenate([attended, hidden], axis=-1) @ weights["out"]

    return jax.value_and_grad(lambda weights: jnp.sum(jnp.tanh(forward(weights))))(weights)


if __name__ == "__main__":
    # The newest version of the format that the release writes.
    newest = {"0.10.2": NEWEST, "0.12.0.1": NEWER}[jax.__version__]
    with mlir.make_ir_context():
        for name in PROGRAMS:
            if PROGRAMS[name][2][0] == newest:
                for old in FOLDER.glob(f"{name}.*"):
                    if not old.name.endswith(".in.mlir"):
                        old.unlink()
                write(name)
    if newest == NEWEST:
        write_exports()

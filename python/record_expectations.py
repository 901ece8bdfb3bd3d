"""Writes programs that check themselves: what JAX lowers for a TPU, with arguments and with the
results of JAX on a CPU.

    python python/record_expectations.py sort random ...

writes tests/filetests/run/jax_NAME.hlo; `UPDATE_EXPECT=1 cargo test --test filetests run/jax`
then adds what the checks say.
"""

import math
import re
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

FOLDER = Path(__file__).parent.parent / "tests" / "filetests" / "run"
NAN, INF = np.nan, np.inf


def element(value, dtype):
    if dtype == np.bool_:
        return "true" if value else "false"
    if np.issubdtype(dtype, np.integer):
        return str(int(value))
    bits = np.asarray(value, dtype).view(f"uint{8 * np.dtype(dtype).itemsize}")
    plain = math.isfinite(value) and repr(float(value))
    if plain and "e" not in plain and float(plain) == value:
        return plain
    return f"0x{int(bits):0{2 * np.dtype(dtype).itemsize}X}"


def dense(array):
    def nested(array):
        if array.ndim == 0:
            return element(array[()], array.dtype)
        return "[" + ", ".join(nested(each) for each in array) + "]"

    return "" if array.size == 0 else nested(array)


def type_of(array):
    kind = {"b": "i", "i": "i", "u": "ui", "f": "f"}.get(array.dtype.kind, "bf")
    bits = 1 if array.dtype == np.bool_ else 8 * array.dtype.itemsize
    sizes = "".join(f"{size}x" for size in array.shape)
    return f"tensor<{sizes}{kind}{bits}>"


def bits_of(f):
    """The same with floats as their bits: a check takes no NaN to be equal to itself."""

    def bits(x):
        is_float = jnp.issubdtype(x.dtype, jnp.floating)
        return lax.bitcast_convert_type(x, jnp.dtype(f"uint{8 * x.dtype.itemsize}")) if is_float else x

    return lambda *arguments: jax.tree.map(bits, f(*arguments))


def program(name, f, arguments, check):
    """A function that computes `f` of the arguments and checks the results, and its callees."""
    if check is equal:
        f = bits_of(f)
    arguments = [np.asarray(argument) for argument in arguments]
    results = [np.asarray(each) for each in jax.tree.leaves(jax.jit(f)(*arguments))]
    text = jax.jit(f).trace(*arguments).lower(lowering_platforms=("tpu",)).as_text()
    text = re.sub(r" \{(jax|mhlo)\.[a-z_]+ = [^{}]*\}", "", text)
    text = re.sub(r"@(\w+)", lambda m: m[0] if m[1][0].isupper() else f"@{name}_{m[1]}", text)
    text = text.replace("func.func public", "func.func private")
    functions = "\n".join(text.splitlines()[1:-1]) + "\n"
    lines = []
    for n, argument in enumerate(arguments):
        constant = f"%{name}_c{n} = stablehlo.constant dense<{dense(argument)}> : {type_of(argument)}"
        barrier = f"%{name}_a{n} = stablehlo.optimization_barrier %{name}_c{n} : {type_of(argument)}"
        lines += [constant, barrier]
    types = ", ".join(type_of(argument) for argument in arguments)
    gives = ", ".join(type_of(result) for result in results)
    operands = ", ".join(f"%{name}_a{n}" for n in range(len(arguments)))
    call = f"%{name}:{len(results)} = call @{name}_main({operands}) : ({types}) -> ({gives})"
    lines.append(call)
    for n, result in enumerate(results):
        value = f"dense<{dense(result)}> : {type_of(result)}"
        lines.append(check(f"%{name}#{n}", value))
    return lines, functions


def equal(actual, value):
    return f"check.expect_eq_const {actual}, {value}"


def close(tolerance):
    def check(actual, value):
        kind = value.rsplit("x", 1)[-1] if "x" in value else value
        if " : tensor<" in value and re.search(r"(bf|f)\d+>$", kind):
            return f"check.expect_almost_eq_const {actual}, {value} {{tolerance = {tolerance}}}"
        return equal(actual, value)

    return check


def sort():
    x = np.array([[3, NAN, -0.0, 1, -INF], [0.0, 2, -NAN, INF, -2]], np.float32)
    y = np.array([[1, 1, 0, 1, 0], [0, 0, 1, 0, 1]], np.int32)
    z = np.array([[5, 4, 3, 2, 1], [-0.0, 0.0, NAN, 8, 8]], np.float32)
    yield "rows", lambda x: lax.sort(x), [x], equal
    yield "columns", lambda x: lax.sort(x, dimension=0), [x], equal
    yield "two_keys", lambda y, z: lax.sort((y, z), num_keys=2), [y, z], equal
    yield "one_key", lambda y, z: lax.sort((y, z), num_keys=1), [y, z], equal
    yield "argsort", lambda y: jnp.argsort(y, descending=True), [y], equal
    yield "bf16", lambda z: lax.sort(z.astype(jnp.bfloat16)).astype(jnp.float32), [z], equal
    yield "bool", lambda y: lax.sort(y == 1), [y], equal
    yield "u8", lambda y: lax.sort((y * 200).astype(jnp.uint8)), [y], equal
    yield "median", jnp.median, [z[:1]], equal
    yield "unique", lambda y: jnp.unique(y, size=3, fill_value=7), [y], equal
    yield "permutation", lambda k: jax.random.permutation(k, 9), [np.array([1, 2], np.uint32)], equal


def random():
    algorithm = lax.RandomAlgorithm
    key = np.array([0x9ABCDEF0, 0x12345678, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)
    cases = [("u32", (3, 5)), ("u32", (4, 3)), ("u32", ()), ("u8", (7,)), ("u16", (2, 3))]
    for kind in ("THREE_FRY", "PHILOX", "DEFAULT"):
        for dtype, shape in cases:
            name = f"{kind.lower()}_{dtype}_{'x'.join(map(str, shape))}"
            dtype = jnp.dtype(dtype.replace("u", "uint"))

            def bits(key, dtype=dtype, shape=shape, kind=kind):
                chosen = getattr(algorithm, f"RNG_{kind}")
                return lax.rng_bit_generator(key, shape, dtype, algorithm=chosen)

            yield name, bits, [key], equal
    rbg = jax.random.key(7, impl="rbg")
    data = np.asarray(jax.random.key_data(rbg))

    def normal(data):
        return jax.random.normal(jax.random.wrap_key_data(data, impl="rbg"), (2, 3))

    yield "rbg_uniform", lambda d: jax.random.uniform(
        jax.random.wrap_key_data(d, impl="rbg"), (5,)
    ), [data], equal
    yield "rbg_normal", normal, [data], close("1e-6")


def linear_algebra():
    numbers = np.random.default_rng(1)
    a = numbers.standard_normal((2, 4, 4)).astype(np.float32)
    b = numbers.standard_normal((2, 4, 3)).astype(np.float32)
    spd = (a @ a.transpose(0, 2, 1) + np.eye(4)).astype(np.float32)
    wide, tall = a[:, :3], a[:, :, :2]
    check = close("1e-4")
    not_positive = np.array([[1, 2], [2, 1]], np.float32)
    yield "cholesky", jnp.linalg.cholesky, [spd], check
    yield "upper", lambda a: jnp.linalg.cholesky(a, upper=True), [spd], check
    yield "not_positive", jnp.linalg.cholesky, [not_positive], equal
    for n, options in enumerate(
        [(1, 1, 0, 0), (1, 0, 1, 0), (0, 1, 0, 1), (0, 0, 1, 0), (0, 1, 1, 0), (1, 0, 0, 1)]
    ):
        left, lower, transposes, unit = map(bool, options)

        def solve(a, b, left=left, lower=lower, transposes=transposes, unit=unit):
            return lax.linalg.triangular_solve(
                a, b, left_side=left, lower=lower, transpose_a=transposes, unit_diagonal=unit
            )

        yield f"solve_{n}", solve, [spd, b if left else b.transpose(0, 2, 1)], check
    for name, matrix in (("square", a), ("wide", wide), ("tall", tall)):
        yield f"lu_{name}", lax.linalg.lu, [matrix], check
        yield f"qr_{name}", lambda a: lax.linalg.qr(a, full_matrices=False), [matrix], check
        yield f"full_qr_{name}", lambda a: lax.linalg.qr(a, full_matrices=True), [matrix], check
    yield "lu_singular", lax.linalg.lu, [np.ones((3, 3), np.float32)], check
    yield "determinant", jnp.linalg.det, [a], check

    def eigh(a):
        kind = lax.linalg.EighImplementation.JACOBI
        vectors, values = lax.platform_dependent(
            a,
            tpu=lambda a: lax.linalg.eigh(a, implementation=kind),
            default=lax.linalg.eigh,
        )
        # Signs are free.
        return values, jnp.abs(vectors), jnp.sum(vectors * values[..., None, :] * vectors, -1)

    yield "eigh", eigh, [spd], check
    yield "top_k", lambda b: lax.approx_max_k(b[0], 2), [b], equal
    yield "least", lambda b: lax.approx_min_k(b[1], 3, reduction_dimension=0), [b], equal


SETS = {"sort": sort, "random": random, "linear_algebra": linear_algebra}


def main():
    for name in sys.argv[1:] or SETS:
        lines, functions = [], ""
        for case, f, arguments, check in SETS[name]():
            more, callees = program(case, f, arguments, check)
            lines += more
            functions += callees
        body = "".join(f"  {line}\n" for line in lines)
        text = f"// test run\n// From python/record_expectations.py with JAX {jax.__version__}.\n"
        text += f"{functions}func.func @main() {{\n{body}  return\n}}\n"
        (FOLDER / f"jax_{name}.hlo").write_text(text)


if __name__ == "__main__":
    main()

"""Runs functions on the emulated chips and on JAX's CPU backend in one process, and compares.

Import this module first: it decides the platforms before JAX starts.
"""

import os

# Rounded where the program says so; little time for optimisation, since most programs run once.
os.environ["XLA_FLAGS"] = ("--xla_allow_excess_precision=false --xla_backend_optimization_level=0 "
                           + os.environ.get("XLA_FLAGS", ""))
PLATFORM = os.environ.get("PALMETTO_TEST_PLATFORM", "tpu")
os.environ["JAX_PLATFORMS"] = ",".join(dict.fromkeys((PLATFORM, "cpu")))

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from cases import EXACT

CPU = jax.devices("cpu")[0]
DEVICE = jax.devices(PLATFORM)[0]

# Distance of one to the next bfloat16.
BF16_EPSILON = 2.0**-7


def on(device, function, *arguments, **jit):
    """The results of the compiled function on a device, as NumPy arrays."""
    with jax.default_device(device):
        placed = jax.device_put(arguments, device)
        return jax.tree.map(np.asarray, jax.jit(function, **jit)(*placed))


def epsilon(dtype):
    """Distance of one to the next number of a float type; zero for the others."""
    if not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.complexfloating)):
        return 0.0
    return float(ml_dtypes.finfo(dtype).eps)


def difference(expected, actual, tolerance, terms=None):
    """What is wrong with one array, or None; ``terms`` are sums of absolute terms."""
    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.shape != actual.shape or expected.dtype != actual.dtype:
        return (f"{actual.dtype}{list(actual.shape)} instead of "
                f"{expected.dtype}{list(expected.shape)}")
    if expected.size == 0:
        return None
    step = epsilon(expected.dtype)
    wide = np.complex128 if np.iscomplexobj(expected) else np.float64
    if not step:
        wrong = expected != actual
        return report(wrong, expected, actual, np.zeros(()))
    e, a = expected.astype(wide), actual.astype(wide)
    same = (e == a) | (np.isnan(e) & np.isnan(a))
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(e) & np.isfinite(a)
        size = np.where(finite, np.abs(e), 0.0)
        allowed = (step * (tolerance.relative * size + tolerance.absolute)
                   + (step * tolerance.norm + BF16_EPSILON * tolerance.bf16_norm) * size.max())
        if terms is not None:
            sums = np.abs(np.asarray(terms).astype(wide))
            allowed += (step * tolerance.terms + BF16_EPSILON * tolerance.bf16_terms) * sums
        far = ~finite | (np.abs(e - a) > allowed)
    return report(~same & far, expected, actual, allowed)


def report(wrong, expected, actual, allowed):
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    bound = np.broadcast_to(allowed, wrong.shape)[place]
    return (f"{int(wrong.sum())} of {wrong.size} elements differ, the first at {list(place)}: "
            f"{actual[place]} instead of {expected[place]}, allowed is {bound:.2g}")


def differences(expected, actual, tolerance, terms=None):
    """What is wrong with trees of arrays: one line for each array."""
    paths = jax.tree_util.tree_flatten_with_path(expected)[0]
    got, wanted = jax.tree.structure(actual), jax.tree.structure(expected)
    if got != wanted:
        return [f"results {got} instead of {wanted}"]
    bounds = [None] * len(paths) if terms is None else jax.tree.leaves(terms)
    lines = []
    for (path, e), a, p in zip(paths, jax.tree.leaves(actual), bounds):
        wrong = difference(e, a, tolerance, p)
        if wrong:
            lines.append(f"result{jax.tree_util.keystr(path)}: {wrong}")
    return lines


def sums_of_terms(function, arguments, tolerance, **jit):
    """The function of absolute arguments, on CPU, if the tolerance asks for it."""
    if not (tolerance.terms or tolerance.bf16_terms):
        return None
    is_float = lambda x: jnp.issubdtype(np.asarray(x).dtype, jnp.floating)
    absolute = jax.tree.map(lambda x: np.abs(x) if is_float(x) else x, arguments)
    return on(CPU, function, *absolute, **jit)


def check(function, *arguments, tolerance=EXACT, **jit):
    """Fails unless the function gives on the chip what it gives on CPU."""
    expected = on(CPU, function, *arguments, **jit)
    actual = on(DEVICE, function, *arguments, **jit)
    terms = sums_of_terms(function, arguments, tolerance, **jit)
    wrong = differences(expected, actual, tolerance, terms)
    assert not wrong, "\n".join(wrong)
    return actual


def reason(error):
    """The first line that says why JAX raised ``error``."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else ''}"


def highest(function):
    """What ``function`` gives if the dots in it, which it does not show, have the highest precision."""
    with jax.default_matmul_precision("highest"):
        return function()

"""The vocabulary of the function tables: inputs, tolerance classes and rows.

A row is a function of JAX's public API with inputs. Inputs are arrays from a generator that is
seeded by the row's name, so that a failure comes back.
"""

import dataclasses
import zlib
from typing import Any, Callable

import jax.numpy as jnp
import numpy as np

F32, BF16, F16 = jnp.float32, jnp.bfloat16, jnp.float16
I8, I16, I32, U8, U16, U32 = jnp.int8, jnp.int16, jnp.int32, jnp.uint8, jnp.uint16, jnp.uint32
C64, BOOL = jnp.complex64, jnp.bool_
FLOATS = (F32, BF16, F16)
INTS = (I32, U32, I8, U8, I16, U16)
REALS = (F32, BF16, I32, U8)

# Scalar, odd, empty, and one that does not fill its tiles.
SHAPES = ((), (7,), (0, 3), (3, 130))
# What elementwise functions are easily wrong for; the rest of the range is random.
SPECIAL = (0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0)


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far a result may be from JAX on CPU, in machine epsilons of its element type.

    An element may differ by the sum of ``relative`` epsilons of itself, ``absolute`` epsilons of
    one, ``norm`` epsilons of the largest element of the result, and ``terms`` epsilons of what the
    function gives for the absolute values of its arguments, which for sums of products is the sum
    of the absolute values of the terms. ``bf16_terms`` and ``bf16_norm`` count in epsilons of
    bfloat16.
    """

    name: str
    relative: float = 0.0
    absolute: float = 0.0
    norm: float = 0.0
    terms: float = 0.0
    bf16_terms: float = 0.0
    bf16_norm: float = 0.0


# The same bits, but for the sign of zeros and the payload of NaNs.
EXACT = Tolerance("exact")
# A handful of roundings in another order, or kept in f32 where the other side rounds to bf16.
ROUND = Tolerance("round", relative=4, absolute=1)
# Polynomials on both sides: each is within some ulps of the function, and near a zero of the
# function within some ulps of one.
FUNCTION = Tolerance("function", relative=64, absolute=32)
# Sums and products of up to some thousand terms in another order, by trees of partial sums.
SUM = Tolerance("sum", relative=16, absolute=4, terms=16)
# Series, iterations and solutions of systems: backward stable on both sides, and the inputs are
# well conditioned (a factor of some hundreds).
SERIES = Tolerance("series", relative=1000, absolute=200, norm=1000)
# One pass of the MXU: both factors are rounded to bfloat16, each by at most 2^-8 of itself (half an
# epsilon), so a sum of products changes by at most (2 + 2^-8) * 2^-8 < 1.01 epsilons of the sum of
# the absolute values of its terms. The sums are in f32.
DOT = Tolerance("dot", terms=16, bf16_terms=1.01)
# The same inside of functions that are not sums of products, so that absolute arguments say
# nothing: some of the error above of the largest result.
MODEL = Tolerance("model", bf16_norm=2)


@dataclasses.dataclass(frozen=True)
class Spec:
    """An array: shape, element type, and the range or the values of its elements."""

    shape: tuple
    dtype: Any
    low: float = -2.0
    high: float = 2.0
    special: bool = False
    kind: str = "uniform"

    def make(self, random):
        if self.kind == "permutation":
            return np.stack([random.permutation(self.shape[-1]) for _ in range(
                int(np.prod(self.shape[:-1])))]).reshape(self.shape).astype(self.dtype)
        if self.kind == "distinct":
            values = random.permutation(int(np.prod(self.shape))) * 0.25 - 3
            return values.reshape(self.shape).astype(self.dtype)
        if self.kind == "definite":
            n = self.shape[-1]
            a = random.uniform(-1, 1, self.shape)
            return (a @ np.swapaxes(a, -1, -2) + n * np.eye(n)).astype(self.dtype)
        if self.kind == "sorted":
            return np.sort(random.uniform(self.low, self.high, self.shape)).astype(self.dtype)
        if self.dtype == BOOL:
            return random.integers(0, 2, self.shape).astype(bool)
        if jnp.issubdtype(self.dtype, jnp.integer):
            info = jnp.iinfo(self.dtype)
            low, high = max(int(self.low), info.min), min(int(self.high), info.max)
            return random.integers(low, high + 1, self.shape).astype(self.dtype)
        values = random.uniform(self.low, self.high, self.shape)
        if self.dtype == C64:
            return (values + 1j * random.uniform(self.low, self.high, self.shape)).astype(C64)
        if self.special and values.size >= len(SPECIAL):
            values.flat[: len(SPECIAL)] = SPECIAL
        return np.asarray(values).astype(self.dtype)


@dataclasses.dataclass(frozen=True)
class Row:
    """A function, what it is called with, and how close the results must be."""

    name: str
    function: Callable
    inputs: tuple  # of tuples of Spec
    tolerance: Tolerance = EXACT

    def arguments(self):
        random = np.random.default_rng(zlib.crc32(self.name.encode()))
        return [tuple(spec.make(random) for spec in call) for call in self.inputs]


def array(shape, dtype=F32, low=-2.0, high=2.0, **more):
    """One array."""
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    return Spec(shape, dtype, low, high, **more)


def elementwise(count, dtypes=FLOATS, low=-2.0, high=2.0, special=True):
    """``count`` arrays of the same shape, for every type; the first type in every shape."""
    calls = []
    for n, dtype in enumerate(dtypes):
        for shape in SHAPES if n == 0 else ((3, 130),):
            calls.append(tuple(Spec(shape, dtype, low, high, special) for _ in range(count)))
    return tuple(calls)


def unary(dtypes=FLOATS, low=-2.0, high=2.0, special=True):
    """Inputs of a function of one array."""
    return elementwise(1, dtypes, low, high, special)


def binary(dtypes=FLOATS, low=-2.0, high=2.0, special=True):
    """Inputs of a function of two arrays, a scalar that is broadcast among them."""
    scalar = (Spec((3, 130), dtypes[0], low, high), Spec((), dtypes[0], low, high))
    return elementwise(2, dtypes, low, high, special) + (scalar,)


def arrays(*specs):
    """Inputs of one call."""
    return (tuple(s if isinstance(s, Spec) else array(s) for s in specs),)


def matrices(dtypes=(F32,), shapes=((5, 7), (0, 4), (17, 130)), **more):
    """Inputs of functions of one array with at least two dimensions."""
    return tuple((array(shape, dtype, **more),) for dtype in dtypes for shape in shapes)


class Table:
    """Rows of one module of JAX, looked up by name."""

    def __init__(self, prefix, module):
        self.prefix, self.module = prefix, module
        self.rows, self.absent = [], []

    def add(self, name, inputs, tolerance=EXACT, call=None, part=""):
        """A function; ``call(f, *arrays)`` says how it is called, where there is more to say.

        A function can have several rows, with a name for each ``part``.
        """
        function = getattr(self.module, name, None)
        if function is None:
            self.absent.append(f"{self.prefix}.{name}")
            return
        bound = function if call is None else (lambda *a, f=function, c=call: c(f, *a))
        self.rows.append(Row(f"{self.prefix}.{name}{part}", bound, inputs, tolerance))

    def each(self, names, inputs, tolerance=EXACT, call=None):
        """Several functions that are called the same way."""
        for name in names.split():
            self.add(name, inputs, tolerance, call)

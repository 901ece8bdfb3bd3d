"""Random numbers bit by bit, precision of products, linear algebra by its own laws, 64-bit types."""

from compare import BF16_EPSILON, CPU, DEVICE, PLATFORM, check, highest, on

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

import testing
from cases import EXACT, FUNCTION, ROUND, SERIES, Tolerance

RANDOM = np.random.default_rng(11)
KEY = jax.random.key(42)


def normal(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


# What comes from threefry with integers and a multiplication is the same in every bit.
EXACT_RANDOM = {
    "bits": lambda k: [jax.random.bits(k, (3, 33), t) for t in (jnp.uint8, jnp.uint16, jnp.uint32)],
    "split": lambda k: jax.random.key_data(jax.random.split(k, 5)),
    "fold_in": lambda k: jax.random.key_data(jax.random.fold_in(k, 7)),
    "uniform": lambda k: [jax.random.uniform(k, (3, 33), t) for t in (jnp.float32, jnp.bfloat16)],
    "randint": lambda k: [jax.random.randint(k, (3, 33), -5, 90), jax.random.randint(k, (9,), 0, 200, jnp.uint8)],
    "bernoulli": lambda k: jax.random.bernoulli(k, 0.3, (3, 33)),
    "permutation": lambda k: jax.random.permutation(k, 40),
    "shuffled rows": lambda k: jax.random.permutation(k, jnp.arange(24).reshape(8, 3), axis=0),
    "choice": lambda k: jax.random.choice(k, 30, (9,), replace=False),
    "rademacher": lambda k: jax.random.rademacher(k, (33,)),
    "categorical": lambda k: jax.random.categorical(k, jnp.zeros((5, 17))),
}
# These go through logarithms and their like.
CLOSE_RANDOM = {
    "normal": lambda k: [jax.random.normal(k, (3, 33), t) for t in (jnp.float32, jnp.bfloat16)],
    "truncated_normal": lambda k: jax.random.truncated_normal(k, -1, 2, (33,)),
    "exponential": lambda k: jax.random.exponential(k, (33,)),
    "gumbel": lambda k: jax.random.gumbel(k, (33,)),
    "laplace": lambda k: jax.random.laplace(k, (33,)),
    "logistic": lambda k: jax.random.logistic(k, (33,)),
    "cauchy": lambda k: jax.random.cauchy(k, (33,)),
    "gamma": lambda k: jax.random.gamma(k, 2.5, (33,)),
    "beta": lambda k: jax.random.beta(k, 2.5, 1.5, (33,)),
    "dirichlet": lambda k: jax.random.dirichlet(k, jnp.array([1.0, 2.0, 3.0]), (9,)),
    "poisson": lambda k: jax.random.poisson(k, 3.5, (33,)),
    "t": lambda k: jax.random.t(k, 4.0, (33,)),
    "ball": lambda k: jax.random.ball(k, 3, shape=(9,)),
    "maxwell": lambda k: jax.random.maxwell(k, (33,)),
    "rayleigh": lambda k: jax.random.rayleigh(k, 2.0, (33,)),
    "weibull_min": lambda k: jax.random.weibull_min(k, 2.0, 1.5, (33,)),
    "pareto": lambda k: jax.random.pareto(k, 2.0, (33,)),
    "triangular": lambda k: jax.random.triangular(k, 0.0, 0.4, 1.0, (33,)),
    "geometric": lambda k: jax.random.geometric(k, 0.3, (33,)),
    "binomial": lambda k: jax.random.binomial(k, 20.0, 0.3, (33,)),
    "multivariate_normal": lambda k: highest(lambda: jax.random.multivariate_normal(k, jnp.zeros(2), jnp.eye(2) + 0.5, (9,))),
}


def test_random_bits_are_those_of_cpu():
    check(lambda k: [f(k) for f in EXACT_RANDOM.values()], KEY, tolerance=EXACT)


def test_random_bits_with_a_batch_of_keys():
    check(lambda k: jax.vmap(lambda k: jax.random.uniform(k, (7,)))(jax.random.split(k, 5)), KEY)


def test_random_bits_partitionable_or_not():
    for setting in (True, False):
        with jax.threefry_partitionable(setting):
            check(lambda k: jax.random.bits(k, (5, 9)), KEY)


def test_distributions():
    wrong = []
    for name, function in CLOSE_RANDOM.items():
        try:
            check(function, KEY, tolerance=SERIES)
        except Exception as error:
            wrong.append(f"{name}: {error}")
    assert not wrong, "\n".join(wrong)


def test_other_generators():
    """Streams of `rbg` keys differ between platforms; they must be reproducible and uniform."""
    for implementation in ("rbg", "unsafe_rbg"):
        key = jax.random.key(3, impl=implementation)
        with jax.default_device(DEVICE):
            first = np.asarray(jax.random.uniform(key, (4096,)))
            again = np.asarray(jax.random.uniform(key, (4096,)))
        assert (first == again).all() and len(np.unique(first)) > 4000
        assert abs(first.mean() - 0.5) < 0.03 and first.min() >= 0 and first.max() < 1


def product_error(a, b, precision):
    """The largest error of a product on the chip, relative to the sum of absolute terms."""
    exact = a.astype(np.float64) @ b.astype(np.float64)
    size = np.abs(a).astype(np.float64) @ np.abs(b)
    with jax.default_matmul_precision(precision):
        got = on(DEVICE, jnp.dot, a, b)
    return np.max(np.abs(got - exact) / size)


def test_precision_of_products():
    """One pass has the error of bfloat16; three have that of a pair of them, six that of f32."""
    a, b = normal(64, 96), normal(96, 48)
    passes = ("bfloat16", "tensorfloat32", "float32", "default", "high", "highest")
    one, three, six, *named = (product_error(a, b, precision) for precision in passes)
    assert 2**-13 < one < 2**-7 * 1.01, one
    assert 2**-24 < three < 2**-15, three
    assert six < 2**-20 and six < three, six
    assert named == [one, three, six], named


def test_one_pass_has_the_bits_of_bfloat16_factors():
    a, b = (normal(8, 8) for _ in range(2))
    rounded = [x.astype(ml_dtypes.bfloat16).astype(np.float64) for x in (a, b)]
    got = on(DEVICE, jnp.dot, a, b)
    assert np.abs(got - rounded[0] @ rounded[1]).max() < 1e-5


def test_precision_per_op():
    a, b = normal(64, 96), normal(96, 48)
    both = lambda a, b: (jnp.dot(a, b), jnp.dot(a, b, precision="highest"))
    low, high = on(DEVICE, both, a, b)
    exact = a.astype(np.float64) @ b.astype(np.float64)
    assert np.abs(high - exact).max() < 1e-4 < 1e-3 < np.abs(low - exact).max()


def test_decompositions_keep_their_laws():
    a, eye = normal(3, 9, 9), np.eye(9)
    spd = a @ a.transpose(0, 2, 1) + eye.astype(np.float32)
    with jax.default_device(DEVICE), jax.default_matmul_precision("highest"):
        q, r = map(np.asarray, jnp.linalg.qr(a))
        w, v = map(np.asarray, jnp.linalg.eigh(spd))
        u, s, vt = map(np.asarray, jnp.linalg.svd(a))
        lower = np.asarray(jnp.linalg.cholesky(spd))
        x = np.asarray(jnp.linalg.solve(a, a[..., :2]))
    transposed = lambda m: np.swapaxes(m, -1, -2)
    laws = {
        "q r = a": (q @ r, a), "q is orthogonal": (q @ transposed(q), eye),
        "r is upper": (np.triu(r), r), "v w v' = a": (v * w[:, None] @ transposed(v), spd),
        "v is orthogonal": (v @ transposed(v), eye), "eigenvalues rise": (np.sort(w), w),
        "u s v' = a": (u * s[:, None] @ vt, a), "u is orthogonal": (u @ transposed(u), eye),
        "l l' = a": (lower @ transposed(lower), spd), "a x = b": (a @ x, a[..., :2]),
    }
    wrong = [name for name, (left, right) in laws.items()
             if np.abs(left - right).max() > 1e-4 * max(1.0, np.abs(right).max())]
    assert not wrong, wrong


def test_gradients_of_linear_algebra():
    a = normal(5, 5)
    spd = a @ a.T + 5 * np.eye(5, dtype=np.float32)
    functions = (lambda a: jnp.linalg.slogdet(a)[1], lambda a: jnp.linalg.inv(a).sum(),
                 lambda a: jnp.linalg.cholesky(a).sum(), lambda a: jnp.linalg.eigh(a)[0][0])
    with jax.default_matmul_precision("highest"):
        for function in functions:
            check(jax.grad(function), spd, tolerance=SERIES)


def test_wide_types():
    """With x64 enabled: integers exactly, f64 with its own precision."""
    with jax.enable_x64(True):
        x = RANDOM.normal(size=(3, 33))
        n = RANDOM.integers(-2**62, 2**62, (3, 33))
        check(lambda x, y: (x + y, x * y, x - y, jnp.where(x > y, x, y), x.sum()), x, x[::-1].copy(), tolerance=ROUND)
        check(lambda x: (jnp.exp(x), jnp.sin(x), jnp.tanh(x)), x, tolerance=FUNCTION)
        check(lambda n, m: (n + m, n * m, n // 7, n % 1000, n >> 3, n ^ m, n < m, jnp.sort(n)), n, n[::-1].copy())
        check(lambda x: x.astype(jnp.float32), x)
        check(jnp.dot, x, x.T.copy(), tolerance=SERIES)


def test_four_bits():
    x = np.abs(normal(5, 33)) * 3
    for dtype in (jnp.int4, jnp.uint4):
        check(lambda x: x.astype(dtype).astype(jnp.float32), np.clip(x, 0, 7))


def test_small_floats():
    x = np.abs(normal(5, 33)) * 3
    for dtype in (jnp.float8_e4m3fn, jnp.float8_e5m2, jnp.float8_e4m3b11fnuz):
        check(lambda x: x.astype(dtype).astype(jnp.float32), x)


if __name__ == "__main__":
    testing.main(globals())

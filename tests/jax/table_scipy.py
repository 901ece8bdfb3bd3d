"""jax.scipy.linalg, jax.scipy.signal, jax.scipy.stats, jax.random, and collectives under vmap."""

import jax
import jax.numpy as jnp
from jax import lax

from cases import (DOT, EXACT, F32, FUNCTION, I32, MODEL, ROUND, SERIES, SUM, Table, array, arrays, matrices, unary)
from compare import highest

DEFINITE = arrays(array((5, 5), kind="definite"))
SMALL = arrays(array((4, 4), low=-0.5, high=0.5))

P = Table("scipy.linalg", jax.scipy.linalg)
P.each("circulant fiedler", arrays(6), EXACT)
P.each("companion fiedler_companion", arrays(array(5, F32, 1, 2)), ROUND)
P.each("hankel", arrays(6), EXACT)
P.each("hadamard", arrays(()), EXACT, lambda f, s: f(8) * s)
P.each("hilbert invhilbert pascal invpascal", arrays(()), SERIES, lambda f, s: f(5) * s)
P.each("helmert dft", arrays(()), FUNCTION, lambda f, s: f(5) * s)
P.add("leslie", arrays(5, 4), EXACT)
P.add("convolution_matrix", arrays(4), EXACT, lambda f, a: f(a, 6))
P.each("det inv", DEFINITE, SERIES)
P.each("cholesky sqrtm", DEFINITE, SERIES, lambda f, a: highest(lambda: f(a)))
P.add("cho_factor", DEFINITE, SERIES, lambda f, a: f(a)[0])
P.add("lu_factor", DEFINITE, SERIES)
P.add("lu_solve", arrays(array((5, 5), kind="definite"), 5), SERIES, lambda f, a, b: f(jax.scipy.linalg.lu_factor(a), b))
P.add("solve", arrays(array((5, 5), kind="definite"), (5, 3)), SERIES)
P.add("qr", arrays((7, 4)), SERIES, lambda f, a: jnp.abs(f(a, mode="economic")[1]))
P.add("qr_multiply", arrays((7, 4), (3, 7)), SERIES, lambda f, a, c: jnp.abs(highest(lambda: f(a, c)[0])))
P.add("svd", arrays((7, 4)), SERIES, lambda f, a: f(a, full_matrices=False)[1])
P.add("eigh", DEFINITE, SERIES, lambda f, a: f(a)[0])
P.add("eigh_tridiagonal", arrays(6, 5), SERIES, lambda f, d, e: f(d, e, eigvals_only=True))
P.add("polar", DEFINITE, SERIES, lambda f, a: highest(lambda: f(a)))
P.add("expm_frechet", arrays(array((4, 4), low=-0.5, high=0.5), (4, 4)), SERIES, lambda f, a, e: highest(lambda: f(a, e)))
P.add("funm", DEFINITE, SERIES, lambda f, a: f(a, jnp.sqrt))
P.add("rsf2csf", arrays(array((4, 4)), (4, 4)), SERIES, lambda f, t, z: f(jnp.triu(t), z))
P.each("schur hessenberg", SMALL, SERIES)
P.add("solve_sylvester", arrays(array((4, 4), kind="definite"), array((4, 4), kind="definite"), (4, 4)), SERIES)

G = Table("scipy.signal", jax.scipy.signal)
G.each("convolve correlate", arrays(30, 7), DOT, lambda f, a, b: f(a, b, precision="default"))
G.add("correlate2d", arrays((9, 8), (3, 4)), DOT)
G.add("detrend", arrays((3, 40)), SERIES, lambda f, x: (f(x, type="constant"), f(x)))
G.add("stft", arrays(64), SERIES, lambda f, x: f(x, nperseg=16))
G.add("istft", arrays(array((9, 9), jnp.complex64)), SERIES, lambda f, x: f(x, nperseg=16))
G.add("welch", arrays(64), SERIES, lambda f, x: f(x, nperseg=16))
G.add("csd", arrays(64, 64), SERIES, lambda f, x, y: f(x, y, nperseg=16))

POSITIVE = arrays(array(20, F32, 0.1, 3))
UNIT = arrays(array(20, F32, 0.05, 0.95))
COUNTS = arrays(array(20, I32, 0, 6))


def stats(module, names, inputs, *parameters, tolerance=SERIES):
    """A table of a distribution with these parameters."""
    table = Table(f"scipy.stats.{module}", getattr(jax.scipy.stats, module))
    table.each(names, inputs, tolerance, lambda f, x: f(x, *parameters))
    return table


STATS = [
    stats("bernoulli", "logpmf pmf cdf ppf", arrays(array(20, F32, 0, 1)), 0.3),
    stats("beta", "logpdf pdf cdf logcdf sf logsf", UNIT, 2.0, 3.0),
    stats("betabinom", "logpmf pmf", COUNTS, 8.0, 2.0, 3.0),
    stats("binom", "logpmf pmf", COUNTS, 8.0, 0.3),
    stats("cauchy", "logpdf pdf cdf logcdf sf logsf", unary((F32,), special=False)),
    stats("cauchy", "ppf isf", UNIT),
    stats("chi2", "logpdf pdf cdf logcdf sf logsf", POSITIVE, 3.0),
    stats("expon", "logpdf pdf cdf logcdf sf logsf", POSITIVE),
    stats("expon", "ppf", UNIT),
    stats("gamma", "logpdf pdf cdf logcdf sf logsf", POSITIVE, 2.5),
    stats("gennorm", "logpdf pdf cdf", unary((F32,), special=False), 1.5),
    stats("geom", "logpmf pmf", COUNTS, 0.3),
    stats("gumbel_l", "logpdf pdf cdf logcdf sf logsf", unary((F32,), special=False)),
    stats("gumbel_l", "ppf", UNIT),
    stats("gumbel_r", "logpdf pdf cdf logcdf sf logsf", unary((F32,), special=False)),
    stats("gumbel_r", "ppf", UNIT),
    stats("laplace", "logpdf pdf cdf", unary((F32,), special=False)),
    stats("logistic", "logpdf pdf cdf sf", unary((F32,), special=False)),
    stats("logistic", "ppf isf", UNIT),
    stats("nbinom", "logpmf pmf", COUNTS, 4.0, 0.3),
    stats("norm", "logsf", unary((F32,), special=False)),
    stats("norm", "ppf isf", UNIT),
    stats("pareto", "logpdf pdf cdf logcdf sf logsf", arrays(array(20, F32, 1.1, 4)), 2.0),
    stats("pareto", "ppf", UNIT, 2.0),
    stats("poisson", "logpmf pmf cdf entropy", COUNTS, 2.5),
    stats("t", "logpdf pdf", unary((F32,), special=False), 3.0),
    stats("truncnorm", "logpdf pdf cdf logcdf sf logsf", arrays(array(20, F32, -0.9, 0.9)), -1.0, 1.0),
    stats("uniform", "logpdf pdf cdf", UNIT),
    stats("uniform", "ppf", UNIT),
    stats("vonmises", "logpdf pdf", unary((F32,), special=False), 1.5),
    stats("wrapcauchy", "logpdf pdf", arrays(array(20, F32, 0.1, 6)), 0.4),
]
DIRICHLET = Table("scipy.stats.dirichlet", jax.scipy.stats.dirichlet)
DIRICHLET.each("logpdf pdf", arrays(3), SERIES, lambda f, x: f(jax.nn.softmax(x), jnp.array([1.0, 2.0, 3.0])))
STATISTICS = Table("scipy.stats", jax.scipy.stats)
STATISTICS.add("mode", arrays(array((4, 9), I32, 0, 3)), EXACT, lambda f, x: f(x, axis=1).mode)
STATISTICS.add("rankdata", arrays(array(12, I32, 0, 6)), EXACT)
STATISTICS.add("sem", matrices((F32,), shapes=((5, 7),)), SERIES)

R = Table("random", jax.random)
KEY = arrays(array((), I32, 0, 99))


def drawn(*parameters):
    """A function with a key and these parameters."""
    return lambda f, seed: f(jax.random.key(seed), *parameters)


R.each("bits rademacher", KEY, EXACT, drawn((5, 7)))
R.add("split", KEY, EXACT, lambda f, seed: jax.random.key_data(f(jax.random.key(seed), 3)))
R.add("fold_in", KEY, EXACT, lambda f, seed: jax.random.key_data(f(jax.random.key(seed), 3)))
R.add("key_data", KEY, EXACT, lambda f, seed: f(jax.random.key(seed)))
R.add("PRNGKey", KEY, EXACT)
R.add("uniform", KEY, ROUND, drawn((5, 7)))
R.each("normal exponential gumbel laplace logistic cauchy maxwell", KEY, SERIES, drawn((5, 7)))
R.add("truncated_normal", KEY, SERIES, drawn(-1.0, 1.0, (5, 7)))
R.add("double_sided_maxwell", KEY, SERIES, drawn(0.0, 1.0, (5, 7)))
R.add("randint", KEY, EXACT, drawn((5, 7), 3, 90))
R.add("bernoulli", KEY, EXACT, drawn(0.3, (5, 7)))
R.add("permutation", KEY, EXACT, drawn(11))
R.add("choice", KEY, EXACT, drawn(11, (4,)))
R.add("categorical", KEY, EXACT, lambda f, seed: f(jax.random.key(seed), jnp.log(jnp.array([0.1, 0.2, 0.7])), shape=(9,)))
R.add("rayleigh", KEY, SERIES, drawn(1.0, (5, 7)))
R.add("weibull_min", KEY, SERIES, drawn(1.0, 2.0, (5, 7)))
R.add("pareto", KEY, SERIES, drawn(2.0, (5, 7)))
R.add("lognormal", KEY, SERIES, drawn(1.0, (5, 7)))
R.add("triangular", KEY, SERIES, drawn(0.0, 0.5, 1.0, (5, 7)))
R.add("geometric", KEY, EXACT, drawn(0.3, (5, 7)))
R.add("wald", KEY, SERIES, drawn(1.0, (5, 7)))
R.add("gamma", KEY, SERIES, drawn(2.0, (5, 7)))
R.add("loggamma", KEY, SERIES, drawn(2.0, (5, 7)))
R.each("chisquare t", KEY, SERIES, drawn(3.0, (5, 7)))
R.add("beta", KEY, SERIES, drawn(2.0, 3.0, (5, 7)))
R.add("f", KEY, SERIES, drawn(2.0, 3.0, (5, 7)))
R.add("dirichlet", KEY, SERIES, lambda f, seed: f(jax.random.key(seed), jnp.ones(4), (3,)))
R.add("poisson", KEY, EXACT, drawn(2.0, (5, 7)))
R.add("binomial", KEY, EXACT, drawn(9.0, 0.3, (5, 7)))
R.add("generalized_normal", KEY, SERIES, drawn(1.5, (5, 7)))
R.add("multivariate_normal", KEY, SERIES, lambda f, seed: highest(lambda: f(jax.random.key(seed), jnp.zeros(3), jnp.eye(3) + 0.2, (4,))))
R.add("orthogonal", KEY, SERIES, lambda f, seed: jnp.abs(highest(lambda: f(jax.random.key(seed), 4))))
R.add("multinomial", KEY, EXACT, lambda f, seed: f(jax.random.key(seed), jnp.float32(9), jnp.array([0.2, 0.3, 0.5])))
R.add("clone", KEY, EXACT, lambda f, seed: jax.random.key_data(f(jax.random.key(seed))))
R.add("wrap_key_data", arrays(array(2, jnp.uint32, 0, 99)), EXACT, lambda f, k: jax.random.bits(f(k), (7,)))
R.add("ball", KEY, SERIES, drawn(3, 2, (4,)))

V = Table("lax", lax)
OF_ROWS = arrays((4, 6))
V.each("psum pmean", OF_ROWS, SUM, lambda f, x: jax.vmap(lambda v: f(v, "i"), axis_name="i")(x))
V.each("pmax pmin all_gather", OF_ROWS, EXACT, lambda f, x: jax.vmap(lambda v: f(v, "i"), axis_name="i")(x))
V.add("psum_scatter", arrays((4, 4)), SUM, lambda f, x: jax.vmap(lambda v: f(v, "i"), axis_name="i")(x))
V.add("all_to_all", arrays((4, 4)), EXACT, lambda f, x: jax.vmap(lambda v: f(v, "i", 0, 0), axis_name="i")(x))
V.add("pswapaxes", arrays((4, 4)), EXACT, lambda f, x: jax.vmap(lambda v: f(v, "i", 0), axis_name="i")(x))
V.add("ppermute", OF_ROWS, EXACT, lambda f, x: jax.vmap(lambda v: f(v, "i", [(0, 1), (1, 2), (2, 3), (3, 0)]), axis_name="i")(x))
V.add("pshuffle", OF_ROWS, EXACT, lambda f, x: jax.vmap(lambda v: f(v, "i", [1, 0, 3, 2]), axis_name="i")(x))
V.each("axis_index axis_size", OF_ROWS, EXACT, lambda f, x: jax.vmap(lambda v: v * 0 + f("i"), axis_name="i")(x))
V.add("broadcast_to_rank", OF_ROWS, EXACT, lambda f, x: f(x, 4))
V.add("composite", OF_ROWS, EXACT, lambda f, x: f(lambda v: v * 2, "palmetto.twice")(x))
V.add("custom_root", POSITIVE, SERIES, lambda f, a: f(lambda v: v * v - a, a, lambda g, v: lax.fori_loop(
    0, 20, lambda _, u: 0.5 * (u + a / u), v), lambda g, y: y / g(jnp.ones_like(y))))
V.add("stack", arrays((3, 4), (3, 4)), EXACT, lambda f, *x: f(list(x), axis=1))
V.add("unstack", arrays((3, 4)), EXACT, lambda f, x: f(x, axis=1))

LINALG = Table("lax.linalg", lax.linalg)
LINALG.add("ormqr", arrays((5, 3), array(3, F32, 0.1, 1), (5, 4)), SERIES, lambda f, a, t, c: highest(lambda: f(a, t, c)))
IMAGE = Table("image", jax.image)
IMAGE.add("scale_and_translate", arrays((8, 8, 3), 2, 2), MODEL, lambda f, x, s, t: f(
    x, (10, 6, 3), (0, 1), jnp.abs(s) + 0.5, t, "linear"))

N = Table("numpy", jnp)
N.each("acos asin atanh", unary((F32,), -0.9, 0.9, special=False), FUNCTION)
N.each("asinh atan", unary((F32,)), FUNCTION)
N.add("acosh", unary((F32,), 1.1, 4, special=False), FUNCTION)
N.add("atan2", arrays((3, 30), (3, 30)), FUNCTION)
N.add("around", unary((F32,), low=-8, high=8), EXACT)
N.each("array asarray", arrays((3, 7)), EXACT)
N.each("diag_indices_from tril_indices_from triu_indices_from", arrays((5, 5)), EXACT)
N.add("empty", arrays(()), EXACT, lambda f, s: f((3, 4)).shape[0] * s)

"""jax.lax and jax.lax.linalg."""

import jax
import jax.numpy as jnp
from jax import lax

from cases import (BF16, BOOL, C64, DOT, EXACT, F32, FLOATS, FUNCTION, I8, I32, INTS, ROUND, SERIES,
                   SUM, U8, U16, U32, Table, array, arrays, binary, elementwise, matrices, unary)

T = Table("lax", lax)

# One argument.
T.each("sin cos tan sinh cosh atan asinh exp exp2 expm1 cbrt logistic erf erfc bessel_i0e bessel_i1e", unary(), FUNCTION)
T.each("tanh asin acos atanh erf_inv", unary(low=-0.99, high=0.99), FUNCTION)
T.each("acosh", unary(low=1, high=20), FUNCTION)
T.each("log log1p lgamma digamma", unary(low=0.1, high=30, special=False), FUNCTION)
T.each("sqrt rsqrt", unary(low=0.1, high=30), ROUND)
T.each("square", unary(), ROUND)
T.each("reciprocal", unary(low=0.3, high=3), ROUND)
T.each("abs neg sign", unary((F32, BF16, I32, I8)))
T.each("floor ceil is_finite stop_gradient", unary(low=-9, high=9))
T.add("round", unary(low=-9, high=9), EXACT, lambda f, x: (f(x), f(x, lax.RoundingMethod.TO_NEAREST_EVEN)))
T.each("bitwise_not population_count clz", unary(INTS, -100, 100))
T.each("conj real imag", unary((C64,)))
T.add("convert_element_type", unary((F32, I32, U8, BOOL), 0, 100, special=False), EXACT,
      lambda f, x: [f(x, t) for t in (BF16, jnp.float16, F32, I32, I8, U8, U16, U32, BOOL)])
T.add("bitcast_convert_type", unary((F32, I32)), EXACT, lambda f, x: (f(x, U32), f(x, U8), f(x, jnp.uint16)))
T.add("reduce_precision", unary((F32,)), EXACT, lambda f, x: (f(x, 8, 7), f(x, 5, 10), f(x, 4, 3)))
T.add("integer_pow", unary((F32, BF16)), ROUND, lambda f, x: (f(x, 3), f(x, -1), f(x, 7)))

# Two and three arguments.
T.each("add sub mul max min", binary(FLOATS + INTS), ROUND)
T.add("div", binary(FLOATS + (I32, U32), 1, 9), ROUND)
T.add("rem", binary((F32, I32, U32), 1, 9, special=False))
T.add("pow", binary((F32, BF16), 0.3, 3, special=False), FUNCTION)
T.each("atan2", binary(), FUNCTION)
T.each("nextafter", binary((F32,), special=False))
T.each("eq ne lt le gt ge", binary(FLOATS + INTS, -3, 3))
T.each("bitwise_and bitwise_or bitwise_xor", binary(INTS + (BOOL,), -100, 100))
T.each("shift_left shift_right_logical shift_right_arithmetic", binary(INTS, 0, 7))
T.add("mulhi", binary((I32, U32), -2**31, 2**31 - 1))
T.add("complex", elementwise(2, (F32,)))
T.each("igamma igammac", binary((F32,), 0.5, 5, special=False), SERIES)
T.add("random_gamma_grad", binary((F32,), 0.5, 5, special=False), SERIES)
T.add("igamma_grad_a", binary((F32,), 0.5, 5, special=False), SERIES)
T.add("zeta", binary((F32,), 1.5, 5, special=False), SERIES)
T.add("polygamma", arrays(array(9, F32, 1, 1), array(9, F32, 0.5, 5)), SERIES)
T.add("betainc", elementwise(3, (F32,), 0.1, 0.9, special=False), SERIES)
T.add("clamp", elementwise(3, (F32, BF16, I32), special=False))
T.add("select", arrays(array((4, 9), BOOL), (4, 9), (4, 9)))
T.add("select_n", arrays(array((4, 9), I32, 0, 2), (4, 9), (4, 9), (4, 9)))

# Reductions and windows.
T.each("reduce_sum reduce_max reduce_min", matrices((F32, BF16, I32)), SUM, lambda f, x: (f(x, (0,)), f(x, (1,)), f(x, (0, 1))))
T.add("reduce_prod", matrices((F32,), shapes=((3, 5),)), SUM, lambda f, x: f(x, (0, 1)))
T.each("reduce_and reduce_or reduce_xor", matrices((BOOL, I32)), EXACT, lambda f, x: f(x, (1,)))
T.each("argmax argmin", matrices(shapes=((5, 7), (17, 130))), EXACT, lambda f, x: f(x, 1, jnp.int32))
T.add("reduce", matrices(), SUM, lambda f, x: (f(x, 0.0, lambda a, b: a + b, (1,)),
                                               f((x, x), (0.0, -jnp.inf), lambda a, b: (a[0] + b[0], lax.max(a[1], b[1])), (0,))))
T.each("cumsum cumprod cummax cummin cumlogsumexp", matrices((F32, BF16), shapes=((3, 9), (0, 3), (2, 131)), low=-1.5, high=1.5), SUM,
       lambda f, x: (f(x, 1), f(x, 0, reverse=True)))
T.add("reduce_window", arrays((2, 9, 9, 3)), SUM, lambda f, x: (
    f(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"), f(x, 0.0, lax.add, (1, 2, 2, 1), (1, 1, 1, 1), "VALID"),
    f(x, jnp.inf, lax.min, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", (1, 1, 1, 1), (1, 2, 2, 1)),
    jax.grad(lambda y: jnp.sum(jnp.sin(f(y, 0.0, lax.add, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"))))(x)))
T.add("reduce_window", arrays((2, 9, 9, 3)), SUM, lambda f, x: jax.grad(
    lambda y: jnp.sum(jnp.sin(f(y, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"))))(x), part="/gradient of max")

# Products and convolutions.
T.add("dot", arrays((13, 37), (37, 19)) + arrays(array((9, 8), BF16), array((8, 5), BF16)), DOT)
T.add("batch_matmul", arrays((3, 5, 7), (3, 7, 4)), DOT)
T.add("dot_general", arrays((3, 5, 7), (7, 3, 4)), DOT, lambda f, a, b: f(a, b, (((2,), (0,)), ((0,), (1,)))))
T.add("dot", arrays((4, 16), (16, 5)), ROUND, lambda f, a, b: f(a.astype(jnp.float8_e4m3fn), b.astype(jnp.float8_e5m2), preferred_element_type=F32),
      part=" of two types")
BLOCKS = arrays((2, 8, 64), (2, 5, 64), array((2, 8, 2), F32, 1, 4), array((2, 5, 2), F32, 1, 4))
T.add("scaled_dot", BLOCKS, DOT, lambda f, a, b, s, t: f(
    a.astype(jnp.float8_e4m3fn), b.astype(jnp.float8_e4m3fn), lhs_scale=s.astype(jnp.float8_e8m0fnu), rhs_scale=t.astype(jnp.float8_e8m0fnu),
    dimension_numbers=(((2,), (2,)), ((0,), (0,))), preferred_element_type=F32))
for part, shapes, contracted, batch, groups in (
        (" of rows", ((12, 8), (3, 8, 5)), ((1,), (1,)), ((), ()), [0]),
        (" of what is contracted", ((12, 8), (12, 5)), ((0,), (0,)), ((), ()), []),
        (" of matrices", ((12, 4, 8), (12, 8, 5)), ((2,), (1,)), ((0,), (0,)), [])):
    T.add("ragged_dot_general", arrays(*shapes), DOT, lambda f, a, b, n=lax.RaggedDotDimensionNumbers((contracted, batch), [0], groups): f(
        a, b, jnp.array([5, 0, 7], jnp.int32), n), part=part)
T.add("ragged_dot", arrays((12, 8), (3, 8, 5)), DOT, lambda f, a, b: f(a, b, jnp.array([5, 0, 7], jnp.int32)))
NUMBERS = ("NHWC", "HWIO", "NHWC")
T.add("conv", arrays((2, 3, 9, 9), (4, 3, 3, 3)), DOT, lambda f, x, k: f(x, k, (1, 1), "SAME"))
T.add("conv_with_general_padding", arrays((2, 3, 9, 9), (4, 3, 3, 3)), DOT, lambda f, x, k: f(x, k, (2, 1), ((0, 1), (2, 2)), (1, 1), (1, 2)))
T.add("conv_general_dilated", arrays((2, 9, 9, 4), (3, 3, 2, 6)), DOT, lambda f, x, k: (
    f(x, k, (2, 1), "SAME", dimension_numbers=NUMBERS, feature_group_count=2),
    f(x, k, (1, 1), ((1, 0), (2, 1)), lhs_dilation=(2, 1), dimension_numbers=NUMBERS, feature_group_count=2)))
T.add("conv_transpose", arrays((2, 5, 5, 3), (3, 3, 3, 4)), DOT, lambda f, x, k: f(x, k, (2, 2), "SAME"))
T.add("conv_general_dilated_patches", arrays((2, 3, 9, 9)), DOT, lambda f, x: f(x, (3, 3), (1, 1), "SAME"))
T.add("conv_general_dilated_local", arrays((2, 3, 5, 5), (4, 27, 3, 3)), DOT, lambda f, x, k: f(x, k, (1, 1), "VALID", (3, 3)))

# Shapes and movement.
ANY = matrices((F32, BF16, U8, BOOL, C64), shapes=((4, 6), (9, 130)))
T.add("transpose", ANY, EXACT, lambda f, x: f(x, (1, 0)))
T.add("rev", ANY, EXACT, lambda f, x: (f(x, (0,)), f(x, (0, 1))))
T.add("reshape", ANY, EXACT, lambda f, x: (f(x, (x.size,)), f(x, (x.shape[1], x.shape[0]))))
T.add("broadcast", ANY, EXACT, lambda f, x: f(x, (2, 3)))
T.add("broadcast_in_dim", ANY, EXACT, lambda f, x: f(x, (2,) + x.shape + (3,), (1, 2)))
T.each("collapse", arrays((3, 4, 5)), EXACT, lambda f, x: f(x, 1, 3))
T.add("concatenate", arrays((3, 5), (3, 9)), EXACT, lambda f, *x: f(x, 1))
T.add("expand_dims", ANY, EXACT, lambda f, x: f(x, (0, 3)))
T.add("squeeze", arrays((3, 1, 5)), EXACT, lambda f, x: f(x, (1,)))
T.add("split", arrays((4, 12)), EXACT, lambda f, x: f(x, (3, 4, 5), axis=1))
T.add("tile", ANY, EXACT, lambda f, x: f(x, (2, 3)))
T.add("pad", arrays((4, 7)), EXACT, lambda f, x: (f(x, 0.0, ((1, 2, 0), (3, 0, 2))), f(x, 1.0, ((-1, 0, 0), (2, -3, 1)))))
T.add("slice", ANY, EXACT, lambda f, x: (f(x, (1, 2), (4, 5)), f(x, (0, 1), x.shape, (2, 3))))
T.each("slice_in_dim", ANY, EXACT, lambda f, x: f(x, 1, 4, 2, axis=1))
T.add("index_in_dim", ANY, EXACT, lambda f, x: f(x, 2, axis=1))
INDEX = arrays((5, 9), array((), I32, 0, 6))
T.add("dynamic_slice", INDEX, EXACT, lambda f, x, i: f(x, (i - 1, i), (2, 3)))
T.add("dynamic_slice_in_dim", INDEX, EXACT, lambda f, x, i: f(x, i, 4, axis=1))
T.add("dynamic_index_in_dim", INDEX, EXACT, lambda f, x, i: f(x, i, axis=1))
T.add("dynamic_update_slice", INDEX, EXACT, lambda f, x, i: f(x, -x[:2, :3], (i - 1, i)))
T.add("dynamic_update_slice_in_dim", INDEX, EXACT, lambda f, x, i: f(x, -x[:, :3], i, axis=1))
T.add("dynamic_update_index_in_dim", INDEX, EXACT, lambda f, x, i: f(x, -x[:, 0], i, axis=1))
T.add("index_take", arrays((5, 9), array(3, I32, 0, 4), array(3, I32, 0, 8)), EXACT, lambda f, x, i, j: f(x, (i, j), (0, 1)))
GATHER = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
T.add("gather", arrays((5, 9), array((3, 1), I32, -2, 7)), EXACT, lambda f, x, i: [f(x, i, GATHER, (1, 9), mode=m) for m in ("clip", "fill")])
SCATTER = lax.ScatterDimensionNumbers(update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,))
T.each("scatter_add scatter_sub scatter_mul scatter_min scatter_max", arrays((5, 9), array((6, 1), I32, -1, 6), (6, 9)), SUM,
       lambda f, x, i, u: f(x, i, u, SCATTER, mode="drop"))
T.add("scatter", arrays((5, 9), array((1, 5), I32, kind="permutation"), (3, 9)), EXACT, lambda f, x, i, u: f(x, i[0, :3, None], u, SCATTER))
T.add("scatter_apply", arrays((5, 9), array((1, 5), I32, kind="permutation")), FUNCTION,
      lambda f, x, i: f(x, i[0, :3, None], jnp.sin, SCATTER, update_shape=(3, 9)))
SEED = arrays(())
T.add("iota", SEED, EXACT, lambda f, s: f(F32, 9) * s)
T.add("broadcasted_iota", SEED, EXACT, lambda f, s: f(F32, (4, 9), 1) * s)
T.each("full", SEED, EXACT, lambda f, s: f((3, 5), s))
T.each("full_like", ANY, EXACT, lambda f, x: f(x, 1))

T.add("empty", SEED, EXACT, lambda f, s: (f((3, 5), F32) == f((3, 5), F32)) * s)

# Sorting.
KEYS = arrays((4, 33)) + arrays(array((4, 9), I32, -3, 3)) + arrays(array((4, 9), BF16))
T.add("sort", KEYS, EXACT, lambda f, x: (f(x), f((x, lax.iota(I32, x.size).reshape(x.shape)), dimension=1, num_keys=1)))
T.add("sort_key_val", arrays((4, 33), (4, 33)), EXACT)
T.add("top_k", KEYS, EXACT, lambda f, x: f(x, 4))
T.each("approx_max_k approx_min_k", arrays(array((4, 33), kind="distinct")), EXACT, lambda f, x: f(x, 4))

# Control.
T.add("cond", arrays((), (4, 9)), FUNCTION, lambda f, p, x: f(p > 0, jnp.sin, jnp.cos, x))
T.add("switch", arrays(array((), I32, 0, 4), (4, 9)), FUNCTION, lambda f, i, x: f(i, [jnp.sin, jnp.cos, lambda v: v * 2], x))
T.add("fori_loop", arrays((4, 9), array((), I32, 3, 7)), SUM, lambda f, x, n: (f(0, n, lambda k, v: v * 1.5 + k, x), f(0, 5, lambda k, v: v.at[0, k].set(k), x)))
T.add("while_loop", arrays((4, 9)), SUM, lambda f, x: f(lambda s: jnp.sum(s[0] ** 2) < 1000, lambda s: (s[0] * 1.5, s[1] + 1), (x, 0)))
T.add("scan", arrays((4, 9), 9), SUM, lambda f, x, c: f(lambda c, v: (c * 0.5 + v, c.sum()), c, x))
T.add("map", arrays((4, 9)), SUM, lambda f, x: f(lambda v: v * v.sum(), x))
T.add("associative_scan", arrays((16, 9), (16, 9)), SUM, lambda f, a, b: f(lambda x, y: (x[0] * y[0], x[1] * y[0] + y[1]), (a, b)))
T.add("platform_dependent", arrays((4, 9)), FUNCTION, lambda f, x: f(x, default=jnp.sin))
T.add("optimization_barrier", arrays((4, 9)), EXACT)
T.add("custom_linear_solve", arrays(array((5, 5), kind="definite"), 5), SERIES,
      lambda f, a, b: f(lambda v: jnp.dot(a, v, precision="highest"), b, lambda _, r: jnp.linalg.solve(a, r), symmetric=True))

# Random bits.
T.add("rng_uniform", arrays(()), EXACT, lambda f, s: (lambda v, n: (v >= 1, v < 3, n >= -2, n < 3, s))(
    f(F32(1), F32(3), (50,)), f(jnp.int32(-2), jnp.int32(3), (50,))))
KEY = arrays(array(4, U32, 0, 2**31))
T.add("rng_bit_generator", KEY, EXACT, lambda f, k: f(k, (5, 7), algorithm=lax.RandomAlgorithm.RNG_THREE_FRY))
T.add("fft", arrays(array((3, 16), C64)) + arrays(array((3, 15), C64)), SERIES, lambda f, x: f(x, "FFT", (x.shape[1],)))

L = Table("lax.linalg", lax.linalg)
DEFINITE = arrays(array((5, 5), kind="definite")) + arrays(array((3, 4, 4), kind="definite"))
GENERAL = arrays((5, 5)) + arrays((3, 7, 4))
L.add("cholesky", DEFINITE, SERIES)
L.add("cholesky_update", arrays(array((5, 5), kind="definite"), 5), SERIES, lambda f, a, v: f(jnp.linalg.cholesky(a), v))
L.add("eigh", DEFINITE, SERIES, lambda f, a: (f(a)[1], (lambda v, w: jnp.matmul(v * w[..., None, :], jnp.swapaxes(v, -1, -2), precision="highest"))(*f(a))))
L.add("lu", DEFINITE, SERIES)
L.add("lu_pivots_to_permutation", arrays(array(3, I32, 3, 4)), EXACT, lambda f, p: f(p, 5))
L.add("qr", GENERAL, SERIES, lambda f, a: jnp.abs(f(a, full_matrices=False)[1]))
L.add("householder_product", arrays((5, 3), array(3, F32, 0.1, 1)), SERIES)
L.add("svd", GENERAL, SERIES, lambda f, a: f(a, compute_uv=False))
L.add("qdwh", arrays(array((5, 5), kind="definite")), SERIES, lambda f, a: f(a)[:2])
L.add("triangular_solve", arrays(array((5, 5), kind="definite"), (5, 3)), SERIES,
      lambda f, a, b: [f(a, b, left_side=True, lower=l, transpose_a=t, unit_diagonal=u) for l in (False, True) for t in (False, True) for u in (False, True)])
L.add("tridiagonal_solve", arrays(6, array(6, F32, 5, 9), 6, (6, 2)), SERIES)
L.add("symmetric_product", arrays((5, 3), array((5, 5), kind="definite")), DOT, lambda f, a, c: f(a, c))
for refused in "eig hessenberg schur tridiagonal".split():
    L.add(refused, arrays(array((5, 5), kind="definite")), SERIES)

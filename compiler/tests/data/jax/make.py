"""Writes the programs of this folder, as JAX 0.10.2 lowers them: NAME.mlir in pretty form with
locations, NAME.generic.mlir in generic form."""

import jax
import jax.numpy as jnp
from jax import lax

F32, BF16, I32 = jnp.float32, jnp.bfloat16, jnp.int32


def arg(dtype, *shape):
    return jax.ShapeDtypeStruct(shape, dtype)


def mlp(params, x, y):
    def loss(params):
        hidden = jax.nn.gelu(x @ params["w1"] + params["b1"])
        log_p = jax.nn.log_softmax(hidden @ params["w2"])
        return -jnp.mean(jnp.sum(y * log_p, axis=-1))

    return jax.value_and_grad(loss)(params)


def attention(x, wq, wk, wv, wo):
    batch, length, width = x.shape
    heads, size = 2, width // 2
    q = (x @ wq).reshape(batch, length, heads, size)
    k, v = x @ wk, x @ wv
    scores = jnp.einsum("bshd,btd->bhst", q, k).astype(F32) / size**0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e30)
    weights = jax.nn.softmax(scores).astype(x.dtype)
    return x + jnp.einsum("bhst,btd->bshd", weights, v).reshape(x.shape) @ wo


def scan(w, xs):
    return lax.scan(lambda c, x: (jnp.tanh(c @ w + x), c.sum()), xs[0], xs)


def cond(p, x, y):
    return lax.cond(p, lambda: (x * 2 + y, y), lambda: (jnp.sin(x), x - y))


def embedding(table, ids):
    return jnp.take(table, ids, axis=0)


def reductions(x):
    return jnp.argmax(x, axis=1), jnp.min(x), jnp.any(x > 0), jnp.prod(x, axis=0)


def fori(x, n):
    return lax.fori_loop(0, n, lambda i, c: c * 2 + i, x)


PARAMS = {"w1": arg(F32, 8, 16), "b1": arg(F32, 16), "w2": arg(F32, 16, 4)}
PROGRAMS = [
    (mlp, PARAMS, arg(F32, 2, 8), arg(F32, 2, 4)),
    (attention, arg(BF16, 2, 16, 16), *(arg(BF16, 16, n) for n in (16, 8, 8, 16))),
    (scan, arg(F32, 4, 4), arg(F32, 5, 4)),
    (cond, arg(jnp.bool_), arg(F32, 3), arg(F32, 3)),
    (embedding, arg(F32, 10, 4), arg(I32, 2, 3)),
    (reductions, arg(F32, 3, 4)),
    (fori, arg(I32), arg(I32)),
]

if __name__ == "__main__":
    for f, *arguments in PROGRAMS:
        lowered = jax.jit(f).lower(*arguments)
        operation = lowered.compiler_ir("stablehlo").operation
        texts = {
            "": lowered.as_text(debug_info=True),
            ".generic": operation.get_asm(print_generic_op_form=True),
        }
        for tag, text in texts.items():
            with open(f"{f.__name__}{tag}.mlir", "w") as file:
                file.write(text)

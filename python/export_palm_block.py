"""Exports one parallel Transformer block of PaLM from JAX, and its golden outputs.

    pip install "jax[cpu]==0.10.2" && python python/export_palm_block.py

writes, the same bytes every time,

    examples/palm_block.mlir         the main job of `palmetto`: d_model 1024, 4 heads x 256,
                                     d_ff 4096, sequence 512, bf16
    examples/palm_block_small.mlir   the same code with d_model 64, 4 heads x 16, d_ff 256,
                                     sequence 32
    examples/palm_block_small.npz    what JAX on CPU computes for the small block: `y` as the
                                     program has it (bf16, widened to f32), and `exact`, the same
                                     formula in float64 on the same bf16 inputs

Inputs are not stored. They come from `seeded`, a counter-based generator that
`runtime/src/seeded.rs` reproduces bit for bit.
"""

import math
import os
import pathlib
import re
from typing import NamedTuple

# Every op rounds to the type the program says, so that the golden file shows the program's
# meaning and not what one CPU compiler gained by keeping intermediate results wide.
os.environ["XLA_FLAGS"] = "--xla_allow_excess_precision=false"
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED = 540


class Config(NamedTuple):
    """The sizes of a block."""

    d_model: int
    n_heads: int
    d_head: int
    d_ff: int
    sequence: int


FULL = Config(d_model=1024, n_heads=4, d_head=256, d_ff=4096, sequence=512)
SMALL = Config(d_model=64, n_heads=4, d_head=16, d_ff=256, sequence=32)


def layer_norm(x, scale):
    """LayerNorm without bias, in f32."""
    x = x.astype(jnp.float32)
    centred = x - jnp.mean(x, axis=-1, keepdims=True)
    variance = jnp.mean(centred * centred, axis=-1, keepdims=True)
    normalized = centred * jax.lax.rsqrt(variance + 1e-5)
    return (normalized * scale.astype(jnp.float32)).astype(jnp.bfloat16)


def rope_angles(sequence, d_head):
    """The angle of each position and each pair of features, in f32."""
    half = d_head // 2
    exponent = jnp.arange(half, dtype=jnp.float32) / half
    position = jnp.arange(sequence, dtype=jnp.float32)
    return position[:, None] / jnp.power(10000.0, exponent)[None, :]


def rope(x, sin, cos):
    """Rotates the pairs (x[i], x[i + half]) of the last dimension, in f32."""
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    rotated = jnp.concatenate(
        [first * cos - second * sin, second * cos + first * sin], axis=-1
    )
    return rotated.astype(x.dtype)


def attention(h, wq, wk, wv, wo):
    """Causal multi-query attention: every head has its queries, all share keys and values."""
    sequence, d_head = h.shape[0], wk.shape[1]
    q = jnp.einsum("sd,dhk->shk", h, wq)
    k = jnp.einsum("td,dk->tk", h, wk)
    v = jnp.einsum("td,dk->tk", h, wv)

    angles = rope_angles(sequence, d_head)
    sin, cos = jnp.sin(angles), jnp.cos(angles)
    q = rope(q, sin[:, None, :], cos[:, None, :])
    k = rope(k, sin, cos)

    logits = jnp.einsum("shk,tk->hst", q, k, preferred_element_type=jnp.float32)
    logits = logits / math.sqrt(d_head)
    causal = jnp.tril(jnp.ones((sequence, sequence), dtype=bool))
    logits = jnp.where(causal, logits, -1e30)
    weights = jax.nn.softmax(logits, axis=-1).astype(jnp.bfloat16)
    mixed = jnp.einsum("hst,tk->shk", weights, v)
    return jnp.einsum("shk,hkd->sd", mixed, wo)


def mlp(h, w_gate, w_up, w_down):
    """SwiGLU."""
    gate = jax.nn.silu(jnp.einsum("sd,df->sf", h, w_gate))
    up = jnp.einsum("sd,df->sf", h, w_up)
    return jnp.einsum("sf,fd->sd", gate * up, w_down)


def palm_block(x, scale, wq, wk, wv, wo, w_gate, w_up, w_down):
    """y = x + mlp(ln(x)) + attention(ln(x)): both read one normalized input."""
    h = layer_norm(x, scale)
    return x + mlp(h, w_gate, w_up, w_down) + attention(h, wq, wk, wv, wo)


class Argument(NamedTuple):
    """An argument of the block: elements are uniform in offset + [-spread, spread)."""

    shape: tuple[int, ...]
    offset: float
    spread: float


def arguments(c: Config) -> dict[str, Argument]:
    """The arguments in order. Spreads of weights are 2 / sqrt(fan in), exact powers of two."""
    d, h, k, f, s = c.d_model, c.n_heads, c.d_head, c.d_ff, c.sequence
    return {
        "x": Argument((s, d), 0.0, 2.0),
        "scale": Argument((d,), 1.0, 0.25),
        "wq": Argument((d, h, k), 0.0, 2 / math.sqrt(d)),
        "wk": Argument((d, k), 0.0, 2 / math.sqrt(d)),
        "wv": Argument((d, k), 0.0, 2 / math.sqrt(d)),
        "wo": Argument((h, k, d), 0.0, 2 / math.sqrt(h * k)),
        "w_gate": Argument((d, f), 0.0, 2 / math.sqrt(d)),
        "w_up": Argument((d, f), 0.0, 2 / math.sqrt(d)),
        "w_down": Argument((f, d), 0.0, 2 / math.sqrt(f)),
    }


def splitmix64(z):
    """The finalizer of SplitMix64, on uint64 arrays, wrapping."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def seeded(seed: int, number: int, argument: Argument):
    """Argument `number` of a run with `seed`, as bf16.

    Element i (row-major) is made from
        key  = splitmix64(seed * 2^32 + number)
        bits = splitmix64(key + (i + 1) * 0x9E3779B97F4A7C15)
        unit = (bits >> 40) * 2^-23 - 1           in [-1, 1), exact in f32
        element = bf16(offset + spread * unit)    f32 arithmetic, rounded to nearest even
    """
    count = math.prod(argument.shape)
    with np.errstate(over="ignore"):
        key = splitmix64(np.array([(seed << 32) + number], dtype=np.uint64))
        counter = np.arange(1, count + 1, dtype=np.uint64)
        bits = splitmix64(key + counter * np.uint64(0x9E3779B97F4A7C15))
    unit = (bits >> np.uint64(40)).astype(np.float32) * np.float32(2**-23) - np.float32(1)
    values = np.float32(argument.offset) + np.float32(argument.spread) * unit
    return values.astype(ml_dtypes.bfloat16).reshape(argument.shape)


def export(config: Config) -> str:
    """The block as StableHLO text with locations that do not depend on this machine."""
    shapes = [
        jax.ShapeDtypeStruct(argument.shape, jnp.bfloat16)
        for argument in arguments(config).values()
    ]
    lowered = jax.jit(palm_block).trace(*shapes).lower(lowering_platforms=("tpu",))
    text = lowered.as_text(debug_info=True)
    text = re.sub(r'"[^"\n]*/site-packages/([^"\n]*\.py)"', r'"\1"', text)
    text = text.replace(f'"{ROOT}/', '"')
    leftover = re.search(r'"/[^"\n]*"', text)
    assert leftover is None, f"a path of this machine is left in the text: {leftover.group()}"
    return text


def exact(inputs):
    """The formula of `palm_block` in float64: no rounding to bf16 on the way."""
    x, scale, wq, wk, wv, wo, w_gate, w_up, w_down = (a.astype(np.float64) for a in inputs)
    centred = x - x.mean(-1, keepdims=True)
    h = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * scale

    gate = h @ w_gate
    ff = (gate / (1 + np.exp(-gate)) * (h @ w_up)) @ w_down

    sequence, d_head = x.shape[0], wk.shape[1]
    half = d_head // 2
    angles = np.arange(sequence)[:, None] / 10000.0 ** (np.arange(half) / half)[None, :]
    rotation = np.exp(1j * angles)

    def rotate(a, turn):
        turned = (a[..., :half] + 1j * a[..., half:]) * turn
        return np.concatenate([turned.real, turned.imag], -1)

    q = rotate(np.einsum("sd,dhk->shk", h, wq), rotation[:, None, :])
    k = rotate(h @ wk, rotation)
    logits = np.einsum("shk,tk->hst", q, k) / math.sqrt(d_head)
    logits = np.where(np.tril(np.ones((sequence, sequence), bool)), logits, -np.inf)
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    mixed = np.einsum("hst,tk->shk", weights, h @ wv)
    return x + ff + np.einsum("shk,hkd->sd", mixed, wo)


def main():
    examples = ROOT / "examples"
    (examples / "palm_block.mlir").write_text(export(FULL))
    (examples / "palm_block_small.mlir").write_text(export(SMALL))

    inputs = [
        seeded(SEED, number, argument)
        for number, argument in enumerate(arguments(SMALL).values())
    ]
    y = np.asarray(jax.jit(palm_block)(*inputs)).astype(np.float32)
    reference = exact(inputs).astype(np.float32)
    # `savez` writes fixed dates, so the archive is the same every time.
    np.savez(examples / "palm_block_small.npz", y=y, exact=reference)
    print(f"largest |y - exact| of the small block: {np.abs(y - reference).max():.4f}")


if __name__ == "__main__":
    main()

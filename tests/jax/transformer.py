"""A small decoder-only Transformer in the style of PaLM, in plain JAX.

Each block computes attention and feed-forward in parallel from one normalised input, with
multi-query attention, rotary positions, SwiGLU and no biases; the blocks are a scan over stacked
weights whose body is checkpointed.
"""

import dataclasses

import jax
import jax.numpy as jnp
import optax


@dataclasses.dataclass(frozen=True)
class Config:
    """Sizes."""

    vocabulary: int = 96
    model: int = 64
    heads: int = 4
    head: int = 16
    hidden: int = 128
    layers: int = 2
    batch: int = 4
    length: int = 32

    # Products between parameters and loss, there and back: per block seven (queries, keys and
    # values, scores, mixing, output, two of SwiGLU), the logits, and two for each in the gradient.
    @property
    def products(self):
        return 3 * (7 * self.layers + 1)


def initial(config, key):
    """Parameters."""
    c, keys = config, iter(jax.random.split(key, 8))

    def weights(rows, columns):
        return rows**-0.5 * jax.random.normal(next(keys), (c.layers, rows, columns))

    return {
        "embedding": jax.random.normal(next(keys), (c.vocabulary, c.model)),
        "blocks": {
            "scale": jnp.ones((c.layers, c.model)),
            "queries": weights(c.model, c.heads * c.head),
            "keys": weights(c.model, c.head),
            "values": weights(c.model, c.head),
            "output": weights(c.heads * c.head, c.model),
            "gate": weights(c.model, c.hidden),
            "up": weights(c.model, c.hidden),
            "down": weights(c.hidden, c.model),
        },
        "scale": jnp.ones(c.model),
    }


def normalised(x, scale):
    """RMSNorm."""
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * scale


def rotated(x, positions):
    """Rotary positions: pairs of the last dimension turned by an angle per position."""
    half = x.shape[-1] // 2
    frequencies = 10000.0 ** (-jnp.arange(half) / half)
    angles = positions[:, None] * frequencies
    sine, cosine = jnp.sin(angles), jnp.cos(angles)
    if x.ndim == 4:
        sine, cosine = sine[:, None], cosine[:, None]
    left, right = x[..., :half], x[..., half:]
    return jnp.concatenate([left * cosine - right * sine, right * cosine + left * sine], -1)


def attention(config, w, x, cache=None, start=0):
    """Multi-query attention; with a cache, of positions from ``start`` on to all before."""
    batch, length, _ = x.shape
    positions = start + jnp.arange(length)
    q = (x @ w["queries"]).reshape(batch, length, config.heads, config.head)
    q = rotated(q, positions)
    k, v = rotated(x @ w["keys"], positions), x @ w["values"]
    if cache is not None:
        k = jax.lax.dynamic_update_slice(cache[0], k, (0, start, 0))
        v = jax.lax.dynamic_update_slice(cache[1], v, (0, start, 0))
        cache = (k, v)
    scores = jnp.einsum("bqhd,bkd->bhqk", q, k) * config.head**-0.5
    seen = positions[:, None] >= jnp.arange(k.shape[1])
    mixed = jnp.einsum("bhqk,bkd->bqhd", jax.nn.softmax(jnp.where(seen, scores, -1e30)), v)
    return mixed.reshape(batch, length, -1) @ w["output"], cache


def feed_forward(w, x):
    """SwiGLU."""
    return (jax.nn.silu(x @ w["gate"]) * (x @ w["up"])) @ w["down"]


def logits(config, parameters, tokens, caches=None, start=0):
    """Logits of the next token at every position, and the caches if there are some."""
    @jax.checkpoint
    def block(x, layer):
        w, cache = layer
        y = normalised(x, w["scale"])
        mixed, cache = attention(config, w, y, cache, start)
        return x + feed_forward(w, y) + mixed, cache

    x, caches = jax.lax.scan(block, parameters["embedding"][tokens],
                             (parameters["blocks"], caches))
    x = normalised(x, parameters["scale"]) * config.model**-0.5
    return x @ parameters["embedding"].T, caches


def loss(config, parameters, tokens):
    """Mean cross-entropy of each token, given those before."""
    predicted, _ = logits(config, parameters, tokens[:, :-1])
    return optax.softmax_cross_entropy_with_integer_labels(predicted, tokens[:, 1:]).mean()


def train_step(config, optimizer):
    """A function of parameters, state and tokens that gives new ones and the loss."""
    def step(parameters, state, tokens):
        value, gradient = jax.value_and_grad(lambda p: loss(config, p, tokens))(parameters)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(parameters, updates), state, value

    return step


def batches(config, count):
    """Sequences with something to learn: each token follows from the one before."""
    def next_token(token, noise):
        token = jnp.where(noise < 0.1, (noise * 10 * config.vocabulary).astype(jnp.int32),
                          (token * 5 + 7) % config.vocabulary)
        return token, token

    def batch(key):
        first, noise = jax.random.split(key)
        token = jax.random.randint(first, (config.batch,), 0, config.vocabulary)
        noise = jax.random.uniform(noise, (config.length + 1, config.batch))
        return jax.lax.scan(next_token, token, noise)[1].T

    return jax.lax.map(batch, jax.random.split(jax.random.key(7), count))

"""Steps of models other than the training loops: convolutions, decoding, mixture of experts."""

from compare import CPU, DEVICE, PLATFORM, check, on

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

import testing
import transformer
from cases import EXACT, MODEL, Tolerance

RANDOM = np.random.default_rng(5)
# Gradients: chains of products, each of which adds the error of `MODEL`.
GRADIENTS = Tolerance("gradients", bf16_norm=6)
# With all passes of the MXU only the order of sums is different.
HIGHEST = Tolerance("highest", relative=64, absolute=64, norm=64)


def normal(*shape, scale=1.0):
    return (scale * RANDOM.normal(size=shape)).astype(np.float32)


def average_pool(x):
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID") / 4


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def convolutional_loss(pool, parameters, images, labels):
    """A convolution, normalisation, pooling, a depthwise convolution, cross-entropy."""
    kernels, depthwise, scale, dense = parameters
    numbers = ("NHWC", "HWIO", "NHWC")
    x = lax.conv_general_dilated(images, kernels, (1, 1), "SAME", dimension_numbers=numbers)
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    x = jax.nn.relu((x - mean) * lax.rsqrt(variance + 1e-5) * scale)
    x = pool(x)
    x = lax.conv_general_dilated(x, depthwise, (2, 2), "SAME", dimension_numbers=numbers,
                                 feature_group_count=x.shape[-1])
    logits = jax.nn.relu(x).mean((1, 2)) @ dense
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def convolutional_step(pool):
    def step(parameters, images, labels):
        error = lambda parameters: convolutional_loss(pool, parameters, images, labels)
        value, gradient = jax.value_and_grad(error)(parameters)
        return value, jax.tree.map(lambda p, g: p - 0.1 * g, parameters, gradient), gradient

    return step


def convolutional_arguments():
    parameters = (normal(3, 3, 3, 8, scale=0.3), normal(3, 3, 1, 16, scale=0.3),
                  np.ones(8, np.float32), normal(16, 10, scale=0.3))
    return parameters, normal(4, 12, 12, 3), np.array([1, 7, 0, 4], np.int32)


def test_convolutional_step():
    check(convolutional_step(average_pool), *convolutional_arguments(), tolerance=GRADIENTS)


def test_convolutional_step_highest():
    with jax.default_matmul_precision("highest"):
        check(convolutional_step(average_pool), *convolutional_arguments(), tolerance=HIGHEST)


def test_convolutional_step_with_max_pooling():
    with jax.default_matmul_precision("highest"):
        check(convolutional_step(max_pool), *convolutional_arguments(), tolerance=HIGHEST)


def decode(config, parameters, prompt, key, count):
    """Fills a cache with the prompt, then samples tokens one by one: temperature and top-k."""
    batch, length = prompt.shape
    shape = (config.layers, batch, length + count, config.head)
    caches = (jnp.zeros(shape), jnp.zeros(shape))
    first, caches = transformer.logits(config, parameters, prompt, caches)

    def sample(logits, key):
        best, tokens = lax.top_k(logits, 8)
        return jnp.take_along_axis(tokens, jax.random.categorical(key, best / 0.7)[:, None], 1)

    def step(carry, key):
        logits, caches, position = carry
        token = sample(logits, key)
        new, caches = transformer.logits(config, parameters, token, caches, position)
        return (new[:, -1], caches, position + 1), (token[:, 0], logits)

    carry = (first[:, -1], caches, length)
    _, (tokens, logits) = lax.scan(step, carry, jax.random.split(key, count))
    return tokens, logits


def test_decoding_with_sampling():
    config = transformer.Config()
    parameters = on(CPU, lambda key: transformer.initial(config, key), jax.random.key(1))
    prompt = RANDOM.integers(0, config.vocabulary, (3, 7)).astype(np.int32)
    run = lambda p, prompt, key: decode(config, p, prompt, key, 12)
    with jax.default_matmul_precision("highest"):
        check(run, parameters, prompt, jax.random.key(9), tolerance=HIGHEST)


def test_decoding_is_the_whole_sequence():
    config = transformer.Config()
    parameters = on(CPU, lambda key: transformer.initial(config, key), jax.random.key(1))
    prompt = RANDOM.integers(0, config.vocabulary, (3, 7)).astype(np.int32)
    run = jax.jit(lambda *a: decode(config, *a, 12))
    with jax.default_device(DEVICE):
        tokens, logits = run(parameters, prompt, jax.random.key(9))
        sequence = jnp.concatenate([prompt, tokens.T], 1)
        whole, _ = jax.jit(lambda p, t: transformer.logits(config, p, t))(parameters, sequence)
    wanted = np.moveaxis(np.asarray(whole[:, 6:-1]), 1, 0)
    bound = MODEL.bf16_norm * 2**-7 * np.abs(wanted).max()
    assert np.abs(np.asarray(logits) - wanted).max() <= bound


TOKENS, MODEL_SIZE, HIDDEN, EXPERTS = 24, 16, 32, 4


def expert_arguments():
    return (normal(TOKENS, MODEL_SIZE), normal(MODEL_SIZE, EXPERTS),
            normal(EXPERTS, MODEL_SIZE, HIDDEN, scale=0.25), normal(EXPERTS, HIDDEN, MODEL_SIZE, scale=0.2))


def routed(x, router):
    """Two experts per token and their weights; the router is in f32, as it is in practice."""
    weights, experts = lax.top_k(jax.nn.softmax(jnp.dot(x, router, precision="highest")), 2)
    return weights / weights.sum(-1, keepdims=True), experts


def ragged_experts(x, router, up, down):
    """Tokens sorted by expert, products of ragged groups, results scattered back."""
    weights, experts = routed(x, router)
    order = jnp.argsort(experts.reshape(-1))
    sizes = jnp.bincount(experts.reshape(-1), length=EXPERTS).astype(jnp.int32)
    y = lax.ragged_dot(jax.nn.silu(lax.ragged_dot(x[order // 2], up, sizes)), down, sizes)
    return jnp.zeros_like(x).at[order // 2].add(y * weights.reshape(-1)[order, None])


def einsum_experts(x, router, up, down):
    """A one-hot matrix sends each token to places of its experts' buffers, and back."""
    weights, experts = routed(x, router)
    chosen = jax.nn.one_hot(experts, EXPERTS)
    place = jnp.cumsum(chosen.reshape(-1, EXPERTS), 0).reshape(chosen.shape) * chosen - 1
    dispatch = jax.nn.one_hot(place.astype(jnp.int32), TOKENS) * chosen[..., None]
    buffers = jnp.einsum("tkec,td->ecd", dispatch, x)
    y = jnp.einsum("ecf,efd->ecd", jax.nn.silu(jnp.einsum("ecd,edf->ecf", buffers, up)), down)
    return jnp.einsum("tkec,ecd,tk->td", dispatch, y, weights)


def expert_step(experts):
    def step(x, router, up, down):
        error = lambda *weights: jnp.mean(jnp.sin(experts(x, *weights)))
        return jax.value_and_grad(error, argnums=(0, 1, 2))(router, up, down)

    return step


def test_ragged_experts():
    check(expert_step(ragged_experts), *expert_arguments(), tolerance=GRADIENTS)


def test_einsum_experts():
    check(expert_step(einsum_experts), *expert_arguments(), tolerance=GRADIENTS)


def test_both_dispatches_agree():
    with jax.default_matmul_precision("highest"):
        arguments = expert_arguments()
        ragged = on(DEVICE, ragged_experts, *arguments)
        einsum = on(DEVICE, einsum_experts, *arguments)
    assert np.abs(ragged - einsum).max() <= 1e-5 * np.abs(einsum).max()


def test_recurrent_step():
    def error(weights, inputs):
        def cell(state, x):
            h, c = state
            i, f, g, o = jnp.split(jnp.concatenate([x, h], -1) @ weights, 4, -1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zeros = jnp.zeros((inputs.shape[1], weights.shape[1] // 4))
        return jnp.mean(lax.scan(cell, (zeros, zeros), inputs)[1] ** 2)

    check(jax.value_and_grad(error), normal(24, 64, scale=0.3), normal(9, 4, 8), tolerance=GRADIENTS)


if __name__ == "__main__":
    testing.main(globals())

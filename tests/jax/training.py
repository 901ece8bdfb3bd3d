"""Training loops: the loss curve on the emulated chip against JAX on CPU.

How far may the curves be apart? The MXU rounds both factors of a product to bfloat16, each by at
most u = 2^-8 of itself; a product is off by at most 2u. A forward and backward pass is a chain of
D products (and arithmetic in f32, which is exact in comparison); their errors are independent, so
what comes out is off by r = 2u * sqrt(D) of itself. That has two effects after t steps:

* the loss itself is computed with that error: logits off by r of their size change a cross-entropy
  by at most r times the size of the logits, here at most ln(vocabulary) plus the loss itself, the
  size that logits need to tell tokens apart (for a squared error: by 2r times the loss);
* gradients are off by r, so are updates, and what training has gained, loss(0) - loss(t), is off by
  at most r of the sum of the changes of the loss so far.

Therefore |difference(t)| <= r * (size + sum of changes). The same bound with u = 2^-22 holds where
products are requested with the highest precision, six passes: bfloat16 thrice has 24 bits, and the
passes that are left out are 2^-22 of the product at most. That is the sharper test of everything
that is not a product; the rounding of f32 arithmetic, some 2^-22 as well, is covered by it.
"""

from compare import CPU, DEVICE

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import testing
import transformer

STEPS = 20
BF16, F32 = 2.0**-8, 2.0**-22


def agree(curves, products, size, u):
    """Fails where the curves of CPU and chip are further apart than the bound."""
    expected, actual = (np.array(c, np.float64) for c in curves)
    assert expected[-1] < 0.8 * expected[0], f"nothing is learnt: {expected}"
    changes = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(expected)))])
    bound = 2 * u * np.sqrt(products) * (size(expected) + changes)
    apart = np.abs(expected - actual)
    print(f"  loss {expected[0]:.4f} to {expected[-1]:.4f}, apart by {apart.max():.2e}, "
          f"of the bound at most {np.max(apart / bound):.1%}")
    assert np.all(apart <= bound), f"{apart=} {bound=} {actual=}"


def both(curve):
    """The curve on CPU and on the chip."""
    curves = []
    for device in (CPU, DEVICE):
        with jax.default_device(device):
            curves.append(curve())
    return curves


class Perceptron(nnx.Module):
    """Three layers."""

    def __init__(self, rngs):
        self.first = nnx.Linear(12, 48, rngs=rngs)
        self.second = nnx.Linear(48, 48, rngs=rngs)
        self.third = nnx.Linear(48, 3, rngs=rngs)

    def __call__(self, x):
        return self.third(jax.nn.gelu(self.second(jax.nn.gelu(self.first(x)))))


def perceptron_curve():
    random = np.random.default_rng(3)
    x = random.normal(size=(STEPS, 32, 12)).astype(np.float32)
    y = np.tanh(x[..., :3] * x[..., 3:6] + x[..., 6:9])
    model = Perceptron(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(1e-2), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        error = lambda model: jnp.mean((model(x) - y) ** 2)
        value, gradient = nnx.value_and_grad(error)(model)
        optimizer.update(model, gradient)
        return value

    return [float(step(model, optimizer, *batch)) for batch in zip(x, y)]


def test_perceptron():
    agree(both(perceptron_curve), 3 * 3, lambda loss: 2 * loss, BF16)


def test_perceptron_highest():
    with jax.default_matmul_precision("highest"):
        agree(both(perceptron_curve), 3 * 3, lambda loss: 2 * loss, F32)


def transformer_curve():
    config = transformer.Config()
    parameters = jax.jit(transformer.initial, static_argnums=0)(config, jax.random.key(1))
    optimizer = optax.adam(3e-3)
    state = jax.jit(optimizer.init)(parameters)
    step = jax.jit(transformer.train_step(config, optimizer), donate_argnums=(0, 1))
    curve = []
    for tokens in np.asarray(jax.jit(transformer.batches, static_argnums=(0, 1))(config, STEPS)):
        parameters, state, value = step(parameters, state, tokens)
        curve.append(float(value))
    return curve


def test_transformer():
    config = transformer.Config()
    size = lambda loss: np.log(config.vocabulary) + loss
    agree(both(transformer_curve), config.products, size, BF16)


def test_transformer_highest():
    config = transformer.Config()
    size = lambda loss: np.log(config.vocabulary) + loss
    with jax.default_matmul_precision("highest"):
        agree(both(transformer_curve), config.products, size, F32)


if __name__ == "__main__":
    testing.main(globals())

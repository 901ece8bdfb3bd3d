"""Times of JAX on the emulated chips, beside JAX on CPU in the same process.

`python tests/jax/measure.py` with `TPU_LIBRARY_PATH` set; every number is host time.
"""

import os

# XLA's own defaults for the CPU, which the comparisons do without; what comes last counts.
os.environ["XLA_FLAGS"] = "--xla_allow_excess_precision=true --xla_backend_optimization_level=3"

from compare import CPU, DEVICE, PLATFORM

import statistics
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import transformer


def seconds(work, count=1):
    """Wall time of `count` calls."""
    start = time.perf_counter()
    for _ in range(count):
        result = work()
    jax.block_until_ready(result)
    return time.perf_counter() - start


def scalar_add(device):
    """From the first call of a new jitted function to its result."""
    with jax.default_device(device):
        x = jnp.float32(1).block_until_ready()
        times = []
        for n in range(5):
            constant = np.float32(n)
            times.append(seconds(lambda: jax.jit(lambda x: x + constant)(x)))
        return statistics.median(times)


def dispatch(device, count=1000):
    """Each of back-to-back calls of a small compiled function."""
    with jax.default_device(device):
        f = jax.jit(lambda x: x * 2 + 1)
        x = jax.device_put(np.ones((8, 128), np.float32), device)
        f(x).block_until_ready()
        return seconds(lambda: f(x), count) / count


def train(device):
    """Tracing and lowering, compilation, and one step of the Transformer."""
    config = transformer.Config()
    optimizer = optax.adam(3e-3)
    with jax.default_device(device):
        parameters = transformer.initial(config, jax.random.key(1))
        state = optimizer.init(parameters)
        tokens = transformer.batches(config, 1)[0]
        start = time.perf_counter()
        lowered = jax.jit(transformer.train_step(config, optimizer)).lower(parameters, state, tokens)
        traced = time.perf_counter()
        step = lowered.compile()
        done = time.perf_counter()
        step(parameters, state, tokens)[2].block_until_ready()
        runs = [seconds(lambda: step(parameters, state, tokens)) for _ in range(3)]
        return traced - start, done - traced, statistics.median(runs)


def main():
    print(f"JAX {jax.__version__}, {jax.devices(PLATFORM)[0]}")
    print(f"{'':48}{'chip':>12}{'CPU':>12}")
    rows = [("jit of a scalar add, call to result, ms", 1e3, scalar_add),
            ("dispatch of a small function, µs", 1e6, dispatch)]
    for name, unit, measure in rows:
        print(f"{name:48}{unit * measure(DEVICE):12.2f}{unit * measure(CPU):12.2f}", flush=True)
    chip, cpu = train(DEVICE), train(CPU)
    names = ("trace and lower", "compile", "one step")
    for name, on_chip, on_cpu in zip(names, chip, cpu):
        print(f"{'Transformer training: ' + name + ', ms':48}{1e3 * on_chip:12.2f}{1e3 * on_cpu:12.2f}")


if __name__ == "__main__":
    main()

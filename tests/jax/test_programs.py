"""Programs: compiled, looked at, run, stored."""

import os
import pickle
import subprocess
import sys
import tempfile
import unittest

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import serialize_executable


def check(f, *args, rtol=1e-5):
  """The chip's result against that of the host."""
  got = jax.jit(f)(*args)
  with jax.default_device(jax.devices("cpu")[0]):
    expected = jax.jit(f)(*args)
  jax.tree.map(lambda g, e: np.testing.assert_allclose(np.asarray(g), np.asarray(e), rtol=rtol),
               got, expected)


class Execution(unittest.TestCase):

  def test_the_first_program(self):
    np.testing.assert_array_equal(np.asarray(jnp.arange(8) + 1), np.arange(8) + 1)

  def test_matmul(self):
    x = np.eye(128, dtype=np.float32) * 3
    check(lambda x: x @ x, x)

  def test_several_results(self):
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    check(lambda x: (x + 1, {"sum": x.sum(), "rows": [x.max(0)]}), x)

  def test_loops_and_branches(self):
    def f(n):
      x = jax.lax.fori_loop(0, n, lambda i, x: x * 2 + i, 1)
      return jax.lax.cond(x > 100, lambda: x, lambda: -x)
    for n in [0, 3, 9]:
      check(f, n)

  def test_every_device_runs_its_own_program(self):
    for n, device in enumerate(jax.devices()):
      x = jax.device_put(np.float32(n), device)
      y = jax.jit(lambda x: x * 10)(x)
      self.assertEqual((y.devices(), float(y)), ({device}, n * 10))

  def test_programs_that_depend_on_one_another(self):
    x = jnp.zeros((256, 256))
    f = jax.jit(lambda x: x + 1)
    for _ in range(20):
      x = f(x)
    self.assertEqual(float(x[0, 0]), 20)


class Compiled(unittest.TestCase):

  def setUp(self):
    x = jnp.ones((256, 256), jnp.float32)
    self.compiled = jax.jit(lambda x: jnp.tanh(x @ x)).lower(x).compile()

  def test_costs(self):
    cost = self.compiled.cost_analysis()
    self.assertGreaterEqual(cost["flops"], 2 * 256**3)
    self.assertGreater(cost["bytes accessed"], 2 * 256 * 256 * 4 - 1)

  def test_memory(self):
    memory = self.compiled.memory_analysis()
    self.assertEqual(memory.argument_size_in_bytes, 256 * 256 * 4)
    self.assertEqual(memory.output_size_in_bytes, 256 * 256 * 4)
    self.assertEqual(memory.alias_size_in_bytes, 0)

  def test_the_optimized_program(self):
    text = self.compiled.as_text()
    self.assertIn("HloModule", text)
    self.assertIn("dot(", text)
    self.assertIn("T(8,128)", text)

  def test_stored_and_loaded(self):
    stored = pickle.dumps(serialize_executable.serialize(self.compiled))
    loaded = serialize_executable.deserialize_and_load(*pickle.loads(stored))
    x = jnp.ones((256, 256), jnp.float32)
    np.testing.assert_array_equal(np.asarray(loaded(x)), np.asarray(self.compiled(x)))

  def test_options_that_do_not_exist(self):
    lowered = jax.jit(lambda x: x + 1).lower(1.0)
    with self.assertRaisesRegex(Exception, "No such compile option: 'invalid_key'"):
      lowered.compile(compiler_options={"invalid_key": "x"})
    lowered.compile(compiler_options={"xla_tpu_scoped_vmem_limit_kib": "65536"})


PROGRAM = """
import jax, jax.numpy as jnp, jax.monitoring
events = []
jax.monitoring.register_event_listener(lambda event, **_: events.append(event))
print(float(jax.jit(lambda x: (x * 3).sum())(jnp.ones((64, 64)))))
print(any("cache_hits" in event for event in events))
"""


class Cache(unittest.TestCase):

  def test_a_second_process_compiles_nothing(self):
    with tempfile.TemporaryDirectory() as folder:
      environment = os.environ | {
          "JAX_COMPILATION_CACHE_DIR": folder,
          "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
          "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
      }
      def run():
        command = [sys.executable, "-c", PROGRAM]
        return subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True).stdout.split()
      self.assertEqual(run(), ["12288.0", "False"])
      self.assertEqual(run(), ["12288.0", "True"])


if __name__ == "__main__":
  unittest.main()

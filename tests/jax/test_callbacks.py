"""Host callbacks: programs on the chip that call Python."""

import unittest

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback


class Callbacks(unittest.TestCase):

  def test_values_come_back(self):
    def f(x):
      shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
      return jax.pure_callback(lambda x: np.sin(x), shape, x) + 1
    x = np.linspace(0, 1, 24, dtype=np.float32).reshape(2, 12)
    np.testing.assert_allclose(np.asarray(jax.jit(f)(x)), np.sin(x) + 1, rtol=1e-6)

  def test_effects_come_in_order(self):
    seen = []
    def f(x):
      for n in range(3):
        io_callback(lambda v, n=n: seen.append((n, int(v))), None, x + n, ordered=True)
      return x
    jax.jit(f)(jnp.int32(5)).block_until_ready()
    jax.effects_barrier()
    self.assertEqual(seen, [(0, 5), (1, 6), (2, 7)])

  def test_prints(self):
    seen = []
    def f(x):
      jax.debug.callback(lambda v: seen.append(float(v)), x * 2)
      return x
    jax.jit(f)(jnp.float32(1.5)).block_until_ready()
    jax.effects_barrier()
    self.assertEqual(seen, [3.0])

  def test_an_exception_is_an_error_of_the_program(self):
    def fail(x):
      raise ValueError("not today")
    def f(x):
      return jax.pure_callback(fail, jax.ShapeDtypeStruct((), jnp.float32), x)
    with self.assertRaisesRegex(Exception, "not today"):
      jax.jit(f)(jnp.float32(1)).block_until_ready()


if __name__ == "__main__":
  unittest.main()

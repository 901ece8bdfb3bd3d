"""Arrays on their way to the chips, between them, and back."""

import unittest

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

TYPES = [
    np.bool_, np.int8, np.int16, np.int32, np.uint8, np.uint16, np.uint32,
    np.float16, np.float32, ml_dtypes.bfloat16,
]


def numbers(shape, dtype):
  values = np.arange(np.prod(shape, dtype=np.int64)) % 251 - 100
  return values.reshape(shape).astype(dtype)


class Transfers(unittest.TestCase):

  def test_types_and_shapes(self):
    for dtype in TYPES:
      for shape in [(), (1,), (7,), (0, 3), (5, 130), (2, 3, 9, 200)]:
        with self.subTest(dtype=dtype, shape=shape):
          x = numbers(shape, dtype)
          y = jax.device_put(x)
          self.assertEqual((y.dtype, y.shape), (x.dtype, x.shape))
          np.testing.assert_array_equal(np.asarray(y), x)

  def test_strides(self):
    x = numbers((6, 10, 4), np.float32)
    for view in [x.T, x[::2, ::-1], x[:, 3], x.transpose(1, 0, 2), np.broadcast_to(x[0], (3, 10, 4))]:
      np.testing.assert_array_equal(np.asarray(jax.device_put(view)), view)

  def test_the_host_may_change_its_array_afterwards(self):
    x = np.ones((64, 64), np.float32)
    y = jax.device_put(x)
    x[:] = 7
    np.testing.assert_array_equal(np.asarray(y), np.ones((64, 64)))

  def test_between_devices_and_memories(self):
    x = numbers((16, 16), np.float32)
    for device in jax.devices():
      y = jax.device_put(jax.device_put(x), device)
      self.assertEqual(y.devices(), {device})
      np.testing.assert_array_equal(np.asarray(y), x)
    for kind in ["pinned_host", "unpinned_host", "device"]:
      sharding = jax.sharding.SingleDeviceSharding(jax.devices()[0], memory_kind=kind)
      y = jax.device_put(x, sharding)
      self.assertEqual(y.sharding.memory_kind, kind)
      np.testing.assert_array_equal(np.asarray(y), x)

  def test_deleted_arrays_are_gone(self):
    y = jax.device_put(numbers((8,), np.float32))
    y.delete()
    self.assertTrue(y.is_deleted())
    with self.assertRaisesRegex(RuntimeError, "deleted"):
      np.asarray(y)

  def test_layouts_are_those_of_the_chip(self):
    y = jax.device_put(numbers((16, 256), np.float32))
    self.assertIn("8, 128", str(y.format.layout))


class Donation(unittest.TestCase):

  def test_a_donated_array_is_gone(self):
    f = jax.jit(lambda x: x + 1, donate_argnums=0)
    x = jax.device_put(numbers((128, 128), np.float32))
    y = f(x)
    self.assertTrue(x.is_deleted())
    np.testing.assert_array_equal(np.asarray(y), numbers((128, 128), np.float32) + 1)

  def test_what_is_not_donated_stays(self):
    x = jax.device_put(numbers((128, 128), np.float32))
    jax.jit(lambda x: x + 1)(x)
    self.assertFalse(x.is_deleted())


if __name__ == "__main__":
  unittest.main()

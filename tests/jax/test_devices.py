"""What JAX sees of the chips: devices, memories, topologies, statistics."""

import unittest

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import topologies


class Devices(unittest.TestCase):

  def test_a_chip_is_a_device(self):
    devices = jax.devices()
    self.assertEqual([d.id for d in devices], list(range(len(devices))))
    first = devices[0]
    self.assertEqual((first.platform, first.device_kind), ("tpu", "TPU v4"))
    self.assertEqual((first.coords, first.core_on_chip), ([0, 0, 0], 0))
    self.assertEqual((first.slice_index, first.num_cores), (0, 2))
    self.assertEqual(
        repr(first), "TpuDevice(id=0, process_index=0, coords=(0,0,0), core_on_chip=0)")
    self.assertEqual(jax.process_count(), 1)

  def test_memories(self):
    device = jax.devices()[0]
    kinds = [m.kind for m in device.addressable_memories()]
    self.assertEqual(sorted(kinds), ["device", "pinned_host", "unpinned_host"])
    self.assertEqual(device.default_memory().kind, "device")

  def test_statistics_follow_buffers(self):
    device = jax.devices()[0]
    before = device.memory_stats()
    self.assertEqual(before["bytes_limit"], 32 << 30)
    x = jax.device_put(np.ones((1024, 1024), np.float32), device)
    during = device.memory_stats()
    self.assertEqual(during["bytes_in_use"] - before["bytes_in_use"], 4 << 20)
    x.delete()
    self.assertEqual(device.memory_stats()["bytes_in_use"], before["bytes_in_use"])

  def test_what_does_not_fit_is_refused_with_what_is_there(self):
    device = jax.devices()[0]
    rows = [jax.device_put(np.zeros((1, 1), np.float32), device)]
    with self.assertRaisesRegex(Exception, "RESOURCE_EXHAUSTED"):
      rows.append(jax.jit(lambda x: jnp.broadcast_to(x, (1 << 17, 1 << 17)))(rows[0]))


class Topologies(unittest.TestCase):

  def test_a_topology_without_devices(self):
    topology = topologies.get_topology_desc("v4:2x2x2", platform="tpu")
    self.assertEqual(len(topology.devices), 8)
    self.assertEqual(topology.devices[7].coords, [1, 1, 1])
    self.assertEqual(topology.devices[0].device_kind, "TPU v4")

  def test_compiling_for_it(self):
    topology = topologies.get_topology_desc("v4:1x1x1", platform="tpu")
    sharding = jax.sharding.SingleDeviceSharding(topology.devices[0])
    x = jax.ShapeDtypeStruct((8, 128), jnp.float32, sharding=sharding)
    compiled = jax.jit(lambda x: x * 2).lower(x).compile()
    self.assertGreater(compiled.cost_analysis()["flops"], 0)


if __name__ == "__main__":
  unittest.main()

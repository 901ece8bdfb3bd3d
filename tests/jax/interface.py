"""The tests in `test_*.py`: the C interface as JAX uses it."""

import pathlib
import sys
import unittest

import compare  # Decides the platforms.

if __name__ == "__main__":
    assert compare.DEVICE.platform == "tpu"
    folder = str(pathlib.Path(__file__).parent)
    found = unittest.defaultTestLoader.discover(folder, pattern="test_*.py")
    results = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(found)
    sys.exit(not results.wasSuccessful())

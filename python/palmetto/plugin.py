"""Where the plugin is, and how JAX hears of it."""

import os
import pathlib
import sys

# Before JAX's own backends, so that no setting is needed.
PRIORITY = 500


def library_path():
    """The path of the plugin: ``TPU_LIBRARY_PATH`` if that is set, or else the packaged one.

    Raises:
        FileNotFoundError: There is no library at the path.
    """
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    packaged = pathlib.Path(__file__).with_name(f"libpalmetto_pjrt{suffix}")
    path = pathlib.Path(os.environ.get("TPU_LIBRARY_PATH") or packaged)
    if not path.is_file():
        raise FileNotFoundError(
            f"the plugin is not at {path}: install the package (pip install ./python) or set "
            "TPU_LIBRARY_PATH to a libpalmetto_pjrt that cargo build --release -p palmetto-pjrt made")
    return path


def initialize():
    """Registers the chips as JAX's platform ``tpu``; JAX calls this through an entry point."""
    from jax._src import xla_bridge  # The place that JAX's documentation gives for plugins.

    xla_bridge.register_plugin("tpu", priority=PRIORITY, library_path=str(library_path()))

"""Builds the plugin with cargo and puts it into the wheel, beside the Python modules.

The plugin is a plain C library without Python symbols, so that one wheel serves every Python
version of a platform; that is why this is not an extension module in setuptools' sense.
"""

import json
import os
import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.dist import Distribution

WORKSPACE = pathlib.Path(__file__).resolve().parent.parent
PLUGIN = "palmetto-pjrt"


def plugin():
    """The library that ``PALMETTO_PLUGIN`` names, for whoever has built it, or else a new one."""
    built = os.environ.get("PALMETTO_PLUGIN")
    return pathlib.Path(built) if built else build_plugin()


def build_plugin():
    """Builds the library; gives its path."""
    command = ["cargo", "build", "--release", "--package", PLUGIN, "--message-format",
               "json-render-diagnostics"]
    try:
        done = subprocess.run(command, cwd=WORKSPACE, stdout=subprocess.PIPE, check=True)
    except FileNotFoundError:
        raise SystemExit("cargo is missing: the plugin is written in Rust, see https://rustup.rs")
    for line in done.stdout.splitlines():
        message = json.loads(line)
        if message["reason"] == "compiler-artifact" and "cdylib" in message["target"]["kind"]:
            for name in message["filenames"]:
                if pathlib.Path(name).suffix in (".so", ".dylib"):
                    return pathlib.Path(name)
    raise SystemExit(f"cargo built no library for {PLUGIN}")


class BuildWithPlugin(build_py):
    """The Python modules, and the plugin among them."""

    def run(self):
        super().run()
        library = plugin()
        folder = pathlib.Path(self.get_package_dir("palmetto") if self.editable_mode
                              else f"{self.build_lib}/palmetto")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(library, folder / f"libpalmetto_pjrt{library.suffix}")


class PlatformWheel(bdist_wheel):
    """Any Python, this platform."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class BinaryDistribution(Distribution):
    """Not a pure Python distribution: it goes to the platform's folder."""

    def has_ext_modules(self):
        return True


setup(distclass=BinaryDistribution,
      cmdclass={"build_py": BuildWithPlugin, "bdist_wheel": PlatformWheel})

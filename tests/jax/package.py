"""The package `palmetto`: installed in a folder of its own, found by JAX without any setting."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import testing

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ["PALMETTO_PACKAGE_FOLDER"])


def run(code, fails=False, **environment):
    """Output of Python with the package and without the settings of the tests."""
    clean = {k: v for k, v in os.environ.items()
             if k not in ("TPU_LIBRARY_PATH", "JAX_PLATFORMS", "PALMETTO_TOPOLOGY")}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300,
                          env={**clean, "PYTHONPATH": str(FOLDER), **environment})
    assert (done.returncode != 0) == fails, done.stdout + done.stderr
    return done.stderr if fails else done.stdout


def install():
    """`pip install ./python` with the plugin of this run, into a folder of its own.

    From a copy, for pip builds in the source's folder, and several releases do so at a time."""
    environment = {**os.environ, "PALMETTO_PLUGIN": os.environ["TPU_LIBRARY_PATH"]}
    with tempfile.TemporaryDirectory() as folder:
        built = shutil.ignore_patterns("build", "*.egg-info")
        source = shutil.copytree(ROOT / "python", pathlib.Path(folder) / "python", ignore=built)
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade",
                        "--no-build-isolation", "--target", str(FOLDER), str(source)],
                       check=True, env=environment)


def test_readme():
    readme = (ROOT / "README.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    assert len(example.splitlines()) <= 12
    out = run(example)
    assert "TPU v4 4" in out and re.search(r"\d+ cycles, MFU \d+\.\d%", out), out
    assert len(re.findall(r"^\S+ +\d+ (mxu|vpu|hbm|eup|xlu|vmem|launch|latency|model)$", out, re.M)) > 0, out


def test_no_setting_is_needed():
    assert run("import jax; print(jax.default_backend(), len(jax.devices()), jax.devices('cpu')[0].platform)").split() == ["tpu", "4", "cpu"]
    assert run("import jax; print(jax.default_backend())", JAX_PLATFORMS="tpu").strip() == "tpu"
    assert run("import jax; print(jax.default_backend())", JAX_PLATFORMS="cpu").strip() == "cpu"


def test_topology():
    code = "import palmetto, jax; palmetto.configure(topology=(2, 2, 2)); print(len(jax.devices()), palmetto.settings())"
    out = run(code)
    assert out.startswith("8 ") and "'topology': '2x2x2'" in out, out
    assert "PalmettoError" in run("import palmetto; palmetto.configure(topology='2x')", fails=True)
    late = run("import palmetto, jax; jax.devices(); palmetto.configure(topology='4x4x4')", fails=True)
    assert "PalmettoError" in late and "2x2x1" in late, late


def test_settings():
    code = """
import palmetto, jax, jax.numpy as jnp
f = jax.jit(lambda x: jnp.tanh(x) @ x)
x = jnp.ones((40, 40)) / 8
results, cycles = [], []
for clock in ("v4", "ideal", "chaos=3"):
    palmetto.configure(strict=True, clock=clock)
    results.append(f(x).tobytes())
    cycles.append(palmetto.last_execution().cycles)
assert palmetto.settings()["strict"] is True and palmetto.settings()["clock"] == "chaos=3"
assert len(set(results)) == 1 and len(set(cycles)) == 3, cycles
"""
    run(code)
    assert "v4" in run("import palmetto; palmetto.configure(clock='cuckoo')", fails=True)
    assert "not 'no'" in run("import palmetto; palmetto.configure(strict='no')", fails=True)


def test_profiles():
    code = """
import palmetto, jax, jax.numpy as jnp
f = jax.jit(lambda x: jnp.tanh(x) @ x)
x = jnp.ones((256, 256))
f(x)
with palmetto.profile() as profile:
    for _ in range(3):
        y = f(x)
names = [e.program for e in profile.executions]
assert len(names) == 3 and len(set(names)) == 1, names
assert profile.flops >= 3 * 2 * 256**3 and 0 < profile.mfu < 1 and profile.seconds > 0
rows = profile.rows()
assert sum(row["cycles"] for row in rows) <= profile.cycles == 3 * palmetto.last_execution().cycles
assert all(isinstance(v, (int, float, str, type(None))) for row in rows for v in row.values()), rows[0]
assert {"execution", "program", "device", "instruction", "op_name", "how", "busy_mxu", "mfu", "bound"} <= set(rows[0]), rows[0]
assert any("tanh" in str(row["op_name"]) or "dot" in str(row["op_name"]) for row in rows), rows
assert profile.modelled_share == 0
with palmetto.profile() as nothing:
    pass
assert nothing.executions == [] and nothing.cycles == 0 and nothing.mfu == 0
"""
    run(code)


def test_a_missing_library_is_named():
    out = run("import palmetto; palmetto.configure(strict=True)", fails=True, TPU_LIBRARY_PATH="/no/such.so")
    assert "/no/such.so" in out


if __name__ == "__main__":
    install()
    testing.main(globals())

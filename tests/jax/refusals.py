"""What JAX can lower for `tpu` and Palmetto refuses, by reason, as a Markdown table.

`python tests/jax/refusals.py` with `TPU_LIBRARY_PATH` set compiles (and does not run) the functions
of the tables, then their gradients, then their versions under `vmap`, and prints which are refused,
and which public functions of JAX no table has.
"""

from compare import DEVICE, reason

import collections
import re
import warnings

import jax
import jax.numpy as jnp

import functions


def compiled(function, arguments):
    """Why the function cannot be compiled: by JAX ("lower") or by Palmetto ("compile"), or None."""
    try:
        lowered = jax.jit(function).lower(*arguments)
    except Exception as error:
        return "lower", reason(error)
    try:
        lowered.compile()
    except Exception as error:
        return "compile", reason(error)
    return None


def gradient(function):
    """The gradient of the sum of all float results by all float arguments."""
    def total(*arguments):
        leaves = jax.tree.leaves(function(*arguments))
        floats = [x for x in leaves if jnp.issubdtype(jnp.asarray(x).dtype, jnp.floating)]
        return sum((jnp.sum(x.astype(jnp.float32)) for x in floats), jnp.float32(0))

    def call(*arguments):
        numbers = tuple(n for n, x in enumerate(arguments) if jnp.issubdtype(x.dtype, jnp.floating))
        return jax.grad(total, argnums=numbers)(*arguments) if numbers else 0

    return call


def twice(arguments):
    """A batch of two."""
    return [jnp.stack([jnp.asarray(x)] * 2) for x in arguments]


def kind(why):
    """The reason without places and sizes, the same for all programs that are refused for it."""
    why = re.sub(r"offset 0x[0-9a-f]+: | \(from .*|\[[\d,]*\]", "", why)
    return re.sub(r"%\w+|tensor<(\d+x)*", lambda m: "tensor<" if m[0].startswith("t") else "N",
                  re.sub(r"\b\d+ bytes", "N bytes", why))


def forms(row):
    """The programs of a row: as it is, its gradient, under vmap."""
    for call in row.arguments():
        yield "", row.function, call
    call = row.arguments()[0]
    yield "gradient of ", gradient(row.function), call
    yield "vmap of ", jax.vmap(row.function), twice(call)


def untested():
    """Public functions of the modules that no table names."""
    tables = functions.tables()
    for table in tables:
        prefix = table.prefix
        named = {r.name.removeprefix(prefix + ".") for t in tables if t.prefix == prefix for r in t.rows}
        public = {name for name in dir(table.module) if not name.startswith("_")
                  and callable(getattr(table.module, name)) and not isinstance(getattr(table.module, name), type)}
        yield prefix, sorted(public - named)


def main():
    warnings.simplefilter("ignore")
    refused, counts = collections.defaultdict(set), collections.Counter()
    with jax.default_device(DEVICE):
        for table in functions.tables():
            for row in table.rows:
                for form, function, arguments in forms(row):
                    counts["programs"] += 1
                    found = compiled(function, arguments)
                    if found and (found[0] == "compile" or not form):
                        counts[found[0]] += 1
                        why = kind(found[1])
                        refused[found[0], why].add(form + row.name)
                jax.clear_caches()
    print(f"{counts['programs']} programs: {counts['lower']} that JAX cannot lower, "
          f"{counts['compile']} that Palmetto refuses\n\n| by | reason | functions |\n|---|---|---|")
    for (who, why), names in sorted(refused.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(sorted(names)[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
        print(f"| {'JAX' if who == 'lower' else 'Palmetto'} | {why} | {shown} |")
    print("\nIn no table: " + "; ".join(f"{p}: {', '.join(n)}" for p, n in untested() if n))


if __name__ == "__main__":
    main()

"""Every function of the tables on the emulated chip against JAX on CPU.

`functions.py` tests all tables, `functions.py numpy nn.gelu` those whose names begin so, and
`functions.py --part 1/2 ..` every second row. All failures are told at the end. Functions that JAX
or Palmetto refuses are in `refused.txt`, with the reason; it is a failure if one of them works now,
or is refused for another reason.
"""

import argparse
import sys
import warnings

from compare import CPU, DEVICE, differences, on, reason, sums_of_terms

import jax

import table_lax
import table_numpy
import table_others
import table_scipy
from cases import Table
from testing import refused

LEAST = 300


def tables():
    """All tables, in order."""
    modules = (table_numpy, table_lax, table_others, table_scipy)
    own = [v for m in modules for v in vars(m).values() if isinstance(v, Table)]
    return own + table_scipy.STATS


def failures(row):
    """What is wrong with a row, line by line."""
    calls = row.arguments()
    together = lambda calls: [row.function(*call) for call in calls]
    try:
        actual = on(DEVICE, together, calls)
    except Exception as error:
        return split_failures(row, calls) or [reason(error)]
    expected = on(CPU, together, calls)
    terms = sums_of_terms(together, (calls,), row.tolerance)
    return differences(expected, actual, row.tolerance, terms)


def split_failures(row, calls):
    """The reason of each call that fails by itself."""
    lines = []
    for call in calls:
        try:
            on(DEVICE, row.function, *call)
        except Exception as error:
            given = ", ".join(f"{a.dtype}{list(a.shape)}" for a in call)
            lines.append(f"({given}) {reason(error)}")
    return lines


def verdict(row, why):
    """What is wrong with a row, considering that it should be refused for the reason ``why``."""
    lines = failures(row)
    if why is None:
        return lines
    if not lines:
        return [f"works now, take it out of refused.txt: {why}"]
    unexpected = [line for line in lines if why not in line]
    return [f"refused.txt says: {why}", *unexpected] if unexpected else []


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("prefixes", nargs="*")
    parser.add_argument("--part", default="0/1")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    part, parts = map(int, options.part.split("/"))
    rows = [row for table in tables() for row in table.rows]
    assert len({row.name for row in rows}) >= LEAST, "too few functions"
    known = refused()
    strange = {name for name in known if ".test_" not in name} - {row.name for row in rows}
    assert not strange, f"refused.txt names functions of no table: {strange}"
    chosen = [r for r in rows[part::parts]
              if not options.prefixes or r.name.startswith(tuple(options.prefixes))]
    wrong = 0
    for row in chosen:
        lines = verdict(row, known.get(row.name))
        if lines:
            wrong += 1
            print("\n  ".join([row.name, *lines]), flush=True)
        jax.clear_caches()
    print(f"{len(chosen)} functions, {wrong} wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

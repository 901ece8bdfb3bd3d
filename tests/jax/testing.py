"""What runs the tests of a script."""

import sys
import traceback


def main(tests):
    """Runs the named functions of a module whose names begin with ``test_``; tells which failed."""
    wanted = sys.argv[1:]
    failed = []
    for name, test in list(tests.items()):
        if not name.startswith("test_") or (wanted and name not in wanted):
            continue
        try:
            test()
            print(f"ok {name}", flush=True)
        except Exception:
            failed.append(name)
            print(f"FAILED {name}", flush=True)
            traceback.print_exc(limit=-4, file=sys.stdout)
    if failed:
        print(f"failed: {', '.join(failed)}")
        sys.exit(1)

"""What runs the tests of a script, and what is known to be refused."""

import pathlib
import sys
import traceback

FOLDER = pathlib.Path(__file__).parent


def refused():
    """Names of functions and of tests, and part of the reason why each is refused."""
    lines = (FOLDER / "refused.txt").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def main(tests):
    """Runs the functions of a module whose names begin with ``test_``, or those of the arguments.

    A test that is in ``refused.txt`` has to fail, and for that reason.
    """
    script = pathlib.Path(sys.argv[0]).stem
    wanted, known = sys.argv[1:], refused()
    every = [name for name in tests if name.startswith("test_")]
    unknown = set(wanted) - set(every)
    assert not unknown, f"{script} has no {unknown}, but {every}"
    failed = [name for name in every if not wanted or name in wanted
              if not succeeds(name, tests[name], known.get(f"{script}.{name}"))]
    if failed:
        print(f"failed: {', '.join(failed)}")
        sys.exit(1)


def succeeds(name, test, why):
    """Runs one test, tells the outcome, and whether it is the right one."""
    try:
        test()
    except Exception as error:
        if why is not None and why in str(error):
            print(f"refused {name}: {why}", flush=True)
            return True
        print(f"FAILED {name}", flush=True)
        traceback.print_exc(limit=-4, file=sys.stdout)
        return False
    print(f"ok {name}" if why is None else
          f"FAILED {name}: works now, take it out of refused.txt: {why}", flush=True)
    return why is None

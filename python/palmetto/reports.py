"""Where the time of executions went."""

import contextlib
import dataclasses
import json

from palmetto.extension import PalmettoError, call, extension

# Larger than every number of an execution.
LAST = 2**63 - 1


@dataclasses.dataclass(frozen=True)
class Execution:
    """One execution of a compiled program, on one or several chips.

    ``reports`` has one dictionary per chip, the same as ``palmetto run --json`` prints: ``total``,
    ``instructions``, ``loops``, ``losses`` and more. All times are simulated.
    """

    number: int
    program: str
    devices: tuple
    reports: tuple
    error: str | None = None

    @property
    def cycles(self):
        """Cycles until the last chip was done."""
        return max((report["total"]["cycles"] for report in self.reports), default=0)

    @property
    def seconds(self):
        """The same in seconds."""
        return max((report["total"]["seconds"] for report in self.reports), default=0.0)

    def rows(self):
        """One flat dictionary per instruction and chip, for a table."""
        return [flat(self, device, instruction)
                for device, report in zip(self.devices, self.reports)
                for instruction in report["instructions"]]


@dataclasses.dataclass
class Profile:
    """Executions in the order in which they were started."""

    executions: list = dataclasses.field(default_factory=list)

    @property
    def cycles(self):
        """Cycles of all executions, one after the other."""
        return sum(execution.cycles for execution in self.executions)

    @property
    def seconds(self):
        """The same in seconds."""
        return sum(execution.seconds for execution in self.executions)

    @property
    def flops(self):
        """Floating-point operations that the programs asked for, on all chips."""
        return sum(report["total"]["flops"] for report in self._reports())

    @property
    def mfu(self):
        """Share of the peak of the chips that the programs' operations are."""
        possible = sum(execution.seconds * report["peak_flops_per_second"]
                       for execution in self.executions for report in execution.reports)
        return self.flops / possible if possible else 0.0

    @property
    def modelled_share(self):
        """Share of the time in instructions that have no device kernel yet."""
        seconds = [(report["total"]["seconds"], report["modelled_share"])
                   for report in self._reports()]
        total = sum(time for time, _ in seconds)
        return sum(time * share for time, share in seconds) / total if total else 0.0

    def rows(self):
        """One flat dictionary per execution, instruction and chip: ``pandas.DataFrame(rows)``."""
        return [row for execution in self.executions for row in execution.rows()]

    def _reports(self):
        return [report for execution in self.executions for report in execution.reports]


def executions(first=-1):
    """Executions from number ``first`` on, or the last ``-first`` ones; waits until they are done.

    The plugin keeps the last few hundred of the process.
    """
    return _read(first)[0]


def last_execution():
    """The execution that was started last; waits until it is done.

    Raises:
        PalmettoError: Nothing was executed yet.
    """
    found = executions(-1)
    if not found:
        raise PalmettoError("nothing was executed yet")
    return found[-1]


@contextlib.contextmanager
def profile():
    """Collects what is executed inside of the ``with``.

    Raises:
        PalmettoError: More was executed than the plugin keeps.
    """
    collected = Profile()
    _, begin = _read(LAST)
    yield collected
    collected.executions, end = _read(begin)
    if len(collected.executions) < end - begin:
        raise PalmettoError(f"{end - begin} executions, of which the last "
                            f"{len(collected.executions)} are known: profile a shorter part")


def _read(first):
    answer = json.loads(call(extension().reports, first))
    found = [
        Execution(entry["number"], entry["program"], tuple(entry["devices"]),
                  tuple(entry.get("reports", ())), entry.get("error"))
        for entry in answer["executions"]
    ]
    return found, answer["next"]


def flat(execution, device, instruction):
    """A row of a table: numbers and words only."""
    row = {"execution": execution.number, "program": execution.program, "device": device}
    row["how"] = instruction["how"]["kind"]
    for name, value in instruction.items():
        if name != "how":
            row.update(leaves(name, value))
    return row


def leaves(name, value):
    """A value as columns: a member of a dictionary or list has its key after the name."""
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    else:
        return {name: value}
    return {column: leaf for key, member in items
            for column, leaf in leaves(f"{name}_{key}", member).items()}

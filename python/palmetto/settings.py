"""What can be chosen: the chips, their clock, and how strict they are."""

from palmetto.extension import call, extension

NAMES = ("topology", "strict", "clock")


def configure(*, topology=None, strict=None, clock=None):
    """Sets what is given and leaves the rest.

    Args:
        topology: The chips of the torus, ``"2x2x1"`` or ``(2, 2, 1)``. Only before JAX has made its
            devices, that is before the first array or ``jax.devices()``.
        strict: Whether undefined memory, registers that are not ready and races are errors, from
            the next compilation and execution on.
        clock: How long things take, from the next execution on: ``"v4"`` is the chip, ``"ideal"``
            never waits, ``"chaos"`` and ``"chaos=SEED"`` are random. No result depends on it.

    Raises:
        TypeError: ``strict`` is neither true nor false.
        PalmettoError: The plugin refuses a value; the message says what is allowed.
    """
    if topology is not None and not isinstance(topology, str):
        topology = "x".join(str(size) for size in topology)
    if strict is not None:
        if strict not in (True, False):
            raise TypeError(f"strict is True or False, not {strict!r}")
        strict = "true" if strict else "false"
    for name, value in (("topology", topology), ("strict", strict), ("clock", clock)):
        if value is not None:
            call(extension().set_option, name.encode(), value.encode())


def settings():
    """What is in force, as a dictionary from name to value."""
    values = {name: call(extension().get_option, name.encode()) for name in NAMES}
    return {**values, "strict": values["strict"] == "true"}

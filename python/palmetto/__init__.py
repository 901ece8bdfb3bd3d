"""JAX on emulated TPU v4 chips.

With this package installed JAX finds the chips by itself, as platform ``tpu``. This module is for
what JAX has no words for: which chips there are, how strict they are, and where the time went.

    palmetto.configure(topology="2x2x2")        # before the first use of JAX
    with palmetto.profile() as profile:
        step(parameters, batch)
    print(profile.cycles, profile.mfu)
    pandas.DataFrame(profile.rows())
"""

from palmetto.plugin import library_path
from palmetto.reports import Execution, Profile, executions, last_execution, profile
from palmetto.settings import configure, settings

__all__ = [
    "Execution",
    "Profile",
    "configure",
    "executions",
    "last_execution",
    "library_path",
    "profile",
    "settings",
]

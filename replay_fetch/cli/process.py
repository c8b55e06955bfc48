"""What a download asks of its own process: a quiet collector, and enough open files."""

from __future__ import annotations

import gc
import resource

from replay_fetch.errors import SettingsError

# Session files on their way to the disk together, and what the interpreter, the ledger and the logs keep open.
_BESIDE_CONNECTIONS = 64 + 64


def collect_rarely() -> None:
    """Have the garbage collector look less often, and never again at what was imported.

    Pages are freed as they are written; what a run leaves in cycles is little. At the defaults the
    collector took a twentieth of the time, and every look at all that was imported held up the loop for 7 to 11 ms.
    """
    gc.freeze()
    gc.set_threshold(5_000, 20, 10)


def allow_open_files(workers: int) -> None:
    """Let the process open what ``workers`` need, each with a connection; raises SettingsError where it may not."""
    needed = workers + _BESIDE_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        fewer = f"use --workers {hard - _BESIDE_CONNECTIONS}, or " if hard > _BESIDE_CONNECTIONS else ""
        raise SettingsError(
            f"--workers {workers} needs {needed} open files and this process may have {hard}; {fewer}raise `ulimit -n`"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))

"""What a download asks of its own process: a quiet collector, and enough open files."""

from __future__ import annotations

import gc
import logging
import resource

log = logging.getLogger(__name__)

# Session files on their way to the disk together, and what the interpreter, the ledger and the logs keep open.
_BESIDE_CONNECTIONS = 64 + 64


def collect_rarely() -> None:
    """Have the garbage collector look less often, and never again at what was imported.

    Pages are freed as they are written; what a run leaves in cycles is little. At the defaults the
    collector took a twentieth of the time, and every look at all that was imported held up the loop for 7 to 11 ms.
    """
    gc.freeze()
    gc.set_threshold(5_000, 20, 10)


def allow_open_files(workers: int) -> int:
    """Let the process open what ``workers`` need, each with a connection; returns how many there is room for."""
    needed = workers + _BESIDE_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return workers
    may_have = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    resource.setrlimit(resource.RLIMIT_NOFILE, (may_have, hard))
    if may_have >= needed:
        return workers
    room = max(1, min(workers, may_have // 2))
    log.warning(
        "%d workers need %d open files and there may be %d: %d ask; see `ulimit -n`", workers, needed, may_have, room
    )
    return room

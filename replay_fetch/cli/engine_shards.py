"""A shard in a worker of an engine: the shard's end is a value, and the command that sent the shard can stop it.

Engines do not stop a task that has begun. Without this, Ctrl-C would leave the shards of a cluster asking for days.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

import anyio

from replay_fetch.archive.report import Report
from replay_fetch.cli.main import exit_code_of
from replay_fetch.errors import ReplayFetchError
from replay_fetch.tasks import Shard

_GLANCE = 0.2  # seconds between two looks whether the run was stopped

# In a worker's process, whose threads share them: the runs that were told to stop, and how many shards of each run.
_stopped: set[str] = set()
_running: Counter[str] = Counter()


class ShardEnded(NamedTuple):
    """The end of a shard, as its worker tells it: a report, or why there is none."""

    shard: str
    report: Report | None
    failure: str = ""
    exit_code: int = 0


class _Stop:
    """The event that ends a shard cleanly: its run was told to stop, in another thread."""

    def __init__(self, run: str) -> None:
        self._run = run

    async def wait(self) -> None:
        """Return soon after `stop_shards` has named the run."""
        while self._run not in _stopped:  # noqa: ASYNC110 - named in another thread, which knows of no event loop
            await anyio.sleep(_GLANCE)


def run_shard(run: str, shard: Shard) -> ShardEnded:
    """Download a shard in a worker; an error of ours is a result, which no other worker is asked to repeat.

    ``run`` is a name of the command's own, so that `stop_shards` stops no other command's shards.
    """
    _running[run] += 1
    try:
        return ShardEnded(str(shard.id), shard.run(_Stop(run)))
    except ReplayFetchError as error:
        return ShardEnded(str(shard.id), None, str(error), exit_code_of(error))
    finally:
        _running[run] -= 1


def stop_shards(run: str) -> int:
    """Tell this worker's shards of a run to finish what is in flight and end; returns how many have not yet ended."""
    _stopped.add(run)
    return _running[run]

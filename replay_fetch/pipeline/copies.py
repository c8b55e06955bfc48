"""The copies of a run under one limit: advice before the first request, and a warning where they disturb each other.

Every shard is a copy. Copies know nothing of each other: each one sees in the answers' headers how much the others
have taken, and without headers nothing but 429s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import anyio

from replay_fetch.pacing import Snapshot
from replay_fetch.shard import ShardId

log = logging.getLogger(__name__)

# Measured in virtual time: at ten requests a window and copy 2 % are refused, at six 9 %.
FEWEST = 10
# Of the pacer, while headers describe the limit.
_BY_HEADERS = ("window", "even")
_PERIOD = 1.0


class Copies:
    """Advises a shard about the limit that all shards share, where they run at the same time."""

    def __init__(self, shard: ShardId, max_rate: float | None) -> None:
        self._count = shard.count
        self._max_rate = max_rate

    def advice(self) -> str:
        """Say in a sentence how the limit is shared; empty for a single shard."""
        if self._count == 1:
            return ""
        if self._max_rate:
            together = f"{self._max_rate * self._count:g} requests a second together"
            return f"{self._count} shards at --max-rate {self._max_rate:g} each are {together}, where all run at once"
        return (
            f"{self._count} shards under one limit are not faster than one; answers with rate-limit headers let them "
            f"share it (`replay-fetch probe` shows them), without headers give each --max-rate LIMIT/{self._count}"
        )

    def warning(self, seen: Snapshot) -> str:
        """Say why the copies disturb each other under the limit that was met; empty where nothing tells that."""
        if self._count == 1:
            return ""
        if seen.mode in _BY_HEADERS and seen.limit and seen.period:
            share = seen.limit / self._count
            rate = share / seen.period
            if share >= FEWEST or (self._max_rate is not None and self._max_rate <= rate):
                return ""
            return (
                f"the limit of {seen.limit} in {seen.period:g} s leaves each of {self._count} shards {share:.1f} "
                f"requests a window, and below {FEWEST} many are refused: run fewer at once, or give each "
                f"--max-rate {rate:.3g}"
            )
        if seen.rate_limited and self._max_rate is None and seen.mode not in _BY_HEADERS:
            return (
                "429s came and no answer names the limit, so copies share it unequally: where the shards run at once, "
                f"give each --max-rate LIMIT/{self._count}"
            )
        return ""

    async def watch(self, snapshot: Callable[[], Snapshot]) -> None:
        """Look at the pacer until there is something to warn of, and log the warning once."""
        while True:
            if warning := self.warning(snapshot()):
                log.warning("%s", warning)
                return
            await anyio.sleep(_PERIOD)

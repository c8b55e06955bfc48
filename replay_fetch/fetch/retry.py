"""Retries: when a page is asked for again, and when the page is given up."""

from __future__ import annotations

import random

from msgspec import Struct

from replay_fetch.errors import GaveUp, RateLimited, RetryableError, ServerTimeout, Stalled
from replay_fetch.pacing import Health

# Seconds: half a second lets a connection be made anew; a minute is as long as one page should keep a worker.
BASE = 0.5
CAP = 60.0
# 429s of one page, each behind a good answer to another one. A limit that all pages share meets none so often: the
# pacer keeps 429s at one in a hundred.
MOST_REFUSALS = 100


def backoff(failures: int, rng: random.Random) -> float:
    """Seconds to wait after the given number of failures: uniform in [0, min(60, 0.5 * 2**(failures - 1))].

    Full jitter: of workers that failed together, no two wake together. The mean of eight retries adds up to about a
    minute (0.25 + 0.5 + … + 30), which outlasts a restart; a longer failure is an outage, which the pacer waits out
    without spending attempts.
    """
    doublings = min(failures - 1, 10)  # past the cap anyway, and never past a float
    return rng.uniform(0.0, min(CAP, BASE * 2.0**doublings))


class RetryQuota:
    """Quick retries that the whole run may spend: one for every answer that was sound, and ``ROOM`` in hand.

    Where more than half of all requests fail the server is breaking down, and attempts a second apart would all be
    spent while it does. An empty quota fails no page: each then waits the longest backoff, and its attempts last
    for minutes. It bounds no load: workers are so many, and a retry takes the place of a request that would be new.
    """

    # As many as botocore's standard mode has in hand. That pays five for one of them: a server that failed one
    # request in four by itself then gave 33 to 58 % of what was to be had of it, and now gives 98 %.
    ROOM = 100

    def __init__(self) -> None:
        self.left = self.ROOM

    def spend(self) -> bool:
        """Take one retry; returns False, and takes nothing, where none is left."""
        if not self.left:
            return False
        self.left -= 1
        return True

    def earn(self) -> None:
        """Earn one retry back for a sound answer, up to ``ROOM``."""
        self.left = min(self.ROOM, self.left + 1)


class Attempts(Struct, eq=False):
    """Counts the failures of one page and says how long to wait before the next attempt.

    A page is *suspect* once a request that left after its failure was answered and the page failed again: the fault
    is the page's own, and no sign of an outage. Failures during an outage are the API's: such failures spend
    nothing, and neither do the failures before the outage, unless the page is suspect.
    """

    retries: int
    quota: RetryQuota
    rng: random.Random
    suspect: bool = False
    timeouts: int | None = None
    """Timeouts in a row after which all are spent; None counts them as other failures are."""
    _timed_out: int = 0
    _own: int = 0
    _unexplained: int = 0
    _failed_at: float | None = None
    _refusals: int = 0
    _refused_at: float | None = None

    @property
    def spent(self) -> int:
        """Failures that count against ``retries``."""
        return self._own + self._unexplained

    def failed(self, error: RetryableError, health: Health) -> float:
        """Note a failure and return the seconds to wait before the next attempt.

        Raises GaveUp when all attempts are spent.
        """
        # 1. Other pages were answered since the last failure, so that this fault is the page's own.
        if self._failed_at is not None and health.answered_at > self._failed_at:
            self.suspect = True
            self._own, self._unexplained = self.spent, 0
        self._failed_at = health.now
        # 2. Nothing is answered anywhere: the pacer waits that out, and the failures before belong to the outage.
        if health.outage and not self.suspect:
            self._unexplained = 0
            return 0.0
        # 3. It cannot be told yet: the failure counts, until an outage takes it back.
        self._unexplained += 1
        self._timed_out = self._timed_out + 1 if isinstance(error, (ServerTimeout, Stalled)) else 0
        if self.spent > self.retries or self._timed_out == self.timeouts:
            attempts = "1 attempt" if self.spent == 1 else f"{self.spent} attempts"
            raise GaveUp(f"{error} (after {attempts})") from error
        return backoff(self.spent, self.rng) if self.quota.spend() else self.rng.uniform(CAP / 2, CAP)

    def refused(self, error: RateLimited, health: Health) -> None:
        """Note a 429, which spends no attempt; raises GaveUp where it is the page's own.

        A server that refuses one page for ever, while others are answered, would keep the run going for days.
        """
        if self._refused_at is not None and health.answered_at > self._refused_at:
            self._refusals += 1
        self._refused_at = health.now
        if self._refusals >= MOST_REFUSALS:
            raise GaveUp(f"{error} (again and again, while other pages were answered)") from error

"""Retries of requests to a store: how long to wait, and when the store is given up.

The driver waits ten seconds by itself before it reports a fault. The loop here goes on, with fresh signatures, for as
long as the run was told to wait for a dead store. The log says so.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import anyio

from replay_fetch.clock import now
from replay_fetch.errors import ReplayFetchError
from replay_fetch.store.driver import Absent, Listed, Taken
from replay_fetch.store.failures import Fault, Refusal, StoreDead
from replay_fetch.store.location import Location

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

_FIRST_WAIT, _LONGEST_WAIT = 1.0, 30.0  # seconds, doubled each time
MANY = 12
"""Conflicts in a row about one object, five minutes of them; by then it is no coincidence."""


class Retries:
    """Sends requests of one run until they are answered; counts them by verb."""

    def __init__(self, location: Location, give_up_after: float) -> None:
        self.location = location
        self.give_up_after = give_up_after
        """Seconds of faults of one request, after which the store is dead."""
        self.requests: Counter[str] = Counter()
        self.failure: ReplayFetchError | None = None
        """Why the last request failed for good; None behind an answer."""
        self._answered = False

    async def ask(self, verb: str, request: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer to a request, sent again while there are faults.

        Taken and Absent are answers and pass through. Raises SettingsError or StoreError for a refusal, and StoreDead.
        """
        faults = Faults(self)
        while True:
            self.requests[verb] += 1
            ended: ReplayFetchError | None = None
            words = ""
            try:
                answer = await request()
            except (Taken, Absent):
                self._hear()
                raise
            except Fault as fault:
                words = str(fault)
            except Refusal as refusal:
                # Roles get new credentials every few hours; a run of days meets each failure of their server.
                if refusal.of_role and self._answered:
                    words = "the role's credentials cannot be renewed"
                else:
                    ended = refusal.told(self.location, answered=self._answered)
            else:
                self._hear()
                return answer
            if ended is not None:  # raised out here, so that the refusal is not its context
                self.failure = ended
                raise ended
            await faults.wait(words)

    def _hear(self) -> None:
        self._answered, self.failure = True, None

    async def listing(self, objects: AsyncIterator[Listed]) -> AsyncIterator[Listed]:
        """A listing as it comes; a Fault in it passes through, for the caller knows where to go on."""
        self.requests["LIST"] += 1
        ended: ReplayFetchError | None = None
        try:
            async for listed in objects:
                self._answered = True
                yield listed
        except Refusal as refusal:
            ended = refusal.told(self.location, answered=self._answered)
        if ended is not None:
            raise ended


class Faults:
    """Faults in a row of one request: since when, and how long to wait before the next try."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._since: float | None = None
        self._waits = waits()

    def over(self) -> None:
        """End the row: an answer came."""
        self._since = None

    async def wait(self, words: str) -> None:
        """Sleep before the next try; raises StoreDead where the faults have lasted too long."""
        where, give_up_after = self._retries.location, self._retries.give_up_after
        if self._since is None:
            self._since, self._waits = now(), waits()
            log.warning("%s: %s; trying again for up to %.0f s", where, words, give_up_after)
        waited = now() - self._since
        if waited >= give_up_after:
            # Without the seconds that were waited: many shards say it, and what they say alike is printed once.
            self._retries.failure = StoreDead(
                f"{where}: nothing but faults for more than {give_up_after:.0f} s, the last one: {words}; "
                "run the same command again when the store is well"
            )
            raise self._retries.failure
        await anyio.sleep(min(next(self._waits, _LONGEST_WAIT), give_up_after - waited))


def waits() -> Iterator[float]:
    """Seconds to wait between tries: 1, 2, 4 and so on up to 30; as many as conflicts are borne."""
    wait = _FIRST_WAIT
    for _ in range(MANY):
        yield wait
        wait = min(2 * wait, _LONGEST_WAIT)

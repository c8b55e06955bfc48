"""The pacer: workers wait in one queue, and are let go when every gate is open."""

from __future__ import annotations

import logging
from dataclasses import fields, replace
from functools import partial
from types import TracebackType
from typing import Self

import anyio
from aiolimiter import AsyncLimiter
from msgspec import Struct

from replay_fetch.clock import now as loop_time
from replay_fetch.errors import OutageError, TransportError
from replay_fetch.model import RateLimit
from replay_fetch.pacing.adaptive import AdaptivePolicy
from replay_fetch.pacing.breaker import CircuitBreaker
from replay_fetch.pacing.concurrency import Concurrency
from replay_fetch.pacing.policy import SLACK, Policy, Sent, State
from replay_fetch.pacing.queue import WaitQueue
from replay_fetch.pacing.snapshot import Health, Snapshot
from replay_fetch.settings import FetchSettings

log = logging.getLogger(__name__)

RATE_LIMITED = 429
# Statuses that say that the server could not.
ILL = frozenset({408, *range(500, 600)})

# Timers fire within a microsecond of what was asked for; closer than this counts as now.
SOON = 1e-6
ONLY_AN_ANSWER_CAN_TELL = float("inf")
# Fields that a snapshot takes over from the rate policy's state.
_SHOWN = tuple(shown.name for shown in fields(State))


def _even(rate: float) -> AsyncLimiter:
    # Lets ``rate`` a second through, and no more at once than timers that wake late make necessary.
    at_once = max(1.0, rate * SLACK)
    return AsyncLimiter(at_once, at_once / rate)


def _nothing(now: float) -> None:
    """A turn at the open gates, before the ceiling of ``--max-rate``: nothing is sent, or counted, yet."""


class Turn(Struct, eq=False):
    """A worker's turn to send a request; entering waits in the queue, and the answer is told to the turn.

    A turn is the pacer's other half, and tells the rate policy, the concurrency brake and the outage gate of the
    answer. A turn left without an answer counts as lost.
    """

    pacer: Pacer
    suspect: bool
    sent: Sent = Sent(0, 0.0)
    """The send number, and the time on the loop's clock at which the turn was given."""
    waited: float = 0.0
    """Seconds spent in the queue for this turn."""
    open: bool = True

    async def __aenter__(self) -> Self:
        if not self.pacer.give(self):
            await self.pacer.wait(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.open:
            self.lost(fault=isinstance(error, TransportError))

    def answered(self, status: int, rate_limit: RateLimit | None = None) -> None:
        """Tell the pacer of an answer's status and rate-limit headers; all gates are looked at again."""
        pacer, sent = self.pacer, self.sent
        now = loop_time()
        self.open = False
        accepted = status != RATE_LIMITED
        pacer.policy.answered(now, sent, rate_limit, accepted=accepted)
        # The policy first: it decides for the workers in the queue, and brake and gate only hold back more.
        # 1. 429: the limit is reached; nobody is ill.  2. The server is ill.  3. All is well.
        if not accepted:
            pacer.rate_limited += 1
            pacer.concurrency.released()
            pacer.breaker.limited(now, sent, rate_limit, self.waited)
            pacer.tell_of_a_long_wait(now)
        elif status in ILL:
            self._fault(now)
        else:
            pacer.concurrency.answered()
            pacer.breaker.answered(sent)
        pacer.look_again()

    def lost(self, *, fault: bool) -> None:
        """Tell the pacer that no answer will come; ``fault`` blames the server or the network, else a cancellation."""
        pacer, sent, now = self.pacer, self.sent, loop_time()
        self.open = False
        pacer.policy.lost(now, sent)
        if fault:
            self._fault(now)
        else:
            pacer.concurrency.released()
            pacer.breaker.lost(now, sent)
        pacer.look_again()

    def _fault(self, now: float) -> None:
        # One page's own fault, again and again, says nothing of the server: it brakes nobody.
        if self.suspect:
            self.pacer.concurrency.released()
        else:
            self.pacer.concurrency.fault(now, self.sent)
        self.pacer.breaker.fault(now, self.sent, self.waited, suspect=self.suspect)


class Pacer:
    """Gives turns to all workers of an endpoint, in the order of asking.

    A turn is given when the rate policy, the concurrency brake and the outage gate all agree, and ``--max-rate`` behind
    them. All are asked again after every answer, for every worker in the queue, so a pause that begins while workers
    wait holds back all of them.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self.policy: Policy = AdaptivePolicy()
        self.concurrency = Concurrency(settings.workers)
        self.breaker = CircuitBreaker(settings.give_up_after, fewest_faults=settings.retries + 2)
        self._ceiling = _even(settings.max_rate) if settings.max_rate else None
        self._order = anyio.Lock()  # of those who come to the ceiling: one at a time, behind open gates
        self._queue = WaitQueue(self._seconds_to_wait)
        self._number = 0
        self.rate_limited = 0
        self._waiting = 0
        self._waited = 0.0
        self._mode = ""

    def turn(self, *, suspect: bool = False) -> Turn:
        """Make a turn, to be entered with ``async with``; entering waits in the queue.

        ``suspect`` marks a page whose faults are its own, see ``Attempts``: no sign of an outage, and no reason to
        brake. Entering raises OutageError when nothing but faults came for ``--give-up-after`` seconds in which a
        worker asked, or nothing but 429s for two days.
        """
        return Turn(self, suspect)

    def give(self, turn: Turn) -> bool:
        """Give the turn at once, where the queue is empty and all gates are open; False where the worker must wait."""
        now = loop_time()
        if self._ceiling is not None or self._queue.waiters or self._seconds_to_wait(now):
            return False
        self._send(turn, now)
        return True

    async def wait(self, turn: Turn) -> None:
        """Give the turn as soon as all earlier workers have gone and the gates are open; raises OutageError."""
        came = loop_time()
        self._waiting += 1
        try:
            await self._queued(turn)
        except BaseException:
            if turn.sent.number:  # the turn came, and its worker is gone
                turn.lost(fault=False)
            raise
        finally:
            self._waiting -= 1
        turn.waited = turn.sent.at - came
        self._waited += turn.waited

    async def _queued(self, turn: Turn) -> None:
        if self._ceiling is None:
            await self._queue.wait(partial(self._send, turn))
            return
        # The ceiling is last: a token taken before the gates open would be spent waiting, and a burst would follow.
        async with self._order:
            while True:
                if self._seconds_to_wait(loop_time()):
                    await self._queue.wait(_nothing)
                await self._ceiling.acquire()
                if not self._seconds_to_wait(loop_time()):  # they may have shut meanwhile
                    break
            self._send(turn, loop_time())

    def _seconds_to_wait(self, now: float) -> float:
        """Seconds until the next turn as things stand; infinite where only an answer can tell.

        Raises OutageError when the API is dead: that keeps nobody waiting.
        """
        breaker = self.breaker
        if breaker.hopeless:
            breaker.asked(now)  # a worker that comes long after the others have gone finds new patience
            if breaker.hopeless:
                raise OutageError(breaker.verdict)
        # The brake counts by send numbers, as budgets do: requests in flight hold their slots until their answers.
        if self._number >= self.concurrency.last:
            return ONLY_AN_ANSWER_CAN_TELL
        next_turn = self.policy.ready_at(now)
        if next_turn is None:
            return ONLY_AN_ANSWER_CAN_TELL
        # An outage gate with its probe on the way opens at infinity: only an answer can tell.
        wait = max(next_turn, breaker.probe_at) - now
        return wait if wait > SOON else 0.0

    def _send(self, turn: Turn, now: float) -> None:
        self._number = number = self._number + 1
        turn.sent = sent = Sent(number, now)
        self.breaker.sent(sent)
        self.policy.sent(sent)

    def look_again(self) -> None:
        """Look at the gates again, which an answer may have opened, and let go the workers that may go."""
        if self._queue.waiters:
            self._queue.release()
        if log.isEnabledFor(logging.DEBUG):  # a look at everything, for every answer
            seen = self.snapshot()
            if seen.mode != self._mode:
                self._mode = seen.mode
                log.debug("%s: %s", seen.mode, seen)

    def tell_of_a_long_wait(self, now: float) -> None:
        """Log how long the limit keeps all workers waiting, where that is long enough to look like a hang."""
        opens_at = self.policy.state(now).opens_at
        if opens_at is not None and (notice := self.breaker.rejections.notice(opens_at - now)):
            log.warning(notice)

    @property
    def health(self) -> Health:
        """The API's health now, by which ``Attempts.failed`` tells a page's own fault from an outage."""
        return Health(now=loop_time(), outage=self.breaker.is_open, answered_at=self.breaker.answered_at)

    def snapshot(self) -> Snapshot:
        """The state now, of the rate policy and of the workers; cheap enough for the bar, not for every page."""
        now = loop_time()
        state = self.policy.state(now)
        if self.breaker.is_open:
            state = replace(state, mode="outage")
        return Snapshot(
            # asdict would copy each value deeply, which took half of the time of a look at the run.
            **{name: getattr(state, name) for name in _SHOWN},
            gate_shut=max(0.0, (state.opens_at or now) - now),
            rate_limited=self.rate_limited,
            waiting=self._waiting,
            in_use=self.concurrency.in_use(self._number),
            slots=self.concurrency.limit,
            waited=self._waited,
        )

    def __repr__(self) -> str:
        return f"<Pacer {self.snapshot()}>"

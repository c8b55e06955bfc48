"""The terms of every rate policy: the request sent, the headers read, the state shown, the questions answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from replay_fetch.model import RateLimit

# Timers wake a millisecond or two late, and now and then the event loop is busy: a debt of so many seconds is paid
# back. Without that, a pace of 600 a second came to 480.
SLACK = 0.02


class Sent(Struct, frozen=True, gc=False):
    """A request on its way: the send number (the first of an endpoint is 1) and the second of the send."""

    number: int
    at: float


class Reading(Struct, frozen=True, gc=False):
    """A limit as described by the headers of an answer: requests, and seconds of the period and until the reset."""

    limit: int
    period: float
    remaining: int
    reset: float
    absolute: bool = False
    """The reset is a second of the day, see ``RateLimit``."""


class Reader:
    """Completes headers that leave the limit or the period out.

    The IETF fields name no period, and some servers name no limit: the greatest ``reset`` and ``remaining`` seen so far
    stand in for them. A ``reset`` beyond the period contradicts the period and is cut to it: a server that means
    another unit must not cost a day of silence.
    """

    def __init__(self) -> None:
        self._most_left = 1
        self._longest = 1.0

    def read(self, rate_limit: RateLimit) -> Reading | None:
        """Make a whole reading of an answer's headers; None where ``remaining`` or ``reset`` is missing."""
        remaining, reset = rate_limit.remaining, rate_limit.reset
        if remaining is None or reset is None:
            return None
        self._most_left = max(self._most_left, remaining)
        self._longest = max(self._longest, reset)
        limit = rate_limit.limit or self._most_left
        period = rate_limit.period or self._longest
        return Reading(limit, period, min(remaining, limit), min(reset, period), rate_limit.absolute)


@dataclass(frozen=True, slots=True)
class State:
    """The state of a policy at one moment, to be shown; the rate is requests a second, times are seconds."""

    mode: str
    """``window`` and ``even`` while headers describe the limit; ``search``, ``hold``, ``inferred`` and, with a shut
    gate, ``probe`` while none does; ``outage`` where the pacer's gate is shut."""
    rate: float = 0.0
    """Allowed now; 0 while a gate is shut."""
    opens_at: float | None = None
    """When the shut gate opens or is probed next; None while no gate is shut."""
    limit: int | None = None
    period: float | None = None
    left: int | None = None
    """Requests that may still be sent in the present window."""
    limiter: str = ""
    """The limiter's kind: ``window``, ``sliding`` (a bucket, a log or a counter), ``several``, ``unknown``; empty
    until the first 429 or header."""
    why: str = ""
    """The sign by which the kind was recognised."""


class Policy(Protocol):
    """A rate policy: says when the next request may go, from the fate of the earlier requests.

    Times are seconds of one monotonic clock, handed in; a policy does no I/O and never waits. Send numbers are those of
    the endpoint. A policy among several for the same endpoint is told of every send.
    """

    def ready_at(self, now: float) -> float | None:
        """When the next request may go; None means not before the answer to a request on its way."""

    def sent(self, sent: Sent) -> None:
        """Count a request at its send and not at its answer: requests in flight must not overdraw a limit."""

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Take in an answer; ``accepted`` is False for a 429 and for no other status, a 503 was accepted."""

    def lost(self, now: float, sent: Sent) -> None:
        """Take in that a request ended without an answer: timeout, reset or cancellation. It may count all the same."""

    def state(self, now: float) -> State:
        """The state to be shown in the log, on the bar and in ``status``."""

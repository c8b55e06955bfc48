"""What every rate policy is: a state machine that is told the time, and the headers of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct

from replay_fetch.model import RateLimit


class Sent(Struct, frozen=True, gc=False):
    """One request on its way: its place in the order of sends (first is 1) and when it left."""

    number: int
    at: float


@dataclass(frozen=True, slots=True)
class State:
    """One moment of a policy; the rate is requests a second, times are seconds."""

    mode: str
    rate: float
    """What is allowed now; 0 while a gate is shut."""
    opens_at: float | None = None
    """When the shut gate opens or is probed next; None while it is open."""
    limit: int | None = None
    period: float | None = None
    left: int | None = None
    """Requests that may still be sent in this window."""
    limiter: str = ""
    """The limiter's kind: ``window``, ``sliding`` (a bucket, a log or a counter), ``several``, ``unknown``; empty
    while none has been met."""
    why: str = ""
    """What it was recognised by."""


class Policy(Protocol):
    """Says when the next request may go, from what became of the earlier ones.

    Times are seconds of one monotonic clock, handed in; a policy does no I/O and never waits.
    Send numbers are those of the endpoint: a policy that shares it with others misses none.
    """

    def ready_at(self, now: float) -> float | None:
        """When the next request may go; None means not before an answer to one on its way."""

    def sent(self, sent: Sent) -> None:
        """A request leaves now."""

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Its answer came; ``accepted`` is False for a 429 and for nothing else."""

    def lost(self, now: float, sent: Sent) -> None:
        """No answer will come: timeout, reset or cancellation."""

    def state(self, now: float) -> State:
        """What to show of it."""


class Reading(Struct, frozen=True, gc=False):
    """A window as one answer describes it; period and reset in seconds."""

    limit: int
    period: float
    remaining: int
    reset: float
    absolute: bool = False
    """See ``RateLimit``."""


class Reader:
    """Completes headers that leave the limit or the period out.

    The IETF fields name no period, and some servers name no limit: the greatest ``reset`` and
    ``remaining`` seen so far stand in for them. A ``reset`` beyond the period contradicts it, and is
    taken for the whole of it: a server that means another unit must not cost a day of silence.
    """

    def __init__(self) -> None:
        self._most_left = 1
        self._longest = 1.0

    def read(self, rate_limit: RateLimit) -> Reading | None:
        """The window; None where the headers do not say what is left or until when."""
        remaining, reset = rate_limit.remaining, rate_limit.reset
        if remaining is None or reset is None:
            return None
        self._most_left = max(self._most_left, remaining)
        self._longest = max(self._longest, reset)
        limit = rate_limit.limit or self._most_left
        period = rate_limit.period or self._longest
        return Reading(limit, period, min(remaining, limit), min(reset, period), rate_limit.absolute)

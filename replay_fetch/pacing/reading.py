"""One answer's rate-limit headers, made whole."""

from __future__ import annotations

from msgspec import Struct

from replay_fetch.model import RateLimit


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

"""What an answer says of the rate limit, in all the ways servers get it wrong."""

from __future__ import annotations

import math
from collections.abc import Callable
from email.utils import formatdate

from replay_fetch.simulator.choices import HeaderPolicy, Reset, RetryAfter
from replay_fetch.simulator.quota import Verdict
from replay_fetch.simulator.settings import LimitHeaderSettings

_NAME = "rum_replay_segments"


def limit_headers(
    verdict: Verdict, settings: LimitHeaderSettings, wall: Callable[[], float], number: int
) -> dict[str, str]:
    """The rate limit's headers of answer ``number``; ``wall`` tells the time of day for values that are dates."""
    headers = {}
    if _shown(settings.headers, number, accepted=verdict.accepted):
        remaining = verdict.remaining if verdict.accepted else settings.remaining_on_429
        headers = {
            "X-RateLimit-Limit": str(verdict.limit),
            "X-RateLimit-Period": f"{verdict.period:g}",
            "X-RateLimit-Remaining": str(remaining),
            "X-RateLimit-Name": _NAME,
        }
        reset = _reset(settings.reset, verdict, wall)
        if reset is not None:
            headers["X-RateLimit-Reset"] = reset
    if not verdict.accepted:
        headers |= _retry_after(settings.retry_after, verdict.reset, wall)
    if settings.reset is Reset.EPOCH or settings.retry_after is RetryAfter.DATE:
        headers["Date"] = formatdate(wall(), usegmt=True)  # by the same clock
    return headers


def _shown(policy: HeaderPolicy, number: int, *, accepted: bool) -> bool:
    return {
        HeaderPolicy.ALL: True,
        HeaderPolicy.NONE: False,
        HeaderPolicy.ONLY_429: not accepted,
        HeaderPolicy.SOME: number % 2 == 0,
    }[policy]


def _reset(form: Reset, verdict: Verdict, wall: Callable[[], float]) -> str | None:
    seconds = verdict.reset
    forms = {
        Reset.CEIL: str(math.ceil(seconds)),
        Reset.FLOOR: str(math.floor(seconds)),
        Reset.FLOAT: f"{seconds:.3f}",
        Reset.ZERO: "0",
        Reset.PERIOD: f"{verdict.period:g}",
        Reset.EPOCH: str(math.ceil(wall() + seconds)),
        Reset.GARBAGE: "soon",
    }
    return forms.get(form)


def _retry_after(form: RetryAfter, seconds: float, wall: Callable[[], float]) -> dict[str, str]:
    match form:
        case RetryAfter.NONE:
            return {}
        case RetryAfter.SECONDS:
            return {"Retry-After": str(math.ceil(seconds))}
        case RetryAfter.DATE:
            return {"Retry-After": formatdate(math.ceil(wall() + seconds), usegmt=True)}

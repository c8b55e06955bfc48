"""What the headers of an answer say of the rate limit, in all the forms they are met in.

::

    X-RateLimit-Limit / -Period / -Remaining / -Reset / -Name      the vendor's, documented
    RateLimit-Limit / -Remaining / -Reset                          drafts of the IETF, and proxies
    RateLimit: "default";r=50;t=30                                 later drafts, with
    RateLimit-Policy: "default";q=100;w=10                         the policy beside it
    RateLimit: limit=100, remaining=50, reset=5                    the draft between
    Retry-After: 7 | Wed, 21 Oct 2026 07:28:00 GMT                 RFC 9110

Header values are read defensively: ``7, 7`` where a proxy doubled a line, decimals, epochs.
What cannot be read is None; what is read is clamped to what can be true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

from replay_fetch.api.printable import printable
from replay_fetch.model import RateLimit

_LONGEST_WAIT = 3600.0
_LONGEST_PERIOD = 86_400.0
_MOST = 10**9
# A reset is seconds from now unless it is too large for that: three years, or it counts milliseconds.
_EPOCH_SECONDS = 1e8
_EPOCH_MILLISECONDS = 1e11
# Date is a whole second and an answer may have been on its way for some; clocks that are kept are not further off.
_CLOCK_SLACK = 5.0

_NUMBER = re.compile(r"\s*\+?([0-9]+(?:\.[0-9]*)?)\s*(?:[,;]|$)")
# From the start of a word only and without a way back: 8 kB of letters must not cost half a second.
_PARAMETER = re.compile(r"(?<![a-z])([a-z]++)\s*+=\s*+\"?([0-9.]+)")
# The vendor's header first, then the proxies' and drafts' one.
_LIMIT, _REMAINING, _RESET = ((f"x-ratelimit-{what}", f"ratelimit-{what}") for what in ("limit", "remaining", "reset"))
_SILENT = dict.fromkeys(("limit", "remaining", "reset", "period", "name"), "")
_NOTHING = (None,) * 5
_QUOTED_NAME = re.compile(r'\s*"([^"]*)"')


def rate_limit(headers: Mapping[str, str], *, now_epoch: float) -> RateLimit | None:
    """The limit that ``headers`` (names in lower case) describe; None where they don't.

    ``now_epoch`` is the wall clock, seconds since 1970; only epochs and dates are held against it, and
    not even they where the answer's ``Date`` shows that it is wrong.
    """
    state = _structured(headers)
    limit = _count(_first(headers, _LIMIT) or state["limit"])
    period = _number(headers.get("x-ratelimit-period", "") or state["period"])
    found = RateLimit(
        limit=limit or None,
        period=period if period and period <= _LONGEST_PERIOD else None,
        remaining=_count(_first(headers, _REMAINING) or state["remaining"]),
        reset=_wait(_first(headers, _RESET) or state["reset"], headers, now_epoch),
        retry_after=_wait(headers.get("retry-after", ""), headers, now_epoch),
        name=_readable(headers.get("x-ratelimit-name", "") or state["name"]),
    )
    numbers = (found.limit, found.period, found.remaining, found.reset, found.retry_after)
    return None if numbers == _NOTHING else found


def _first(headers: Mapping[str, str], names: tuple[str, str]) -> str:
    return headers.get(names[0]) or headers.get(names[1]) or ""


@lru_cache(maxsize=16)
def _readable(name: str) -> str:
    return printable(name, 100)


# The same few texts come again and again, and an answer has five of them.
@lru_cache(maxsize=256)
def _number(text: str) -> float | None:
    """The first of the numbers in ``text``; None for garbage and for negative ones."""
    number = _NUMBER.match(text)
    return min(float(number[1]), 1e15) if number else None


def _count(text: str) -> int | None:
    number = _number(text)
    return None if number is None else min(int(number), _MOST)


def _wait(text: str, headers: Mapping[str, str], now_epoch: float) -> float | None:
    """Seconds from now, of a header that gives seconds, an epoch or a date."""
    if not text:
        return None
    number = _number(text)
    if number is None:
        number = _date(text)
    if number is None:
        return None
    if number >= _EPOCH_MILLISECONDS:
        number /= 1000
    if number >= _EPOCH_SECONDS:
        number -= _time_of_day(headers, now_epoch)
    return min(max(number, 0.0), _LONGEST_WAIT)


def _time_of_day(headers: Mapping[str, str], now_epoch: float) -> float:
    """Ours, which is finer, unless the server's ``Date`` is so far from it that one of the two is wrong.

    Then the server's: its epochs and dates were made by the same clock.
    """
    said = _date(headers.get("date", ""))
    return now_epoch if said is None or abs(said - now_epoch) < _CLOCK_SLACK else said


def _date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date."""
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):  # what its hand-made parser lets out
        return None


def _structured(headers: Mapping[str, str]) -> dict[str, str]:
    """The IETF's ``RateLimit`` and ``RateLimit-Policy``, under the names of the separate headers."""
    text, policy_text = headers.get("ratelimit", ""), headers.get("ratelimit-policy", "")
    if not text and not policy_text:
        return _SILENT
    # One item a limit, of which the one with the least left binds; the draft between has one parameter an item.
    limits = [dict(_PARAMETER.findall(item)) | {"name": _name(item)} for item in text.split(",") if ";" in item]
    state = min(limits, key=_left) if limits else dict(_PARAMETER.findall(text))
    policies = [item for item in policy_text.split(",") if item.strip()]
    policy = next((item for item in policies if _name(item) == state.get("name")), policies[0] if policies else "")
    quota = dict(_PARAMETER.findall(policy))
    return {
        "limit": state.get("limit") or quota.get("q") or policy,
        "remaining": state.get("remaining") or state.get("r", ""),
        "reset": state.get("reset") or state.get("t", ""),
        "period": quota.get("w") or quota.get("window", ""),
        "name": state.get("name") or _name(policy),
    }


def _left(limit: Mapping[str, str]) -> float:
    left = _number(limit.get("r", ""))
    return float("inf") if left is None else left


def _name(item: str) -> str:
    quoted = _QUOTED_NAME.match(item)
    return quoted[1] if quoted else ""

"""The rate limit that an answer's headers describe, in all forms met in practice.

::

    X-RateLimit-Limit / -Period / -Remaining / -Reset / -Name      the vendor's, documented
    RateLimit-Limit / -Remaining / -Reset                          drafts of the IETF, and proxies
    RateLimit: "default";r=50;t=30                                 later drafts, with
    RateLimit-Policy: "default";q=100;w=10                         the policy beside it
    RateLimit: limit=100, remaining=50, reset=5                    the draft between
    Retry-After: 7 | Wed, 21 Oct 2026 07:28:00 GMT                 RFC 9110

Header values are read defensively: ``7, 7`` where a proxy doubled a line, decimals, epochs. An unreadable value is
None; a readable value is clamped to the plausible range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache

from replay_fetch.model import RateLimit
from replay_fetch.printable import printable
from replay_fetch.timestamps import epoch_ms

# A day: quotas come by the day at most, and what a 429 orders is waited for.
_LONGEST_WAIT = _LONGEST_PERIOD = 86_400.0
# Of instants that no Date stands beside: a clock of ours that is wrong must not cost more, and then the API is asked
# again.
_LONGEST_UNCHECKED = 3600.0
_MOST = 10**9
# A reset is seconds from now unless it is too large for that: three years, or it counts milliseconds.
_EPOCH_SECONDS = 1e8
_EPOCH_MILLISECONDS = 1e11
# Date is a whole second and an answer may have been on its way for some; clocks that are kept are not further off.
_CLOCK_SLACK = 5.0

_NUMBER = re.compile(r"\s*\+?([0-9]+(?:\.[0-9]*)?)\s*(?:[,;]|$)")
# From the start of a word only and without a way back: 8 kB of letters must not cost half a second.
_PARAMETER = re.compile(r"(?<![a-z])([a-z]++)\s*+=\s*+\"?([0-9.]+)")
# The vendor's headers first, then those of proxies and drafts.
_FIELDS = ("limit", "period", "remaining", "reset", "name")
_VENDORS = tuple(f"x-ratelimit-{field}" for field in _FIELDS)
_OTHERS = {f"ratelimit-{field}": field for field in ("limit", "remaining", "reset")}
_OF_OTHERS = frozenset({*_OTHERS, "ratelimit", "ratelimit-policy"})
_SILENT = dict.fromkeys(_FIELDS, "")
_NOTHING = (None,) * 5
_QUOTED_NAME = re.compile(r'\s*"([^"]*)"')


def rate_limit(headers: Mapping[str, str], *, now_epoch: float) -> RateLimit | None:
    """Read the limit out of ``headers`` (names in lower case); None where the headers describe no limit.

    ``now_epoch`` is the wall clock, seconds since 1970. Only epochs and dates are held against the clock, and not
    even those where the answer's ``Date`` shows that the clock is wrong.
    """
    vendors = map(headers.get, _VENDORS)
    texts = vendors if _OF_OTHERS.isdisjoint(headers) else _completed(vendors, headers)
    limit, period, remaining, reset, name = texts
    retry_after = headers.get("retry-after")
    numbers = (
        _count(limit) or None,
        _period(period),
        _count(remaining),
        _wait(reset, headers, now_epoch) if reset else None,
        _wait(retry_after, headers, now_epoch) if retry_after else None,
    )
    if numbers == _NOTHING:
        return None
    return RateLimit(*numbers, _readable(name or ""), absolute=bool(reset) and _is_whole_second(reset))


def _completed(vendors: Iterable[str | None], headers: Mapping[str, str]) -> Iterable[str | None]:
    """The text of each field: the vendor's header first, then headers of proxies and drafts."""
    said = {field: headers[header] for header, field in _OTHERS.items() if headers.get(header)}
    others = {**_structured(headers), **said}
    return [text or others[field] for field, text in zip(_FIELDS, vendors, strict=True)]


@lru_cache(maxsize=16)
def _readable(name: str) -> str:
    return printable(name, 100)


def _number(text: str | None) -> float | None:
    """The first number in ``text``, at most 10¹⁵; None for garbage and for negative numbers."""
    number = _NUMBER.match(text or "")
    return min(float(number[1]), 1e15) if number else None


# The same few texts come again and again, and an answer has five of them.
_remembered = lru_cache(maxsize=256)


@_remembered
def _count(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else min(int(number), _MOST)


@_remembered
def _period(text: str | None) -> float | None:
    number = _number(text)
    return number if number and number <= _LONGEST_PERIOD else None


@_remembered
def _seconds(text: str) -> float | None:
    """The seconds in a header: a wait, or an instant since 1970, written as seconds, milliseconds or a date."""
    seconds = _number(text)
    if seconds is None:
        return _date(text)
    if seconds < _EPOCH_SECONDS:
        return _clamped(seconds)
    return seconds / 1000 if seconds >= _EPOCH_MILLISECONDS else seconds


@_remembered
def _is_whole_second(text: str) -> bool:
    """True for an instant that is told to the second: constant all through a window, and off by up to a second."""
    seconds = _seconds(text)
    return seconds is not None and seconds > _LONGEST_WAIT and seconds == int(seconds)


def _wait(text: str, headers: Mapping[str, str], now_epoch: float) -> float | None:
    """Convert a header's seconds, epoch or date into seconds from now, at most a day."""
    seconds = _seconds(text)
    if seconds is None or seconds <= _LONGEST_WAIT:
        return seconds
    longest = _LONGEST_WAIT if headers.get("date") else _LONGEST_UNCHECKED
    return min(longest, _clamped(seconds - _time_of_day(headers, now_epoch)))


def _clamped(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _time_of_day(headers: Mapping[str, str], now_epoch: float) -> float:
    """Our clock, which is finer, unless the server's ``Date`` differs by so much that either clock is wrong.

    In doubt the server's clock counts: the server's epochs and dates were made by the same clock.
    """
    said = _date(headers.get("date", ""))
    return now_epoch if said is None or abs(said - now_epoch) < _CLOCK_SLACK else said


def _date(text: str) -> float | None:
    """Seconds since 1970 of an HTTP date, in any of its three forms; None where the text is no date."""
    if not text:
        return None
    try:
        # asctime's form names no zone: RFC 9110 means UTC, and Python would take this machine's.
        return max(0, epoch_ms(parsedate_to_datetime(text))) / 1000
    except (ValueError, TypeError, IndexError, OverflowError):  # what its hand-made parser lets out
        return None


def _structured(headers: Mapping[str, str]) -> dict[str, str]:
    """The IETF's ``RateLimit`` and ``RateLimit-Policy`` headers, under the names of the separate headers."""
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

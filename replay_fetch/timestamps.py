"""Points in time as people write times, in milliseconds since 1970."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

from replay_fetch.errors import SettingsError

_AGO = re.compile(r"now|(?:now-)?(\d{1,9}) ?(sec|s|min|mo|m|h|d|w)")
# A month is 30 days, as long as events are kept; min and mo are how the vendor's own pages write spans of time.
_UNIT_MS = {
    "s": 1_000,
    "sec": 1_000,
    "m": 60_000,
    "min": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
    "mo": 2_592_000_000,
}
# Up to a day's length of digits each: a recording has no more, and a float of them is exact.
_AFTER = re.compile(r"\+(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9}(?:\.\d{1,3})?)s?)?", re.ASCII)
# As a transcript and the player write times.
_CLOCK = re.compile(r"(?:(\d{1,5}):)?(\d{1,7}):([0-5]\d(?:\.\d{1,3})?)", re.ASCII)
_SECONDS = re.compile(r"\d{1,13}(?:\.\d{1,3})?", re.ASCII)
# 1973 in milliseconds and, for a number of seconds, far beyond any recording: what is smaller was meant as seconds.
_FEWEST_MS = 10**11
_LATEST_MS = 253_402_300_799_999  # the end of the year 9999, where dates end


def timestamp_ms(text: str, now_ms: int, flag: str) -> int:
    """Read ``now``, ``now-7d`` or ``7d`` (s m min h d w mo), an ISO date or time, or milliseconds since 1970.

    A time without an offset is UTC, a date is the first moment of the day. Raises SettingsError naming the flag.
    """
    written = text.strip()
    ago = _AGO.fullmatch(written)
    if ago:
        return max(0, now_ms - (int(ago[1]) * _UNIT_MS[ago[2]] if ago[1] else 0))
    if written.isdecimal() and written.isascii() and len(written) != len("20260131"):
        return _checked_ms(int(written), flag, written)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise SettingsError(
            f"{flag} {text!r} is no point in time; write now, now-7d, 30min, 2026-01-31, 2026-01-31T08:00Z "
            "or milliseconds since 1970",
        ) from None
    return epoch_ms(moment)


def place_ms(text: str, start_ms: int, flag: str) -> int:
    """Read a time in a recording: ``90``, ``1:30`` or ``+1m30s`` from the start, or as `timestamp_ms`, except ``now``.

    Raises SettingsError naming the flag.
    """
    written = text.strip()
    after = _AFTER.fullmatch(written) or _CLOCK.fullmatch(written)
    if after and any(after.groups()):
        hours, minutes, seconds = (float(each or 0) for each in after.groups())
        return start_ms + round((hours * 3600 + minutes * 60 + seconds) * 1000)
    if _SECONDS.fullmatch(written) and float(written) < _FEWEST_MS:
        return start_ms + round(float(written) * 1000)
    with suppress(SettingsError):
        if not _AGO.fullmatch(written):
            return timestamp_ms(written, 0, flag)
    raise SettingsError(
        f"{flag} {text!r} is no time; write 90, 1:30 or +1m30s from the recording's start, or 2026-01-31T08:00:05Z"
    )


def epoch_ms(moment: datetime) -> int:
    """Convert a datetime to milliseconds since 1970, rounded down; without an offset, UTC is assumed."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def iso(ms: int) -> str:
    """Write milliseconds since 1970 as ``2026-01-31T08:00:00.123Z``; clamped to the range of dates."""
    seconds, rest = divmod(min(max(ms, 0), _LATEST_MS), 1_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03}Z"


def utc(ms: int) -> str:
    """Write milliseconds since 1970 for people, as ``2026-01-31 08:00:00 UTC``; clamped to the range of dates."""
    return f"{iso(ms)[:19].replace('T', ' ')} UTC"


def _checked_ms(number: int, flag: str, written: str) -> int:
    if number < _FEWEST_MS:
        raise SettingsError(f"{flag} {written[:40]} looks like seconds since 1970; write milliseconds: {number}000")
    if number > _LATEST_MS:
        raise SettingsError(f"{flag} {written[:40]} lies behind the year 9999; write milliseconds since 1970")
    return number

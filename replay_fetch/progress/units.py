"""Numbers as people read numbers: counts, sizes, durations, rates. No program reads the texts back."""

from __future__ import annotations

from collections.abc import Sequence

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def count(number: int) -> str:
    """Write a whole number with commas at each thousand: ``1234567`` → ``1,234,567``."""
    return f"{number:,}"


def few(names: Sequence[object], most: int) -> str:
    """Join names by commas, at ``most`` so many, and count the others: ``2/8, 5/8 and 1,200 more``."""
    more = f" and {count(len(names) - most)} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more


def some(number: int, noun: str, plural: str = "") -> str:
    """Write a number with its noun: ``1 page``, ``1,200 pages``; ``plural`` is given where an s is not enough."""
    return f"{count(number)} {noun if number == 1 else plural or f'{noun}s'}"


def asked(requests: int, rate_limited: int, retries: int) -> str:
    """Write the counts of a run's requests: ``37 requests (1 was 429, 0 retries)``; retries are among the requests."""
    limited = some(rate_limited, "was", "were")
    return f"{some(requests, 'request')} ({limited} 429, {some(retries, 'retry', 'retries')})"


def size(number: float) -> str:
    """Write bytes in powers of 1000, as disks and networks are sold, to a decimal: ``1234567`` → ``1.2 MB``."""
    for unit in _SIZES[:-1]:
        # 999,950 would round to "1000.0 kB"; whole bytes have no decimal to round.
        if number < (1_000 if unit == "B" else 999.95):
            break
        number /= 1_000
    else:
        unit = _SIZES[-1]
    return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"


def duration(seconds: float) -> str:
    """Write seconds in two units: ``3.24`` → ``3.2 s``, ``75`` → ``1 min 15 s``, ``3725`` → ``1 h 2 min``."""
    if seconds < 9.95:  # noqa: PLR2004 - where one decimal would round to 10.0
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def rate(per_second: float) -> str:
    """Write a rate to two figures or more: ``9.83`` → ``9.8/s``, ``12.4`` → ``12/s``, ``0.033`` → ``2.0/min``.

    Below one a second it is a rate a minute: limits of slow APIs are known in that form.
    """
    if per_second >= 9.95:  # noqa: PLR2004 - where one decimal would round to 10.0
        return f"{per_second:,.0f}/s"
    if per_second >= 1 or per_second <= 0:
        return f"{per_second:.1f}/s"
    return f"{per_second * _MINUTE:.1f}/min"

"""Ages and sizes as options take them, and settings written as one would type them."""

from __future__ import annotations

import argparse

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
DAY = _UNITS["d"]


def age(text: str) -> float:
    """Seconds that ``90s``, ``15m``, ``36h`` or ``7d`` stands for."""
    try:
        return float(text[:-1]) * _UNITS[text[-1:]]
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"{text!r} is not an age such as 36h or 7d") from None


def age_text(seconds: float) -> str:
    """Seconds as an age that ``--refresh-window`` takes: ``172800`` → ``2d``, ``129600`` → ``36h``."""
    unit = next((unit for unit in "dhm" if seconds % _UNITS[unit] == 0), "s")
    return f"{seconds / _UNITS[unit]:.15g}{unit}"


def size(text: str) -> int:
    """Bytes that ``256MB``, ``1GB`` or ``256000000`` stands for."""
    number = text.rstrip("kMGB")
    try:
        return int(float(number) * _SIZES[text[len(number) :] or "B"])
    except (KeyError, ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512MB or 1GB") from None


def size_text(number: int) -> str:
    """Bytes as a size that ``--memory-limit`` takes."""
    unit = next(unit for unit in ("GB", "MB", "kB", "B") if number % _SIZES[unit] == 0)
    return f"{number // _SIZES[unit]}{unit}"

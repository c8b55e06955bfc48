"""Another day for every Python process that has this folder on its path: ``ANOTHER_DAY`` is the moment it starts at.

Moved is the wall clock that Python code reads. Certificates, the file system and SQLite keep the machine's day.
"""

from __future__ import annotations

import datetime as dt
import os
import time

_STARTS = dt.datetime.fromisoformat(os.environ["ANOTHER_DAY"]).timestamp()
_SHIFT = _STARTS - float(os.environ.setdefault("ANOTHER_DAY_BEGAN", str(time.time())))
_time, _time_ns = time.time, time.time_ns


class _Moved(dt.datetime):
    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override] # as its base
        return dt.datetime.fromtimestamp(time.time(), tz)


time.time = lambda: _time() + _SHIFT
time.time_ns = lambda: _time_ns() + int(_SHIFT * 1e9)
dt.datetime = _Moved  # type: ignore[misc] # what later imports get

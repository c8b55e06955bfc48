"""A reporter refreshed by the clock, for work that does not run on an event loop."""

from __future__ import annotations

import time
from collections.abc import Callable

from replay_fetch.progress.reporter import Reporter
from replay_fetch.progress.snapshot import Shown


class Pulse:
    """Refreshes a reporter whenever its period has passed; work that ends sooner shows nothing."""

    def __init__(self, shown_by: Reporter | None, moment: Callable[[float], Shown]) -> None:
        """``moment`` is given the seconds since the pulse was made."""
        self._shown_by = shown_by
        self._moment = moment
        self._began = self._last = time.monotonic()
        self._begun = False

    def beat(self) -> None:
        """Call this often: it refreshes the reporter where it is time to."""
        now = time.monotonic()
        if self._shown_by is not None and now - self._last >= self._shown_by.period:
            self._last, self._begun = now, True
            self._shown_by.refresh(self._moment(now - self._began))

    def close(self) -> None:
        """Show the last moment, where there was one before it."""
        if self._shown_by is not None and self._begun:
            self._shown_by.close(self._moment(time.monotonic() - self._began))

"""Windows that are said to be empty though we have hardly spent from them."""

from __future__ import annotations

OURS = 0.1
"""Share of the limit from which on it was us who emptied a window."""
LOOK_AFTER = 0.08
"""Share of the period after which such a window is asked all the same: a sliding limit has given something back."""
RAREST = 64
"""Windows from one such look to the next, at most; each that finds nothing doubles them."""


class EmptyWindow:
    """Decides when to ask a window that somebody else has emptied, so it is said.

    Others may have: then the look costs a 429, and is repeated ever more rarely. Or nothing of a window is there: a
    sliding counter says 0 until the end of what it calls its window while it gives back all the time, and who
    believes it takes half of the limit, alternately all and nothing.
    """

    def __init__(self, period: float) -> None:
        self._period = period
        self._rarely = 1
        self._wait = 2  # not into the first window: how much of it was ours is not known
        """Windows that pass before the next look."""
        self._look_from = 0.0
        """When this window may be asked."""
        self.looked = 0
        """The send number of the look into this window; 0 where there was none."""
        self._may_look = self._found = False
        """The window may be asked; and it gave something before, so that what we spent of it proves nothing."""

    def opened(self, at: float) -> None:
        """The next window begins."""
        self._look_from = at + LOOK_AFTER * self._period
        self.looked, self._found = 0, False
        self._wait -= 1
        self._may_look = self._wait <= 0

    def look_at(self, spent: int, limit: int) -> float:
        """When to ask though nothing remains; infinite where it was us who ``spent`` it."""
        if not self._may_look or (spent >= OURS * limit and not self._found):
            return float("inf")
        return self._look_from

    def sent(self, number: int) -> None:
        """The look leaves."""
        self.looked, self._may_look = number, False

    def answered(self, now: float, *, empty: bool) -> None:
        """The look's answer: the rarer the next one where nothing was to be had, and soon again where something was."""
        self._rarely = min(RAREST, 2 * self._rarely) if empty else 1
        self._wait = self._rarely
        if not empty:
            self._look_from = now + LOOK_AFTER * self._period
            self._may_look = self._found = True

"""How many requests may be on their way at once."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

# A cut is felt at once and regained in some ten answers per slot, so that one fault in a hundred
# leaves about 30 slots in use and one in ten leaves 3 or 4.
CUT = 0.7
GAIN = 0.1


class Concurrency:
    """The slots in use; a fault cuts their number, every answer regains a part of one.

    Timeouts, resets and 5xx say that the server is ill, not that the limit is reached: 429s
    never touch this brake. A cut counts once per episode: faults of requests that left before
    the last cut are the same illness.
    """

    def __init__(self, ceiling: int) -> None:
        self.last = ceiling
        """The send number of the last request that there is a slot for."""
        self._ceiling = ceiling
        self._slots = float(ceiling)
        self._last_cut = float("-inf")

    @property
    def limit(self) -> int:
        """Requests that may be on their way at once, at least 1."""
        return int(self._slots)

    def in_use(self, latest: int) -> int:
        """Requests on their way, by the number of the latest send."""
        return latest - self.last + self.limit

    def answered(self) -> None:
        """A sound answer gives its slot back and regains a part of another."""
        self.last += 1
        if self._slots < self._ceiling:
            self._change(min(self._ceiling, self._slots + GAIN))

    def released(self) -> None:
        """A request that says nothing of the server's health gives its slot back."""
        self.last += 1

    def fault(self, now: float, sent: Sent) -> None:
        """A fault gives its slot back and cuts the others."""
        self.last += 1
        if sent.at > self._last_cut:
            self._change(max(1.0, self._slots * CUT))
            self._last_cut = now

    def _change(self, slots: float) -> None:
        self.last += int(slots) - self.limit
        self._slots = slots

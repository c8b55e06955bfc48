"""Pacing by windows that nobody describes: their rhythm is known, and how much the last full one took."""

from __future__ import annotations

import math

from replay_fetch.pacing.interval import Interval
from replay_fetch.pacing.policy import Sent

FASTEST = 2.0
"""Times the even pace; see WindowPolicy."""
PRICE = 120
"""Requests between two attempts to get more, for each 429 that an attempt costs: two thirds of a percent."""
CERTAINTY = 6
"""How much later the next attempt comes where the limit is known from a 429's headers."""
DOUBT = 4
"""How much sooner the next attempt comes while the windows do not agree on what they take."""
LONGEST_DOUBT = 4
"""Windows after which an attempt is made in doubt, so that a few requests lost to a neighbour are won back."""
SMALL = 10
"""Requests a window below which an attempt is not put off further: a share so small may be a neighbour's leaving."""
SOONEST = 10.0
"""Seconds between attempts at least."""
USUAL_COST, SMOOTHING = 2.0, 0.3
FIRST_EXTRA, EXTRA_GROWTH = 0.02, 4.0
"""An attempt asks for 2 % more; when the window takes that, for 8 %, 32 % and twice as much in the next ones."""
YIELD, STEP = 0.9, 0.5
REBASE = 2.0
AFTER = 1e-6


class SilentWindow:
    """Spends as many requests in each window as the last full one took, evenly; now and then a few more."""

    def __init__(self, period: float, takes: float, limit: int | None = None) -> None:
        self.period = period
        self._limit = limit
        self.takes = max(1.0, takes)
        """Requests that one window accepts from us."""
        self._edge = Interval(0.0, 0.0)
        self._first = self._latest = Sent(0, 0.0)
        self._full = 0
        """Windows spent to the last request since one last ran out."""
        self._settled = self._shared = False
        self._cost = USUAL_COST
        self._rejected: list[Sent] = []

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self._allowance / self.period

    @property
    def left(self) -> int:
        """Requests that may still leave in this window."""
        return max(0, self._allowance - self._used)

    def opened(self, edge: Interval, probe: Sent) -> None:
        """A window begins with an accepted probe; ``edge`` is where it ends."""
        if self._rejected:
            self._settle()
        self._edge, self._first, self._latest, self._full = edge, probe, probe, 0

    def ready_at(self, now: float) -> float:
        """Evenly over what is left of the window; when it is spent, at its end."""
        self._roll(now)
        if self.left == 0:
            return self._edge.centre + AFTER
        pace = self.left / max(self._edge.centre - now, 1e-3)
        return max(now, self._latest.at + 1 / min(pace, FASTEST * self.rate))

    def sent(self, sent: Sent) -> None:
        """It counts as spent."""
        self._roll(sent.at)
        self._latest = sent

    def told(self, limit: int) -> None:
        """A 429 names the limit; a changed one is followed at once."""
        if limit != self._limit:
            self.takes = float(limit)
        self._limit = limit

    def ran_out(self, sent: Sent) -> bool:
        """Notes a 429; False where it is a straggler of the window before.

        So soon after the edge that the server may not have passed it, it means nothing but that.
        """
        if not self._holds(sent):
            return False
        if sent.at > self._edge.late - self.period:
            self._rejected.append(sent)
        return True

    def still_out(self, sent: Sent) -> None:
        """Another 429 while the gate is shut; it adds to the cost where the window ran out."""
        if self._rejected:
            self._rejected.append(sent)

    @property
    def _used(self) -> int:
        return self._latest.number - self._first.number + 1

    @property
    def _allowance(self) -> int:
        if self._shared:
            return int(self.takes + self._full * STEP * math.sqrt(self.takes))
        attempt = self._full - self._patience
        if attempt < 0:
            return int(self.takes)
        return int(self.takes + max(1.0, self.takes * FIRST_EXTRA * EXTRA_GROWTH**attempt))

    @property
    def _patience(self) -> int:
        """Full windows before the next attempt to get more."""
        price = PRICE * CERTAINTY if self._limit is not None and self.takes >= self._limit - 1 else PRICE
        windows = math.ceil(price * self._cost / max(self.takes, SMALL))
        if self._settled:
            return windows
        return max(min(math.ceil(windows / DOUBT), LONGEST_DOUBT), math.ceil(SOONEST / self.period))

    def _holds(self, sent: Sent) -> bool:
        return self._first.number <= sent.number <= self._latest.number

    def _roll(self, now: float) -> None:
        if now < self._edge.centre:
            return
        allowance, full = self._allowance, self._used >= int(self.takes)
        windows = 1 + (now - self._edge.centre) // self.period
        self._edge = self._edge.shifted(windows * self.period)
        self._first = Sent(self._latest.number + 1, now)
        self._full += full
        if allowance >= REBASE * self.takes:
            self.takes, self._full = allowance, self._patience

    def _settle(self) -> None:
        """The window that ran out took what was sent in it and not rejected."""
        took = self._used - sum(self._holds(sent) for sent in self._rejected)
        blur = max(min(1.5, 0.2 * self.takes), 0.02 * self.takes, self._edge.width * self.rate)
        self._settled = abs(took - self.takes) <= blur
        self._shared = self._allowance <= int(self.takes) and took < self.takes - blur
        self.takes = max(1.0, took * (YIELD if self._shared else 1.0))
        self._cost += SMOOTHING * (len(self._rejected) - self._cost)
        self._rejected.clear()

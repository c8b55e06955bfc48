"""When the server's window ends, learned from headers that say it in whole seconds."""

from __future__ import annotations

from replay_fetch.pacing.interval import Interval

# Two clocks drift apart by up to 50 ppm each; what was learned loses that much of its sharpness.
DRIFT = 1e-4
# Of n answers, at fractions of a second as good as random, the best lies within 10/n s of what it
# could say at most with a probability of 1 - exp(-10).
BEST_OF = 10.0


class WindowClock:
    """Narrows down when windows of one period end; they follow each other without a gap.

    An answer says the window ends ``reset`` seconds after some moment between send and receipt,
    in whole seconds rounded one way or the other. Each is an interval, and all of them meet in
    one instant modulo the period. Using ``reset`` as it stands costs 8 to 15 % of the limit.
    """

    def __init__(self, period: float) -> None:
        self.period = period
        self.edge: Interval | None = None
        """Where the window of the latest answer ends."""
        self._learned_at = 0.0
        self._answers = 0
        self._floors = False
        self._ceils = False
        self._whole = True

    def learn(self, sent_at: float, now: float, reset: float) -> float:
        """Takes one answer in; returns from when on a request is sure to be counted in the next window.

        That is a little before the window ends: a request is counted when it arrives. The early
        bounds, ``send + reset``, come up to the edge less the shortest way there as answers add up,
        the late ones to the edge plus the shortest way back, which may be far more.
        """
        edge = self.narrow(now, self._seen(sent_at, now, reset))
        self._answers += 1
        return min(edge.late, edge.early + BEST_OF / self._answers)

    def doubt(self) -> float:
        """The end of the latest answer's window at its latest: a request sent after it seemed over was counted in it.

        What the number of answers seemed to say is taken back.
        """
        self._answers = 0
        return self.edge.late if self.edge else 0.0

    def narrow(self, now: float, seen: Interval) -> Interval:
        """Takes in that a window ends somewhere in ``seen``; returns where, by all that is known."""
        if self.edge is not None:
            windows = round((seen.centre - self.edge.centre) / self.period)
            known = self.edge.shifted(windows * self.period).widened(DRIFT * (now - self._learned_at))
            both = known.overlap(seen)
            if both.width < 0:  # a counter was moved, or a node's clock is off
                both, self._answers = min(known, seen, key=lambda interval: interval.width), 0
            seen = both
        self.edge, self._learned_at = seen, now
        return seen

    def _seen(self, sent_at: float, now: float, reset: float) -> Interval:
        """What one answer says; a 0 is only seen where seconds are cut off, a whole period where rounded up."""
        self._floors = self._floors or reset < 1
        self._ceils = self._ceils or reset >= self.period
        self._whole = self._whole and reset == int(reset)
        # 1. fractions are exact  2. rounded to the nearest  3. cut off  4. rounded up  5. not known yet
        if not self._whole:
            early, late = 0.0, 0.0
        elif self._floors and self._ceils:
            early, late = -0.5, 0.5
        elif self._floors:
            early, late = 0.0, 1.0
        elif self._ceils:
            early, late = -1.0, 0.0
        else:
            early, late = -1.0, 1.0
        return Interval(sent_at + reset + early, now + reset + late)

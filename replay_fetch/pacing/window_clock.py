"""The clock of a server's windows: when a window ends, learned from headers in whole seconds."""

from __future__ import annotations

# Two clocks drift apart by up to 50 ppm each; knowledge of the edge loses that much of its sharpness.
DRIFT = 1e-4
# Of n answers, at fractions of a second as good as random, the best lies within 10/n s of the most it could say, with
# a probability of 1 - exp(-10).
BEST_OF = 10.0


class WindowClock:
    """Narrows down when windows of a period end, in seconds of our clock; windows follow each other without a gap.

    By an answer the window ends ``reset`` seconds after some moment between send and receipt, in whole seconds rounded
    up or down. Each answer is an interval, and all intervals meet in one instant modulo the period. Using ``reset`` as
    it stands costs 8 to 15 % of the limit.
    """

    def __init__(self, period: float) -> None:
        self.period = period
        # The bounds of the edge, as of ``_learned_at``.
        self._early = self._late = 0.0
        self._learned_at: float | None = None
        self._answers = 0
        self.contradicted = False
        """The latest answer and those before it cannot both be true."""
        # That of the latest answer.
        self._reset: float | None = None
        self._floors = False
        self._ceils = False
        self._whole = True
        # How much longer than ``reset`` a window lasts at least and at most.
        self._least_more, self._most_more = -1.0, 1.0

    def learn(self, sent_at: float, now: float, reset: float, *, absolute: bool = False) -> float:
        """Take in one answer; return from when on a request is sure to be counted in the next window.

        An ``absolute`` reset is a second of the day in which, or before which, the window ends: the number is the same
        all through the window, and only the side of the edge on which requests were counted narrows the edge down.
        """
        # The returned moment is a little before the window ends, for a request is counted when it arrives. The early
        # bounds, ``send + reset``, come up to the edge less the shortest way there as answers add up; the late bounds
        # to the edge plus the shortest way back, which may be far more.
        if absolute:
            # The middle: a request that leaves then arrives a little later. The late bound holds the way back as
            # well, and cost 1.0 % of the limit; the middle costs 0.3 %, and no 429.
            self.narrow(now, max(sent_at, now + reset - 1), min(now + self.period, now + reset + 1))
            return (self._early + self._late) / 2
        if reset != self._reset:  # many answers are of the same second
            self._reset = reset
            self._learn_rounding(reset)
        return self.narrow(now, sent_at + reset + self._least_more, now + reset + self._most_more)

    def doubt(self) -> float:
        """Take in a request sent after the edge and counted before; return the edge at the latest.

        The sharpness drawn from the number of answers is taken back.
        """
        self._answers = 0
        return self._late

    def narrow(self, now: float, early: float, late: float) -> float:
        """Take in an interval for the window's end, from ``early`` to ``late``; return the latest possible end."""
        if self._learned_at is not None:
            twice_later = (early + late) - (self._early + self._late)
            if abs(twice_later) > self.period:  # of another window
                windows = round(twice_later / 2 / self.period)
                self._early += windows * self.period
                self._late += windows * self.period
            drift = DRIFT * (now - self._learned_at)
            known_early, known_late = self._early - drift, self._late + drift
            latest_early, earliest_late = max(known_early, early), min(known_late, late)
            self.contradicted = latest_early > earliest_late
            if not self.contradicted:
                early, late = latest_early, earliest_late
            else:  # a counter was moved, or a node's clock is off: the sharper of the two is believed
                self._answers = 0
                if known_late - known_early <= late - early:
                    early, late = known_early, known_late
        self._early, self._late, self._learned_at = early, late, now
        self._answers = answers = self._answers + 1
        return min(late, early + BEST_OF / answers)

    def _learn_rounding(self, reset: float) -> None:
        # A 0 is only seen where seconds are cut off, a whole period where they are rounded up.
        self._floors = self._floors or reset < 1
        self._ceils = self._ceils or reset >= self.period
        self._whole = self._whole and reset == int(reset)
        # 1. fractions are exact  2. rounded to the nearest  3. cut off  4. rounded up  5. not known yet
        if not self._whole:
            more = 0.0, 0.0
        elif self._floors and self._ceils:
            more = -0.5, 0.5
        elif self._floors:
            more = 0.0, 1.0
        elif self._ceils:
            more = -1.0, 0.0
        else:
            more = -1.0, 1.0
        self._least_more, self._most_more = more

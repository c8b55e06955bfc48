"""One episode: the limit was reached, the gate shut, and opened again."""

from __future__ import annotations

from dataclasses import dataclass

# A gate shut longer than this was shut by a window that ran out; shorter, by a bucket that refills.
WINDOW_LIKE = 1.2
# What is accepted by a bucket is measured over this many seconds: more of them smooth, fewer are current.
SHORTEST, USUAL = 3.0, 10.0


@dataclass(frozen=True, slots=True)
class Episode:
    """Times of one episode; ``before`` and ``older`` are the openings of the two before it."""

    shut_at: float
    noticed_at: float
    """When the answer to the accepted probe came."""
    opened_at: float
    """Between the last rejected and the accepted request."""
    before: float | None = None
    older: float | None = None

    @property
    def window_like(self) -> bool:
        """True where the gate was shut for longer than a bucket takes to refill."""
        return self.noticed_at - self.shut_at >= WINDOW_LIKE

    def stretch(self, first: float) -> tuple[float, float]:
        """Where to count what was accepted, to know the rate that the limit allows.

        1. A window: from opening to opening; where that is mostly time in which the limit was not
        reached, its last part. 2. A bucket: the last ten seconds before the gate shut, or less in
        the beginning; with the shut time of the episode before, where that lies in them.
        ``first`` is when the first accepted request left.
        """
        if self.before is not None and self.window_like:
            shut_for = self.noticed_at - self.shut_at
            longest = 4 * shut_for + USUAL
            if self.opened_at - self.before > longest:
                return self.opened_at - max(2 * shut_for, USUAL), self.opened_at
            return self.before, self.opened_at
        start = self.shut_at - max(SHORTEST, min(USUAL, self.shut_at - first))
        if self.before is not None and self.before > start:
            start = min(start, first if self.older is None else self.older)
        return start, self.shut_at

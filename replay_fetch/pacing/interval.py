"""A stretch of time that holds an instant which is not known exactly."""

from __future__ import annotations

from typing import NamedTuple


class Interval(NamedTuple):
    """A stretch of time that holds the instant looked for."""

    early: float
    late: float

    @property
    def centre(self) -> float:
        """The middle."""
        return (self.early + self.late) / 2

    @property
    def width(self) -> float:
        """Its length; negative where two readings contradict each other."""
        return self.late - self.early

    def shifted(self, by: float) -> Interval:
        """The same stretch ``by`` seconds later."""
        return Interval(self.early + by, self.late + by)

    def overlap(self, other: Interval) -> Interval:
        """What both hold."""
        return Interval(max(self.early, other.early), min(self.late, other.late))

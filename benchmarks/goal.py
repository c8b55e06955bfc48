"""A figure that is meant to be reached, held against what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.results import spread


@dataclass(frozen=True)
class Goal:
    """What was measured, once a round, and the limit that its median is held against."""

    what: str
    limit: float
    measured: Sequence[float]
    form: str
    command: str
    """Arguments of ``python -m benchmarks`` that measure it alone."""
    least: bool = False
    """The limit is the least that it should be, not the most."""

    @property
    def missed(self) -> bool:
        """Nothing measured is nothing missed."""
        if not self.measured:
            return False
        middle = median(self.measured)
        return middle < self.limit if self.least else middle > self.limit

    def cells(self) -> Sequence[str]:
        reach = f"{'≥' if self.least else '≤'} {self.form.format(self.limit)}"
        measured = spread(self.measured, self.form) + (" **missed**" if self.missed else "")
        return self.what, reach, measured, f"`python -m benchmarks {self.command}`"

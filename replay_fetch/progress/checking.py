"""One moment of reading an archive again, in words for the bar and the log lines."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.progress.units import count, duration, size


@dataclass(frozen=True, slots=True)
class CheckingMoment:
    """How far reading has come; sizes in bytes, seconds since its start."""

    total: int
    done: int
    findings: int
    seconds: float

    def words(self) -> list[str]:
        """What to say, the most important first."""
        per_second = self.done / self.seconds if self.seconds > 0 else 0.0
        said = [f"{size(self.done)} of {size(self.total)} checked"]
        if self.findings:
            said.append(f"{count(self.findings)} wrong")
        said.append(f"{size(per_second)}/s")
        if per_second:
            said.append(f"{duration(max(self.total - self.done, 0) / per_second)} left")
        return said

    def fields(self) -> dict[str, int | float | None]:
        """The same as numbers."""
        return {
            "bytes_total": self.total,
            "bytes_checked": self.done,
            "findings": self.findings,
            "seconds": round(self.seconds, 1),
        }

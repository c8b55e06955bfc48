"""The states of work over files, as a bar or log lines show them: a list, a check, a copy of recordings."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.progress.units import count, duration, size, some


@dataclass(frozen=True, slots=True)
class CheckSnapshot:
    """A check of an archive at a moment: ``done`` of ``total`` bytes are read, in ``seconds`` since the start."""

    total: int
    done: int
    findings: int
    seconds: float

    def words(self) -> list[str]:
        """Words for people, the most important first."""
        per_second = self.done / self.seconds if self.seconds > 0 else 0.0
        said = [f"{size(self.done)} of {size(self.total)} checked"]
        if self.findings:
            said.append(f"{count(self.findings)} wrong")
        said.append(f"{size(per_second)}/s")
        if per_second:
            said.append(f"{duration(max(self.total - self.done, 0) / per_second)} left")
        return said

    def fields(self) -> dict[str, int | float | None]:
        """The figures by name, for lines of JSON; sizes are bytes, times are seconds."""
        return {
            "bytes_total": self.total,
            "bytes_checked": self.done,
            "findings": self.findings,
            "seconds": round(self.seconds, 1),
        }


@dataclass(slots=True)
class CopySnapshot:
    """Recordings on their way into a page or a copy: ``done`` of ``total`` bytes are read, ``written`` are written."""

    total: int
    done: int = 0
    written: int = 0
    seconds: float = 0.0

    def words(self) -> list[str]:
        """Words for people, the most important first."""
        return [f"{size(self.done)} of {size(self.total)} read", f"{size(self.written)} written"]

    def fields(self) -> dict[str, int | float | None]:
        """Named numbers for programs; bytes."""
        return {"bytes_total": self.total, "bytes_read": self.done, "bytes_written": self.written}


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """The reading of a list at a moment: ``done`` of ``total`` bytes of its files, packed or not; 0 of 0 of a pipe."""

    total: int
    done: int
    rows: int
    of: str = "list"

    def words(self) -> list[str]:
        """Words for people, the most important first."""
        share = [f"{size(self.done)} of {size(self.total)}"] if self.total else []
        return [f"{some(self.rows, 'row')} of the {self.of} read", *share]

    def fields(self) -> dict[str, int | float | None]:
        """Named numbers for programs; bytes."""
        return {"rows_read": self.rows, "bytes_read": self.done, "bytes_total": self.total}

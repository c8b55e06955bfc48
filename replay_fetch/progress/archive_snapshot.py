"""The states of work over files, as a bar or log lines show them: a list, a check, a copy of recordings."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.progress.units import count, duration, size, some


@dataclass(frozen=True, slots=True)
class CheckSnapshot:
    """A check of an archive at one time: ``done`` of ``total`` bytes are read, in ``seconds`` since the start.

    Bytes are those of the files, packed or not: verify reads each once, at the speed of the disk or of the hash.
    """

    total: int
    done: int
    findings: int
    seconds: float

    def words(self) -> list[str]:
        """Words for people, the most important first: bytes, findings, speed, time left."""
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
    """Recordings on their way into a page or a copy: ``done`` of ``total`` bytes are read, ``written`` are written.

    Read bytes are segments, unpacked; written bytes lie in the page or the copy.
    """

    total: int
    done: int = 0
    written: int = 0
    seconds: float = 0.0

    def words(self) -> list[str]:
        """Words for people, the most important first: bytes read of how many, and bytes written."""
        return [f"{size(self.done)} of {size(self.total)} read", f"{size(self.written)} written"]

    def fields(self) -> dict[str, int | float | None]:
        """Named numbers for programs; sizes are bytes."""
        return {"bytes_total": self.total, "bytes_read": self.done, "bytes_written": self.written}


@dataclass(frozen=True, slots=True)
class ListSnapshot:
    """The reading of a list: ``done`` of ``total`` bytes of its files, packed or not; 0 of 0 of a pipe.

    ``of`` is the word for the list in messages, such as an export of events.
    """

    total: int
    done: int
    rows: int
    of: str = "list"

    def words(self) -> list[str]:
        """Words for people, the most important first: rows, and bytes unless the list is a pipe."""
        share = [f"{size(self.done)} of {size(self.total)}"] if self.total else []
        return [f"{some(self.rows, 'row')} of the {self.of} read", *share]

    def fields(self) -> dict[str, int | float | None]:
        """Named numbers for programs; sizes are bytes, 0 for the total of a pipe."""
        return {"rows_read": self.rows, "bytes_read": self.done, "bytes_total": self.total}

"""Look at a run that is going on: its progress by the ledger, read-only, and the process that holds the lock.

Two looks make a speed. A look sums in SQLite, and takes about a second for each million views of the list.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import holder
from replay_fetch.archive.shelf import DiskShelf, readable
from replay_fetch.errors import SettingsError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.ledger.totals import Reason, Totals
from replay_fetch.printable import as_argument


@dataclass(frozen=True, slots=True)
class Look:
    """The state of an archive's newest list at a time, in seconds of the caller's clock, and who works on it."""

    root: Path
    at: float
    running: str | None
    """The process that writes to the archive, such as ``pid 7 on host``; None where no run is going on."""
    totals: Totals | None
    """None while the first list of an archive is being read."""
    reasons: Sequence[Reason] = field(default=())
    before: Look | None = None
    """The look before, by which the speed is told."""

    @property
    def pages_per_s(self) -> float | None:
        """Pages that became durable each second since the look before; None at the first look."""
        return self._per_second("pages")

    @property
    def bytes_per_s(self) -> float | None:
        """Bytes of lines, uncompressed, that became durable each second since the look before."""
        return self._per_second("size")

    @property
    def seconds_left(self) -> float | None:
        """Forecast when all views of the list are finished, as fast as since the look before; None where none were."""
        rate = self._per_second("finished")
        return (self.totals.views - self.totals.finished) / rate if self.totals and rate else None

    def fields(self) -> dict[str, object]:
        """Return the look for programs; seconds, bytes, per second, None where no figure is known."""
        totals = self.totals or Totals()
        return {
            "archive": str(self.root),
            "running": self.running,
            "views": totals.views,
            "finished": totals.finished,
            "unasked": totals.unasked,
            "outcomes": totals.outcomes,
            "segments": totals.segments,
            "bytes": totals.size,
            "pages_per_s": _rounded(self.pages_per_s),
            "bytes_per_s": _rounded(self.bytes_per_s),
            "seconds_left": _rounded(self.seconds_left),
            "reasons": [reason._asdict() for reason in self.reasons],
        }

    def _per_second(self, name: str) -> float | None:
        before = self.before
        if before is None or before.totals is None or self.totals is None or self.at <= before.at:
            return None
        # Less than before where a view that was asked for again took the place of what there was.
        return max(float(getattr(self.totals, name) - getattr(before.totals, name)), 0.0) / (self.at - before.at)


def look(root: Path, at: float, before: Look | None) -> Look:
    """Look at the newest list and at the lock.

    Raises ArchiveError where there is no archive, or a damaged ledger, and SettingsError for an archive of shards.
    """
    if readable(DiskShelf(root)).shards():
        raise SettingsError(
            f"{root} has shards: `replay-fetch status {as_argument(root)}` tells the state of each, without --watch"
        )
    layout = Layout(root)
    # The lock first: a run that ends in between is then seen once more, and never missed.
    running = holder(layout.lock)
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        number = ledger.newest_list()
        totals = None if number is None else ledger.totals(number)
        reasons = () if number is None else ledger.reasons(number)
    # Only one look back is kept: a chain of all looks would grow for as long as the run lasts.
    return Look(root, at, running, totals, reasons, before and _alone(before))


def last_run_ended(ledger: Ledger, layout: Layout) -> tuple[bool | None, int | None]:
    """Tell whether the last run of an archive came to its end, and when a killed one last wrote, in ms since 1970.

    Ask only while nobody holds the lock. None where the ledger is of no run: new, or made by a rebuild.
    """
    state = ledger.setting(Setting.STATE)
    if state != State.RUNNING:
        return (True if state in {State.CLEAN, State.LOADED} else None), None
    # The write-ahead log has what a killed run wrote last. Reading makes an empty one for as long as it takes.
    files = (layout.ledger, layout.ledger.with_name(f"{layout.ledger.name}-wal"))
    there = [about for file in files if file.exists() and (about := file.stat()).st_size]
    return False, max((about.st_mtime_ns // 1_000_000 for about in there), default=None)


def _alone(look: Look) -> Look:
    return Look(look.root, look.at, look.running, look.totals, look.reasons)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 2)

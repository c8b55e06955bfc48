"""``export``: an archive's views, segments and actions as tables for DuckDB and pandas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from replay_fetch.archive import entries, readable
from replay_fetch.archive.durable import explained
from replay_fetch.errors import SettingsError
from replay_fetch.inspect.tables import action_rows, segment_rows, view_row
from replay_fetch.progress import Pulse, Reporter
from replay_fetch.progress.units import duration, size, some


class Exported(NamedTuple):
    """A table that was written."""

    path: Path
    rows: int


@dataclass(frozen=True, slots=True)
class ExportMoment:
    """How far reading has come; sizes in bytes, seconds since its start."""

    total: int
    done: int
    segments: int
    seconds: float

    def words(self) -> list[str]:
        """What to say, the most important first."""
        per_second = self.done / self.seconds if self.seconds else 0.0
        said = [f"{size(self.done)} of {size(self.total)} read", some(self.segments, "segment")]
        if per_second:
            said += [f"{size(per_second)}/s", f"{duration((self.total - self.done) / per_second)} left"]
        return said

    def fields(self) -> dict[str, int | float | None]:
        """The same as numbers."""
        return {"bytes_total": self.total, "bytes_read": self.done, "segments": self.segments}


def export_parquet(out: Path, folder: Path, shown_by: Reporter | None) -> list[Exported]:
    """Write ``views.parquet``, ``segments.parquet`` and ``actions.parquet`` into ``folder``, made if it is not there.

    Memory does not grow with the archive. Raises SettingsError where pyarrow is missing, ArchiveError
    where the archive cannot be read or the files cannot be written.
    """
    from replay_fetch.inspect.parquet import ACTIONS, SEGMENTS, VIEWS, Table  # noqa: PLC0415 - an optional extra

    layout = readable(out)
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--parquet {folder} is a file; it must be a folder, made if it is not there")
    with explained(f"making {folder}"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    total = sum(file.stat().st_size for file in layout.sessions.glob("*")) if shown_by else 0
    done = 0
    views, segments = Table(folder / "views.parquet", VIEWS), Table(folder / "segments.parquet", SEGMENTS)
    pulse = Pulse(shown_by, lambda seconds: ExportMoment(total, done, segments.rows, seconds))
    actions = Table(folder / "actions.parquet", ACTIONS)
    with views, segments, actions:
        for entry in entries(layout):
            views.add(view_row(entry))
            for row in segment_rows(out, entry):
                segments.add(row)
            for row in action_rows(out, entry):
                actions.add(row)
            done += entry.span.length if entry.span else 0
            pulse.beat()
    pulse.close()
    return [Exported(table.path, table.rows) for table in (views, segments, actions)]

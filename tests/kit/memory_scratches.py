"""A scratch without files or a database: what an archive's side of a keep has to do, in the fewest words."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path

from replay_fetch.model import View, ViewRecord
from replay_fetch.store.entries import (
    Entry,
    LoggedList,
    LoggedObject,
    LoggedPart,
    LoggedRemoval,
    LoggedSetting,
    LoggedView,
)
from replay_fetch.store.lists import ListRow


class MemoryScratch:
    """The ledger of one machine, as dictionaries."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.rows: dict[View, int] = {}
        self.lists: dict[int, str] = {}
        self.records: dict[int, ViewRecord] = {}
        self.objects: dict[str, LoggedObject] = {}
        self.parts: dict[int, list[LoggedPart]] = {}
        self.settings: dict[str, str] = {}

    @property
    def temporary(self) -> Path:
        return self._folder

    def begin(self, ledger: Path | None) -> None:
        if ledger is not None:
            kept = pickle.loads(ledger.read_bytes())  # noqa: S301 - our own bytes
            self.rows, self.lists, self.records, self.objects, self.parts, self.settings = kept

    def snapshot(self, target: Path) -> None:
        kept = (self.rows, self.lists, self.records, self.objects, self.parts, self.settings)
        target.write_bytes(pickle.dumps(kept))

    def load(self, logged: LoggedList, rows: Iterable[ListRow]) -> None:
        assert logged.number == len(self.lists) + 1
        before, count = max(self.rows.values(), default=0), 0
        for _, view, _, _ in rows:
            count += 1
            self.rows.setdefault(view, before + count)
        assert count == logged.rows
        self.lists[logged.number] = logged.fingerprint

    def lay(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            match entry:
                case LoggedView(record):
                    self.record(record)
                case LoggedObject(name):
                    self.objects[name] = entry
                case LoggedPart(row, part):
                    places = [place for place in self.parts.get(row, []) if place.part == part]
                    self.parts[row] = [*(place for place in places if place.start < entry.start), entry]
                case LoggedRemoval(name):
                    self.objects.pop(name, None)
                case LoggedSetting(name, value):
                    self.settings[name] = value
                case _:
                    raise AssertionError(entry)

    def record(self, record: ViewRecord) -> None:
        self.records[record.planned.row] = record
        kept = [] if record.whole else self.places(record.planned.row, record.part)
        self.parts.pop(record.planned.row, None)
        if kept:
            self.parts[record.planned.row] = list(kept)

    def stored(self, name: str) -> LoggedObject | None:
        return self.objects.get(name)

    def unpublished(self) -> Sequence[LoggedObject]:
        return [stored for stored in self.objects.values() if stored.staged]

    def places(self, row: int, part: int) -> Sequence[LoggedPart]:
        return [place for place in self.parts.get(row, []) if place.part == part]

    def places_in(self, blob: str) -> Sequence[LoggedPart]:
        return [place for places in self.parts.values() for place in places if place.blob == blob]

    def blobs(self) -> set[str]:
        return {place.blob for places in self.parts.values() for place in places}

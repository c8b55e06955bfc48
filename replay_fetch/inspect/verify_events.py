"""The verification of sessions' RUM events: each file against its record, the manifest of events, and extra files."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from replay_fetch.archive.compress import require
from replay_fetch.archive.events_manifest import read_events_line, read_events_manifest
from replay_fetch.archive.layout import EVENTS, EVENTS_MANIFEST, Layout
from replay_fetch.archive.manifest import BadLine
from replay_fetch.archive.read.events import check_events
from replay_fetch.archive.read.verify import Finding, Problem, unnamed_files
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import lines_of
from replay_fetch.events_record import EventsRecord
from replay_fetch.inspect.ledger_snapshot import LedgerSnapshot
from replay_fetch.settings import Compression

_OF_NO_VIEW = "no view of the archive is of its session"


@dataclass(slots=True)
class EventsCheck:
    """Checks an archive's events against the ledger where it is sound, else against the manifest of events."""

    shelf: Shelf
    files: int = 0
    size: int = 0
    """Bytes of the files that were read."""
    quick: bool = False
    """Names and sizes alone are checked, and no file of events is read."""
    known: Container[str] | None = None
    """Ids of the sessions of the archive's manifest; None where it does not tell them all."""
    compression: Compression | None = None
    """Of the files that the manifest names; None where it names none."""
    _named: set[str] = field(default_factory=set)
    _wrong: list[Finding] = field(default_factory=list)
    _sizes: dict[str, int] | None = None

    def __post_init__(self) -> None:
        """List the files where their names and sizes are what is checked."""
        if self.quick:
            self._sizes = {file.name: file.size for file in self.shelf.files(EVENTS)}

    def by_ledger(self, snapshot: LedgerSnapshot) -> Iterator[Finding]:
        """Find what is wrong by the ledger's word; the manifest of a killed run is behind, and is not looked at."""
        final = Layout(Path(), snapshot.compression)
        for record, name in snapshot.events():
            # Where a session's newer events are staged, the file under its name is the one before.
            self._named.update([final.events_name(record.session_id)] if record.size else [])
            if finding := self._check(record, name, snapshot.compression):
                yield finding
            elif record.size and not snapshot.plans(record.session_id):
                yield Finding(Problem.EXTRA, name, _OF_NO_VIEW)
        if snapshot.run_ended:
            yield from self._manifest_differs(snapshot)
        yield from self._extra()

    def by_manifest(self) -> Iterator[Finding]:
        """Find what is wrong by the word of the manifest of events alone."""
        for _ in self.records():
            pass
        yield from self.findings()

    def records(self) -> Iterator[EventsRecord]:
        """Give the manifest's records whose files are good; `findings` has the others, behind the last."""
        seen: set[str] = set()
        for line in read_events_manifest(self.shelf):
            if isinstance(line, BadLine):
                self._wrong.append(self._of_manifest(line.number, line.reason))
                continue
            record, compression = line
            if record.session_id in seen:
                again = f"session {record.session_id} comes a second time"
                self._wrong.append(self._of_manifest(record.session, again))
                continue
            seen.add(record.session_id)
            self.compression = compression if record.size else self.compression
            wrong = self._check(record, Layout(Path(), compression).events_name(record.session_id), compression)
            if wrong is None and record.size and self.known is not None and record.session_id not in self.known:
                name = Layout(Path(), compression).events_name(record.session_id)
                wrong = Finding(Problem.EXTRA, name, _OF_NO_VIEW)
            if wrong is None:
                yield record
            else:
                self._wrong.append(wrong)

    def findings(self) -> list[Finding]:
        """Return what `records` passed over, and the files that no line names."""
        return [*self._wrong, *self._extra()]

    def _of_manifest(self, number: int, reason: str) -> Finding:
        return Finding(Problem.DAMAGED, EVENTS_MANIFEST, f"line {number}: {reason}")

    def _check(self, record: EventsRecord, name: str, compression: Compression) -> Finding | None:
        if not record.size:
            return None
        require(compression)
        self._named.add(name)
        self.files += 1
        self.size += record.length
        return check_events(self.shelf, name, record, compression, self._sizes)

    def _manifest_differs(self, snapshot: LedgerSnapshot) -> Iterator[Finding]:
        """Find the first line that does not follow from the ledger's records."""
        records = snapshot.events()
        if not self.shelf.is_file(EVENTS_MANIFEST):
            if next(records, None) is not None:
                yield Finding(Problem.MISSING, EVENTS_MANIFEST, "no such file")
            return
        number = 0
        try:
            for number, text in enumerate(lines_of(self.shelf.blocks(EVENTS_MANIFEST)), start=1):
                known, there = next(records, None), read_events_line(number, text)
                if known is None or isinstance(there, BadLine) or not _same(known[0], there[0]):
                    yield Finding(Problem.DAMAGED, EVENTS_MANIFEST, f"line {number} is not what the ledger says")
                    return
        except ValueError as error:
            yield Finding(Problem.DAMAGED, EVENTS_MANIFEST, f"line {number + 1}: {error}")
            return
        if next(records, None) is not None:
            yield Finding(Problem.DAMAGED, EVENTS_MANIFEST, f"line {number + 1} is lacking")

    def _extra(self) -> Iterator[Finding]:
        for name in unnamed_files(self.shelf, EVENTS, self._named):
            yield Finding(Problem.EXTRA, name, "no session of the manifest of events lies in it")


def _same(known: EventsRecord, there: EventsRecord) -> bool:
    """Tell whether two records agree in all that a line tells."""
    names = ("session_id", "outcome", "reason", "events", "size", "sha256", "length", "stored_sha256")
    return all(getattr(known, name) == getattr(there, name) for name in names)

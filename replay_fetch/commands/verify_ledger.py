"""What a ledger says of an archive's files: while the manifest is behind, only it knows of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path

import orjson
from msgspec.structs import replace as with_values

from replay_fetch.archive import BadLine, Entry, Layout, read_manifest
from replay_fetch.archive.folder import has_files
from replay_fetch.archive.manifest import manifest_line
from replay_fetch.archive.reading import read_line
from replay_fetch.archive.sweep import Session
from replay_fetch.archive.verifying import Finding, Problem
from replay_fetch.errors import ArchiveError
from replay_fetch.ledger import DamagedLedger, Ledger
from replay_fetch.ledger.setting import Setting, State
from replay_fetch.model import EXPECTED, Span, ViewRecord
from replay_fetch.settings import Compression


class Account:
    """An archive's ledger, read only; one that is damaged, or not there, says nothing."""

    def __init__(self, layout: Layout) -> None:
        self.run_ended = True
        """False where the last run was killed: it may have written more than the ledger knows of."""
        self.half_rebuilt = False
        """A rebuild was killed behind its new ledger."""
        self.complaint: Finding | None = None
        """Why it cannot be believed."""
        self._layout = layout
        self._ledger: Ledger | None = None
        self._may_be_behind = frozenset[str]()
        """Keys of the manifest that hang on a list which came in since it was written."""
        with self._noting():
            if layout.ledger.is_file() or not has_files(layout):
                self._ledger = Ledger.open_read_only(layout.ledger)
                if self._ledger.blank and has_files(layout):
                    raise DamagedLedger(layout.ledger, "empty, and the archive has files")
                self._ledger.check()
                state = self._ledger.setting(Setting.STATE)
                self.run_ended = state in {State.CLEAN, State.LOADED}
                self.half_rebuilt = state == State.REBUILT
                if state == State.LOADED:
                    self._may_be_behind = frozenset({EXPECTED})
                compression = Compression(self._ledger.setting(Setting.COMPRESSION) or Compression.NONE)
                self._layout = replace(layout, compression=compression)

    def close(self) -> None:
        """Let go of the ledger."""
        if self._ledger is not None:
            self._ledger.close()

    @property
    def blank(self) -> bool:
        """True where nothing was ever kept: a first run was killed before it came to that."""
        return self._ledger is not None and self._ledger.blank

    @property
    def leads(self) -> bool:
        """True where it knows more than the manifest: that is written when a run ends."""
        sound = self._ledger is not None and self.complaint is None
        return sound and not (self.run_ended and self._layout.manifest.is_file())

    def sessions(self) -> Iterator[Session]:
        """Every session with all its views, wherever the bytes of each lie; ends where the ledger is damaged."""
        if self._ledger is None:
            return
        with self._noting():
            redo = dict(self._ledger.redo_list())
            for session, views in groupby(self._ledger.views(), lambda view: view.planned.session):
                on_its_way = Path(self._layout.session_on_its_way(session))
                whole = self._name(on_its_way) if session in redo and on_its_way.exists() else None
                records = list(views)
                yield [*(self._entry(record, whole) for record in records), *self._partial_file(records)]

    def plans(self, name: str) -> bool:
        """True where a planned session's file has this name in ``sessions/``."""
        session_id = name.partition(".")[0]
        if self._ledger is None or not self._ledger.planned_session(session_id):
            return False
        return name in {self._layout.session_file(session_id, partial=partial).name for partial in (False, True)}

    def findings(self) -> Iterator[Finding]:
        """Why it cannot be believed, or else the first line of the manifest that contradicts it."""
        found: Finding | None = None
        if self._ledger is not None and self.complaint is None:
            manifest = self._layout.manifest
            if manifest.is_file():
                number = self._difference() if self.run_ended else _impossible_line(self._layout, self._lines())
                if number:
                    found = Finding(Problem.DAMAGED, manifest.name, f"line {number} is not what the ledger says")
            elif self.run_ended:
                found = Finding(Problem.MISSING, manifest.name, "no such file")
        if told := self.complaint or found:
            yield told

    def _difference(self) -> int:
        """The number of the manifest's first line that no run wrote there at its end, 0 where there is none."""
        lines = self._lines()
        with self._layout.manifest.open("rb") as manifest:
            for number, there in enumerate(chain(manifest, [None]), start=1):
                written = _written(lines, there)
                if there != written and _contradict(there, written, self._may_be_behind):
                    return number
        return 0

    def _lines(self) -> Iterator[tuple[ViewRecord, bytes]]:
        """All views and their lines of the manifest, up to where the ledger is damaged."""
        if self._ledger is not None:
            with self._noting():
                for view in self._ledger.views():
                    yield view, manifest_line(self._layout, view)

    def _entry(self, record: ViewRecord, whole: str | None) -> Entry:
        """Where a view's bytes lie; ``whole`` names a finished file that is still without its final name."""
        if record.whole is not None or not record.size:
            entry = self._believed(record, self._layout)
            return entry._replace(file=whole) if whole and entry.file else entry
        saved = with_values(record, partial=Span(0, record.size, record.sha256))
        part = self._layout.part(record.planned.row, record.part)
        return self._believed(saved, Layout(self._layout.root))._replace(file=self._name(part))

    def _partial_file(self, records: list[ViewRecord]) -> list[Entry]:
        """The views in a session's partial file; of a killed run it may be older or newer, and does not count."""
        placed = [record for record in records if record.partial is not None and record.whole is None]
        if not placed:
            return []
        path = self._layout.session_file(placed[0].planned.view.session_id, partial=True)
        known = sum(record.partial.length for record in placed if record.partial)
        if not self.run_ended and (not path.is_file() or path.stat().st_size != known):
            return []
        return [self._believed(record, self._layout) for record in placed]

    def _believed(self, record: ViewRecord, layout: Layout) -> Entry:
        entry = read_line(record.planned.row, manifest_line(layout, record).rstrip())
        if isinstance(entry, BadLine):
            raise DamagedLedger(self._layout.ledger, f"view {record.planned.view}: {entry.reason}")
        return entry

    def _name(self, path: Path) -> str:
        return path.relative_to(self._layout.root).as_posix()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Keep what is wrong with the ledger; its values may be of any kind where it is damaged."""
        path = self._layout.ledger
        try:
            yield
        except ArchiveError as error:
            self.complaint = Finding(Problem.DAMAGED, self._name(path), str(error))
        except (ValueError, TypeError) as error:
            self.complaint = Finding(Problem.DAMAGED, self._name(path), str(DamagedLedger(path, str(error))))


_Lines = Iterator[tuple[ViewRecord, bytes]]


def _written(lines: _Lines, there: bytes | None) -> bytes | None:
    """The next view's line; a view without an outcome has none where a run was killed before it began to ask."""
    for view, line in lines:
        if view.outcome or view.size or (there is not None and _ids(there) == _ids(line)):
            return line
    return None


def _ids(line: bytes) -> list[bytes]:
    return line.split(b",", 2)[:2]


def _contradict(there: bytes | None, written: bytes | None, but: AbstractSet[str]) -> bool:
    """True where the lines give a key different values; another version may write fewer keys or more."""
    if there is None or written is None:
        return True
    try:
        said: object = orjson.loads(there)
    except ValueError:
        return True
    expected = orjson.loads(written)
    return not isinstance(said, dict) or any(
        said[key] != expected[key] for key in (said.keys() & expected.keys()) - but
    )


def _impossible_line(layout: Layout, lines: _Lines) -> int:
    """The number of the first line that no earlier run can have written; it wrote some of the views, in order."""
    for number, line in enumerate(read_manifest(layout), start=1):
        if isinstance(line, BadLine):
            return number
        then = line.record
        now = next((view for view, _ in lines if view.planned.view == then.planned.view), None)
        if now is None or not (_facts(then) == _facts(now) or _came_further(then, now)):
            return number
    return 0


def _facts(record: ViewRecord) -> tuple[object, ...]:
    """What stays as it is once a view is finished, wherever it lies and whatever a list expects of it."""
    values = (record.outcome, record.reason, record.source, record.shape, record.pages, record.segments, record.size)
    checks = {name: value for name, value in record.checks.items() if name != EXPECTED}
    return *values, record.sha256, checks, dict(record.about)


def _came_further(then: ViewRecord, now: ViewRecord) -> bool:
    """True where a view was not finished then, or may have got more when it was asked for again."""
    return not (then.finished and then.size) or (then.segments < now.segments and then.size < now.size)

"""A ledger as verify sees it: where each view's bytes lie, and the manifest's lines that follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import groupby
from pathlib import Path

from msgspec.structs import replace as with_values

from replay_fetch.archive.folder import has_files
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import BadLine, Entry, ManifestLine, read_line
from replay_fetch.archive.read.sweep import Session
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ArchiveError
from replay_fetch.events_record import EventsRecord
from replay_fetch.inspect.manifest_check import ManifestCheck
from replay_fetch.ledger.database import DamagedLedger
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.schema import Setting, State
from replay_fetch.model import Span, ViewRecord
from replay_fetch.settings import Compression


class LedgerSnapshot:
    """Reads an archive's ledger without changing it; a damaged or absent ledger says nothing."""

    def __init__(self, layout: Layout) -> None:
        self.run_ended = True
        """False where the last run was killed: it may have written more than the ledger knows of."""
        self.half_rebuilt = False
        """A rebuild was killed behind its new ledger."""
        self.complaint: Finding | None = None
        """Why it cannot be believed."""
        self._layout = layout
        self._ledger: Ledger | None = None
        self._redo: dict[int, str] = {}
        """Sessions whose staged files may not be published yet."""
        self._check: ManifestCheck | None = None
        self._list_came_in_since = False
        """The manifest knows nothing of the latest list: neither of its new views, nor of its counts of segments."""
        with self._noting():
            # Files without a ledger are another matter than an archive in which nothing was ever kept.
            if layout.ledger.is_file() or not has_files(layout):
                self._ledger = Ledger.open_read_only(layout.ledger)
                if self._ledger.blank and has_files(layout):
                    raise DamagedLedger(layout.ledger, "empty, and the archive has files")
                self._ledger.check()
                state = self._ledger.setting(Setting.STATE)
                self.run_ended = state in {State.CLEAN, State.LOADED}
                self.half_rebuilt = state == State.REBUILT
                self._list_came_in_since = state == State.LOADED
                self._redo = dict(self._ledger.redo_list())
                compression = Compression(self._ledger.setting(Setting.COMPRESSION) or Compression.NONE)
                self._layout = replace(layout, compression=compression)

    def close(self) -> None:
        """Let go of the ledger; what was read of it stays, and nothing more can be read."""
        if self._ledger is not None:
            self._ledger.close()

    def marks(self) -> Iterator[bytes]:
        """Give the marks of erased sessions, hashes of their ids; ends where the ledger is damaged."""
        if self._ledger is not None and self.complaint is None:
            with self._noting():
                yield from self._ledger.marks()

    @property
    def blank(self) -> bool:
        """Tell whether nothing was ever kept: a first run was killed before its first record."""
        return self._ledger is not None and self._ledger.blank

    @property
    def leads(self) -> bool:
        """Tell whether the ledger knows more than the manifest, which is written when a run ends."""
        sound = self._ledger is not None and self.complaint is None
        return sound and not (self.run_ended and self._layout.manifest.is_file())

    def sessions(self) -> Iterator[Session]:
        """Give every session with all its views, wherever their bytes lie; ends where the ledger is damaged."""
        if self._ledger is None:
            return
        with self._noting():
            for session, views in groupby(self._ledger.views(), lambda view: view.planned.session):
                on_its_way = Path(self._layout.session_on_its_way(session))
                # Recorded and not published yet: the lines lie in the staged file, and the present one is behind the
                # ledger.
                whole = self._name(on_its_way) if session in self._redo and on_its_way.exists() else None
                records = list(views)
                yield [*(self._entry(record, whole) for record in records), *self._partial_file(records)]

    @property
    def sound(self) -> bool:
        """Tell whether the ledger is there and can be believed: undamaged, and not blank beside files."""
        return self._ledger is not None and not self._ledger.blank and self.complaint is None

    def manifest(self, shelf: Shelf) -> Iterator[Entry | BadLine]:
        """Read the manifest beside the ledger, as `read_manifest` does; then `findings` tells what differs."""
        self._check = ManifestCheck(self._lines(), list_came_in_since=self._list_came_in_since)
        return self._check.entries(shelf)

    def _lines(self) -> Iterator[tuple[ViewRecord, ManifestLine]]:
        """Give every view's record and its line of the manifest, up to where the ledger is damaged."""
        if self._ledger is not None:
            with self._noting():
                for record in self._ledger.views():
                    yield record, ManifestLine.of(self._layout, record)

    @property
    def compression(self) -> Compression:
        """The compression of the archive's files, as the first run decided it."""
        return self._layout.compression

    def events(self) -> Iterator[tuple[EventsRecord, str]]:
        """Give the record of each session's events and the name of the file that they lie in."""
        if self._ledger is None:
            return
        with self._noting():
            redo = dict(self._ledger.events_redo_list())
            for record in self._ledger.events():
                staged = self._layout.events_on_its_way(record.session)
                # Recorded and not published yet: the events lie in the staged file.
                waits = record.session in redo and staged.exists()
                yield record, self._name(staged) if waits else self._layout.events_name(record.session_id)

    def plans(self, session_id: str) -> bool:
        """Tell whether the ledger has a view of the session; True where it is too damaged to tell."""
        if self._ledger is not None:
            with self._noting():
                return bool(self._ledger.planned_session(session_id))
        return True

    def may_be_left(self, name: str) -> bool:
        """True where a killed run may have left a file of this name in ``sessions/``, though no view lies in it.

        1. A partial file of any session: the ledger's record may be older than the file, or newer.
        2. A finished file whose session the redo list names, or which its last view has left by growing.
        """
        session_id = name.partition(".")[0]
        views = self._ledger.planned_session(session_id) if self._ledger is not None else []
        if not views or name not in {
            self._layout.session_file(session_id, partial=kind).name for kind in (False, True)
        }:
            return False
        saved = (view.earlier for view in views if view.earlier is not None and view.earlier.size)
        partial = name == self._layout.session_file(session_id, partial=True).name
        return partial or views[0].session in self._redo or any(record.whole is None for record in saved)

    def findings(self) -> Iterator[Finding]:
        """Find why the ledger cannot be believed, or else the first line of `manifest` that does not follow from it.

        Of a killed run the manifest is not looked at: it is behind, and the next run makes it anew.
        """
        if self.complaint is not None:
            yield self.complaint
        elif self._ledger is not None and self.run_ended:
            manifest = self._layout.manifest
            number = self._check.first_other if self._check else 0
            if number:
                yield Finding(Problem.DAMAGED, self._layout.manifest_name, f"line {number} is not what the ledger says")
            elif not manifest.is_file():
                yield Finding(Problem.MISSING, self._layout.manifest_name, "no such file")

    def _entry(self, record: ViewRecord, whole: str | None) -> Entry:
        """Return the place of a view's bytes; ``whole`` names a session's file that is staged and not published."""
        if record.whole is not None or not record.size:
            entry = self._believed(record, self._layout)
            return entry._replace(file=whole) if whole and entry.file else entry
        saved = with_values(record, partial=Span(0, record.size, record.sha256))
        part = self._layout.part(record.planned.row, record.part)
        # By a layout without compression: parts are plain, whatever the session files are.
        return self._believed(saved, Layout(self._layout.root))._replace(file=self._name(part))

    def _partial_file(self, records: list[ViewRecord]) -> list[Entry]:
        """Return the entries of a session's partial file; behind a kill only if the file has the recorded size."""
        placed = [record for record in records if record.partial is not None and record.whole is None]
        if not placed:
            return []
        path = self._layout.session_file(placed[0].planned.view.session_id, partial=True)
        known = sum(record.partial.length for record in placed if record.partial)
        # A copy of parts, which are checked themselves. Only a file of exactly the recorded size can be the recorded
        # one.
        if not self.run_ended and (not path.is_file() or path.stat().st_size != known):
            return []
        return [self._believed(record, self._layout) for record in placed]

    def _believed(self, record: ViewRecord, layout: Layout) -> Entry:
        """Read a record as the manifest's line would be read: a damaged row shows by contradicting itself."""
        entry = read_line(record.planned.row, ManifestLine.of(layout, record).encode())
        if isinstance(entry, BadLine):
            raise DamagedLedger(self._layout.ledger, f"view {record.planned.view}: {entry.reason}")
        return entry

    def _name(self, path: Path) -> str:
        return path.relative_to(self._layout.root).as_posix()

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Note damage to the ledger instead of raising it; damaged values may be of any kind."""
        path = self._layout.ledger
        try:
            yield
        except ArchiveError as error:
            self.complaint = Finding(Problem.DAMAGED, self._name(path), str(error))
        except (ValueError, TypeError) as error:
            self.complaint = Finding(Problem.DAMAGED, self._name(path), str(DamagedLedger(path, str(error))))

"""The carrier of a stored archive's bytes: it ships commits to the store, and brings old bytes back for a new commit.

An archive on a disk has no carrier at all: the scratch is the archive itself, so there is nothing to ship or to bring.
`Shipping` then does nothing, and the committer's steps are the same with a carrier and without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import remove_raw
from replay_fetch.archive.write.session_file import Kind, SessionFile, StagedSession
from replay_fetch.events_record import EventsRecord
from replay_fetch.model import PlannedView, View, ViewRecord


class WrittenFile(NamedTuple):
    """A file that a commit wrote: name in the archive, path, and the sha256 of the bytes where known."""

    name: str
    path: Path
    sha256: str = ""
    disposable: bool = False
    """A copy for people to read, which any run can make again."""


@dataclass(frozen=True)
class Shipment:
    """The work of one commit, recorded in the scratch's ledger already: the store learns of all of it or of nothing."""

    records: Sequence[ViewRecord]
    files: Sequence[WrittenFile]
    gone: Sequence[str]
    """Names of files that the archive no longer has."""
    events: Sequence[EventsRecord] = ()
    """The records of sessions' events, whose files are among ``files``."""


class Carrier(Protocol):
    """Carries bytes between the scratch and the store; called in the writer's thread, and may be slow there."""

    def ship(self, shipment: Shipment) -> None:
        """Make a commit count; raises ArchiveError where it does not, and then the run is over."""

    def bring(self, files: Mapping[str, Path], parts: Mapping[tuple[int, int], Path]) -> None:
        """Copy files by name, and parts by row and number, out of the store into the scratch.

        Raises ArchiveError where the store does not give the bytes that its log names.
        """

    def has(self, name: str) -> bool:
        """Tell whether the store has a file of that name, by the log as the scratch knows it; no request is made."""

    def raw_pages(self, view: View) -> Sequence[str]:
        """Name the raw pages of a view that the store has."""


class Shipping:
    """The committer's dealings with a carrier; every method does nothing where there is none, as for a disk.

    So the committer asks nowhere whether an archive lies in a store.
    """

    def __init__(self, layout: Layout, carrier: Carrier | None) -> None:
        self.carrier = carrier
        self._layout = layout
        self._raw: dict[Path, None] = {}

    @property
    def bring(self) -> Callable[[ViewRecord], None] | None:
        """Return what brings the lines that the archive has of a view; None where the disk has them."""
        return None if self.carrier is None else self._bring_view

    def begin(self, planned: PlannedView) -> bool:
        """Bring the raw pages of a view that begins: the number of a further page follows from those that are there.

        Returns True where there were some.
        """
        if self.carrier is None or planned.earlier is None:
            return False
        names = {name: self._layout.root / name for name in self.carrier.raw_pages(planned.view)}
        if names:
            self._layout.raw_folder(planned.view).mkdir(mode=0o700, parents=True, exist_ok=True)
            self.carrier.bring(names, {})
        return bool(names)

    def bring_lines(self, files: Iterable[SessionFile]) -> None:
        """Bring all bytes that session files are going to be made of into the scratch, unless they are there."""
        if self.carrier is None:
            return
        wanted: dict[str, Path] = {}
        parts: dict[tuple[int, int], Path] = {}
        for file in files:
            # Nothing is written then, and bytes that come out of a store cost a request.
            if file.kind is Kind.WHOLE and file.stands:
                continue
            name = self._layout.session_name(file.session_id)
            if file.kind is Kind.EARLIER and not file.content and self.carrier.has(name):
                wanted[name] = self._layout.session_file(file.session_id)  # it is there to lose its last view
            for view in file.content:
                if view.planned.row not in file.view_parts:
                    _want(view, self._layout, wanted, parts)
        if wanted or parts:
            self.carrier.bring(wanted, parts)

    def note_raw(self, written: Iterable[Path]) -> None:
        """Take in the raw pages that this commit has written."""
        if self.carrier is not None:
            self._raw |= dict.fromkeys(written)

    def ship(
        self,
        records: Iterable[ViewRecord],
        staged: Sequence[StagedSession],
        partial: Iterable[str],
        understood: Sequence[View],
    ) -> None:
        """Ship a commit that is recorded; ``partial`` are the ids of sessions whose partial file has no use any more.

        Raw pages go along, except those of understood views, which go out of the archive.
        """
        if self.carrier is None:
            return
        # Understood in this very commit: shipped, their pages would have to go again behind it.
        removed = {self._layout.raw_folder(view) for view in understood}
        raw = [path for path in self._raw if path.parent not in removed]
        gone = [self._layout.session_name(session_id, partial=True) for session_id in partial]
        gone += [self._layout.session_name(one.file.session_id) for one in staged if _emptied(one.file)]
        gone += [name for view in understood for name in self.carrier.raw_pages(view)]
        files = [_written(self._layout, one) for one in staged if one.file.content]
        files += [WrittenFile(path.relative_to(self._layout.root).as_posix(), path) for path in raw]
        self.carrier.ship(Shipment(list(records), files, gone))
        # Only behind the shipment: where that fails, the run is over, and the next one asks for the same pages.
        self._raw = {}

    def clear(self, staged: Iterable[StagedSession], ended: Iterable[View]) -> None:
        """Remove from the scratch all that the store has now: session files, and raw pages of views that ended."""
        if self.carrier is None:
            return
        for one in staged:
            # Left here, the scratch would grow to the size of the archive, which the machine may have no room for.
            Path(one.file.path).unlink(missing_ok=True)
        for view in ended:
            remove_raw(self._layout.raw_folder(view))

    def _bring_view(self, record: ViewRecord) -> None:
        files: dict[str, Path] = {}
        parts: dict[tuple[int, int], Path] = {}
        _want(record, self._layout, files, parts)
        if self.carrier is not None and (files or parts):
            self.carrier.bring(files, parts)


def _emptied(file: SessionFile) -> bool:
    """Tell whether a finished file has lost its last view."""
    return file.kind is not Kind.PARTIAL and not file.content


def _written(layout: Layout, staged: StagedSession) -> WrittenFile:
    """Name a session file as the archive has it; the hash of a file of a single view is that view's."""
    file, records = staged
    partial = file.kind is Kind.PARTIAL
    spans = [record.partial if partial else record.whole for record in records]
    sha256 = spans[0].sha256 if len(spans) == 1 and spans[0] is not None else ""
    return WrittenFile(layout.session_name(file.session_id, partial=partial), Path(file.path), sha256, partial)


def _want(view: ViewRecord, layout: Layout, files: dict[str, Path], parts: dict[tuple[int, int], Path]) -> None:
    """Add the place of a view's lines to what is to be brought, unless the scratch has it."""
    if view.whole is not None:
        path = layout.session_file(view.planned.view.session_id)
        if not path.exists():
            files[layout.session_name(view.planned.view.session_id)] = path
    elif view.size:
        part = layout.part(view.planned.row, view.part)
        if not part.exists():
            parts[view.planned.row, view.part] = part

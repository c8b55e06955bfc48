"""A scrubbed copy of an archive: sessions written anew, whole or not at all.

The copy is built in a hidden folder beside the final place and renamed when all files are on the disk. A copy has no
ledger, so no run can resume there and fill a scrubbed archive with recordings as they are. Raw pages, events and the
original's report are not part of a copy.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import orjson
from msgspec.structs import replace as with_values

from replay_fetch.archive.compress import compressed
from replay_fetch.archive.durable import explained, make_folder, replace, sync_folder, write_atomically, write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lock import locked
from replay_fetch.archive.manifest import Entry, ManifestLine
from replay_fetch.archive.read.views import by_session, view_segments
from replay_fetch.archive.report import Report
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import SettingsError
from replay_fetch.model import Outcome, Span, ViewRecord
from replay_fetch.named_file import is_there
from replay_fetch.pipeline.scrubbed_lines import ScrubbedLines, marked, without_bytes
from replay_fetch.progress.archive_snapshot import CopySnapshot
from replay_fetch.progress.reporters import Reporter, Ticker

_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS


@dataclass(slots=True)
class ScrubbedCopy:
    """The result of a copy: sessions, views, segments and records written, parts left out; sizes are plain bytes."""

    folder: Path
    sessions: int = 0
    views: int = 0
    """Views with a recording in the copy."""
    silent: int = 0
    """Views of which the copy has nothing: none was stored, or none could be read."""
    waiting: int = 0
    """Those of the silent ones that came, and whose session was not whole yet when the copy was made."""
    segments: int = 0
    records: int = 0
    bytes: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    unasked: int = 0
    """Views without an outcome: the run that was to ask for them, or to bring their session's file, has not ended."""
    dropped: Counter[str] = field(default_factory=Counter)
    """What was left out, by reason."""

    def fields(self) -> dict[str, object]:
        """Return the result for programs; the copy's ``report.json`` has the same under ``scrubbed``."""
        return {
            "sessions": self.sessions,
            "views": self.views,
            "views_without_recording": self.silent,
            "views_waiting": self.waiting,
            "segments": self.segments,
            "records": self.records,
            "bytes": self.bytes,
            "left_out": dict(sorted(self.dropped.items())),
        }

    def report(self) -> dict[str, object]:
        """Return the copy's ``report.json``: what the commands that read reports ask for, and ``scrubbed``.

        Nothing is taken over from the original's report, and no time of day: the same archive gives the same copy.
        """
        rows = self.outcomes.total() + self.unasked
        known = dict(self.outcomes)
        run = Report("scrubbed copy", rows, 0, 0, known, 0, self.unasked, segments=self.segments, bytes=self.bytes)
        return run.fields() | {"scrubbed": self.fields()}


def scrub(
    out: Shelf, copy: Path, chosen: Callable[[], Iterable[Entry]], reporter: Reporter | None = None
) -> ScrubbedCopy:
    """Write a scrubbed copy of chosen views, those of a session side by side; ``chosen`` is called twice.

    Raises SettingsError where something stands at ``copy`` already or it would lie in the archive itself,
    ArchiveError where the archive cannot be read or the copy not be written; then nothing is there.
    """
    _check_place(out, copy)
    building = copy.with_name(f".{copy.name}.unfinished")
    with explained(f"writing {building}"):
        make_folder(building)
    with locked(building / "lock"):
        try:
            written = _Writing(out, building, copy, reporter).run(chosen)
        except BaseException:  # on a full disk it would take the room that is lacking
            shutil.rmtree(building, ignore_errors=True)
            raise
    return written


def _check_place(out: Shelf, copy: Path) -> None:
    if is_there(copy, repr(str(copy))) or copy.is_symlink():
        raise SettingsError(f"{copy} is there already: a copy is written to a new folder, whole or not at all")
    if out.holds(copy):
        raise SettingsError(f"{copy} lies in the archive {out.place()}: name a folder outside of it")
    if not copy.name or not copy.resolve().parent.is_dir():
        raise SettingsError(f"there is no folder {copy.resolve().parent} to write the copy to")


class _Writing:
    """A copy on the way: session files first, then manifest and report, the folder's name last."""

    def __init__(self, out: Shelf, building: Path, copy: Path, reporter: Reporter | None) -> None:
        self._out, self._building, self._copy = out, building, copy
        self._reporter = reporter
        self._done = ScrubbedCopy(copy)
        self._snapshot = CopySnapshot(0)

    def run(self, chosen: Callable[[], Iterable[Entry]]) -> ScrubbedCopy:
        """Write all files, bring them to the disk, and give the folder the copy's name; raises ArchiveError."""
        layout = Layout(self._building)
        self._snapshot.total = sum(entry.record.size for entry in chosen())
        ticker = Ticker(self._reporter, self._at)
        with explained(f"writing {self._building}"):
            self._clear()
            make_folder(layout.sessions)
            temporary = self._building / "temporary"
            write_atomically(layout.manifest, self._sessions(chosen(), ticker), temporary)
            sync_folder(layout.sessions)
            write_atomically(layout.report, [orjson.dumps(self._done.report(), option=_OPTIONS)], temporary)
            (self._building / "lock").unlink()
            sync_folder(self._building)
            replace(self._building, self._copy)
            sync_folder(self._copy.resolve().parent)
        ticker.close()
        return self._done

    def _sessions(self, views: Iterable[Entry], ticker: Ticker) -> Iterator[bytes]:
        """Write session after session and yield the manifest's lines, so no list of views is held."""
        for _, session in by_session(views):
            yield from self._session(session, ticker)

    def _at(self, seconds: float) -> CopySnapshot:
        self._snapshot.seconds = seconds
        return self._snapshot

    def _clear(self) -> None:
        """Remove the files of a copy that was killed: none of them is known to be whole."""
        for left in self._building.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
            elif left.name != "lock":
                left.unlink()

    def _session(self, entries: list[Entry], ticker: Ticker) -> Iterator[bytes]:
        """Write a session's file, and the partial file beside where there is one; yield the lines of the manifest."""
        self._done.sessions += 1
        written: dict[int, ViewRecord] = {}
        for name in dict.fromkeys(entry.file for entry in entries):
            placed = [entry for entry in entries if entry.file == name]
            if name is not None:
                blocks = self._views(placed, written, ticker)
                # A file in which nothing is left has no view: it would be an extra one.
                if not write_file(self._building / name, blocks):
                    (self._building / name).unlink()
        for entry in entries:
            record = written.get(entry.record.planned.row) or without_bytes(entry.record)
            self._done.silent += not record.size
            if entry.waiting:  # no later run brings it to the copy, which must not call it fetched
                self._done.waiting += 1
                record = with_values(record, outcome=None)
            if record.outcome is None:
                self._done.unasked += 1
            else:
                self._done.outcomes[record.outcome] += 1
            yield marked(ManifestLine.of(Layout(self._building, entry.compression), record).encode())

    def _views(self, entries: Iterable[Entry], written: dict[int, ViewRecord], ticker: Ticker) -> Iterator[bytes]:
        """Yield a file's bytes, view behind view, as the archive has them: compressed, a member for each view."""
        offset = 0
        for entry in entries:
            view = ScrubbedLines(entry, self._counted(view_segments(self._out, entry), ticker))
            stored, length = hashlib.sha256(), 0
            for block in compressed(view.lines(), entry.compression) if view.begin() else ():
                stored.update(block)
                length += len(block)
                yield block
            self._count(view)
            written[entry.record.planned.row] = view.record(Span(offset, length, stored.hexdigest()))
            offset += length

    def _counted(self, segments: Iterable[bytes], ticker: Ticker) -> Iterator[bytes]:
        for segment in segments:
            self._snapshot.done += len(segment)
            ticker.beat()
            yield segment

    def _count(self, view: ScrubbedLines) -> None:
        done = self._done
        done.views += bool(view.segments)
        done.segments += view.segments
        done.records += view.scrubbed.records
        done.bytes += view.size
        done.dropped += view.scrubbed.dropped
        self._snapshot.written = done.bytes

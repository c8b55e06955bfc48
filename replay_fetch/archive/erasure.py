"""Erasure of sessions' files, in the second half of an erasure: the ledger has forgotten the views by then.

Every step may be repeated after a kill, since the ledger keeps the ids until all of them are done: files are removed,
reports forget the ids, and a report of the erasure is written, for the file. That report is kept for years, so it
names no person and no id. A session is found in it by the mark of its id.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Protocol

import orjson

from replay_fetch.archive.durable import explained, is_folder, make_folder, sync_folder, write_atomically
from replay_fetch.archive.layout import ERASURES, Layout
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import small_file
from replay_fetch.erased import ErasedSession
from replay_fetch.model import ViewRecord
from replay_fetch.settings import Compression

log = logging.getLogger(__name__)

FORMAT = 1
# Seconds between two lines that say how far an erasure is.
_PERIOD = 10.0
# As much as a report of ours may have.
_MOST_REPORT = 2**24
_OPTIONS = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
_FORGOTTEN = "of an erased session"
_WORD = re.compile(r"[A-Za-z0-9_-]+")
_MARK = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_LENGTH = len('"sha256":""') + 64


class Erasing(Protocol):
    """Names the sessions of an erasure."""

    def erasing(self) -> Iterator[ErasedSession]:
        """Give the sessions of the erasure that is going on, with their figures; none where no erasure was begun."""


class ErasureLog(Erasing, Protocol):
    """Names the sessions whose files are to go, until they are gone; the ledger keeps it."""

    def is_erased(self, session_id: str) -> bool:
        """Tell whether a session was erased, by this erasure or an earlier one, in any case of the id's letters."""

    def files_are_gone(self) -> None:
        """Forget the ids of the sessions: nothing of them is left in the archive's files."""


class SessionFiles:
    """Finds the files of sessions, many one after another: which folders there are is asked once."""

    def __init__(self, layout: Layout) -> None:
        folders = (layout.sessions, layout.events, *layout.private.glob("damaged-*"))
        self._layout = layout
        self._folders = [folder for folder in folders if folder.is_dir()]
        self._layouts = [Layout(layout.root, compression) for compression in Compression]
        self._raw = layout if layout.raw.is_dir() else None

    def sizes(self, session_id: str, records: Iterable[ViewRecord]) -> list[int]:
        """Return the bytes of every file of a session, and of the parts of its views."""
        parts = (self._layout.part(record.planned.row, record.part) for record in records)
        files = [*self.of(session_id), *(part for part in parts if part.is_file())]
        return [path.stat().st_size for path in files]

    def of(self, session_id: str) -> Iterator[Path]:
        """Give every file of a session that is there, whole, partial, raw, of events, or set aside by a rebuild.

        Parts are named by rows of the ledger, which the caller asks. Raises ValueError for text that is not an id.
        """
        names = [
            each.session_file(session_id, partial=partial).name for each in self._layouts for partial in (False, True)
        ]
        yield from (path for folder in self._folders for name in names if (path := folder / name).is_file())
        if self._raw is not None:
            yield from (path for path in self._raw.raw_session(session_id).rglob("*") if path.is_file())


def told(sessions: Iterable[ErasedSession], done: str) -> Iterator[ErasedSession]:
    """Pass sessions on, and log every ten seconds how many have been ``done``: a season has a million of them."""
    said = time.monotonic()
    for number, session in enumerate(sessions, start=1):
        yield session
        if time.monotonic() - said >= _PERIOD:
            said = time.monotonic()
            log.info("%d sessions %s", number, done)


def set_aside_files(layout: Layout) -> list[Path]:
    """List the files that rebuilds set aside: old ledgers, manifests and parts, in which any session may be."""
    return sorted(layout.private.glob("damaged-*/*"))


def remove_erased(layout: Layout, erasure: ErasureLog, about: bytes) -> None:
    """Remove the files of the erased sessions, and their ids from the reports; then write the erasure's own report.

    ``about`` is the head of that report, as `begun` made it. Raises ArchiveError where the disk refuses: the next
    run or erasure then begins here.
    """
    with explained(f"erasing from {layout.root}"):
        files = SessionFiles(layout)
        for session in told(erasure.erasing(), "erased"):
            for path in files.of(session.session_id):
                path.unlink(missing_ok=True)
            # Its files are gone by now, and a refusal has raised; left are folders, which may hold none of ours.
            shutil.rmtree(layout.raw_session(session.session_id), ignore_errors=True)
        for folder in (layout.events, layout.raw):
            with suppress(OSError):  # it has files of other sessions, or was never made
                folder.rmdir()
        # On the disk before the ledger forgets the ids: after a power cut a file could be back, and nobody would know.
        for folder in (layout.sessions, layout.events, layout.raw, layout.root, *layout.private.glob("damaged-*")):
            if is_folder(folder):
                sync_folder(folder)
        for report in (layout.report, *sorted(layout.root.glob("reports/*.json"))):
            _forget_in(report, layout, erasure.is_erased)
        head = orjson.loads(about)
        make_folder(layout.erasures)
        write_atomically(layout.erasures / head["name"], erasure_report(head, erasure), layout.temporary / "erasure")
    erasure.files_are_gone()


def begun(there: Container[str], by: str, at: datetime) -> tuple[str, bytes]:
    """Return the name of a new erasure's report in the archive, and the report's head for the ledger to keep.

    The name, which is none of those that are ``there``, is settled before the erasure begins, so a repeated step
    writes the same file again. ``by`` says how the sessions were chosen: by ``session``, ``user`` or ``age``.
    """
    stamp = f"{at:%Y-%m-%dT%H-%M-%SZ}"
    names = chain([f"{stamp}.json"], (f"{stamp}-{number}.json" for number in count(2)))
    name = next(name for name in names if f"{ERASURES}/{name}" not in there)
    head = {"name": name, "erased_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "chosen_by": by}
    return f"{ERASURES}/{name}", orjson.dumps(head)


def erasure_reports(layout: Layout) -> list[str]:
    """List the reports of erasures that are there, by their names in the archive."""
    return [f"{ERASURES}/{path.name}" for path in layout.erasures.iterdir()] if layout.erasures.is_dir() else []


def reported_marks(shelf: Shelf) -> Iterator[bytes]:
    """Give the marks in all reports of erasures, from which tombstones are laid anew where the ledger is lost."""
    for name in sorted(file.name for file in shelf.files(ERASURES) if file.name.endswith(".json")):
        rest = b""
        with explained(f"reading {shelf.place(name)}"):
            for block in shelf.blocks(name):
                text = rest + block
                yield from (bytes.fromhex(found.decode()) for found in _MARK.findall(text))
                rest = text[1 - _LENGTH :]  # a mark may lie over the edge, and no whole one is read twice


def erasure_report(head: Mapping[str, object], erasure: Erasing) -> Iterator[bytes]:
    """Give the report in chunks, a line for each session: a pruned archive may have had a million of them."""
    head = {name: value for name, value in head.items() if name != "name"}
    sums = {"sessions": 0, "not_there": 0}
    for session in erasure.erasing():
        sums["sessions" if session.was_there else "not_there"] += 1
        for name, figure in session.figures().items():
            sums[name] = sums.get(name, 0) + figure
    opening = orjson.dumps({"format": FORMAT, **head, **sums}, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    yield opening + b',\n  "erased": ['
    for number, session in enumerate(erasure.erasing()):
        yield (b",\n    " if number else b"\n    ") + orjson.dumps(session.fields())
    yield b"\n  ]\n}\n"


def _forget_in(path: Path, layout: Layout, is_erased: Callable[[str], bool]) -> None:
    """Take erased ids out of a report; one that is not there, or cannot be read as a report, stays as it is."""
    try:
        kept = forgotten(small_file(path, _MOST_REPORT), is_erased)
    except (FileNotFoundError, ValueError):
        return
    if kept is not None:
        write_atomically(path, [kept], layout.temporary / "report")


def forgotten(report: bytes, is_erased: Callable[[str], bool]) -> bytes | None:
    """Take erased ids out of a run's report; None where it has none of them, or cannot be read as a report."""
    try:
        content = orjson.loads(report)
    except ValueError:
        return None
    kept = _without(content, is_erased)
    return orjson.dumps(kept, option=_OPTIONS) if kept != content else None


def _without(value: object, is_erased: Callable[[str], bool]) -> object:
    """Return a JSON value without erased sessions.

    1. An object in a list that has the session's id under ``session_id`` goes: a row of the slowest views.
    2. A text that names an erased id, such as a failure's, is replaced as a whole: it may name a view, too.
    """
    match value:
        case str():
            return _FORGOTTEN if any(map(is_erased, _WORD.findall(value))) else value
        case list():
            return [_without(each, is_erased) for each in _kept(value, is_erased)]
        case dict():
            return {name: _without(each, is_erased) for name, each in value.items()}
    return value


def _kept(values: Iterable[object], is_erased: Callable[[str], bool]) -> Iterator[object]:
    for value in values:
        session_id = value.get("session_id") if isinstance(value, dict) else None
        if not (isinstance(session_id, str) and is_erased(session_id)):
            yield value

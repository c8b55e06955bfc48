"""The views of an archive in the manifest's order, and each view's segments out of its session's file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from replay_fetch.archive.compress import plain_text
from replay_fetch.archive.durable import explained
from replay_fetch.archive.lines import segment_of
from replay_fetch.archive.manifest import BadLine, Entry, read_manifest
from replay_fetch.archive.shelf import Shelf, manifests, readable
from replay_fetch.blocks import lines_of
from replay_fetch.errors import ArchiveError, InputError
from replay_fetch.printable import as_argument, printable


def entries(shelf: Shelf) -> Iterator[Entry]:
    """Read the manifest's entries in order.

    Raises ArchiveError where there is no manifest yet, and at the first line that cannot be read.
    """
    # Of shards that are not merged, one after the other: each has its sessions whole.
    for each in manifests(shelf):
        for found in read_manifest(each):
            if isinstance(found, BadLine):
                where = f"{each.place(each.manifest)}, line {found.number}"
                raise ArchiveError(f"{where}: {found.reason}; run `replay-fetch verify {as_argument(shelf.place())}`")
            yield found


def by_session(views: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Group entries by session, one session in memory at a time; the manifest has a session's views side by side."""
    for session_id, together in groupby(views, lambda entry: entry.record.planned.view.session_id):
        yield session_id, list(together)


def session_entries(shelf: Shelf, wanted: str, views: Iterable[Entry] | None = None) -> list[Entry]:
    """Return the views of the session with the id ``wanted``, or of the only session whose id begins so.

    Letters match in any case. ``views`` are the archive's where they are known from elsewhere than the manifest. Raises
    InputError where no session has such an id, or more than one has; where a view has, the error names its session.
    """
    found: dict[str, list[Entry]] = {}
    begin, of_views = wanted.casefold(), ""
    for entry in entries(readable(shelf)) if views is None else views:
        session_id, view_id = entry.record.planned.view
        if session_id.casefold().startswith(begin):
            found.setdefault(session_id, []).append(entry)
        elif not of_views and view_id.casefold().startswith(begin):
            of_views = f"the view {view_id} does, of session {session_id}; "
    if wanted not in found and len(found) != 1:
        if not found:
            place = shelf.place()
            lists = f"`replay-fetch show {as_argument(place)}` lists them"
            raise InputError(f"no session in {place} begins with '{printable(wanted, 60)}'; {of_views}{lists}")
        few = ", ".join(list(found)[:3])
        raise InputError(f"{len(found)} sessions in {shelf.place()} begin with '{printable(wanted, 60)}': {few}")
    return found[wanted] if wanted in found else next(iter(found.values()))


def view_segments(shelf: Shelf, entry: Entry) -> Iterator[bytes]:
    """Read a view's segments, none where nothing of it is stored; no more is read than is taken.

    Raises ArchiveError where the file is not as the manifest says.
    """
    if entry.span is None or entry.file is None:
        return
    place = shelf.place(entry.file)
    with explained(f"reading {place}"):
        try:
            stored = shelf.blocks(entry.file, entry.span.offset, entry.span.length)
            yield from map(segment_of, lines_of(plain_text(stored, entry.compression, entry.record.size)))
        except ValueError as error:
            view = entry.record.planned.view
            raise ArchiveError(
                f"{place}, view {view.view_id}: {printable(str(error), 150)}; run "
                f"`replay-fetch verify {as_argument(shelf.place())}`"
            ) from None

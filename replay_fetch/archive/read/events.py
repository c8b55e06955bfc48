"""Sessions' RUM events, read back out of the archive and checked against their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from replay_fetch.api.json_split import members
from replay_fetch.archive.compress import bounded, decompressed, require
from replay_fetch.archive.durable import explained
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf
from replay_fetch.blocks import lines_of
from replay_fetch.errors import ArchiveError
from replay_fetch.events_record import EventsRecord
from replay_fetch.printable import as_argument, printable
from replay_fetch.settings import Compression


def stored_events(shelf: Shelf, session_id: str) -> Iterator[bytes]:
    """Read a session's RUM events, each with its exact bytes, in order of time; none where none are stored.

    The file is found by its name alone, which a file gets when it is whole: no manifest is read, and events that
    were stored while no run has ended yet are there, too. Raises ArchiveError where the file cannot be read.
    """
    for compression in Compression:
        name = Layout(Path(), compression).events_name(session_id)
        with explained(f"reading {shelf.place(name)}"):
            if not shelf.is_file(name):
                continue
            require(compression)
            try:
                yield from lines_of(decompressed(shelf.blocks(name), compression))
            # Cut or damaged. Events that were given until here stand: the caller fails, and shows no half as a whole.
            except ValueError as error:
                reason = printable(str(error), 150)
                raise ArchiveError(
                    f"{shelf.place(name)}: {reason}; run `replay-fetch verify {as_argument(shelf.place())}`"
                ) from None
            return


def check_events(
    shelf: Shelf, name: str, record: EventsRecord, compression: Compression, sizes: Mapping[str, int] | None = None
) -> Finding | None:
    """Read a session's file of events and hold it against its record; returns the first thing that is wrong.

    With ``sizes``, those of the files in a listing by their names, name and size alone are checked. Raises
    ArchiveError where the user may not read the file.
    """
    try:
        # A name that is not listed is looked at once more, for a listing may be a little older.
        size = (sizes or {}).get(name)
        if size is None:
            if not shelf.is_file(name):
                return Finding(Problem.MISSING, name, f"no such file; events in it: {record.events}")
            size = shelf.size(name)
        if size < record.length:
            return Finding(Problem.CUT_OFF, name, f"the file ends {record.length - size} bytes before its events do")
        if size > record.length:
            return Finding(Problem.UNCLAIMED, name, f"bytes {record.length} to {size}, its last, belong to no event")
        wrong = _complaint(shelf.blocks(name, 0, record.length), record, compression) if sizes is None else ""
    except PermissionError as error:
        raise ArchiveError(
            f"{shelf.place(name)} cannot be read: {error.strerror}; verify as the user whose archive it is"
        ) from error
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    return Finding(Problem.DAMAGED, name, wrong) if wrong else None


def _complaint(blocks: Iterable[bytes], record: EventsRecord, compression: Compression) -> str:
    """Name the first fault of a file's bytes; empty where the bytes are as they were written."""
    stored, lines, events = hashlib.sha256(), hashlib.sha256(), 0
    try:
        for line in lines_of(bounded(decompressed(_hashed(blocks, stored), compression), record.size)):
            lines.update(line + b"\n")
            members(line)  # raises where a line is no JSON object, as in a file whose manifest was made for it
            events += 1
    except ValueError as error:
        return f"not the bytes that were written: {printable(str(error), 150)}"
    if stored.hexdigest() != record.stored_sha256:
        return "not the bytes that were written"
    if lines.hexdigest() != record.sha256 or events != record.events:
        return "its lines are whole, but not the ones of the manifest"
    return ""


def _hashed(blocks: Iterable[bytes], into: hashlib._Hash) -> Iterator[bytes]:
    for block in blocks:
        into.update(block)
        yield block

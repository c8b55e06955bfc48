"""Sessions' RUM events, read back out of the archive and checked against their records."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from replay_fetch.api.json_split import members
from replay_fetch.archive.compress import bounded, decompressed, require
from replay_fetch.archive.durable import explained, is_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import file_range, lines_of
from replay_fetch.archive.read.verify import Finding, Problem
from replay_fetch.archive.shelf import Shelf
from replay_fetch.errors import ArchiveError
from replay_fetch.events_record import EventsRecord
from replay_fetch.printable import printable
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
            except ValueError as error:
                reason = printable(str(error), 150)
                raise ArchiveError(
                    f"{shelf.place(name)}: {reason}; run `replay-fetch verify {shelf.place()}`"
                ) from None
            return


def check_events(root: Path, name: str, record: EventsRecord, compression: Compression) -> Finding | None:
    """Read a session's file of events and hold it against its record; returns the first thing that is wrong.

    Raises ArchiveError where the user may not read the file.
    """
    path = root / name
    try:
        if not is_file(path):
            return Finding(Problem.MISSING, name, f"no such file; events in it: {record.events}")
        size = path.stat().st_size
        if size < record.length:
            return Finding(Problem.CUT_OFF, name, f"the file ends {record.length - size} bytes before its events do")
        if size > record.length:
            return Finding(Problem.UNCLAIMED, name, f"bytes {record.length} to {size}, its last, belong to no event")
        wrong = _complaint(path, record, compression)
    except PermissionError as error:
        raise ArchiveError(
            f"{path} cannot be read: {error.strerror}; verify as the user whose archive it is"
        ) from error
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    return Finding(Problem.DAMAGED, name, wrong) if wrong else None


def _complaint(path: Path, record: EventsRecord, compression: Compression) -> str:
    """Name the first fault of a file's bytes; empty where the bytes are as they were written."""
    stored, lines, events = hashlib.sha256(), hashlib.sha256(), 0
    try:
        for line in lines_of(bounded(decompressed(_hashed(path, record.length, stored), compression), record.size)):
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


def _hashed(path: Path, length: int, into: hashlib._Hash) -> Iterator[bytes]:
    for block in file_range(path, 0, length):
        into.update(block)
        yield block

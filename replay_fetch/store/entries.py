"""Entries of the log: the facts of one commit, each a JSON array on a line of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from replay_fetch.erased import session_in
from replay_fetch.events_record import EventsRecord
from replay_fetch.model import ViewRecord
from replay_fetch.store.driver import Tag

FORMAT = 1
"""Of the log's lines; a reader refuses another one."""


class PartHeader(msgspec.Struct, frozen=True, kw_only=True):
    """A log part's first line: which part it is, of which run."""

    number: int
    epoch: int
    writer: str
    kind: str
    """``open`` begins a run and fences its predecessors, ``list`` names one list, ``commit`` the work, ``end`` ends.

    ``erase`` is the instant of an erasure.
    """
    format: int = FORMAT


# Entries are arrays, so a field is known by its place alone: a new one comes last and has a default.
# `LoggedList.before` came in that way, and older log parts are still read.
class LoggedView(msgspec.Struct, frozen=True, array_like=True, tag="view"):
    """A view's record after a commit; ``ended_at`` is taken from the ledger, in seconds since 1970."""

    record: ViewRecord
    ended_at: int = 0


class LoggedObject(msgspec.Struct, frozen=True, array_like=True, tag="object"):
    """A file of the archive in the store, under its name relative to the archive.

    ``size`` and ``sha256`` are of the stored bytes. While ``staged`` names an object, the bytes lie there, and the
    file's own name may still hold its former bytes, whose version is ``etag`` and ``version``.
    """

    name: str
    size: int
    sha256: str
    etag: str | None
    version: str | None = None
    staged: str = ""

    @property
    def tag(self) -> Tag:
        """The version under the file's own name that the next write replaces."""
        return Tag(self.etag, self.version)


class LoggedPart(msgspec.Struct, frozen=True, array_like=True, tag="part"):
    """A stretch of an unfinished view's lines, ``length`` bytes from ``offset`` of a blob.

    ``start`` is its place in the lines of part number ``part``. A new number says: the chain began anew, and earlier
    stretches of the view no longer count.
    """

    row: int
    part: int
    start: int
    blob: str
    offset: int
    length: int


class LoggedList(msgspec.Struct, frozen=True, array_like=True, tag="list"):
    """A list of views given to a run; its rows lie in the object ``name`` and number the views."""

    number: int
    name: str
    fingerprint: str
    rows: int
    before: int | None = None
    """The number behind which the rows are counted: an erasure takes views, and never the numbers of others."""


class LoggedRemoval(msgspec.Struct, frozen=True, array_like=True, tag="gone"):
    """A file that the archive no longer has, such as the partial file of a session that became whole."""

    name: str


class LoggedSetting(msgspec.Struct, frozen=True, array_like=True, tag="setting"):
    """A setting kept with the archive, such as the way in which unfinished chains are asked for."""

    name: str
    value: str


class LoggedSearch(msgspec.Struct, frozen=True, array_like=True, tag="search"):
    """The views of a session that a search found: of each its id, date, and count of segments where one is known."""

    session_id: str
    views: list[tuple[str, str, int | None]]


class LoggedEvents(msgspec.Struct, frozen=True, array_like=True, tag="events"):
    """The record of a session's RUM events after a commit; their file, where there is one, is an object beside it."""

    record: EventsRecord


class LoggedTombstone(msgspec.Struct, frozen=True, array_like=True, tag="erased"):
    """The mark of an erased session; those of an erasure stand in one part, with the setting that names the erasure."""

    mark: bytes


Entry = (
    LoggedView
    | LoggedObject
    | LoggedPart
    | LoggedList
    | LoggedRemoval
    | LoggedSetting
    | LoggedSearch
    | LoggedEvents
    | LoggedTombstone
)


def session_of(entry: Entry) -> str:
    """Return the id of the session that an entry names; empty for other entries."""
    match entry:
        case LoggedView(record):
            return record.planned.view.session_id
        case LoggedEvents(record):
            return record.session_id
        case LoggedSearch(session_id):
            return session_id
        case LoggedObject(name) | LoggedRemoval(name):
            return session_in(name)
    return ""


_ENTRY = msgspec.json.Decoder(Entry)
_HEADER = msgspec.json.Decoder(PartHeader)
_ENCODER = msgspec.json.Encoder()


def encoded(header: PartHeader, entries: Iterable[Entry]) -> Iterator[bytes]:
    """The lines of a log part, each with its newline: the header, then the entries in their order."""
    yield _ENCODER.encode(header) + b"\n"
    for entry in entries:
        yield _ENCODER.encode(entry) + b"\n"


def decoded_header(line: bytes) -> PartHeader:
    """A part's header, out of its first line without the newline; raises msgspec.DecodeError for any other text."""
    return _HEADER.decode(line)


def decoded(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries behind the first line, one at a time; raises msgspec.DecodeError."""
    return map(_ENTRY.decode, lines)

"""The nouns that every layer shares: plain values, without behaviour beyond their own fields.

Values that are made for every page or view are msgspec structs, which are built without running a line of Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, to_builtins

# A session or view id: UUIDs in practice; nothing in this set can leave a path segment of a URL or a folder on disk.
LONGEST_ID = 128
ID = rf"[A-Za-z0-9_-]{{1,{LONGEST_ID}}}"
# Written by programs, databases and SDKs where there is no id; as a request each would be answered 404.
NO_ID = r"(?i:null|undefined|none|nil|nan|n/?a|[_-]+|0{8}-?(?:0{4}-?){3}0{12})"


class View(NamedTuple):
    """A pair of ids; both match `ID` before a View is made, so they are safe in paths and URLs."""

    session_id: str
    view_id: str

    def __str__(self) -> str:
        return f"{self.session_id}/{self.view_id}"


class Outcome(StrEnum):
    """The end of a view; every row of a list ends in exactly one outcome. The guide to outcomes explains each word."""

    FETCHED = "fetched"
    EMPTY = "empty"
    MISSING = "missing"
    UNCONFIRMED = "unconfirmed"
    """Not there by an answer that any box on the way can give, while the API was not seen to be well."""
    FORBIDDEN = "forbidden"
    INCOMPLETE = "incomplete"
    UNRECOGNISED = "unrecognised"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """True where the view is never asked for again."""
        return self in _FINISHED


# Final by the API's own word; everything else is asked for again by the next run.
_FINISHED = frozenset({Outcome.FETCHED, Outcome.EMPTY, Outcome.MISSING})


class Source(StrEnum):
    """The store that a chain of pages is read from, by its name in the API's ``source`` parameter."""

    EVENT_PLATFORM = "event_platform"
    BLOB = "blob"


class Segment(Struct, frozen=True, gc=False):
    """A recorded stretch of a view, as the API sent the segment.

    ``raw`` is the segment's exact JSON text. ``item`` is the JSON object of the wrapper's other keys where the API
    wraps a segment (JSON:API), else None.
    """

    raw: bytes
    item: bytes | None = None


class Extent(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a page tells of the whole list: the path of a flag that more follows, and counts, each with its path."""

    more: str = ""
    pages: tuple[int, str] = (0, "")
    segments: tuple[int, str] = (0, "")


class Page(Struct, frozen=True, gc=False):
    """A decoded answer: the segments in the order of the body, and the way to the next page, where there is one."""

    segments: Sequence[Segment]
    token: str | None = None
    """The next page's paging token, verbatim; None on the last page."""
    has_more: bool = False
    """The API said that more follows, whether or not it gave a token."""
    shape: str = ""
    """Where the segments and the token were found, such as ``segments + paging.next``."""
    bodiless: bool = False
    """The answer had no body at all: that nothing is there rests on silence, not on the API's word."""
    extent: Extent | None = None
    """None where the page tells nothing of the whole list that is to be heard."""


class Response(Struct, frozen=True, gc=False):
    """One HTTP answer, read whole; the body as it came over the wire. Times are seconds of the event loop's clock."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated headers joined by a comma, as RFC 9110 has it."""
    body: bytes
    sent_at: float = 0.0
    received_at: float = 0.0

    def __repr__(self) -> str:
        return f"<Response {self.status}, {len(self.body)} bytes>"  # a body is a recording, a header may be a secret


class RateLimit(Struct, frozen=True, gc=False):
    """The limit that an answer's headers describe; None where the headers are silent.

    ``reset`` and ``retry_after`` are seconds from the answer's arrival, ``period`` is in seconds. The parser has
    clamped all numbers to the plausible range.
    """

    limit: int | None = None
    period: float | None = None
    remaining: int | None = None
    reset: float | None = None
    retry_after: float | None = None
    name: str = ""
    absolute: bool = False
    """``reset`` came as a time of day, in whole seconds: all answers of one window name the same one."""


class PlannedView(Struct, frozen=True, gc=False):
    """A view that a list names; ``row``, from 1, orders the views of all lists by first appearance."""

    row: int
    session: int
    """The session's number in the ledger; sessions too are ordered by first appearance."""
    view: View
    expected: int | None = None
    """Segments the list says the view has; a hint, not proof."""
    earlier: ViewRecord | None = None
    """What an earlier run kept of the view without finishing it."""
    dated: int | None = None
    """When, in seconds since 1970, the list says that the view began; where it has a count of segments too."""

    def lacking(self, segments: int) -> int | None:
        """The list's count of segments where the list names more than ``segments``; None where nothing is lacking."""
        return self.expected if (self.expected or 0) > segments else None


class Span(NamedTuple):
    """The place of a view's lines in a session file: bytes from its start, as they are stored, compressed or not."""

    offset: int
    length: int
    sha256: str
    """Of the stored bytes: where the file is compressed, of the compressed ones."""


@dataclass(frozen=True, slots=True)
class Noted:
    """The number of views with warnings, in all and by reason, named as in ``Warnings``; a view may have several."""

    views: int = 0
    gaps: int = 0
    repeats: int = 0
    lacks_full_snapshot: int = 0
    segments_expected: int = 0
    """Views with fewer segments than the list says."""


class Warnings(Struct, frozen=True, gc=False, omit_defaults=True):
    """The warnings to a reader of one view's recording; each is falsy where there is nothing to warn of.

    The ledger keeps them as JSON, without the fields that say nothing.
    """

    gaps: list[int] = []
    """Indexes of segments that never came, the first hundred."""
    repeats: list[int] = []
    """Indexes of segments that came again, the first hundred."""
    lacks_full_snapshot: bool = False
    segments_expected: int | None = None
    """The list's count, where larger than the number of segments; made anew at each reading, since lists change."""

    def __bool__(self) -> bool:
        return bool(self.gaps or self.repeats or self.lacks_full_snapshot or self.segments_expected is not None)

    def fields(self) -> dict[str, object]:
        """The warnings by name, without the fields that say nothing."""
        fields: dict[str, object] = to_builtins(self)
        return fields


WARNING_WORDS = {
    "gaps": "gaps",
    "repeats": "repeats",
    "lacks_full_snapshot": "no full snapshot",
    "segments_expected": "fewer than the list says",
}
"""The words for people, by the field of `Warnings`: the same in every command, page and guide."""


class Recording(Struct, frozen=True, gc=False, omit_defaults=True):
    """The facts about a view's recording as its segments state them, and beside them how far its chain of pages came.

    Times are milliseconds since 1970 unless said otherwise. The ledger keeps the facts as JSON, without fields of None.
    """

    start_ms: int | None = None
    end_ms: int | None = None
    records: int | None = None
    """Records in all segments."""
    trail: dict[str, object] | None = None
    """Of a chain that is to go on: its paging tokens so far, see `Trail`."""
    open_since: int | None = None
    """When, in seconds since 1970, the view first ended in a way that waits to be confirmed."""


class ViewRecord(Struct, frozen=True, gc=False):
    """The record of a view that has ended, or that a run has left unfinished.

    The view's bytes lie in the session's file where ``whole`` is set, else in a part of the view's own. A
    ``partial`` span is a copy of the part for people to read until the session is whole. An unfinished view with a
    ``token`` goes on behind the last durable page in the next run.
    """

    planned: PlannedView
    outcome: Outcome | None = None
    """None where the view has not been asked for to its end."""
    reason: str = ""
    source: str = ""
    shape: str = ""
    pages: int = 0
    segments: int = 0
    size: int = 0
    """Bytes of the view's lines, uncompressed."""
    sha256: str = ""
    """Of the view's lines, uncompressed."""
    warnings: Warnings = Warnings()
    recording: Recording = Recording()
    token: str | None = None
    """The paging token behind the last page, where the chain was left unfinished."""
    part: int = 0
    """Numbers the part: a chain that begins anew gets another file, until the ledger says it counts."""
    whole: Span | None = None
    partial: Span | None = None

    @property
    def finished(self) -> bool:
        """True where the view is never asked for again."""
        return self.outcome is not None and self.outcome.finished

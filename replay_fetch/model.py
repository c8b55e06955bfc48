"""The nouns that every layer shares: plain values, no behaviour beyond their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class View(NamedTuple):
    """One (session_id, view_id) pair; both ids are checked before one is made."""

    session_id: str
    view_id: str

    def __str__(self) -> str:
        return f"{self.session_id}/{self.view_id}"


class Outcome(StrEnum):
    """How a view ended; every row of a list ends in exactly one."""

    FETCHED = "fetched"
    EMPTY = "empty"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    INCOMPLETE = "incomplete"
    UNRECOGNISED = "unrecognised"
    FAILED = "failed"

    @property
    def finished(self) -> bool:
        """True where the view is never asked for again."""
        return self in _FINISHED


_FINISHED = frozenset({Outcome.FETCHED, Outcome.EMPTY, Outcome.MISSING})


class Source(StrEnum):
    """The store a chain of pages is read from; the API's ``source`` parameter."""

    EVENT_PLATFORM = "event_platform"
    BLOB = "blob"


class Segment(NamedTuple):
    """One recorded stretch of a view, as the API sent it.

    ``raw`` is the segment's exact JSON text. ``item`` is the JSON object of the wrapper's other
    keys where the API wraps a segment (JSON:API), else None.
    """

    raw: bytes
    item: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One decoded answer: its segments in order and what leads to the next page."""

    segments: Sequence[Segment]
    token: str | None = None
    """The next page's paging token, verbatim; None on the last page."""
    has_more: bool = False
    """The API said that more follows, whether or not it gave a token."""
    shape: str = ""
    """Where the segments and the token were found, such as ``segments + paging.next``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, read whole; the body as it came over the wire.

    Times are seconds of the event loop's clock.
    """

    status: int
    headers: Mapping[str, str]
    """Names in lower case; repeated headers joined by a comma, as RFC 9110 has it."""
    body: bytes = field(repr=False)
    sent_at: float = 0.0
    received_at: float = 0.0


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the headers of one answer say of the limit; None where they are silent.

    ``reset`` and ``retry_after`` are seconds from the answer's arrival, ``period`` is in seconds;
    all are clamped to what is plausible by the parser.
    """

    limit: int | None = None
    period: float | None = None
    remaining: int | None = None
    reset: float | None = None
    retry_after: float | None = None
    name: str = ""

"""The record of a session's RUM events: how the asking ended, and the file that the events lie in.

Ledger, archive and pipeline share the record, as all three share a view's.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

# As the vendor's reference has it. A replay that is kept longer keeps none of its events.
RETENTION_DAYS, SHORT_RETENTION_DAYS = 30, 15
DAY_MS = 86_400_000
# A session lasts four hours at most, and an event takes a while from the browser to the search.
SETTLED_MS = 5 * 3_600_000


class EventsOutcome(StrEnum):
    """The end of asking for a session's events: they were fetched, or there are none, for the reason in the record."""

    FETCHED = "fetched"
    NONE = "none"
    """The search answered whole, and has no event of the session."""


class EventsToDo(Struct, frozen=True, gc=False):
    """A session whose events are to be asked for; times are of its recordings, in milliseconds since 1970."""

    session: int
    """The session's number in the ledger."""
    session_id: str
    start_ms: int | None = None
    end_ms: int | None = None


class EventsRecord(Struct, frozen=True, gc=False):
    """The record of a session whose events were asked for to the end; without a file where there are none."""

    session: int
    session_id: str
    outcome: EventsOutcome
    reason: str = ""
    """Why there are none, or why some kinds are not there."""
    events: int = 0
    size: int = 0
    """Bytes of all lines, uncompressed."""
    sha256: str = ""
    """Of all lines, uncompressed."""
    length: int = 0
    """Bytes of the file as it is stored."""
    stored_sha256: str = ""
    """Of the stored bytes: where the file is compressed, of the compressed ones."""
    asked_at: int = 0
    """Seconds since 1970. Only the ledger keeps it: the same answers make the same manifest."""

    @property
    def columns(self) -> Iterator[object]:
        """The values in their order, for the ledger's table; the session's id stands in another one."""
        return (getattr(self, name) for name in self.__struct_fields__ if name != "session_id")


class EventsTotals(Struct, frozen=True):
    """The sums over an archive's sessions: with events, without any, not asked for; events, and bytes of lines."""

    fetched: int = 0
    none: int = 0
    unasked: int = 0
    events: int = 0
    size: int = 0

    @property
    def asked(self) -> bool:
        """True where events of any session of the archive were ever asked for, so the figures mean something."""
        return bool(self.fetched or self.none)

"""The commit of sessions' RUM events, in the archive's one order: stage, record, publish.

A session's events are written at once, when all of them are there. A kill before the record leaves staged files,
which the next run removes; a kill behind the record leaves files that recovery publishes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from msgspec.structs import replace as with_values

from replay_fetch.archive.compress import compressed
from replay_fetch.archive.durable import explained, make_folder, replace, sync_folder, write_file
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.lines import one_line
from replay_fetch.archive.write.carrier import Carrier, Shipment, WrittenFile
from replay_fetch.events_record import EventsOutcome, EventsRecord


class EventsLog(Protocol):
    """Records what a commit of events has on the disk; the ledger keeps this protocol."""

    def record_events(self, records: Iterable[EventsRecord], redo: Iterable[int] = ()) -> None:
        """Keep the records durably, all of them or none; ``redo`` are sessions whose staged files come next."""

    def session_of_events(self, session_id: str) -> EventsRecord | None:
        """Return the record of a session's events, by the session's id; None where they were never asked for."""

    def events_redo_list(self) -> Sequence[tuple[int, str]]:
        """List the sessions, by number and id, whose staged events the latest record was to publish."""

    def events_published(self) -> None:
        """Empty the redo list of events, once every file in it has its final name and the folder is on the disk."""


class SessionEvents(NamedTuple):
    """A session's events on their way to its file: their texts in order, and what the record says beside figures.

    The texts come as a stream, and are taken once.
    """

    record: EventsRecord
    """The record of a session without events, with the reason for it."""
    texts: Iterable[bytes]
    lacking: str = ""
    """The reason in its place where there are events: the kinds that are not among them."""


class EventsCommitter:
    """Commits sessions' events in the order of `commit`: stage, record, publish; one at a time, in any thread.

    Events have a redo list of their own, so a recovery of views and one of events do not meet.
    """

    def __init__(self, layout: Layout, log: EventsLog, carrier: Carrier | None = None) -> None:
        """Prepare to commit into the archive at ``layout``, or into a store to which the carrier ships."""
        self._layout = layout
        self._log = log
        self._carrier = carrier

    def commit(self, sessions: Iterable[SessionEvents]) -> list[EventsRecord]:
        """Write the events of some sessions durably, and return their records; a session may have none.

        Raises ArchiveError where the archive cannot be written. Nothing of the commit counts then, unless the
        ledger had recorded it: in that case the next run finishes the rest.
        """
        layout = self._layout
        # 1. Stage. A session that was published by the record before may be staged again only when it has left the
        # redo list: recovery would publish the half-written file.
        if self._log.events_redo_list():
            self._log.events_published()
        with explained(f"writing {layout.temporary}"):
            records = [self._staged(each) for each in sessions]
            sync_folder(layout.temporary)
        # 2. Record, when every byte and every name is on the disk.
        files = [record for record in records if record.size]
        self._log.record_events(records, [record.session for record in files])
        # 3. Publish, only now: a name that is there before its record would be a file of which nobody knows.
        publish_events(layout, [(record.session, record.session_id) for record in files])
        if self._carrier is not None:
            self._ship(self._carrier, records)
        return records

    def _ship(self, carrier: Carrier, records: Sequence[EventsRecord]) -> None:
        """Ship a commit that is recorded, and remove from the scratch what the store has then.

        Raises ArchiveError where the store does not take it; the run is over then.
        """
        files = [
            WrittenFile(self._layout.events_name(record.session_id), path, record.stored_sha256)
            for record in records
            # Where an earlier file has more events, that one stays in the store, and none was made here.
            if record.size and (path := self._layout.events_file(record.session_id)).exists()
        ]
        carrier.ship(Shipment([], files, [], records))
        with explained(f"clearing {self._layout.events}"):
            for file in files:
                file.path.unlink()

    def _staged(self, session: SessionEvents) -> EventsRecord:
        """Write a session's lines under a temporary name, and return its record with their figures."""
        lines, stored = _Measured(), _Measured()
        made = lines.through(one_line(text) for text in session.texts)
        first = next(made, None)
        if first is None:
            return self._kept(session.record, 0) or session.record
        path = self._layout.events_on_its_way(session.record.session)
        write_file(path, stored.through(compressed(_with(first, made), self._layout.compression)))
        # Only now is their number known, since the texts come as a stream.
        kept = self._kept(session.record, lines.pieces)
        if kept is not None:
            path.unlink()
            return kept
        return with_values(
            session.record,
            outcome=EventsOutcome.FETCHED,
            reason=session.lacking,
            events=lines.pieces,
            size=lines.size,
            sha256=lines.sha256.hexdigest(),
            length=stored.size,
            stored_sha256=stored.sha256.hexdigest(),
        )

    def _kept(self, record: EventsRecord, events: int) -> EventsRecord | None:
        """Return the session's earlier record where the earlier file has more events than came now; that file stays.

        A session is asked for again while it may grow. Some kinds of event expire before others, and an answer replaces
        a file only with as many events or more.
        """
        earlier = self._log.session_of_events(record.session_id)
        return with_values(earlier, asked_at=record.asked_at) if earlier and earlier.events > events else None


def publish_events(layout: Layout, sessions: Iterable[tuple[int, str]]) -> None:
    """Give the staged events of some sessions, by number and id, their final names, and bring those to the disk."""
    with explained(f"writing {layout.events}"):
        names = [(layout.events_on_its_way(number), layout.events_file(session)) for number, session in sessions]
        if names:
            make_folder(layout.events)
            for staged, final in names:
                # One that is not there was published before a kill: its name only goes by the rename.
                if staged.exists():
                    replace(staged, final)
            sync_folder(layout.events)


def recover_events(layout: Layout, log: EventsLog) -> None:
    """Finish the commit of events in which a run was killed; every step may be repeated after another kill."""
    redo = log.events_redo_list()
    if redo:
        publish_events(layout, redo)
        log.events_published()


class _Measured:
    """Counts and hashes the pieces that go through, so no file is read a second time for its record."""

    def __init__(self) -> None:
        self.pieces = self.size = 0
        self.sha256 = hashlib.sha256()

    def through(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self.pieces += 1
            self.size += len(piece)
            self.sha256.update(piece)
            yield piece


def _with(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest

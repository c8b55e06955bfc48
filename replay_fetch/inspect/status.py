"""Count an archive's views by outcome and find the unfinished ones, also while a run writes to the archive.

The ledger is read as of its last commit. An archive copied without a ledger is counted by the manifest, as of
the last run's end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import NamedTuple

import orjson

from replay_fetch.archive.erasure import reported_marks
from replay_fetch.archive.events_manifest import read_events_manifest
from replay_fetch.archive.folder import check_ledger_is_there
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.manifest import BadLine, read_manifest
from replay_fetch.archive.report import read_report
from replay_fetch.archive.shelf import Shelf, readable, require_manifest
from replay_fetch.events_record import EventsTotals
from replay_fetch.inspect.running import last_run_ended
from replay_fetch.inspect.shards_state import ShardsState, shards_state
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.ledger.totals import MOST_REASONS, OTHER_REASONS
from replay_fetch.model import Outcome, ViewRecord
from replay_fetch.shard import index_of
from replay_fetch.view_list.writing import table_text

# A screen's worth; --json names all.
NAMED = 20


@dataclass(slots=True)
class Tally:
    """The sums over the views of an outcome, or over the views without an outcome yet: views, segments, bytes."""

    views: int = 0
    segments: int = 0
    size: int = 0
    """Bytes of their lines, uncompressed."""

    def add(self, record: ViewRecord) -> None:
        """Count one view, with the number of its segments and the bytes of its lines."""
        self.views += 1
        self.segments += record.segments
        self.size += record.size


@dataclass(slots=True)
class Status:
    """The figures of an archive: views by outcome, sessions by completeness, views to note, and the last run.

    A session is whole where all its views are finished, partial where some bytes or some finished views are
    there, else untouched.
    """

    root: str
    """The archive's path or address."""
    by_ledger: bool
    """False where there is no ledger and the manifest, of the last run's end, is all there is."""
    running: str | None = None
    """Who is writing to the archive now."""
    progress: Mapping[str, object] = field(default_factory=dict)
    """Figures of that run, by name, where the archive is in a store."""
    run_ended: bool | None = None
    """False where the last run has not ended, so the manifest is older; None where nothing tells."""
    last_wrote_ms: int | None = None
    """When a killed run last wrote to the ledger of an archive on a disk, in milliseconds since 1970."""
    outcomes: dict[Outcome | None, Tally] = field(default_factory=dict)
    """None stands for views that have not been asked for to their end."""
    reasons: dict[Outcome, Counter[str]] = field(default_factory=dict)
    """Of the views that are not finished, for each outcome: how many views have each reason."""
    whole: int = 0
    """Sessions whose views are all finished."""
    partial: int = 0
    """Sessions of which something, but not everything, is there."""
    untouched: int = 0
    """Sessions of which nothing is there yet."""
    noted: int = 0
    """Views that a reader should be warned of."""
    named: list[ViewRecord] = field(default_factory=list)
    """The first of these."""
    erased: int = 0
    """Sessions that were erased, of which nothing is kept but a mark."""
    events: EventsTotals = field(default_factory=EventsTotals)
    """Of the sessions' RUM events."""
    shards: ShardsState | None = None
    """The state of each shard, None for an archive without shards."""
    last_run: Mapping[str, object] | None = None
    """What report.json says of the last run that came to its end."""

    @property
    def total(self) -> Tally:
        """The sums over all outcomes, and over the views that have none yet."""
        tallies = self.outcomes.values()
        return Tally(sum(t.views for t in tallies), sum(t.segments for t in tallies), sum(t.size for t in tallies))

    @property
    def unfinished(self) -> int:
        """The number of views that the next run of the same list asks for."""
        return sum(tally.views for outcome, tally in self.outcomes.items() if outcome is None or not outcome.finished)


def status(shelf: Shelf, name_at_most: int | None = NAMED) -> Status:
    """Count all views of an archive; raises ArchiveError where there is neither a ledger nor a manifest.

    ``name_at_most`` views to note are named, and None names all. Each name takes memory, and the views of a
    season may be millions.
    """
    with _told(readable(shelf)) as told:
        ledger = told.ledger
        found = Status(shelf.place(), told.by_ledger, running=shelf.held_by(), last_run=_last_run(shelf))
        found.progress, found.run_ended = shelf.progress(), shelf.run_ended()
        if ledger and shelf.layout is not None and not found.running:
            found.run_ended, found.last_wrote_ms = last_run_ended(ledger, shelf.layout)
        found.shards = shards_state(shelf)
        found.erased = ledger.erased_sessions() if ledger else len({*reported_marks(shelf)})
        # Both sources tell a session's views one after the other, so one session at a time is held.
        for _, views in groupby(told.records, lambda record: record.planned.view.session_id):
            _count_session(found, views, name_at_most)
        found.events = ledger.events_totals() if ledger else _events_of_manifest(shelf, found)
    return found


def _events_of_manifest(shelf: Shelf, found: Status) -> EventsTotals:
    """Sum up the sessions' RUM events by their manifest, which is all that tells of them without a ledger."""
    records = [line[0] for line in read_events_manifest(shelf) if not isinstance(line, BadLine)]
    fetched = [record for record in records if record.size]
    unasked = found.whole + found.partial + found.untouched - len(records)
    events, size = sum(record.events for record in fetched), sum(record.size for record in fetched)
    return EventsTotals(len(fetched), len(records) - len(fetched), unasked, events, size)


def unfinished_csv(shelf: Shelf) -> Iterator[str]:
    """Yield the unfinished views as CSV in blocks, with outcome and reason; ``download`` reads the two ids."""
    with _told(readable(shelf)) as told:
        unfinished = ((*each.planned.view, each.outcome, each.reason) for each in told.records if not each.finished)
        yield from table_text(("session_id", "view_id", "outcome", "reason"), unfinished)


class _Told(NamedTuple):
    """All views of an archive, session by session, and where the records come from."""

    by_ledger: bool
    """Else by the manifest."""
    records: Iterator[ViewRecord]
    ledger: Ledger | None = None
    """The open ledger; None by the manifest, and where each shard has a ledger of its own."""


@contextmanager
def _told(shelf: Shelf) -> Iterator[_Told]:
    """Open an archive's ledger, or the manifest where there is none, for as long as the context lasts."""
    layout = shelf.layout
    if shards := shelf.shards():
        by_ledger = any(each.layout is not None and each.layout.ledger.is_file() for each in shards)
        if by_ledger:
            told = (_ledger_records(each.layout) for each in shards if each.layout is not None)
        else:
            told = (_shard_records(each) for each in shards)
        yield _Told(by_ledger, chain.from_iterable(told))
        return
    if layout is None:
        from replay_fetch.inspect.current import restored_ledger  # noqa: PLC0415 - for archives in a store alone

        with restored_ledger(shelf) as scratch:
            if scratch is not None:
                yield _Told(by_ledger=True, records=scratch.ledger.views(), ledger=scratch.ledger)
            else:
                require_manifest(shelf)
                yield _Told(by_ledger=False, records=_manifest_records(shelf))
        return
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        # Read-only, as of the last commit: a run that writes at this moment is neither waited for nor held up. A
        # blank ledger is one that is not there.
        if ledger.blank and layout.manifest.is_file():
            yield _Told(by_ledger=False, records=_manifest_records(shelf))
        else:
            check_ledger_is_there(layout)
            yield _Told(by_ledger=True, records=ledger.views(), ledger=ledger)


def _manifest_records(shelf: Shelf) -> Iterator[ViewRecord]:
    """Give the manifest's views; lines that cannot be read are for `verify` to name."""
    return (line.record for line in read_manifest(shelf) if not isinstance(line, BadLine))


def _ledger_records(shard: Layout) -> Iterator[ViewRecord]:
    """Give the views of one shard, none where it has not begun; its ledger is open only meanwhile."""
    with closing(Ledger.open_read_only(shard.ledger)) as ledger:
        yield from ledger.views()


def _shard_records(shard: Shelf) -> Iterator[ViewRecord]:
    """Give the views of one shard without a ledger here: by its log where its last run has not ended."""
    from replay_fetch.inspect.current import restored_ledger  # noqa: PLC0415 - for archives in a store alone

    with restored_ledger(shard) as scratch:
        if scratch is not None:
            yield from scratch.ledger.views()
        elif shard.is_file(shard.manifest):
            yield from _manifest_records(shard)


def _count_session(found: Status, views: Iterable[ViewRecord], name_at_most: int | None) -> None:
    """Count the views of one session, then the session itself: whole, partial, or not begun."""
    seen = Counter[bool]()
    something = False
    for view in views:
        found.outcomes.setdefault(view.outcome, Tally()).add(view)
        seen[view.finished] += 1
        if view.outcome is not None and not view.finished:
            _count_reason(found.reasons.setdefault(view.outcome, Counter()), view.reason)
        if found.shards and not view.finished:
            found.shards.unfinished.add(index_of(view.planned.view.session_id, found.shards.count))
        # A view that failed half-way has bytes without being finished: its session is partial, not untouched.
        something |= view.size > 0
        if view.warnings:
            found.noted += 1
            if name_at_most is None or found.noted <= name_at_most:
                found.named.append(view)
    if not seen[False]:
        found.whole += 1
    elif something or seen[True]:
        found.partial += 1
    else:
        found.untouched += 1


def _count_reason(reasons: Counter[str], reason: str) -> None:
    """Count a reason; past the twentieth, new ones count as one: those that name a number are as many as the views."""
    reasons[reason if reason in reasons or len(reasons) < MOST_REASONS else OTHER_REASONS] += 1


def _last_run(shelf: Shelf) -> Mapping[str, object] | None:
    """Read the report of the last run that came to its end; None where it is missing, damaged, or no object."""
    try:
        report: object = orjson.loads(read_report(shelf))
    # An archive whose first run has not ended has no report; that is no mistake.
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None

"""``status``: what an archive holds and what it still lacks, also while a run writes to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import orjson

from replay_fetch.archive import BadLine, Layout, check_ledger_is_there, holder, read_manifest, read_report, readable
from replay_fetch.ledger import Ledger
from replay_fetch.model import Outcome, ViewRecord
from replay_fetch.view_list import table_text

NAMED = 20


@dataclass(slots=True)
class Tally:
    """Sums over the views of one outcome, or of none yet."""

    views: int = 0
    segments: int = 0
    size: int = 0
    """Bytes of their lines, uncompressed."""

    def add(self, record: ViewRecord) -> None:
        """Count a view."""
        self.views += 1
        self.segments += record.segments
        self.size += record.size


@dataclass(slots=True)
class Status:
    """An archive in figures."""

    root: Path
    by_ledger: bool
    """False where there is no ledger and the manifest, of the last run's end, is all there is."""
    running: str | None = None
    """Who is writing to the archive now."""
    outcomes: dict[Outcome | None, Tally] = field(default_factory=dict)
    """None stands for views that have not been asked for to their end."""
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
    last_run: Mapping[str, object] | None = None
    """What report.json says of the last run that came to its end."""

    @property
    def total(self) -> Tally:
        """Over all outcomes."""
        tallies = self.outcomes.values()
        return Tally(sum(t.views for t in tallies), sum(t.segments for t in tallies), sum(t.size for t in tallies))

    @property
    def unfinished(self) -> int:
        """Views that the next run asks for."""
        return sum(tally.views for outcome, tally in self.outcomes.items() if outcome is None or not outcome.finished)


def status(root: Path, name_at_most: int | None = NAMED) -> Status:
    """Look through the whole archive's ledger, or else its manifest; raises ArchiveError where there is neither.

    Of the views to note so many are named, or all of them, which takes memory for each.
    """
    layout = readable(root)
    with _records(layout) as (by_ledger, records):
        found = Status(root, by_ledger, running=holder(layout.lock), last_run=_last_run(layout))
        for _, views in groupby(records, lambda record: record.planned.view.session_id):
            _count_session(found, views, name_at_most)
    return found


def unfinished_csv(root: Path) -> Iterator[str]:
    """Every unfinished view as CSV that ``download`` reads, block by block."""
    with _records(readable(root)) as (_, records):
        unfinished = ((*each.planned.view, each.outcome, each.reason) for each in records if not each.finished)
        yield from table_text(("session_id", "view_id", "outcome", "reason"), unfinished)


@contextmanager
def _records(layout: Layout) -> Iterator[tuple[bool, Iterator[ViewRecord]]]:
    """Whether the ledger tells, and all views, session by session."""
    with closing(Ledger.open_read_only(layout.ledger)) as ledger:
        if ledger.blank and layout.manifest.is_file():
            yield False, (line.record for line in read_manifest(layout) if not isinstance(line, BadLine))
        else:
            check_ledger_is_there(layout)
            yield True, ledger.views()


def _count_session(found: Status, views: Iterable[ViewRecord], name_at_most: int | None) -> None:
    seen = Counter[bool]()
    something = False
    for view in views:
        found.outcomes.setdefault(view.outcome, Tally()).add(view)
        seen[view.finished] += 1
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


def _last_run(layout: Layout) -> Mapping[str, object] | None:
    try:
        report: object = orjson.loads(read_report(layout))
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None

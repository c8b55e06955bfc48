"""The sessions that a list names, read for a search of their views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import chain

from replay_fetch.ledger.wanted import SessionEntry, WantedSessions
from replay_fetch.pipeline.job import listed
from replay_fetch.pipeline.list_loading import shown_rows
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Settings
from replay_fetch.view_list.rows import BadRow, PlannedRow, RepeatedHeader
from replay_fetch.view_list.source import ListSource
from replay_fetch.view_list.view_list import ViewList


@contextmanager
def sessions_of_list(source: ListSource, settings: Settings, more: Iterable[SessionEntry]) -> Iterator[WantedSessions]:
    """Read the sessions that a list names, and ``more``; rows that name none are kept apart, with their reasons.

    Raises InputError where the list cannot be read, or where a link leads to another site.
    """
    with closing(WantedSessions()) as wanted, listed(source, settings) as views:
        wanted.take(chain(more, entries_of(views)))
        yield wanted


def entries_of(views: ViewList, reporter: Reporter | None = None) -> Iterator[SessionEntry]:
    """Give the session of each row of a list, a bad row with its reason; the reporter shows how far a long one is."""
    for row in shown_rows(views, reporter):
        match row:
            case BadRow(line, reason):
                yield SessionEntry(line, None, None, reason)
            case PlannedRow():
                yield SessionEntry(row.line, row.view.session_id, row.view.view_id)
            case RepeatedHeader():
                continue
            case _:
                yield SessionEntry(row.line, row.session_id, row.view_id)

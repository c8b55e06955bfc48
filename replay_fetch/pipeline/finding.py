"""The first stage of a download whose list names sessions: their views are found, then downloaded as any list.

::

  list of sessions ─► WantedSessions ─► events search, a hundred sessions a query ─► ledger ─► list of views

Each query that came to its end is kept in the ledger. A run that goes on, or is made again, searches for the
other sessions alone, and gets the same views in the same order.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from replay_fetch.api.events import FoundView
from replay_fetch.api.search import REPLAYED_VIEWS, Window
from replay_fetch.archive.layout import Layout
from replay_fetch.errors import AuthError
from replay_fetch.ledger.searched import SearchedSessions
from replay_fetch.ledger.wanted import SessionEntry, WantedSessions
from replay_fetch.model import View
from replay_fetch.pipeline.discover import Discover, Discovery, Wanted
from replay_fetch.pipeline.opening import open_archive
from replay_fetch.pipeline.stopping import stoppable
from replay_fetch.progress.reporters import Reporter
from replay_fetch.progress.units import count, some
from replay_fetch.settings import Credentials, Settings
from replay_fetch.timestamps import iso
from replay_fetch.view_list.ids import UUID
from replay_fetch.view_list.rows import BadRow, PlannedRow, Row, seconds_of
from replay_fetch.view_list.view_list import ViewList

if TYPE_CHECKING:
    from replay_fetch.pipeline.stored import StoredArchive

log = logging.getLogger(__name__)

_Keep = Callable[[Iterable[Sequence[FoundView]]], None]
"""Keeps the views of sessions with the archive, all of them or none."""

# As long as the events of a session are kept; a replay may be kept longer, and only its link knows its view then.
EVENTS_KEPT_MS = 30 * 86_400_000
_NO_VIEW = "-"
_WITHOUT = "without it, --view-only downloads the one view that each link names in seed= or view_id="


class SessionSearch:
    """The sessions of a list and the views found of them; ``needed`` sessions are still to be searched for."""

    def __init__(
        self,
        listed: ViewList,
        out: Path,
        settings: Settings,
        wanted: WantedSessions | None,
        stored: StoredArchive | None = None,
    ) -> None:
        """Begin with nothing found; ``out`` is the folder of the ledger, of an archive in a store its scratch."""
        self.stored = stored
        """The archive in a store, open, where sessions are looked for there."""
        self._listed = listed
        self._out = out
        self._settings = settings
        self._wanted = wanted
        self._found: Discovery | None = None
        self._searched = 0

    @property
    def needed(self) -> int:
        """Count the sessions of which no views are known; 0 for a list that names views."""
        return 0 if self._wanted is None else len(self._wanted)

    def figures(self) -> dict[str, int | float] | None:
        """Return the figures of the search by name, for the report; None where nothing was searched for."""
        found = self._found
        if found is None or not found.stats.requests:
            return None
        return {
            "sessions": self._searched,
            "views": found.views.size,
            "requests": found.stats.requests,
            "retries": found.stats.retries,
            "rate_limited": found.stats.rate_limited,
            "wire_bytes": found.stats.wire_bytes,
            "seconds": round(found.seconds, 3),
        }

    def close(self) -> None:
        """Forget all that was found and is not in the ledger, with its temporary files, also after a failure."""
        if self._found is not None:
            self._found.views.close()
        if self._wanted is not None:
            self._wanted.close()

    def recall(self, now_ms: int) -> None:
        """Note the sessions that an earlier run has searched for, except those that ``--refresh`` finds young.

        Erased sessions are noted, too: nothing is asked about them.
        """
        if self._wanted is None:
            return
        window = self._settings.plan.refresh_window
        young = None if window is None else iso(now_ms - int(window * 1000))
        with closing(self._kept()) as kept:
            self._wanted.searched(
                each
                for each in self._wanted.all()
                if kept.is_erased(each)
                or ((views := kept.know(each)) and not (young and max(found.date for found in views) > young))
            )

    async def search_until_signal(self, credentials: Credentials, reporter: Reporter | None) -> None:
        """Search as `search` does; raises KeyboardInterrupt at a signal, with all ended queries kept."""
        async with stoppable(at_once=True):
            await self.search(credentials, reporter)

    async def search(self, credentials: Credentials, reporter: Reporter | None) -> None:
        """Find the views of all needed sessions, with the archive open and locked.

        Raises AuthError where the keys may not search, naming the way to do without; else as a search does.
        """
        wanted = self._wanted
        if wanted is None or not self.needed:
            return
        self._searched = self.needed
        of = f"{count(self.needed)} of " if self.needed < wanted.sessions else ""
        log.info("%s: searching for the views of %s%s", self._listed.name, of, some(wanted.sessions, "session"))
        opened = ExitStack()
        try:
            keep = await to_thread.run_sync(opened.enter_context, self._archive())
            search = partial(self._search, keep, wanted, credentials, reporter)
            await (search() if self.stored is None else self.stored.beside(search, dict))
        except AuthError as error:
            raise AuthError(f"the search for views was refused: {error}; {_WITHOUT}") from None
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(opened.close)

    async def _search(
        self, keep: _Keep, wanted: WantedSessions, credentials: Credentials, reporter: Reporter | None
    ) -> None:
        now_ms = int(time.time() * 1000)
        search = Wanted(REPLAYED_VIEWS, Window(now_ms - EVENTS_KEPT_MS, now_ms), sessions=wanted)

        def note(sessions: list[str]) -> None:
            found = discover.found
            if not found.warnings:  # else views may be missing: the next run searches again
                keep(found.views.of_session(each) for each in sessions)
            wanted.searched(sessions)

        discover = Discover(search, self._settings, credentials, note)
        self._found = discover.found
        await discover.find(reporter)
        log.info(
            "%s found in %s", some(discover.found.views.size, "view"), some(discover.found.stats.requests, "request")
        )

    def views(self, *, planned: bool = False) -> ViewList:
        """Return the list of views; with ``planned``, sessions still to be searched for are left out, else refused."""
        if self._wanted is None:
            return self._listed
        return ViewList.of_rows(self._listed, lambda: self._rows(planned=planned), self._settings.plan)

    def _rows(self, *, planned: bool) -> Generator[Row, None, None]:
        if self._wanted is None:
            return
        line = 0
        with closing(self._kept()) as kept:
            for entry in self._wanted.entries():
                line = entry.line
                yield from self._rows_of(entry, kept, planned=planned)
        if self._found is not None and self._found.warnings:
            yield BadRow(line, "the search for views may not be whole, since the API warned; run again")

    def _rows_of(self, entry: SessionEntry, kept: SearchedSessions, *, planned: bool) -> Iterator[Row]:
        wanted, session_id = self._wanted, entry.session_id
        if wanted is None or session_id is None:
            yield BadRow(entry.line, entry.reason or "")
            return
        named = wanted.named_views(session_id)
        if kept.is_erased(session_id):
            # Planned to be counted alone: the ledger drops rows of erased sessions before it looks at their views.
            yield from (PlannedRow(entry.line, View(session_id, each), None) for each in named or [_NO_VIEW])
            return
        views = self._found.views.of_session(session_id) if self._found else []
        views = views or kept.know(session_id) or []
        yield from (_planned(entry.line, found) for found in views)
        # A view that a link names is there even where its events are gone, or where nobody may search for them.
        there = {found.view.view_id for found in views}
        named = [each for each in named if each not in there]
        yield from (PlannedRow(entry.line, View(session_id, each), None) for each in named)
        if not views and not named:
            if wanted.is_searched(session_id):
                yield BadRow(entry.line, _none_found(session_id))
            elif not planned:
                yield BadRow(entry.line, f"session {session_id} was not searched for: the run was stopped before")

    def _kept(self) -> SearchedSessions:
        return SearchedSessions.open_read_only(Layout(self._out).ledger)

    @contextmanager
    def _archive(self) -> Iterator[_Keep]:
        """Open the archive, and give the way to keep the views of sessions in it."""
        if self.stored is not None:
            yield self.stored.keep_found
            return
        with (
            open_archive(self._out, self._settings) as (layout, _),
            closing(SearchedSessions.open(layout.ledger)) as kept,
        ):
            yield kept.keep


def _planned(line: int, found: FoundView) -> PlannedRow:
    dated = seconds_of(found.date) if found.segments_count else None
    return PlannedRow(line, found.view, found.segments_count, dated)


def _none_found(session_id: str) -> str:
    said = f"no views with a recording were found of session {session_id} in the last 30 days"
    if UUID.fullmatch(session_id) is None:
        return f"{said}; a session's whole id has 36 characters"
    if session_id != session_id.lower():
        return f"{said}; the API writes ids in lower case: write it so"
    return f"{said}; a link with seed= names a view without a search"

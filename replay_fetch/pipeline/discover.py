"""A search for views with a recording, for a list to download.

The events search pages through a window of time, oldest first; the views found wait in a temporary file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from replay_fetch.api.events import FoundPage
from replay_fetch.api.search import Window, queries
from replay_fetch.errors import Forbidden, Rejected
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.searching import Search, Stride, sessions_of
from replay_fetch.ledger.found import FoundViews
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.failure import FirstFailure
from replay_fetch.pipeline.progress_feed import PacerSnapshot, where_workers_stand
from replay_fetch.pipeline.stopping import stoppable
from replay_fetch.progress.bottleneck import Bottleneck, WorkerCounts
from replay_fetch.progress.reporters import Reporter, follow, watch
from replay_fetch.progress.snapshot import SearchSnapshot
from replay_fetch.progress.stats import RunStats
from replay_fetch.progress.units import count, some
from replay_fetch.settings import Credentials, Settings

log = logging.getLogger(__name__)

_PERMISSION = "rum_apps_read"
# Sessions that are not found, and warnings, that are named one by one; past that sessions are counted.
_MOST_NAMED = 20
# The reference names none for playlists; that of the replays themselves is the likeliest.
_PLAYLIST_PERMISSION = f"{_PERMISSION} (and, for --playlist, rum_session_replay_read)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The views to find: a query within a window of time; where sessions or a playlist are named, only their views."""

    query: str
    window: Window
    application: str = ""
    sessions: Sequence[str] = ()
    playlist: str = ""


@dataclass(slots=True)
class Discovery:
    """The result of a search; the views lie in a temporary file, which `close` of ``views`` removes."""

    views: FoundViews = field(default_factory=FoundViews)
    events: int = 0
    """Events that were answered, those that came twice too."""
    nameless: int = 0
    """Events that name no view, which are left out."""
    lacking: int = 0
    """Sessions that were named and of which no view was found."""
    warnings: list[str] = field(default_factory=list)
    """What the API warned of, such as parts of its store that did not answer."""
    stats: RunStats = field(default_factory=RunStats)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 for a list with everything asked for; 1 for an empty list, or a list in which something is lacking.

        A named session may be lacking, or the part of the store the API warned of. Events without a view leave 0: a
        search for more than views has some, and the list lacks nothing.
        """
        return 0 if self.views.size and not self.lacking and not self.warnings else 1

    def add(self, page: FoundPage) -> None:
        """Take in one page of events."""
        self.events += page.events
        self.nameless += page.nameless
        self.views.add(page.views)


async def discover(
    wanted: Wanted, settings: Settings, credentials: Credentials, reporter: Reporter | None = None
) -> Discovery:
    """Search to the end, and return the views found; raises as `Discover.run` does."""
    return await Discover(wanted, settings, credentials).run(reporter)


class Discover:
    """Runs a search, over a single query or several, from the first request to the last; used once."""

    def __init__(self, wanted: Wanted, settings: Settings, credentials: Credentials) -> None:
        self._wanted = wanted
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._limiting = Bottleneck()
        self._searches: list[Search] = []
        self.found = Discovery()

    async def run(self, reporter: Reporter | None = None) -> Discovery:
        """Search to the end while the reporter shows how far the search is.

        Raises AuthError, OutageError or TrustError as a download does, another RequestError where the API refuses
        the search or cannot carry it out, and KeyboardInterrupt at a signal: part of a list would look like a list.
        """
        began, failure = anyio.current_time(), FirstFailure()
        try:
            async with stoppable(at_once=True), anyio.create_task_group() as shown:
                shown.start_soon(watch, self._limiting, self._standing)
                shown.start_soon(follow, self._snapshot, reporter)
                with failure.kept():
                    await self._find()
                shown.cancel_scope.cancel()
            failure.raise_first()
        except BaseException:
            self.found.views.close()
            raise
        self.found.seconds = anyio.current_time() - began
        return self.found

    async def _find(self) -> None:
        keys = CredentialCheck(_PLAYLIST_PERMISSION if self._wanted.playlist else _PERMISSION)
        async with connected(self._settings, self._credentials, self._pacer, self.found.stats, keys) as fetcher:
            try:
                # One stride for all queries: the length of window that held for one is the best guess for the next.
                window, stride = self._wanted.window, Stride(self._wanted.window.length_ms)
                self._searches += [Search(fetcher, each, window, stride) for each in await self._queries(fetcher)]
                with _named(f"searched for: {self._wanted.query}"):
                    for search in self._searches:
                        await self._take_in(search)
            # A search has no view that could be forbidden alone: the permission is lacking.
            except Forbidden as error:
                raise keys.auth_error(error) from None  # what is refused here is no single view
        self._warn_of_sessions_without_views()

    async def _queries(self, fetcher: Fetcher) -> list[str]:
        wanted = self._wanted
        sessions = dict.fromkeys(wanted.sessions)
        if wanted.playlist:
            with _named(f"asked for: the sessions of playlist {wanted.playlist}"):
                listed = await sessions_of(fetcher, wanted.playlist)
            log.info("playlist %s holds %d sessions", wanted.playlist, len(listed))
            sessions |= dict.fromkeys(listed)
        by_session = bool(wanted.sessions or wanted.playlist)
        return list(queries(wanted.query, wanted.application, sessions if by_session else None))

    def _warn_of_sessions_without_views(self) -> None:
        """Warn of named sessions without a view; a playlist may hold sessions whose events are gone."""
        sessions = list(dict.fromkeys(self._wanted.sessions))
        lacking = self.found.views.lacking(sessions)
        self.found.lacking = len(lacking)
        if lacking:
            more = len(lacking) - _MOST_NAMED
            names = ", ".join(lacking[:_MOST_NAMED]) + (f" and {count(more)} more" if more > 0 else "")
            which = f"{count(len(lacking))} of {some(len(sessions), 'session')}"
            log.warning("no views found of %s, look at --from and --query: %s", which, names)

    async def _take_in(self, search: Search) -> None:
        async with aclosing(search.pages()) as pages:
            async for page in pages:
                await to_thread.run_sync(self.found.add, page)
                self._pass_on(page.warnings)

    def _pass_on(self, warnings: Iterable[str]) -> None:
        # A warning stands on every page of a search; told once, it is enough to doubt the list.
        known = self.found.warnings
        for warning in dict.fromkeys(warnings):
            if warning not in known and len(known) < _MOST_NAMED:
                known.append(warning)
                log.warning("the events search warns: %s", warning)

    def _snapshot(self) -> SearchSnapshot:
        length = self._wanted.window.length_ms
        done = sum(search.reached_ms - search.window.start_ms for search in self._searches)
        total = length * max(1, len(self._searches))
        pacer = PacerSnapshot(self._pacer.snapshot(), self._settings.fetch.max_rate)
        return SearchSnapshot(total, done, self.found.views.size, self.found.stats, pacer, self._limiting.verdict)

    def _standing(self) -> WorkerCounts:
        snapshot, stats = self._pacer.snapshot(), self.found.stats
        return where_workers_stand(snapshot, self._settings.fetch.max_rate, stats.backing_off, handing_over=0)


@contextmanager
def _named(asked: str) -> Iterator[None]:
    """Add the search in words to the API's refusal, which seldom names the search."""
    try:
        yield
    except Rejected as error:
        raise Rejected(f"{error} ({asked})") from None

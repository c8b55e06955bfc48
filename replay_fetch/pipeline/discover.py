"""A search for views with a recording, for a list to download.

The events search pages through a window of time, oldest first; the views found wait in a temporary file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio import to_thread

from replay_fetch.api.events import FoundPage
from replay_fetch.api.search import SESSIONS_A_QUERY, Window, narrowed, session_batches
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
from replay_fetch.progress.units import count, few, some
from replay_fetch.settings import Credentials, Settings

log = logging.getLogger(__name__)

_PERMISSION = "rum_apps_read"
# Sessions that are not found, and warnings, that are named one by one; past that sessions are counted.
_MOST_NAMED = 20
# The reference names none for playlists; that of the replays themselves is the likeliest.
_PLAYLIST_PERMISSION = f"{_PERMISSION} (and, for --playlist, rum_session_replay_read)"


class Sessions(Protocol):
    """Session ids, each once, that are counted and read without being held."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """The views to find: a query within a window of time; where sessions or a playlist are named, only their views."""

    query: str
    window: Window
    application: str = ""
    sessions: Sessions | None = None
    """Read batch by batch while the search goes on, so it may be larger than memory."""
    playlist: str = ""
    limit: int | None = None
    """Views after which the search ends; None searches to the end."""


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
    unusable: int = 0
    """Rows of a list of sessions that name no session."""
    cut: bool = False
    """The search ended at the limit: there may be more views."""

    @property
    def exit_code(self) -> int:
        """0 for a list with everything asked for; 1 for an empty list, or a list in which something is lacking.

        A named session may be lacking, or the part of the store the API warned of. Events without a view leave 0: a
        search for more than views has some, and the list lacks nothing.
        """
        return 0 if self.views.size and not (self.lacking or self.unusable or self.warnings) else 1

    def add(self, page: FoundPage) -> None:
        """Take in one page: count the events, and keep each view once."""
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

    def __init__(
        self,
        wanted: Wanted,
        settings: Settings,
        credentials: Credentials,
        note: Callable[[list[str]], None] | None = None,
    ) -> None:
        """Take the search; ``note`` is called, in a thread, with the sessions of each query that came to its end."""
        self._wanted = wanted
        self._note = note
        self._settings = settings
        self._credentials = credentials
        self._pacer = Pacer(settings.fetch)
        self._bottleneck = Bottleneck()
        self._queries, self._ended = 1, 0
        self._search: Search | None = None
        self.found = Discovery(FoundViews(wanted.limit))

    async def run(self, reporter: Reporter | None = None) -> Discovery:
        """Search to the end while the reporter shows how far the search is.

        Raises as `find` does, and KeyboardInterrupt at a signal: part of a list would look like a list.
        """
        try:
            async with stoppable(at_once=True):
                return await self.find(reporter)
        except BaseException:
            self.found.views.close()
            raise

    async def find(self, reporter: Reporter | None = None) -> Discovery:
        """Search as `run` does, but hear no signals, and leave the views found to the caller where the search fails.

        Raises AuthError, OutageError or TrustError as a download does, another RequestError where the API refuses
        the search or cannot carry it out.
        """
        began, failure = anyio.current_time(), FirstFailure()
        async with anyio.create_task_group() as shown:
            shown.start_soon(watch, self._bottleneck, self._worker_counts)
            shown.start_soon(follow, self._snapshot, reporter)
            with failure.kept():
                await self._find()
            shown.cancel_scope.cancel()
        failure.raise_first()
        self.found.seconds = anyio.current_time() - began
        return self.found

    async def _find(self) -> None:
        keys = CredentialCheck(_PLAYLIST_PERMISSION if self._wanted.playlist else _PERMISSION)
        async with connected(self._settings, self._credentials, self._pacer, self.found.stats, keys) as fetcher:
            try:
                sessions = await self._sessions(fetcher)
                with _named(f"searched for: {self._wanted.query}"):
                    await self._search_all(fetcher, sessions)
            # A search has no view that could be forbidden alone: the permission is lacking.
            except Forbidden as error:
                raise keys.auth_error(error) from None  # what is refused here is no single view
        self._warn_of_sessions_without_views()

    async def _search_all(self, fetcher: Fetcher, sessions: Sessions | None) -> None:
        """Search for one batch of sessions after the other or, without sessions, once."""
        wanted, window = self._wanted, self._wanted.window
        # One stride for all queries: the length of window that held for one is the best guess for the next.
        stride = Stride(window.length_ms)
        batches: Iterable[list[str] | None] = [None] if sessions is None else session_batches(sessions)
        self._queries = 1 if sessions is None else -(-len(sessions) // SESSIONS_A_QUERY)
        for batch in batches:
            self._search = Search(fetcher, narrowed(wanted.query, wanted.application, batch), window, stride)
            await self._take_in(self._search)
            if self.found.cut:
                return
            self._search = None
            self._ended += 1
            if self._note is not None and batch is not None:
                await to_thread.run_sync(self._note, batch)

    async def _sessions(self, fetcher: Fetcher) -> Sessions | None:
        """Return the sessions to which the search is narrowed, each once; None for a search over all."""
        wanted = self._wanted
        if not wanted.playlist:
            named = wanted.sessions
            return (dict.fromkeys(named) or None) if isinstance(named, list | tuple) else named
        with _named(f"asked for: the sessions of playlist {wanted.playlist}"):
            listed = await sessions_of(fetcher, wanted.playlist)
        log.info("playlist %s holds %d sessions", wanted.playlist, len(listed))
        return dict.fromkeys([*(wanted.sessions or ()), *listed])

    def _warn_of_sessions_without_views(self) -> None:
        """Warn of named sessions without a view; a playlist may hold sessions whose events are gone."""
        if self._wanted.sessions is None or self._note is not None or self.found.cut:
            return
        named = self._wanted.sessions
        sessions = dict.fromkeys(named) if isinstance(named, list | tuple) else named
        lacking = self.found.views.lacking(sessions)
        self.found.lacking = len(lacking)
        if lacking:
            which = f"{count(len(lacking))} of {some(len(sessions), 'session')}"
            log.warning("no views found of %s, look at --from and --query: %s", which, few(lacking, _MOST_NAMED))

    async def _take_in(self, search: Search) -> None:
        async with aclosing(search.pages()) as pages:
            async for page in pages:
                await to_thread.run_sync(self.found.add, page)
                self._pass_on(page.warnings)
                if self.found.views.full:
                    self.found.cut = True
                    return

    def _pass_on(self, warnings: Iterable[str]) -> None:
        # A warning stands on every page of a search; told once, it is enough to doubt the list.
        known = self.found.warnings
        for warning in dict.fromkeys(warnings):
            if warning not in known and len(known) < _MOST_NAMED:
                known.append(warning)
                log.warning("the events search warns: %s", warning)

    def _snapshot(self) -> SearchSnapshot:
        length = self._wanted.window.length_ms
        search = self._search
        done = length * self._ended + (search.reached_ms - search.window.start_ms if search else 0)
        total = length * max(self._queries, self._ended, 1)
        pacer = PacerSnapshot(self._pacer.snapshot(), self._settings.fetch.max_rate)
        return SearchSnapshot(total, done, self.found.views.size, self.found.stats, pacer, self._bottleneck.verdict)

    def _worker_counts(self) -> WorkerCounts:
        snapshot, stats = self._pacer.snapshot(), self.found.stats
        return where_workers_stand(snapshot, self._settings.fetch.max_rate, stats.backing_off, handing_over=0)


@contextmanager
def _named(asked: str) -> Iterator[None]:
    """Add the search in words to the API's refusal, which seldom names the search."""
    try:
        yield
    except Rejected as error:
        raise Rejected(f"{error} ({asked})") from None

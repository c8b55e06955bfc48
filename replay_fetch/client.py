"""The library's door: segments of one view, or a list of views into an archive."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, ExitStack
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import anyio
from anyio import to_thread

from replay_fetch.api.endpoint import check_id
from replay_fetch.archive.report import Report
from replay_fetch.environment import credentials as credentials_from
from replay_fetch.environment import site as site_from
from replay_fetch.errors import ChainCut, Forbidden, InputError, NotFound, ReplayFetchError
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.paginator import Paginator, Restarted
from replay_fetch.model import Segment, View
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.first_stage import found_first
from replay_fetch.pipeline.job import DownloadJob, list_at_hand
from replay_fetch.pipeline.place import place
from replay_fetch.pipeline.preparing import prepared
from replay_fetch.pipeline.stopping import Stop
from replay_fetch.progress.stats import RunStats
from replay_fetch.settings import Credentials, Settings
from replay_fetch.view_list.source import ListSource

T = TypeVar("T")


class Client:
    """Fetches the segments of views one by one; connections, pace and retries are shared.

    Keys, site and proxy are those of the environment, as with the command, unless the arguments name others.
    To be used as an async context manager; many views may be read at once from different
    tasks. `Settings.api` and `Settings.fetch` count: ``workers`` is how many requests are under way at
    once, ``memory_limit`` holds back pages that arrive or are read; segments that were given are the
    caller's own.
    """

    def __init__(self, *, credentials: Credentials | None = None, settings: Settings | None = None) -> None:
        self._credentials = credentials or credentials_from(os.environ)
        self._settings = _at_site(settings or Settings())
        self._stack = AsyncExitStack()
        self._fetcher: Fetcher | None = None

    async def __aenter__(self) -> Self:
        connection = connected(self._settings, self._credentials, Pacer(self._settings.fetch), RunStats())
        self._fetcher = await self._stack.enter_async_context(connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._fetcher = None
        await self._stack.aclose()

    def __repr__(self) -> str:
        return f"<Client of {self._settings.api.origin}{'' if self._fetcher else ', closed'}>"

    async def segments(self, session_id: str, view_id: str) -> AsyncGenerator[Segment, None]:
        """The segments of one view, in the API's order, as they arrive; none where it has none.

        429s, faults and expired paging tokens are dealt with. A chain that begins anew gives what was not given
        before, by its bytes; where it comes to its end without some of what was, ChainCut is raised. Leaving early
        is fine: no further page is asked for, and within `contextlib.aclosing` the one at hand is freed at once.

        Raises a RequestError where this view cannot be had to its end: NotFound, Forbidden, Rejected,
        TokenRefused, BadBody, ChainCut or GaveUp, whose ``__cause__`` is the last ServerError,
        TransportError or GarbledBody; InputError for ids that no view has. Raises what would meet every
        view: AuthError where the keys are refused, TrustError where the server's certificate is not
        trusted, OutageError where nothing but faults came for ``give_up_after``
        seconds, or nothing but 429s for two days.
        """
        if self._fetcher is None:
            raise RuntimeError("the client is not open: use it as `async with Client() as client`")
        paginator = Paginator(
            self._fetcher, _view(session_id, view_id), self._settings.api.source, self._settings.fetch.max_pages
        )
        given = _Given()
        try:
            while (page := await paginator.next_page()) is not None:
                if isinstance(page, Restarted):
                    given.comes_again()
                    continue
                paginator.let_go()  # who reads two views side by side would wait for himself
                for segment in page.segments:
                    if given.is_new(segment.raw):
                        yield segment
            given.require_all()
        except NotFound:
            given.require_all()
            raise
        except Forbidden:
            self._fetcher.keys.finish()
            raise
        finally:
            paginator.let_go()


class _Given:
    """The segments of a view that its reader has, by hash, for a chain that begins anew: some 100 bytes each."""

    def __init__(self) -> None:
        self._given = Counter[bytes]()
        self._awaited = Counter[bytes]()
        """What a chain begun anew has not brought yet."""

    def comes_again(self) -> None:
        """The chain begins anew: what was given already comes again, and is passed over."""
        self._awaited = self._given.copy()

    def is_new(self, raw: bytes) -> bool:
        """True where the segment is to be given."""
        digest = hashlib.sha256(raw).digest()
        if self._awaited[digest] > 0:
            self._awaited[digest] -= 1
            return False
        self._given[digest] += 1
        return True

    def require_all(self) -> None:
        """Raise ChainCut where a chain begun anew has ended without all that was given."""
        if lacking := self._awaited.total():
            raise ChainCut(
                f"the chain of pages began anew, and lacks {lacking} of the {self._given.total()} segments that "
                "were given; others may be missing too"
            )


async def download(
    views: ListSource | Iterable[tuple[str, str]],
    out: str | os.PathLike[str],
    *,
    credentials: Credentials | None = None,
    settings: Settings | None = None,
    stop: Stop | None = None,
) -> Report:
    """Bring views home into the archive at ``out``; the same as ``replay-fetch download``.

    ``out`` is a folder, or an address in an object store such as ``s3://bucket/season``. ``views`` is a list's path or
    such an address, a file opened with mode "rb", or pairs of (session_id, view_id). The views of a list that names
    sessions or links alone are searched for first. Lists are read, and the archive is opened and closed, in a thread:
    the event loop goes on. Setting ``stop``, an asyncio.Event for one, ends the run early and cleanly, with a report.
    Cancelling ends it at once: what was committed stays, and what is being written is waited for. In either case the
    next run goes on, and after a cancelled one it brings the manifest up to date.

    How each view ended stands in the report, not in an exception: see its ``exit_code``. Raises
    InputError or SettingsError before anything is asked, InputError also for a pair that is none and for an id
    that is no text; and AuthError, OutageError, TrustError or
    ArchiveError where the run had to stop; what was fetched until then is kept. Of `Settings.show` only
    ``metrics_file`` counts.
    """
    keys = credentials or credentials_from(os.environ)
    job = DownloadJob(views, place(out), _at_site(settings or Settings()), keys)
    return await _to_its_end(partial(_carry_out, job, stop or anyio.Event()))


async def _carry_out(job: DownloadJob, stop: Stop) -> Report:
    opened = ExitStack()
    try:
        at_hand = await to_thread.run_sync(opened.enter_context, list_at_hand(job))
        search = None
        if job.settings.plan.shard:  # takes lists of views alone
            prepare = prepared(at_hand)
        else:
            first = found_first(at_hand.listed(), job.out, job.settings)
            finding = await to_thread.run_sync(opened.enter_context, first)
            await _until(stop, partial(finding.search, job.credentials, None))
            search = finding.figures()
            prepare = prepared(at_hand, finding.views(), opened=finding.stored)
        run = await to_thread.run_sync(opened.enter_context, prepare)
        run.search = search
        ended = await run.run(stop)
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(opened.close)
    if ended.failure is not None:
        raise ended.failure
    return ended.report


async def _until(stop: Stop, work: Callable[[], Awaitable[object]]) -> None:
    """Do ``work`` to its end or until ``stop`` is set, which cancels it; raises the error that ``work`` raises."""
    failed: list[ReplayFetchError] = []
    async with anyio.create_task_group() as group:

        async def wait() -> None:
            await stop.wait()
            group.cancel_scope.cancel()

        group.start_soon(wait)
        try:
            await work()
        except ReplayFetchError as error:  # carried past the group, which would wrap it
            failed.append(error)
        group.cancel_scope.cancel()
    if failed:
        raise failed[0]


async def _to_its_end(work: Callable[[], Awaitable[T]]) -> T:
    """Do ``work`` in a task of its own, which a cancelled caller waits for.

    asyncio's own ``cancel()`` stops waiting for a thread that goes on. Passed on by a task group, it waits.
    """
    done: list[T] = []
    failed: list[Exception] = []

    async def do() -> None:
        try:
            done.append(await work())
        except Exception as error:  # noqa: BLE001 - carried past the group, which would wrap it
            failed.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(do)
    if failed:
        raise failed[0]
    return done[0]


def _at_site(settings: Settings) -> Settings:
    """Name the environment's site in settings that name none, as the command does; other settings stay as they are."""
    site = None if settings.api.site or settings.api.base_url else site_from(os.environ)
    return dataclasses.replace(settings, api=dataclasses.replace(settings.api, site=site)) if site else settings


def _view(session_id: str, view_id: str) -> View:
    for text in (session_id, view_id):
        if not isinstance(text, str):  # whatever a program without type checks gives
            raise InputError(f"an id is text, not {type(text).__name__}")
    try:
        return View(check_id(session_id), check_id(view_id))
    except ValueError as reason:
        raise InputError(str(reason)) from None

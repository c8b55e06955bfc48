"""The library's door: segments of one view, or a list of views into an archive."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import anyio

from replay_fetch.api import check_id
from replay_fetch.archive import Report
from replay_fetch.environment import credentials as credentials_from
from replay_fetch.environment import site as site_from
from replay_fetch.errors import Forbidden, InputError
from replay_fetch.fetch import Asking, Restart, Walk
from replay_fetch.model import Segment, View
from replay_fetch.pacing import Pacer
from replay_fetch.pipeline.connection import connected
from replay_fetch.pipeline.download import Download
from replay_fetch.pipeline.opening import open_archive
from replay_fetch.pipeline.planning import load_plan
from replay_fetch.plan import ViewList, fingerprint
from replay_fetch.progress import RunStats
from replay_fetch.settings import ApiSettings, Credentials, Settings


class Client:
    """Fetches the segments of views one by one; connections, pace and retries are shared.

    Without arguments, keys and site are those of the environment. To be used as an async context
    manager; many views may be read at once from different tasks.
    """

    def __init__(self, credentials: Credentials | None = None, settings: Settings | None = None) -> None:
        self._credentials = credentials or credentials_from(os.environ)
        self._settings = settings or _environment_settings()
        self._stack = AsyncExitStack()
        self._asking: Asking | None = None

    async def __aenter__(self) -> Self:
        connection = connected(self._settings, self._credentials, Pacer(self._settings.fetch), RunStats())
        self._asking = await self._stack.enter_async_context(connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking = None
        await self._stack.aclose()

    def __repr__(self) -> str:
        return f"<Client of {self._settings.api.origin}{'' if self._asking else ', closed'}>"

    async def segments(self, session_id: str, view_id: str) -> AsyncGenerator[Segment, None]:
        """The segments of one view, in the API's order, as they arrive; none where it has none.

        429s, faults and refused tokens are dealt with. Raises NotFound, Forbidden, BadBody, ChainCut or
        GaveUp where the view cannot be had to its end, AuthError where the keys are refused,
        InputError for ids that no view has.
        """
        if self._asking is None:
            raise RuntimeError("the client is not open: use it as `async with Client() as client`")
        walk = Walk(self._asking, _view(session_id, view_id), self._settings.api.source, self._settings.fetch.max_pages)
        given = position = 0
        try:
            while (step := await walk.step()) is not None:
                if step is Restart.RESTART:
                    position = 0  # what was given already comes again, and is passed over
                    continue
                page, step = step[0], None  # the body is no longer needed
                walk.let_go()  # who reads two views side by side would wait for himself
                for segment in page.segments:
                    position += 1
                    if position > given:
                        given = position
                        yield segment
        except Forbidden:
            self._asking.keys.finish()
            raise
        finally:
            walk.let_go()


async def download(
    views: str | Path | Iterable[tuple[str, str]],
    out: str | Path,
    *,
    credentials: Credentials | None = None,
    settings: Settings | None = None,
    stop: anyio.Event | None = None,
) -> Report:
    """Bring views home into the archive at ``out``; the same as ``replay-fetch download``.

    ``views`` is a CSV file's path or pairs of (session_id, view_id). Setting ``stop`` ends the run
    early and cleanly; running it again goes on. How each view ended stands in the report, not in an
    exception: see its ``exit_code``. Raises InputError or SettingsError before anything is asked, and
    AuthError, OutageError, TrustError or ArchiveError where the run had to stop; what was fetched
    until then is kept.
    """
    settings = settings or _environment_settings()
    credentials = credentials or credentials_from(os.environ)
    if isinstance(views, (str, Path)):
        listed, mark = ViewList(views, settings.plan), fingerprint(views, settings.plan)
    else:
        listed, mark = ViewList.from_pairs(views, settings.plan), None
    with listed:
        await anyio.to_thread.run_sync(listed.begin)
        with open_archive(Path(out), settings) as (layout, ledger):
            plan = await anyio.to_thread.run_sync(load_plan, ledger, listed, mark)
            run = Download(layout, ledger, settings, credentials)
            report = await run.run(plan, stop or anyio.Event())
    if run.failure is not None:
        raise run.failure
    return report


def _environment_settings() -> Settings:
    site = site_from(os.environ)
    return dataclasses.replace(Settings(), api=ApiSettings(site=site)) if site else Settings()


def _view(session_id: str, view_id: str) -> View:
    try:
        return View(check_id(session_id), check_id(view_id))
    except ValueError as reason:
        raise InputError(str(reason)) from None

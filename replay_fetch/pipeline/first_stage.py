"""The opening of a list for a download: where it names sessions, their views have to be found first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.ledger.wanted import WantedSessions
from replay_fetch.pipeline.finding import SessionSearch
from replay_fetch.pipeline.session_list import entries_of
from replay_fetch.progress.reporters import Reporter
from replay_fetch.settings import Settings
from replay_fetch.view_list.view_list import ViewList

if TYPE_CHECKING:
    from replay_fetch.pipeline.stored import StoredArchive
    from replay_fetch.store.location import Location


@contextmanager
def found_first(
    views: ViewList,
    out: Path | Location,
    settings: Settings,
    reporter: Reporter | None = None,
    *,
    rehearsed: bool = False,
) -> Iterator[SessionSearch]:
    """Begin a list and tell which of its sessions must be searched for; nothing is asked, and no folder is made.

    An archive in a store is opened for a list of sessions, unless the download is ``rehearsed``, and stays open until
    the context is left: its ledger lies in a scratch. ``reporter`` shows how far a long list of sessions is read.
    Raises InputError where the list cannot be read, or where a link leads to another site.
    """
    with views, ExitStack() as opened:
        views.begin()
        if not views.names_sessions:
            yield SessionSearch(views, Path(), settings, None)
            return
        wanted = WantedSessions()
        opened.callback(wanted.close)
        wanted.take(entries_of(views, reporter))
        if isinstance(out, Path):
            finding = SessionSearch(views, out, settings, wanted)
        else:
            folder, stored = opened.enter_context(_opened_to_search(out, settings, rehearsed=rehearsed))
            finding = SessionSearch(views, folder, settings, wanted, stored)
        with closing(finding):
            finding.recall(int(time.time() * 1000))
            yield finding


@contextmanager
def _opened_to_search(
    out: Location, settings: Settings, *, rehearsed: bool
) -> Iterator[tuple[Path, StoredArchive | None]]:
    """Open an archive for a list of sessions, and give the folder of its ledger; without a lease if ``rehearsed``."""
    from replay_fetch.pipeline.out_of_store import restored  # noqa: PLC0415 - a disk needs none of it
    from replay_fetch.pipeline.stored import opened_in_store  # noqa: PLC0415 - as above

    if rehearsed:
        with restored(out, settings) as scratch:
            yield scratch.layout.root, None
    else:
        with opened_in_store(out, settings) as stored:
            yield stored.scratch.layout.root, stored

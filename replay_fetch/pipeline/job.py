"""A download job: a list, an archive, the settings and the keys, and what is refused before a list is read."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.archive.layout import Layout
from replay_fetch.errors import InputError, SettingsError
from replay_fetch.printable import as_argument
from replay_fetch.settings import Credentials, Settings
from replay_fetch.view_list.links import asked_site
from replay_fetch.view_list.source import ListSource, fingerprint
from replay_fetch.view_list.view_list import ViewList

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # of typing itself from Python 3.13 on

    from replay_fetch.store.location import Location


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """A list of views to download into an archive, with the settings and the keys to ask with."""

    views: ListSource | Iterable[tuple[str, str]]
    """A path, ``-`` for stdin, an open binary file; or pairs of (session_id, view_id)."""
    out: Path | Location
    """A folder, or an address in an object store."""
    settings: Settings
    credentials: Credentials
    list_name: str = ""
    """In place of the path's, for a list that was copied from elsewhere."""
    made_up: bool = False
    """The recordings are a simulator's, so an archive of real ones is refused."""

    def listed(self) -> ViewList:
        """The job's list, still unread; raises TypeError for a file that was opened as text."""
        source, plan = self.views, self.settings.plan
        found = listed(source, self.settings) if _is_file(source) else ViewList.from_pairs(source, plan)
        found.name = self.list_name or found.name
        return found

    def fingerprint(self) -> str | None:
        """The mark of a list that is a file, by which the ledger knows an unchanged list again; None for pairs."""
        return fingerprint(self.views, self.settings.plan) if _is_file(self.views) else None


def listed(source: ListSource, settings: Settings) -> ViewList:
    """Make the list of a source; its links may lead only to the site that is asked.

    Raises InputError for an archive: its files would pass for a list.
    """
    if isinstance(source, str | os.PathLike) and Layout(Path(source)).ledger.exists():
        raise InputError(
            f"{source} is an archive and no list; "
            f"`replay-fetch status {as_argument(source)} --unfinished` lists what it lacks"
        )
    return ViewList(source, settings.plan, asked_site(settings.api))


@contextmanager
def list_at_hand(job: DownloadJob) -> Iterator[DownloadJob]:
    """Give the job with its list on this machine: a list in an object store is copied for as long as the context lasts.

    Raises SettingsError for an address of an unknown kind, InputError where no list is there.
    """
    if not (isinstance(job.views, str) and is_stored(job.views)):
        yield job
        return
    # Only here: most downloads know nothing of stores, and start faster without.
    from replay_fetch.pipeline.out_of_store import brought  # noqa: PLC0415
    from replay_fetch.store.location import parse  # noqa: PLC0415

    address = parse(job.views)
    with brought(address, job.settings) as copy:
        yield replace(job, views=str(copy), list_name=str(address))


def require_views(listed: ViewList) -> None:
    """Raise SettingsError for a list of sessions that is to be shared: such a list is searched apart."""
    if listed.names_sessions:
        raise SettingsError(
            f"{listed.name} names sessions, and --shard takes a list of views: find their views first, with "
            f"`replay-fetch discover --sessions FILE --out views.csv`, then download views.csv"
        )


def require_no_events(job: DownloadJob) -> None:
    """Raise SettingsError where RUM events are wanted in an archive of shards, or exported ones in a store."""
    archive = job.settings.archive
    if not (archive.events or archive.events_from):
        return
    flag = "--events-from" if archive.events_from else "--events"
    if job.settings.plan.shard:
        raise SettingsError(f"{flag} stores into an archive of a single run alone, so it cannot be used with --shard")
    if archive.events_from and not isinstance(job.out, Path):
        raise SettingsError(f"{flag} stores into a folder of this machine alone, and {job.out} is in an object store")


def is_stored(views: str) -> bool:
    """Tell whether a list is named by an address in an object store; a replay link is a list by itself."""
    return "://" in views and not views.lower().startswith(("http://", "https://"))


def _is_file(views: ListSource | Iterable[tuple[str, str]]) -> TypeIs[ListSource]:
    if isinstance(views, io.TextIOBase):
        raise TypeError("the list is a file opened as text; open it with mode 'rb'")
    return isinstance(views, str | os.PathLike) or hasattr(views, "read")

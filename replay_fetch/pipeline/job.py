"""A download job, and the run or the rehearsal that comes of it."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.archive import Layout
from replay_fetch.archive.durable import explained
from replay_fetch.archive.folder import require_no_dangling_link
from replay_fetch.ledger import Ledger, Totals, check_file
from replay_fetch.pipeline.opening import check_usable, open_archive
from replay_fetch.pipeline.planning import Plan, load_plan, rehearse_plan
from replay_fetch.pipeline.run import Run
from replay_fetch.settings import Credentials, Settings
from replay_fetch.view_list import ListSource, ViewList, fingerprint

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # of typing itself from Python 3.13 on


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """One list of views to download into one archive, with the settings and the keys to ask with."""

    views: ListSource | Iterable[tuple[str, str]]
    """A path, ``-`` for stdin, an open binary file; or pairs of (session_id, view_id)."""
    out: Path
    settings: Settings
    credentials: Credentials


@contextmanager
def prepared(job: DownloadJob) -> Iterator[Run]:
    """The run over the job's list, which is loaded, into its archive, which stays open until the context is left.

    Reads the list, which may block, and makes no archive before the list has begun. Raises InputError, SettingsError
    or ArchiveError, all before anything is asked.
    """
    settings, source = job.settings, job.views
    check_usable(job.out, settings.archive.compress)
    listed = ViewList(source, settings.plan) if _is_file(source) else ViewList.from_pairs(source, settings.plan)
    with listed:
        listed.begin()
        mark = fingerprint(source, settings.plan) if _is_file(source) else None
        with open_archive(job.out, settings) as (layout, ledger):
            plan = load_plan(ledger, listed, mark)
            yield Run(layout, ledger, plan, settings, job.credentials)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a download would do: its plan, and the sums over its list as the archive's ledger has them now."""

    out: Path
    plan: Plan
    totals: Totals
    settings: Settings


def rehearse(views: str, out: Path, settings: Settings) -> Rehearsal:
    """Read the list and hold it against the archive, if there is one; changes nothing, disturbs no run."""
    with explained(f"opening the archive {out}"):
        require_no_dangling_link(out)
    there = Layout(out).ledger
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "ledger.sqlite"
        if check_file(there):
            with closing(Ledger.open_read_only(there)) as original:
                ledger = original.copy_to(path)
        else:
            ledger = Ledger.open(path)
        with closing(ledger):
            plan, totals = rehearse_plan(ledger, ViewList(views, settings.plan))
    return Rehearsal(out, plan, totals, settings)


def _is_file(views: ListSource | Iterable[tuple[str, str]]) -> TypeIs[ListSource]:
    if isinstance(views, io.TextIOBase):
        raise TypeError("the list is a file opened as text; open it with mode 'rb'")
    return isinstance(views, str | os.PathLike) or hasattr(views, "read")

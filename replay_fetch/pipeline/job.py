"""What to download, and the run that comes of it."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replay_fetch.pipeline.download import Download
from replay_fetch.pipeline.opening import check_usable, open_archive
from replay_fetch.pipeline.planning import Plan, load_plan
from replay_fetch.plan import ListSource, ViewList, fingerprint
from replay_fetch.settings import Credentials, Settings

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # of typing itself from Python 3.13 on


@dataclass(frozen=True, slots=True)
class DownloadJob:
    """What to download, where to, and how."""

    views: ListSource | Iterable[tuple[str, str]]
    """A path, ``-`` for stdin, an open binary file; or pairs of (session_id, view_id)."""
    out: Path
    settings: Settings
    credentials: Credentials


@contextmanager
def planned(request: DownloadJob) -> Iterator[tuple[Download, Plan]]:
    """The run over a list that is loaded, in an archive that is open; made only once the list has begun."""
    settings = request.settings
    check_usable(request.out, settings.archive.compress)
    source = request.views
    listed = ViewList(source, settings.plan) if _is_file(source) else ViewList.from_pairs(source, settings.plan)
    with listed:
        listed.begin()
        mark = fingerprint(source, settings.plan) if _is_file(source) else None
        with open_archive(request.out, settings) as (layout, ledger):
            plan = load_plan(ledger, listed, mark)
            yield Download(layout, ledger, settings, request.credentials), plan


def _is_file(views: ListSource | Iterable[tuple[str, str]]) -> TypeIs[ListSource]:
    if isinstance(views, io.TextIOBase):
        raise TypeError("the list is a file opened as text; open it with mode 'rb'")
    return isinstance(views, str | os.PathLike) or hasattr(views, "read")

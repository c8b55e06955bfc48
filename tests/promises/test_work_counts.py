"""What a run does for a fixed list, counted rather than timed: nothing is asked, written or read twice.

The bounds leave room for how batches happen to fall, none for work that grows by page or segment.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from archives import WIDE, Job, Ran, download

from replay_fetch.api import json_split
from replay_fetch.archive.write.commit import Committer
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.settings import SourceChoice
from replay_fetch.simulator import HoldingSettings, PagingSettings, Simulator, SimulatorSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

SESSIONS, PAGES = 8, 5
FIXED = SimulatorSettings(
    holding=HoldingSettings(sessions=SESSIONS, segments_per_view=5), paging=PagingSettings(pages=PAGES), limit=WIDE
)
# A second store would be asked for the views that the first one has nothing of.
ONE_STORE = Job(source=SourceChoice.EVENT_PLATFORM)


@dataclass(frozen=True)
class Work:
    """One run and what was counted of it."""

    ran: Ran
    done: Counter[str]
    stored: int
    """Bytes of all session files."""


def count_calls(
    patch: pytest.MonkeyPatch,
    owner: object,
    name: str,
    note: Callable[[Any], None],  # Any: of any signature
) -> None:
    """Let ``note`` see the first argument of every call of ``owner.name``."""
    original = getattr(owner, name)

    def counted(*args: Any, **options: Any) -> Any:  # Any: passes on whatever comes
        note(args[-1] if args else None)
        return original(*args, **options)

    patch.setattr(owner, name, counted)


@pytest.fixture
async def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Work]:
    """A run over the fixed list, without faults, into a new archive."""
    done: Counter[str] = Counter()

    def fsynced(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done["folders synced" if folder else "files synced"] += 1

    count_calls(monkeypatch, os, "fsync", fsynced)
    count_calls(monkeypatch, os, "write", lambda chunk: done.update({"bytes written": len(chunk)}))
    count_calls(monkeypatch, json_split.Quick, "__call__", lambda text: done.update({"bytes decoded": len(text)}))
    count_calls(monkeypatch, Committer, "commit", lambda _: done.update(["commits"]))
    count_calls(monkeypatch, Ledger, "_transaction", lambda _: done.update(["transactions"]))
    async with Simulator(FIXED) as simulator:
        ran = await download(simulator, tmp_path / "out", ONE_STORE)
        stored = sum(file.stat().st_size for file in (tmp_path / "out" / "sessions").iterdir())
        yield Work(ran, done, stored)


async def test_every_page_is_asked_for_once(work: Work) -> None:
    report = work.ran.report
    assert work.ran.exit_code == 0
    assert (report.retries, report.rate_limited) == (0, 0)
    assert report.requests == report.pages


async def test_each_session_file_is_written_and_synced_once(work: Work) -> None:
    """Beside them, the manifest, the report and a part for a view that a batch cut off from its session."""
    assert SESSIONS <= work.done["files synced"] <= SESSIONS + 6
    assert work.stored <= work.done["bytes written"] <= 1.1 * work.stored


async def test_folders_and_ledger_are_written_once_a_commit(work: Work) -> None:
    assert work.done["commits"] <= SESSIONS + 2
    assert work.done["folders synced"] <= 2 * work.done["commits"] + 10
    assert work.done["transactions"] <= work.done["commits"] + 12


async def test_a_page_is_gone_through_once(work: Work) -> None:
    """What its segments say of themselves stands behind their records; the first page alone meets all rules."""
    assert work.done["bytes decoded"] <= 1.2 * work.ran.report.wire_bytes

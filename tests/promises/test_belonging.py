"""Another view's segments, from a server or a cache that mixes answers up: none becomes a finished view."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from archives import KEYS, Archive, Job, write_list
from damaged_archives import verified
from rude_server import answer, serving

from replay_fetch import Report, download
from replay_fetch.archive.read.readers import Processes
from replay_fetch.archive.read.verify import Problem
from replay_fetch.archive.shelf import DiskShelf
from replay_fetch.inspect.rebuild import rebuild
from replay_fetch.inspect.verification import Depth
from replay_fetch.inspect.verify import Verifying
from replay_fetch.model import View
from replay_fetch.settings import FetchSettings, SourceChoice

pytestmark = pytest.mark.anyio

VIEW, OTHER = View("5251d8e8-474f-4e79", "80cae6ae-07c9-46ea"), View("cda51fa0-6d45-46fc", "bb157721-f411-450d")
OF_VIEW, OF_SESSION = View(VIEW.session_id, OTHER.view_id), View(OTHER.session_id, VIEW.view_id)
_HEADERS = (b"Connection: close", b"X-RateLimit-Limit: 100000", b"X-RateLimit-Period: 10")


def page(*views: View) -> bytes:
    """A page with a segment of each view."""
    segments = [
        {"records": [], "index_in_view": at, "session": {"id": view.session_id}, "view": {"id": view.view_id}}
        for at, view in enumerate(views)
    ]
    return json.dumps({"segments": segments}).encode()


async def run(folder: Path, retries: int, *pages: bytes) -> tuple[Report, Archive]:
    """A download of the one view, answered with the pages in turn, and the last one from then on."""
    left = list(pages)

    async def served(_head: bytes, _reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(left.pop(0) if len(left) > 1 else left[0], *_HEADERS))

    async with serving(served) as server:
        settings = Job(fetch=FetchSettings(workers=1, retries=retries), source=SourceChoice.BLOB).settings(server.url)
        views = write_list(folder / "views.csv", [VIEW])
        report = await download(views, folder / "archive", credentials=KEYS, settings=settings)
    return report, Archive(folder / "archive")


@pytest.mark.usefixtures("virtual_clock")
@pytest.mark.parametrize("named", [OTHER, OF_VIEW, OF_SESSION], ids=["both", "view", "session"])
@pytest.mark.parametrize("beside", [(), (VIEW,)], ids=["alone", "beside its own"])
async def test_segments_of_another_view_leave_the_view_unrecognised_and_their_page_raw(
    tmp_path: Path, named: View, beside: tuple[View, ...]
) -> None:
    body = page(*beside, named)
    report, archive = await run(tmp_path, 1, body)
    line = archive.manifest()[VIEW]
    assert (report.exit_code, line["outcome"], line["segments"]) == (1, "unrecognised", 0)
    said = ("session", named.session_id) if named is not OF_VIEW else ("view", named.view_id)
    assert line["reason"].startswith(f"segment {len(beside)} is of {said[0]} {said[1]} instead of ")
    assert line["reason"].endswith("(after 2 attempts)")
    assert archive.sessions() == {}
    (raw,) = (tmp_path / "archive" / "raw").rglob("*.body")
    assert raw.read_bytes() == body
    assert verified(tmp_path / "archive").findings == []


@pytest.mark.usefixtures("virtual_clock")
async def test_an_answer_mixed_up_once_is_asked_for_again(tmp_path: Path) -> None:
    report, archive = await run(tmp_path, 3, page(OTHER), page(VIEW, VIEW))
    assert (report.exit_code, report.retries, archive.manifest()[VIEW]["segments"]) == (0, 1, 2)


@pytest.mark.usefixtures("virtual_clock")
async def test_lines_with_a_segment_of_another_view_are_found_by_verify_and_dropped_by_rebuild(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a version stored them that did not look: all hashes are right."""
    with monkeypatch.context() as blind:
        blind.setattr("replay_fetch.api.page.stranger", lambda _raws, _view: None)
        report, _ = await run(tmp_path, 0, page(VIEW, OTHER))
    assert report.exit_code == 0
    out = tmp_path / "archive"
    (found,) = Verifying(DiskShelf(out), Processes(1), None, Depth.LINES).run().findings
    assert (found.problem, found.view) == (Problem.DAMAGED, VIEW)
    assert found.detail == f"line 2 is of session {OTHER.session_id} instead of {VIEW.session_id}"
    shutil.rmtree(out / ".replay-fetch")
    assert [each.detail for each in verified(out).findings] == [found.detail]
    rebuilt = rebuild(out, Processes(1), None)
    assert (rebuilt.kept, rebuilt.dropped) == (0, 1)
    report, archive = await run(tmp_path, 0, page(VIEW, VIEW))
    assert (report.exit_code, archive.manifest()[VIEW]["segments"], verified(out).findings) == (0, 2, [])

"""An answer that lacks what an earlier one had brought: both stand, in whatever way it comes."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from archives import KEYS, Archive, Job, write_list
from damaged_archives import verified
from rude_server import answer, serving

from replay_fetch import Report, Settings, download
from replay_fetch.model import View
from replay_fetch.settings import FetchSettings, PlanSettings, SourceChoice

pytestmark = pytest.mark.anyio

VIEW = View("s", "v")
_LIMIT = {b"Limit": b"100000", b"Period": b"10", b"Remaining": b"99999", b"Reset": b"10"}
_WIDE = (b"Connection: close", *(b"X-RateLimit-%b: %b" % pair for pair in _LIMIT.items()))
Pages = Mapping[str | None, tuple[tuple[int, ...], str | None] | int]
"""By token: the indexes of a page's segments and the next token, or the status of an error."""

_LOOP: Pages = {None: ((0, 1), "a"), "a": ((2, 3), "a")}
_BROKEN: Pages = {None: ((0, 1), "a"), "a": ((2, 3), "b"), "b": 500}
_WHOLE: Pages = {None: ((0, 1), "a"), "a": ((2, 3), None)}
_LATER: Pages = {None: ((5,), None), "b": 400}
_HEALED: Pages = {None: ((0, 1, 2, 3, 4, 5), None), "b": 400}


@dataclass
class Served:
    """Pages that may be exchanged; where a token is to be refused, other pages take their place at once."""

    pages: Pages
    after_a_refusal: Pages | None = None

    async def __call__(self, head: bytes, _reader: object, writer: asyncio.StreamWriter) -> None:
        token = re.search(r"paging=(\w+)", head.decode())
        told = self.pages[token[1] if token else None]
        if told == 400 and self.after_a_refusal is not None:
            self.pages = self.after_a_refusal
        if isinstance(told, int):
            writer.write(answer(b'{"errors":["because"]}', *_WIDE, status=b"%d Because" % told))
            return
        indexes, following = told
        found = [{"records": [], "start": index, "index_in_view": index} for index in indexes]
        writer.write(answer(json.dumps({"segments": found, "paging": following}).encode(), *_WIDE))


_BLOB, _RECENT = SourceChoice.BLOB, SourceChoice.EVENT_PLATFORM


@dataclass(frozen=True)
class Way:
    """How a view comes to be asked anew."""

    first: Pages
    in_one_run: bool = False
    """One run is told both."""
    source: SourceChoice = _BLOB
    refresh: bool = False


WAYS = {
    "the token is refused in the next run": Way(_BROKEN),
    "the token expires within one run": Way({**_BROKEN, "b": 400}, in_one_run=True),
    "there is no token to go on from": Way(_LOOP),
    "another source is asked": Way(_BROKEN, source=_RECENT),
    "a finished view is refreshed": Way(_WHOLE, refresh=True),
}


def _settings(url: str, source: SourceChoice, *, refresh: bool = False) -> Settings:
    plan = PlanSettings(refresh_window=86_400.0 if refresh else None)
    settings = Job(fetch=FetchSettings(workers=2, retries=0), source=source).settings(url)
    return dataclasses.replace(settings, plan=plan)


def _indexes(out: Path) -> list[int]:
    (body,) = Archive(out).sessions().values()
    return [json.loads(line)["segment"]["index_in_view"] for line in body.splitlines()]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_kept_and_new_segments_both_stand_until_an_answer_holds_all(tmp_path: Path, way: Way) -> None:
    """Asked once more, the same answer changes nothing."""
    out = tmp_path / "archive"
    views = write_list(tmp_path / "views.csv", [VIEW])
    served = Served(way.first, _LATER if way.in_one_run else None)
    async with serving(served) as server:

        async def run(source: SourceChoice, *, refresh: bool = False) -> Report:
            return await download(views, out, credentials=KEYS, settings=_settings(server.url, source, refresh=refresh))

        report = await run(_BLOB)
        for again in (False, True):
            if again or not way.in_one_run:
                served.pages = _LATER
                report = await run(way.source, refresh=way.refresh)
            line = Archive(out).manifest()[VIEW]
            assert (report.exit_code, line["outcome"], _indexes(out)) == (1, "incomplete", [0, 1, 2, 3, 5])
            assert line["reason"].startswith("the API's latest answer lacks 4 of the 5 segments here")
            assert line["gaps"] == [4]
            assert verified(out).findings == []
        served.pages = _HEALED
        assert (await run(way.source)).exit_code == 0
    assert (Archive(out).outcomes()[VIEW], _indexes(out)) == ("fetched", [0, 1, 2, 3, 4, 5])
    assert verified(out).findings == []

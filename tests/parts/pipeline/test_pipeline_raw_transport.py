"""Raw pages in the place of the API: the kept ones are answered, and the walk ends where none is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from replay_fetch.archive.layout import Layout
from replay_fetch.archive.raw import RawPage, keep_raw
from replay_fetch.archive.write.messages import Message, PageArrived
from replay_fetch.errors import BadBody
from replay_fetch.fetch.paginator import Paginator
from replay_fetch.model import Outcome, PlannedView, Response, Source, View
from replay_fetch.pipeline.raw_transport import NotKept, RawTransport
from replay_fetch.pipeline.view_walk import walk_view
from replay_fetch.settings import ApiSettings, SourceChoice

VIEW = View("s", "v")
EVENT, BLOB = Source.EVENT_PLATFORM, Source.BLOB


def kept(root: Path, *pages: tuple[Source, str | None, bytes]) -> RawTransport:
    """An archive that keeps these bodies, each of a source's page behind a token."""
    layout = Layout(root)
    raw = [
        RawPage(Response(200, {}, body), place, source, token) for place, (source, token, body) in enumerate(pages, 1)
    ]
    keep_raw(layout.raw_folder(VIEW), raw)
    return RawTransport(layout, ApiSettings(), wary=False)


def body(*starts: int, then: str | None = None) -> bytes:
    paging = {} if then is None else {"paging": {"next": then}}
    return json.dumps({"segments": [{"records": [1], "start": start} for start in starts], **paging}).encode()


async def walked(raw: RawTransport, choice: SourceChoice) -> tuple[list[int], Outcome]:
    """How many segments each page of the walk has, and its outcome."""
    pages: list[int] = []

    async def put(message: Message) -> None:
        if isinstance(message, PageArrived):
            pages.append(len(message.page.segments))

    ended = await walk_view(PlannedView(1, 1, VIEW), Paginator(raw, VIEW, choice, 50), put)
    return pages, ended.outcome


@pytest.mark.anyio
async def test_kept_pages_are_walked_as_the_apis_are(tmp_path: Path) -> None:
    raw = kept(tmp_path, (EVENT, None, body(1, 2, then="t")), (EVENT, "t", body(3)))
    assert await walked(raw, SourceChoice.EVENT_PLATFORM) == ([2, 1], Outcome.FETCHED)


@pytest.mark.anyio
async def test_a_walk_goes_on_in_the_next_store_where_its_pages_are_kept_too(tmp_path: Path) -> None:
    raw = kept(tmp_path, (EVENT, None, body()), (BLOB, None, body(1)))
    assert await walked(raw, SourceChoice.AUTO) == ([0, 1], Outcome.FETCHED)


@pytest.mark.anyio
async def test_a_walk_ends_at_the_first_page_that_is_not_kept(tmp_path: Path) -> None:
    raw = kept(tmp_path, (EVENT, None, body(1, then="t")))
    with pytest.raises(NotKept):
        await walked(raw, SourceChoice.EVENT_PLATFORM)


@pytest.mark.parametrize(
    "text", [b"<html>", b'{"errors":["try again"]}', b'{"segments":['], ids=["html", "errors", "cut"]
)
def test_a_kept_page_that_the_api_would_be_asked_for_again_is_not_understood(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(BadBody):
        kept(tmp_path, (EVENT, None, text)).read(VIEW, EVENT, None)

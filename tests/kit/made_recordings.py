"""Recordings written by hand, as small as a test needs: records of three dialects, and what comes of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rrweb_page import RrwebPage

from replay_fetch.replay.account import Account
from replay_fetch.replay.recording import Recording

Json = dict[str, Any]  # Any: JSON
START = 1_700_000_000_000
DOCUMENT, HTML, HEAD, BODY = 0, 1, 2, 3


def element(number: int, tag: str, attributes: Json | None = None, *children: Json, **more: object) -> Json:
    """An element of the nested dialect."""
    return {"type": 2, "id": number, "tagName": tag, "attributes": attributes or {}, "childNodes": [*children], **more}


def text(number: int, words: str) -> Json:
    return {"type": 3, "id": number, "textContent": words}


def shadow(number: int, *children: Json, **more: object) -> Json:
    return {"type": 11, "id": number, "isShadowRoot": True, "childNodes": [*children], **more}


def full(*body: Json, head: Sequence[Json] = (), at: int = 0, **offset: float) -> Json:
    """A full snapshot of SDK 6 around a body's children."""
    html = element(HTML, "html", {}, element(HEAD, "head", {}, *head), element(BODY, "body", {}, *body))
    document = {"type": 0, "id": DOCUMENT, "childNodes": [html]}
    data = {"node": document, "initialOffset": {"left": 0, "top": 0} | offset}
    return {"type": 2, "format": 0, "timestamp": START + at, "data": data}


def full_change(*nodes: Sequence[object], at: int = 0, items: Sequence[Sequence[object]] = ()) -> Json:
    """A full snapshot of SDK 7: document, html, head and body are nodes 0 to 3, those given follow."""
    page = [[None, "#document"], [1, "HTML"], [1, "HEAD"], [2, "BODY"]]
    return {"type": 2, "format": 1, "timestamp": START + at, "data": [[1, *page, *nodes], *items]}


def change(*items: Sequence[object], at: int = 10) -> Json:
    return {"type": 12, "timestamp": START + at, "data": [*items]}


def increment(source: int, at: int = 10, record: int | None = None, **data: object) -> Json:
    told = {"type": 3, "timestamp": START + at, "data": {"source": source, **data}}
    return told | ({"id": record} if record is not None else {})


def mutation(
    *,
    at: int = 10,
    adds: Sequence[Json] = (),
    removes: Sequence[int] = (),
    texts: Json | None = None,
    **attributes: Json,
) -> Json:
    """A mutation; texts and attributes by the number of the node, the latter as ``n7={…}``."""
    return increment(
        0,
        at,
        adds=[*adds],
        removes=[{"id": each, "parentId": BODY} for each in removes],
        texts=[{"id": int(each), "value": words} for each, words in (texts or {}).items()],
        attributes=[{"id": int(each[1:]), "attributes": told} for each, told in attributes.items()],
    )


def add(node: Json, parent: int = BODY, before: int | None = None) -> Json:
    return {"parentId": parent, "nextId": before, "node": node}


def meta(href: str = "https://shop.example/", at: int = 0) -> Json:
    return {"type": 4, "timestamp": START + at, "data": {"href": href, "width": 800, "height": 600}}


def click(node: int, at: int, record: int | None = None, kind: int = 2) -> Json:
    return increment(2, at, record, id=node, type=kind, x=5, y=6)


def end(at: int) -> Json:
    return {"type": 7, "timestamp": START + at}


def segment(*records: Json, index: int = 0, start: int = 0, until: int = 1000) -> bytes:
    told = {"records": [*records], "start": START + start, "end": START + until, "index_in_view": index}
    return json.dumps(told).encode()


def played(*records: Json) -> RrwebPage:
    """The page that rrweb would show in the end; a checkpoint then shows the same."""
    chunks = list(Recording([segment(*records)]).chunks(size=1))
    page = RrwebPage()
    for chunk in chunks:
        page.play(chunk.events[chunk.checkpoint :])
        if chunk is not chunks[-1]:
            following = chunks[chunks.index(chunk) + 1]
            assert RrwebPage().play(following.events[: following.checkpoint]).state() == page.state()
    return page


def account(*segments: bytes) -> Account:
    return Recording(segments).watch()


def static(*records: Json, at: int = 10_000) -> str:
    return Recording([segment(*records)]).page_at(START + at)

"""Segments of one view, one a line: whatever they are, what comes of them plays, and calls nobody."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rrweb_page import RrwebPage

from fuzz.laws import check_printable
from replay_fetch.replay.recording import Recording

_RUNS = re.compile(r"<script[\s/>]|\son[a-z]+=|javascript:", re.IGNORECASE)


@contextmanager
def _deep_json() -> Iterator[None]:
    """Pages nest deeper than Python reads JSON; a browser reads it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def recording(content: bytes) -> None:
    """No record raises; no event names a node that is not there; a page is HTML without scripts; labels are lines."""
    segments = content.split(b"\n")
    once = Recording(segments)
    events = list(once.events())
    with _deep_json():
        page = RrwebPage().play(events)
    for action in once.account.actions:
        check_printable(action.text, 2_100)
        check_printable(action.selector, 100_000)
        check_printable(action.value or "")
    for reason in once.account.notes:
        check_printable(reason, 200)
    static = Recording(segments).page_at(page.at_ms)
    tags = re.sub(r'"[^"]*"|<style[^>]*>.*?</style>', "", static, flags=re.DOTALL)
    assert not _RUNS.search("".join(re.findall(r"<[^>]*>", tags)))

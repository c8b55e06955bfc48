"""Pages of the player as tests read them: written by the command, taken apart without a browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

from replay_fetch.cli import main


def page_of(archive: Path, session: str, *more: str) -> str:
    """The page of a session of the archive."""
    file = archive.parent / "page.html"
    assert main(["play", str(archive), session, "--html", str(file), *more]) == 0
    return file.read_text("utf-8")


def index_of(page: str) -> dict[str, Any]:  # Any: the index's own JSON
    index: dict[str, Any] = json.loads(elements(page)["index"])
    return index


def elements(page: str) -> dict[str, str]:
    """What the page's data elements hold, by id."""
    return dict(re.findall(r'<script type="[^"]+" id="([^"]+)">([^<]*)</script>', page))


def unpacked(element: str) -> Any:  # Any: rrweb's events
    return json.loads(gzip.decompress(base64.b64decode(element)))

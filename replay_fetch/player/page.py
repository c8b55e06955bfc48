"""The page: markup, style and scripts of ours around the data of a session, written as a stream.

The data stand in elements that no browser runs, packed with gzip. The index behind the data says where each chunk is.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from replay_fetch.player.library import Rrweb
from replay_fetch.player.rum_events import ListedEvent
from replay_fetch.player.views import PlayedView

# In the order of their use of each other; one script in the page, so that one hash names it.
_SCRIPTS = ("words", "store", "stage", "timeline", "list", "main")

# A recording is a stranger's page. The policy holds for the frame it is drawn in, too: nothing is fetched, nothing
# is sent, no frame goes anywhere, and no script runs but the two whose hashes stand here.
_POLICY = (
    "default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; font-src data:; "
    "media-src data:; connect-src 'none'; frame-src 'none'; object-src 'none'; worker-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)
# Lines of a script lose the spaces around signs, since every page carries a copy; lines with text in them do not.
_WITH_TEXT = re.compile('["`/<]')
_QUOTED = re.compile(r"('[^'\\]*')")
_SPACED = re.compile(r"\s*([=>?:&|{}();,!])\s*")  # not + and -, which are others when they are doubled


@dataclass(slots=True)
class PlayerPage:
    """The page of a session; it can be written once, since writing reads the recordings to their end.

    ``views`` may be in any order. ``events`` are errors and requests for the list and the bar; an event of a view
    without a picture is left out.
    """

    session_id: str
    views: Sequence[PlayedView]
    rrweb: Rrweb
    events: Sequence[ListedEvent] = ()
    open_at_ms: int | None = None
    """The time at which the page opens, milliseconds since 1970; None for the beginning."""
    in_time: list[PlayedView] = field(default_factory=list)
    """The views in the order in which they began, once the page has been written."""

    def write(self) -> Iterator[bytes]:
        """Write the page as a stream of bytes, the same for the same archive; a reader that stops early has no page."""
        # With the line break in front of each, which the browser hashes, too.
        scripts = [f"\n{self.rrweb.script}", f"\n'use strict';\n(() => {{\n{ours()}}})();\n"]
        yield self._head(scripts).encode()
        for number, view in enumerate(self.views):
            yield from view.blocks(number)
        self.in_time = sorted(self.views, key=lambda view: (not view.playable, view.start_ms))
        yield f'<script type="application/json" id="index">{self._index()}</script>\n'.encode("ascii")
        # The licences ask for the notices: each page is a copy of rrweb that is given away.
        yield f"<!--\n{_notices()}-->\n".encode()
        for script in scripts:
            yield f"<script>{script}</script>\n".encode()
        yield b"</body>\n</html>\n"

    @property
    def playable(self) -> list[PlayedView]:
        """The views that have a picture, in the order in which they began, once the page has been written."""
        return [view for view in self.in_time if view.playable]

    def _head(self, scripts: Iterable[str]) -> str:
        hashes = " ".join(
            f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in scripts
        )
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY.format(hashes=hashes)}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
            '<link rel="icon" href="data:,">\n'
            # An id of the list holds letters, digits, - and _ only: nothing in it needs escaping.
            f"<title>Session {self.session_id[:8]} - replay-fetch</title>\n"
            f"<style>\n{self.rrweb.style}{_style()}</style>\n</head>\n<body>\n{slim(source('page.html'))}"
        )

    def _index(self) -> str:
        """Write the index, which the page's script reads first; without ``<``: no stranger's text ends the element."""
        number_of = {view.record.planned.view.view_id: number for number, view in enumerate(self.playable)}
        rows = [row for number, view in enumerate(self.in_time) for row in view.rows(number)]
        rows += [_event_row(event, number_of[event.view_id]) for event in self.events if event.view_id in number_of]
        rows.sort(key=lambda row: (row[0], row[1]))
        sources = sorted({view.source for view in self.views if view.source})
        index = {
            "session": self.session_id,
            "sdk": ", ".join(sources),
            "views": [view.about() for view in self.in_time],
            "actions": rows,
            "open": self._opening(),
        }
        return json.dumps(index, separators=(",", ":")).replace("<", "\\u003c")

    def _opening(self) -> dict[str, int] | None:
        """Find the view and the time at which the page opens; None for the beginning.

        Views of overlapping tabs may both hold the time: the one that began last is shown. A time outside of all views
        opens at the nearest end of the view before, or at the start of the first view.
        """
        playable = self.playable
        at = self.open_at_ms
        if not playable or at is None:
            return None
        holding = [number for number, view in enumerate(playable) if view.start_ms <= at <= view.end_ms]
        begun = [number for number, view in enumerate(playable) if view.start_ms <= at]
        view = holding[-1] if holding else begun[-1] if begun else 0
        return {"view": view, "at": min(max(at, playable[view].start_ms), playable[view].end_ms)}


@cache
def ours() -> str:
    """Join our scripts into the page's one script, and keep the result: the same text for every page of a process."""
    return "".join(slim(source(f"{name}.js")) for name in _SCRIPTS)


def slim(text: str) -> str:
    """Take indentation, empty lines and lines of comment out of a source, since every page carries a copy.

    Line breaks stay, since JavaScript ends statements by them.
    """
    lines = (line.strip() for line in text.splitlines())
    return "".join(f"{_squeezed(line)}\n" for line in lines if line and not line.startswith("//"))


def _squeezed(line: str) -> str:
    """Take the spaces around signs out of a line; texts stay, and lines that may hold a regular expression."""
    if _WITH_TEXT.search(line) or "\\" in line:
        return line
    return "".join(part if part.startswith("'") else _SPACED.sub(r"\1", part) for part in _QUOTED.split(line))


def _style() -> str:
    return re.sub(r"\s*([{};,])\s*|(:)\s+", r"\1\2", source("page.css")).replace(";}", "}")


def _notices() -> str:
    text = files(__package__).joinpath("THIRD_PARTY_NOTICES.txt").read_text("utf-8")
    return "".join(f"{' '.join(line.split())}\n" for line in text.splitlines() if line)


def source(name: str) -> str:
    """Read a file of the folder ``web``, also from a package that was installed as an archive."""
    return files(__package__).joinpath("web", name).read_text("utf-8")


def _event_row(event: ListedEvent, view: int) -> list[object]:
    more: dict[str, object] = {"detail": event.detail} if event.detail else {}
    return [view, event.at_ms, event.kind, event.text, more | ({"failed": True} if event.failed else {})]

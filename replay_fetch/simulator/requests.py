"""Requests as the service sees them: what was asked for, read out of path and query."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, urlencode

from replay_fetch.model import Source, View
from replay_fetch.simulator.replies import RefusalError, Reply

_PATH = re.compile(r"/api/v2/rum/replay/sessions/([^/]+)/views/([^/]+)/segments")
_MAX_TEXT = 4096  # a token or a number longer than this is not one of ours


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came; ``origin`` is the scheme and host it was sent to."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    """Looked up without regard to case."""
    origin: str = ""
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)


class Call(NamedTuple):
    """A request that has been understood: what faults and latency are drawn for, and how it is answered."""

    view: View
    source: Source
    page: int
    reply: Callable[[], Reply]
    """Raises RefusalError where the answer is an error status."""
    done: Callable[[], None] | None = None
    """To be called when it is answered without a fault."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for one page of one view."""

    asked: Asked
    view: View
    source: Source
    token: str | None
    max_bytes: int | None

    @classmethod
    def read(cls, asked: Asked) -> PageRequest:
        """Raises RefusalError: 404 or 405 for another call, 400 for parameters that are not as documented."""
        path = _PATH.fullmatch(asked.path)
        if path is None:
            raise RefusalError(404)
        if asked.method != "GET":
            raise RefusalError(405)
        query = asked.query
        try:
            source = Source(query.get("source", Source.EVENT_PLATFORM))
            max_bytes = int(query["max_list_size"]) if "max_list_size" in query else None
            int(query.get("ts", "0"))
        except ValueError:
            raise RefusalError(400, "Invalid parameter") from None
        if (max_bytes is not None and max_bytes < 1) or any(len(value) > _MAX_TEXT for value in query.values()):
            raise RefusalError(400, "Invalid parameter")
        return cls(asked, View(*path.groups()), source, query.get("paging"), max_bytes)

    @property
    def chain(self) -> str:
        """Everything that must stay the same from page to page of one chain."""
        fixed = (self.asked.query.get(name, "") for name in ("ts", "max_list_size"))
        return "\x1f".join((*self.view, self.source, *fixed))

    def url(self, token: str) -> str:
        """The same request for the page that a token leads to."""
        query = {**self.asked.query, "paging": token}
        return f"{self.asked.origin}{self.asked.path}?{urlencode(query, quote_via=quote)}"

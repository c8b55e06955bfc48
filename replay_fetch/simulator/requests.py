"""Requests as the service reads them: path, query and credentials, checked as the API would check them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote, urlencode

from replay_fetch.model import Source, View
from replay_fetch.simulator.choices import AuthMode
from replay_fetch.simulator.replies import RefusalError, Reply
from replay_fetch.simulator.settings import AuthSettings

_PATH = re.compile(r"/api/v2/rum/replay/sessions/([^/]+)/views/([^/]+)/segments")
_MAX_TEXT = 4096  # a token or a number longer than this is not one of ours


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire; ``origin`` is the scheme and host it was sent to."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    """A mapping that ignores case."""
    origin: str = ""
    method: str = "GET"
    body: bytes = field(default=b"", repr=False)


class Call(NamedTuple):
    """A request that was understood: the name that faults and latency are drawn for, and the way to its answer."""

    view: View
    source: Source
    page: int
    reply: Callable[[], Reply]
    """Raises RefusalError where the answer is an error status."""
    done: Callable[[], None] | None = None
    """Called once the request is answered without a fault."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for one page of a view; ``token`` is None for the first page."""

    asked: Asked
    view: View
    source: Source
    token: str | None
    max_bytes: int | None

    @classmethod
    def read(cls, asked: Asked) -> PageRequest:
        """Read a request for a page; raises RefusalError: 404 or 405 for another call, 400 for bad parameters."""
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
        """Name all that must stay the same from page to page of a chain; tokens are bound to this name."""
        fixed = (self.asked.query.get(name, "") for name in ("ts", "max_list_size"))
        return "\x1f".join((*self.view, self.source, *fixed))

    def url(self, token: str) -> str:
        """Make the URL of the page that a token leads to, with all other parameters unchanged."""
        query = {**self.asked.query, "paging": token}
        return f"{self.asked.origin}{self.asked.path}?{urlencode(query, quote_via=quote)}"


_KEY_NAMES = frozenset({"ddapikey", "ddapplicationkey", "apikey", "appkey", "applicationkey", "authorization", "token"})


class Auth:
    """The check of credentials: headers are compared with the settings; a key in the query is refused."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        """Check a request; raises RefusalError: 400 for a key in the query, 401 or 403 without fitting credentials."""
        if any(name.lower().replace("-", "").replace("_", "") in _KEY_NAMES for name in query):
            raise RefusalError(400, "Keys are not taken from the query; send them as headers")
        if not self._lets_in(headers):
            raise RefusalError(self._settings.refusal)

    def _lets_in(self, headers: Mapping[str, str]) -> bool:
        wanted = self._settings
        keys = (headers.get("DD-API-KEY"), headers.get("DD-APPLICATION-KEY")) == (wanted.api_key, wanted.app_key)
        bearer = headers.get("Authorization") == f"Bearer {wanted.bearer_token}"
        return {
            AuthMode.ANY: keys or bearer,
            AuthMode.KEYS: keys,
            AuthMode.BEARER: bearer,
            AuthMode.OFF: True,
        }[wanted.mode]

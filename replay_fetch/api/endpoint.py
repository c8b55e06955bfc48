"""The request for a page of segments: path, query and headers, and the ids that may go into a path."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, lru_cache
from urllib.parse import quote

from replay_fetch.model import ID, LONGEST_ID, Source, View
from replay_fetch.printable import printable
from replay_fetch.settings import ApiSettings, Credentials

_ID = re.compile(ID)
# RFC 3986: these mean themselves in a query, so a token of them alone needs no quoting.
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*+")


def check_id(text: str) -> str:
    """Return ``text`` where a session or view id may look so; else raise ValueError with the reason.

    Ids go into URLs and file names unquoted, so nothing but ``A-Z a-z 0-9 _ -`` is let through, 128 characters at
    most.
    """
    if _ID.fullmatch(text):
        return text
    if not text:
        raise ValueError("the id is empty")
    if len(text) > LONGEST_ID:
        raise ValueError(f"the id has {len(text)} characters, at most {LONGEST_ID} are possible")
    raise ValueError(f"the id '{printable(text, 60)}' has a character outside A-Z a-z 0-9 _ -")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Builds the URLs of a view's pages, percent-encoded already, for the origin and the options in ``api``."""

    api: ApiSettings
    _sessions: str = field(init=False, repr=False)
    _constant_query: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        fixed = (("ts", self.api.ts_ms), ("max_list_size", self.api.max_list_size))
        query = "".join(f"&{name}={number}" for name, number in fixed if number is not None)
        # A frozen dataclass is filled through object; both are derived, so that page_url only joins.
        object.__setattr__(self, "_sessions", f"{self.api.origin}/api/v2/rum/replay/sessions/")
        object.__setattr__(self, "_constant_query", query)

    @property
    def origin(self) -> str:
        """Scheme, host and port of every request, without a path."""
        return self.api.origin

    def page_url(self, view: View, source: Source, token: str | None) -> str:
        """Build the URL of a page; made for ``yarl.URL(…, encoded=True)``, which would quote a token's signs otherwise.

        ``token`` is None for the first page. Raises ValueError for an id that ``check_id`` refuses or a token that
        is not Unicode text.
        """
        first = f"{self._sessions}{_segments_of(view)}?source={source}{self._constant_query}"
        return first if token is None else f"{first}&paging={_quoted(token)}"


@lru_cache(maxsize=256)  # a view has several pages, asked for one after another
def _segments_of(view: View) -> str:
    return f"{check_id(view.session_id)}/views/{check_id(view.view_id)}/segments"


def _quoted(token: str) -> str:
    if _UNRESERVED.fullmatch(token):
        return token
    # The signs of base64 by themselves: quote goes through a token byte by byte where it has to change one.
    return quote(token, safe="+/=").replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def auth_headers(credentials: Credentials) -> dict[str, str]:
    """The headers of every request; the keys are in there: never log the result."""
    if credentials.bearer_token:
        keys = {"Authorization": f"Bearer {credentials.bearer_token}"}
    else:
        keys = {"DD-API-KEY": credentials.api_key, "DD-APPLICATION-KEY": credentials.app_key}
    # gzip by name: an HTTP library adds br and zstd by itself where it can, and they serve no better.
    return {**keys, "Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _user_agent()}


@cache
def _user_agent() -> str:
    from importlib import metadata  # noqa: PLC0415 - 15 ms that commands without a request do not need

    try:
        return f"replay-fetch/{metadata.version('replay-fetch')}"
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "replay-fetch"

"""Requests for lists of views and sessions: the RUM events search, window by window, and replay playlists.

A query is in the vendor's syntax, and plain words become its terms:

1. In quotes only the quote and the backslash are special, and no wildcard is one.
2. Outside quotes the vendor's list of special characters is escaped with a backslash; ``/`` and ``@`` are not on it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from replay_fetch.api.endpoint import check_id
from replay_fetch.api.json_answer import dig, json_object
from replay_fetch.errors import BadBody
from replay_fetch.model import Response
from replay_fetch.timestamps import iso

REPLAYED_VIEWS = "@type:view @session.has_replay:true"
# The most that the API gives at once, as its reference has it.
PAGE_LIMIT = 1000
# Sessions one query names: some 6 kB of text, in a body that is posted. How long a query may be is not documented.
SESSIONS_A_QUERY = 100
_CHARS_A_QUERY = 5_000
# As the reference of the search syntax has them, and some more: an escape too many does no harm.
_SPECIAL = re.compile(r'([\s=\-!&|<>(){}\[\]"?:\\#^~+])')
_IN_QUOTES = re.compile(r'(["\\])')
_WITH_ERRORS = "@view.error.count:>0"


class Window(NamedTuple):
    """A stretch of time in milliseconds since 1970.

    The API's reference does not say whether the ends count. Neighbouring windows therefore share an end, and
    duplicates are dropped later.
    """

    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """Milliseconds from end to end."""
        return self.end_ms - self.start_ms


def search_url(origin: str) -> str:
    """The URL of the events search at the API's origin, to which searches are posted as JSON."""
    return f"{origin}/api/v2/rum/events/search"


def search_body(query: str, window: Window, token: str | None = None) -> bytes:
    """Write the JSON that asks for a page of events, oldest first; ``token`` is the cursor of that page."""
    page: dict[str, object] = {"limit": PAGE_LIMIT}
    if token is not None:
        page["cursor"] = token
    found = {"query": query, "from": iso(window.start_ms), "to": iso(window.end_ms)}
    # Not orjson, which refuses lone surrogates: a cursor is said back as it came.
    return json.dumps({"filter": found, "page": page, "sort": "timestamp"}, separators=(",", ":")).encode()


def session_batches(sessions: Iterable[str]) -> Iterator[list[str]]:
    """Cut sessions into the groups that one query each names: a hundred at most, fewer where ids are long."""
    batch: list[str] = []
    length = 0
    for each in sessions:
        if batch and (len(batch) == SESSIONS_A_QUERY or length + len(each) > _CHARS_A_QUERY):
            yield batch
            batch, length = [], 0
        batch.append(each)
        length += len(each)
    if batch:
        yield batch


def narrowed(query: str, application: str = "", sessions: Sequence[str] | None = None) -> str:
    """Narrow a query to an application and to sessions; raises ValueError where an id is none."""
    terms = [f"({query})" if application or sessions is not None else query]
    if application:
        terms.append(f'@application.id:"{check_id(application)}"')
    if sessions is not None:
        terms.append(f"@session.id:({_any_of(sessions)})")
    return " ".join(terms)


def events_query(sessions: Sequence[str]) -> str:
    """Write the query for all RUM events of some sessions, at most `SESSIONS_A_QUERY`; ValueError for no id."""
    return f"@session.id:({_any_of(sessions)})"


def _any_of(ids: Sequence[str]) -> str:
    # In quotes no id can be read as an operator; check_id has none with a quote.
    return " OR ".join(f'"{check_id(each)}"' for each in ids)


@dataclass(frozen=True, slots=True)
class SearchWords:
    """The words of a search: each narrows the query, and empty texts and False do not."""

    user: str = ""
    """The id or the e-mail address that the application gave the SDK for a visitor."""
    url: str = ""
    """A part of a view's URL or, with ``*`` in it, a pattern for the whole."""
    error: bool = False
    """Only views in which an error was counted."""

    def query(self, base: str = REPLAYED_VIEWS) -> str:
        """Write the query: ``base`` with a term for each word."""
        terms = [
            *([_user(self.user)] if self.user else ()),
            *([f"@view.url:{_pattern(self.url)}"] if self.url else ()),
            *([_WITH_ERRORS] if self.error else ()),
        ]
        # A query of the user's own may hold an OR, which binds less than terms side by side.
        own = f"({base})" if terms and base != REPLAYED_VIEWS else base
        return " ".join([own, *terms])


def _user(text: str) -> str:
    """Look for a person by id and by address, since an application may use addresses as ids."""
    value = '"' + _IN_QUOTES.sub(r"\\\1", text) + '"'
    return f"(@usr.id:{value} OR @usr.email:{value})"


def _pattern(text: str) -> str:
    escaped = _SPECIAL.sub(r"\\\1", text)
    return escaped if "*" in text else f"*{escaped}*"


PLAYLIST_PAGE = 100
"""Sessions that one request asks for."""


def playlist_url(origin: str, playlist: str, page: int) -> str:
    """Build the URL of a page of a playlist's sessions; the first page is 0. Raises ValueError for an impossible id."""
    pages = f"page%5Bnumber%5D={page}&page%5Bsize%5D={PLAYLIST_PAGE}"
    return f"{origin}/api/v2/rum/replay/playlists/{check_id(playlist)}/sessions?{pages}"


def playlist_sessions(answer: Response) -> list[str]:
    """Read the session ids out of a 2xx answer; BadBody where no list is there, other errors as `json_object`."""
    listed = json_object(answer).get("data")
    if not isinstance(listed, list):
        raise BadBody("the answer for a playlist has no list under data", answer)
    ids = [dig(session, "id") for session in listed]
    try:
        return [check_id(each if isinstance(each, str) else "") for each in ids]
    except ValueError as reason:
        raise BadBody(f"the playlist names a session that cannot be one: {reason}", answer) from None

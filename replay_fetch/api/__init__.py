"""Knowledge of the API, without I/O: bytes in, values or errors out.

::

    a view, a token ──► Endpoint.page_url ──► (transport) ──► Answer ──► check_status ──► PageDecoder ──► Page
                                                                │
                                                                └► rate_limit

Begin with `page`: the decoder there calls every rule for bodies. A page's body is inflated (`body`), its list of
segments is found (`shapes`), each element is judged (`element`), the next token is read (`tokens`); pages like the
page before take the fast way (`fast_page`). `search`, `events` and `json_answer` serve the calls around the main
call. A new fact about the API is a new row in a table: a place in `shapes` or `tokens`, a word in `soundness`, a
status in `status`, a header in `ratelimit`.
"""

from replay_fetch.api.body import CutBody, OversizedBody, inflate
from replay_fetch.api.coding import MissingZstd
from replay_fetch.api.endpoint import Endpoint, auth_headers, check_id
from replay_fetch.api.error_text import error_text, tells_of_errors
from replay_fetch.api.events import FoundPage, FoundView, found_page
from replay_fetch.api.json_answer import dig
from replay_fetch.api.json_scan import NotJson
from replay_fetch.api.json_split import elements, members, values
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.api.redact import SecretRedactor
from replay_fetch.api.search import (
    REPLAYED_VIEWS,
    SESSIONS_A_QUERY,
    Window,
    narrowed,
    playlist_sessions,
    playlist_url,
    search_body,
    search_url,
    session_batches,
)
from replay_fetch.api.search_words import SearchWords
from replay_fetch.api.segment import Continuity, SegmentFacts, facts
from replay_fetch.api.status import check_status, is_a_strangers
from replay_fetch.api.trail import Trail, mark

__all__ = [
    "REPLAYED_VIEWS",
    "SESSIONS_A_QUERY",
    "Continuity",
    "CutBody",
    "Endpoint",
    "FoundPage",
    "FoundView",
    "MissingZstd",
    "NotJson",
    "OversizedBody",
    "PageDecoder",
    "SearchWords",
    "SecretRedactor",
    "SegmentFacts",
    "Trail",
    "Window",
    "auth_headers",
    "check_id",
    "check_status",
    "dig",
    "elements",
    "error_text",
    "facts",
    "found_page",
    "inflate",
    "is_a_strangers",
    "mark",
    "members",
    "narrowed",
    "playlist_sessions",
    "playlist_url",
    "rate_limit",
    "search_body",
    "search_url",
    "session_batches",
    "tells_of_errors",
    "values",
]

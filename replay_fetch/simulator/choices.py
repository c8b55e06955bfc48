"""What the simulator can be told to do, as closed sets of words; each word is also a flag's value."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """How a page's body is laid out and where its token stands."""

    LIST = "list"
    """``[segment, …]``, a whole view in one page."""
    SEGMENTS = "segments"
    """``segments`` + ``paging``."""
    JSON_API = "json-api"
    """``data[].attributes`` + ``meta.page.after``."""
    NESTED = "nested"
    """``data.attributes.segments`` + ``paging.next``."""
    CURSOR = "cursor"
    """``data[]`` + ``meta.pagination.next_cursor``."""
    LINKS_NEXT = "links-next"
    """``data[]`` + ``links.next``, a URL."""
    LINK_HEADER = "link-header"
    """``[segment, …]`` + the header ``Link: <…>; rel="next"``."""
    BARE = "bare"
    """One segment a page, nothing around it, + the Link header."""
    NDJSON = "ndjson"
    """One segment a line, a whole view in one page."""
    ZLIB = "zlib"
    """One zlib stream a segment, concatenated, a whole view in one page."""
    GZIP = "gzip"
    """As ``segments``, with ``Content-Encoding: gzip``."""
    UNKNOWN = "unknown"
    """``payload.chunks`` + ``continuation``: keys that no rule knows."""
    UNREAD = "unread"
    """``segments`` + ``meta.resume_at``: a token that no rule reads, beside segments that one does."""


OBJECT_SHAPES = frozenset(
    {
        *(Shape.SEGMENTS, Shape.JSON_API, Shape.NESTED, Shape.CURSOR, Shape.LINKS_NEXT, Shape.GZIP),
        *(Shape.UNKNOWN, Shape.UNREAD),
    }
)


class Absence(StrEnum):
    """How the API says that it holds nothing for a view."""

    PAGE = "page"
    """A page in the usual shape, without segments."""
    EMPTY_BODY = "empty-body"
    NO_CONTENT = "204"
    NOT_FOUND = "404"


class LastPage(StrEnum):
    """How a chain of pages ends."""

    NULL = "null"
    """The token's place holds null."""
    ABSENT = "absent"
    """The token's place is left out, and what is around it."""
    EXTRA = "extra"
    """One page more, without segments and without a token's place, behind a token like any other."""


class Chain(StrEnum):
    """What is wrong with the chain of pages of a view that has more than one."""

    GOOD = "good"
    REPEATED = "repeated"
    """The last page leads back to the second."""
    ECHOED = "echoed"
    """The second page gives back the token it was asked with."""
    HAS_MORE = "has-more"
    """The first page says ``"has_more": true`` and gives no token."""


class SearchChain(StrEnum):
    """How the pages of an events search lead on, and what the second of them is."""

    GOOD = "good"
    LINK = "link"
    """The cursor stands in ``links.next`` alone."""
    NUMBER = "number"
    """Cursors are numbers, which the search does not take back: where it ends cannot be known."""
    ERRORS = "errors"
    """The second page is half there, has no cursor and tells of errors."""
    PARTIAL = "partial"
    """The second page is half there, has no cursor and is a 206."""


class Algorithm(StrEnum):
    """How requests are counted against the limit."""

    FIXED = "fixed"
    """Windows aligned to multiples of the period on the simulator's clock."""
    FIRST = "first"
    """Windows that begin with the first request after the one before."""
    BUCKET = "bucket"
    SLIDING = "sliding"
    COUNTER = "counter"
    """Two counters that approximate a sliding log."""


class HeaderPolicy(StrEnum):
    """Which answers carry the X-RateLimit headers."""

    ALL = "all"
    NONE = "none"
    ONLY_429 = "429"
    SOME = "some"
    """Every other answer."""


class Reset(StrEnum):
    """What X-RateLimit-Reset holds."""

    CEIL = "ceil"
    FLOOR = "floor"
    FLOAT = "float"
    ZERO = "zero"
    PERIOD = "period"
    """Always the whole period, whatever is left of it."""
    MISSING = "missing"
    EPOCH = "epoch"
    GARBAGE = "garbage"


class RetryAfter(StrEnum):
    """What Retry-After holds on a 429."""

    NONE = "none"
    SECONDS = "seconds"
    DATE = "date"


class Body429(StrEnum):
    """What a 429 carries."""

    JSON = "json"
    HTML = "html"
    EMPTY = "empty"


class ErrorBody(StrEnum):
    """What every other error carries."""

    TEXTS = "texts"
    """``{"errors":["Forbidden"]}``."""
    OBJECTS = "objects"
    """``{"errors":[{"title":…,"detail":…,"status":…}]}``."""
    NO_ERRORS = "no-errors"
    """``{"errors":[]}``."""
    HTML = "html"
    EMPTY = "empty"


class AuthMode(StrEnum):
    """Which credentials are taken."""

    ANY = "any"
    KEYS = "keys"
    BEARER = "bearer"
    OFF = "off"

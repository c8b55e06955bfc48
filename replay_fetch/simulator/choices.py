"""The words of the simulator's settings: one closed set a setting; each word is also the value of a flag."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """The layout of a page's body, and the place of its token.

    The API's real layout is not documented, so a client must read all of them.
    """

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
    """``segments`` + ``meta.resume_at``: segments that a rule finds, and a token that no rule finds."""


OBJECT_SHAPES = frozenset(
    {
        *(Shape.SEGMENTS, Shape.JSON_API, Shape.NESTED, Shape.CURSOR, Shape.LINKS_NEXT, Shape.GZIP),
        *(Shape.UNKNOWN, Shape.UNREAD),
    }
)


class Absence(StrEnum):
    """The answer for a view that a store holds nothing of; any but the first may come from a gateway, too."""

    PAGE = "page"
    """A page in the usual shape, without segments."""
    EMPTY_BODY = "empty-body"
    NO_CONTENT = "204"
    NOT_FOUND = "404"


class LastPage(StrEnum):
    """The end of a chain of pages: how the last page says that no page follows."""

    NULL = "null"
    """The token's place holds null."""
    ABSENT = "absent"
    """The token's place is left out, together with the objects around it."""
    EXTRA = "extra"
    """One more page follows an ordinary token. It has no segments and no place for a token."""


class PageChain(StrEnum):
    """The fault in a view's chain of pages; a view of one page has none."""

    GOOD = "good"
    REPEATED = "repeated"
    """The last page leads back to the second."""
    ECHOED = "echoed"
    """The second page gives back the token it was asked with."""
    HAS_MORE = "has-more"
    """The first page says ``"has_more": true`` and gives no token."""
    COUNTED = "counted"
    """The first page counts the view's segments in ``meta.page.total_count`` and gives no token."""


CUT_CHAINS = frozenset({PageChain.HAS_MORE, PageChain.COUNTED})
"""The chains that end on their first page, which says in an object that it is not the last."""


class SearchChain(StrEnum):
    """The chain of pages of an events search: where its cursor stands, and how its second page fails."""

    GOOD = "good"
    LINK = "link"
    """The cursor stands in ``links.next`` alone."""
    NUMBER = "number"
    """Cursors are numbers, which the search does not accept: a client cannot know where the search ends."""
    ERRORS = "errors"
    """The second page holds half of its events, no cursor, and a list of errors."""
    PARTIAL = "partial"
    """The second page holds half of its events, no cursor, and has the status 206."""


class Algorithm(StrEnum):
    """The algorithm that counts requests against the rate limit; ``limits`` has a class for each."""

    FIXED = "fixed"
    """Windows aligned to multiples of the period on the simulator's clock."""
    FIRST = "first"
    """Windows that begin with the first request after the end of the window before."""
    BUCKET = "bucket"
    SLIDING = "sliding"
    COUNTER = "counter"
    """Two counters that approximate a sliding log."""


class HeaderPolicy(StrEnum):
    """The answers that carry the X-RateLimit headers: all, every other, those of 429s alone, or none."""

    ALL = "all"
    NONE = "none"
    ONLY_429 = "429"
    SOME = "some"
    """Every other answer."""


class Reset(StrEnum):
    """The form of ``X-RateLimit-Reset``: seconds, rounded or not, a time of day, or a value that says nothing."""

    CEIL = "ceil"
    FLOOR = "floor"
    FLOAT = "float"
    ZERO = "zero"
    PERIOD = "period"
    """Always the whole period, even when less of it is left."""
    MISSING = "missing"
    EPOCH = "epoch"
    GARBAGE = "garbage"


class RetryAfter(StrEnum):
    """The form of ``Retry-After`` on a 429: left out, in seconds, or as a time of day by the simulator's clock."""

    NONE = "none"
    SECONDS = "seconds"
    DATE = "date"


class Body429(StrEnum):
    """The body of a 429: a client must know the limit by the status alone, whoever wrote the body."""

    JSON = "json"
    HTML = "html"
    EMPTY = "empty"


class ErrorBody(StrEnum):
    """The body of every other error, in the forms that the vendor's APIs are known to give."""

    TEXTS = "texts"
    """``{"errors":["Forbidden"]}``."""
    OBJECTS = "objects"
    """``{"errors":[{"title":…,"detail":…,"status":…}]}``."""
    NO_ERRORS = "no-errors"
    """``{"errors":[]}``."""
    HTML = "html"
    EMPTY = "empty"


class AuthMode(StrEnum):
    """The credentials that are accepted: a pair of keys, a bearer token, either of the two, or none."""

    ANY = "any"
    KEYS = "keys"
    BEARER = "bearer"
    OFF = "off"

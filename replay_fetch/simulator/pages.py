"""The pages of a view: the segments of each, the token that leads to the next, and the answer.

Pages are cut anew for each request from the token alone, so any page can be asked for again.
"""

from __future__ import annotations

import binascii
import struct
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from replay_fetch.model import Source, View
from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.choices import CUT_CHAINS, Absence, LastPage, PageChain, Shape
from replay_fetch.simulator.replies import EMPTY, RefusalError, Reply
from replay_fetch.simulator.requests import Call, PageRequest
from replay_fetch.simulator.settings import PagingSettings, SimulatorSettings
from replay_fetch.simulator.shapes import Bodies, Way
from replay_fetch.simulator.truth import Truth

_WHOLE_VIEWS = frozenset({Shape.LIST, Shape.NDJSON, Shape.ZLIB})  # they have no place for a token


class Cursor(NamedTuple):
    """A place in a view's chain of pages; a paging token stands for one."""

    page: int = 1
    position: int = 0
    """The first segment that no earlier page of the chain has held; counted from 0."""
    empties: int = 0
    """Empty pages still to come before that segment."""
    chain: int = 0
    """How many chains of this view had begun before this chain."""


class Cut(NamedTuple):
    """One page: its segments from ``start`` up to ``end``, and the cursor that follows; None at the end of a chain."""

    start: int
    end: int
    following: Cursor | None
    has_more: bool = False
    """The page says ``has_more`` and gives no token."""
    counted: bool = False
    """The page counts the view's segments and gives no token."""
    bare: bool = False
    """The page has neither a token nor a place for a token."""


def cut(segments: Sequence[bytes], at: Cursor, paging: PagingSettings, max_bytes: int) -> Cut:
    """Cut the page that begins at a cursor, of at most ``max_bytes`` of segments, or a single larger segment."""
    if at.empties:
        return Cut(at.position, at.position, at._replace(page=at.page + 1, empties=at.empties - 1))
    end = _end(segments, at.position, paging, max_bytes)
    # Behind the first page: there a reader who takes an empty page for the end has something to lose.
    empties = paging.empty_pages if at.page == 1 else 0
    following = Cursor(at.page + 1, end, empties, at.chain)
    extra = paging.last_page is LastPage.EXTRA
    if end < len(segments) or (extra and at.position < len(segments)):
        return Cut(at.position, end, following)
    return Cut(at.position, end, None, bare=paging.last_page is not LastPage.NULL)


def spoil(page: Cut, at: Cursor, chain: PageChain, second: Cursor) -> Cut:
    """Give a page the way on that a faulty API would give; ``second`` is the second page of the chain.

    1. repeated: the last page of several leads back to the second;
    2. echoed: the second page leads to itself;
    3. has-more: the first page of several promises more and gives no token;
    4. counted: the first page of several counts the segments of all and gives no token.
    """
    last = page.following is None
    if chain is PageChain.REPEATED and last and at.page > 1:
        return page._replace(following=second, bare=False)
    if chain is PageChain.ECHOED and at.page == 2:  # noqa: PLR2004 - the second page, as the rule says
        return page._replace(following=at, bare=False)
    if chain in CUT_CHAINS and at.page == 1 and not last:
        return page._replace(following=None, has_more=chain is PageChain.HAS_MORE, counted=chain is PageChain.COUNTED)
    return page


def _end(segments: Sequence[bytes], start: int, paging: PagingSettings, max_bytes: int) -> int:
    """Find the end of the page that starts at ``start``; a page holds at least one segment while one is left."""
    if paging.shape in _WHOLE_VIEWS:
        return len(segments)
    if paging.pages and paging.shape is not Shape.BARE:
        return _even_end(len(segments), start, paging.pages)
    most = 1 if paging.shape is Shape.BARE else paging.page_segments or len(segments)
    end = min(start + 1, len(segments))
    size = sum(map(len, segments[start:end]))
    # A segment larger than ``max_bytes`` makes a page of its own: a page without segments would look like an end.
    while end < len(segments) and end - start < most and size + len(segments[end]) <= max_bytes:
        size += len(segments[end])
        end += 1
    return end


def _even_end(length: int, start: int, pages: int) -> int:
    """Find the first of ``pages`` even boundaries behind ``start``, for views of an exact number of pages."""
    return next((end for n in range(1, pages + 1) if (end := n * length // pages) > start), length)


# Every token holds the characters that a URL must escape, and one escape that must not be undone.
# A client that escapes twice or not at all, or that decodes the token, is refused.
_PREFIX = "%2B+/"
_CURSOR = struct.Struct(">IIHH")
_MAC = 8  # bytes: enough that no test makes a valid token by chance


class BadTokenError(Exception):
    """A token that was not given in this chain: made up, changed, or of another chain."""


class Tokens:
    """Opaque paging tokens, bound to the chain in which they were given.

    A token holds its cursor and a keyed hash of cursor and chain. The simulator stores none of them.
    """

    def __init__(self, seed: int) -> None:
        # blake2b takes keys of 64 bytes at most; the seed stands at the end.
        self._key = f"tokens/{seed}".encode()[-64:]

    def give(self, cursor: Cursor, chain: str) -> str:
        """Make the token of a cursor; ``chain`` names all that requests of one chain must have in common."""
        packed = _CURSOR.pack(*cursor)
        return _PREFIX + b64encode(packed + self._mac(packed, chain)).decode()

    def take(self, token: str, chain: str) -> Cursor:
        """Read the cursor that a token stands for; raises BadTokenError for a token of no chain or of another."""
        try:
            octets = b64decode(token.removeprefix(_PREFIX), validate=True)
            packed, mac = octets[: _CURSOR.size], octets[_CURSOR.size :]
            cursor = Cursor(*_CURSOR.unpack(packed))
        except (binascii.Error, struct.error, ValueError):
            raise BadTokenError from None
        # removeprefix above lets a token without the prefix pass.
        if not token.startswith(_PREFIX) or mac != self._mac(packed, chain):
            raise BadTokenError
        return cursor

    def _mac(self, packed: bytes, chain: str) -> bytes:
        return blake2b(packed + chain.encode(), key=self._key, digest_size=_MAC).digest()


_MOST_CHAINS = 2**16 - 1  # what a token has room for


class Pager:
    """The service for pages: finds the cursor of a request, and makes the page that begins there."""

    def __init__(self, settings: SimulatorSettings, truth: Truth) -> None:
        self._paging = settings.paging
        self._holding = settings.holding
        self._seed = settings.seed
        self._truth = truth
        self._tokens = Tokens(settings.seed)
        self._bodies = Bodies(settings.paging.shape, settings.paging.token_place)
        self._chains: Counter[tuple[View, Source]] = Counter()

    def call(self, request: PageRequest) -> Call:
        """Prepare the answer to a request; raises RefusalError for a token of another chain or an expired token."""
        at = self._cursor(request)
        done = partial(self._begin_chain, request) if at.page == 1 else None
        return Call(request.view, request.source, at.page, partial(self._page, request, at), done)

    def _cursor(self, request: PageRequest) -> Cursor:
        """Read the cursor of a request: of its token, or without a token the view's first page."""
        if request.token is None:
            return Cursor(chain=min(self._chains[request.view, request.source], _MOST_CHAINS))
        try:
            at = self._tokens.take(request.token, request.chain)
        except BadTokenError:
            raise RefusalError(400, "Invalid paging token") from None
        if at.page == self._paging.expire_page and at.chain < self._paging.expire_chains:
            raise RefusalError(self._paging.expire_status, "Paging token has expired")
        return at

    def _begin_chain(self, request: PageRequest) -> None:
        """Count a chain whose first page was answered whole: only then do its tokens differ from earlier chains'."""
        if self._paging.expire_page:  # without expiry no chain is told from another, and nothing need be remembered
            self._chains[request.view, request.source] += 1

    def _page(self, request: PageRequest, at: Cursor) -> Reply:
        """Make the page at a cursor; raises RefusalError (404) where the settings let an absent view be refused."""
        segments = self._truth.served(request.view, request.source)
        if segments is None:
            known = self._truth.exists(request.view)
            return self._nothing(self._holding.absent_as if known else Absence.NOT_FOUND)
        if not segments:
            return self._nothing(self._holding.empty_as)
        page = self._cut(segments, request, at)
        body = self._bodies.body(segments[page.start : page.end], page.start, self._way(page, request, len(segments)))
        return Reply(200, body)

    def _cut(self, segments: Sequence[bytes], request: PageRequest, at: Cursor) -> Cut:
        max_bytes = request.max_bytes or self._paging.page_bytes
        page = cut(segments, at, self._paging, max_bytes)
        chain = self._paging.chain
        if chain is PageChain.GOOD or draw(self._seed, "chain", request.view) >= self._paging.chain_share:
            return page
        second = cut(segments, Cursor(chain=at.chain), self._paging, max_bytes).following
        return spoil(page, at, chain, second or at)

    def _way(self, page: Cut, request: PageRequest, segments: int) -> Way:
        if page.following is None:
            return Way(has_more=page.has_more, total=segments if page.counted else None, bare=page.bare)
        token = self._tokens.give(page.following, request.chain)
        return Way(token, request.url(token))

    def _nothing(self, form: Absence) -> Reply:
        match form:
            case Absence.PAGE:
                return Reply(200, self._bodies.body((), 0, Way()))
            case Absence.EMPTY_BODY:
                return Reply(200, EMPTY)
            case Absence.NO_CONTENT:
                return Reply(204, EMPTY)
            case Absence.NOT_FOUND:
                raise RefusalError(404)

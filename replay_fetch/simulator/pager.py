"""One page after another of what the stores hold, each leading to the next by a token."""

from __future__ import annotations

from collections import Counter
from functools import partial

from replay_fetch.model import Source, View
from replay_fetch.simulator.chance import draw
from replay_fetch.simulator.choices import Absence, Chain
from replay_fetch.simulator.pages import Cursor, Cut, cut, spoil
from replay_fetch.simulator.replies import EMPTY, RefusalError, Reply
from replay_fetch.simulator.requests import Call, PageRequest
from replay_fetch.simulator.settings import SimulatorSettings
from replay_fetch.simulator.shapes import Bodies, Way
from replay_fetch.simulator.tokens import BadTokenError, Tokens
from replay_fetch.simulator.truth import Truth

_MOST_CHAINS = 2**16 - 1  # what a token has room for


class Pager:
    """Finds the place a request asks for and makes the page that begins there."""

    def __init__(self, settings: SimulatorSettings, truth: Truth) -> None:
        self._paging = settings.paging
        self._holding = settings.holding
        self._seed = settings.seed
        self._truth = truth
        self._tokens = Tokens(settings.seed)
        self._bodies = Bodies(settings.paging.shape, settings.paging.token_place)
        self._chains: Counter[tuple[View, Source]] = Counter()

    def call(self, request: PageRequest) -> Call:
        """What it takes to answer; raises RefusalError for a token that was not given here or has expired."""
        at = self._cursor(request)
        done = partial(self._begin_chain, request) if at.page == 1 else None
        return Call(request.view, request.source, at.page, partial(self._page, request, at), done)

    def _cursor(self, request: PageRequest) -> Cursor:
        """The place that a request's token stands for, or the first."""
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
        """A first page has been answered whole: tokens of earlier chains are told from later ones."""
        if self._paging.expire_page:  # else there is nothing to tell, and nothing to remember
            self._chains[request.view, request.source] += 1

    def _page(self, request: PageRequest, at: Cursor) -> Reply:
        """The page at a place of the view; raises RefusalError where the view is not held."""
        segments = self._truth.held(request.view, request.source)
        if segments is None:
            known = self._truth.exists(request.view)
            return self._nothing(self._holding.absent_as if known else Absence.NOT_FOUND)
        if not segments:
            return self._nothing(self._holding.empty_as)
        page = self._cut(segments, request, at)
        body = self._bodies.body(segments[page.start : page.end], page.start, self._way(page, request))
        return Reply(200, body)

    def _cut(self, segments: tuple[bytes, ...], request: PageRequest, at: Cursor) -> Cut:
        max_bytes = request.max_bytes or self._paging.page_bytes
        page = cut(segments, at, self._paging, max_bytes)
        chain = self._paging.chain
        if chain is Chain.GOOD or draw(self._seed, "chain", request.view) >= self._paging.chain_share:
            return page
        second = cut(segments, Cursor(chain=at.chain), self._paging, max_bytes).following
        return spoil(page, at, chain, second or at)

    def _way(self, page: Cut, request: PageRequest) -> Way:
        if page.following is None:
            return Way(has_more=page.has_more, bare=page.bare)
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

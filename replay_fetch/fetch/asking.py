"""One page: asked for in turn, judged, decoded, and asked for again until it is there."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import anyio
from anyio import to_thread

from replay_fetch.api import Endpoint, PageDecoder, check_status, rate_limit
from replay_fetch.errors import Forbidden, RateLimited, RetryableError
from replay_fetch.fetch.keys import KeyWatch
from replay_fetch.model import Answer, Page, Source, View
from replay_fetch.pacing import Pacer
from replay_fetch.retry import Attempts, RetryQuota
from replay_fetch.transport import Transport

log = logging.getLogger(__name__)

# A page of this many bytes or more is decoded in a thread: it would hold up the loop for milliseconds.
_LARGE = 256 * 1024


class Counters(Protocol):
    """What is counted while asking."""

    requests: int
    retries: int
    rate_limited: int
    pages: int
    segments: int
    wire_bytes: int


@dataclass(slots=True)
class Asking:
    """Everything that it takes to ask for pages; shared by all workers."""

    transport: Transport
    pacer: Pacer
    endpoint: Endpoint
    decoder: PageDecoder
    counters: Counters
    retries: int
    keys: KeyWatch = field(default_factory=KeyWatch)
    quota: RetryQuota = field(default_factory=RetryQuota)
    rng: random.Random = field(default_factory=random.Random)
    epoch: Callable[[], float] = time.time
    """Wall time, for headers that name a date; nothing waits by it."""

    async def page(self, view: View, source: Source, token: str | None) -> tuple[Page, Answer]:
        """The page behind ``token``, asked for until it is there.

        429s wait at the pacer's gate and spend nothing. Raises another RequestError where asking
        again is useless, GaveUp when the attempts are spent, AuthError when the keys are refused and
        OutageError when the API is dead.
        """
        url = self.endpoint.page_url(view, source, token)
        attempts = Attempts(self.retries, self.quota, self.rng)
        while True:
            try:
                answer = await self._answer(url, attempts)
                self._judge(view, answer, first_page=token is None)
                page = await self._decoded(answer)
            except RateLimited:
                continue
            except RetryableError as error:
                delay = attempts.failed(error, self.pacer.health)
                log.debug("%s: %s; asking again in %.1f s", view, error, delay)
            else:
                self.counters.pages += 1
                self.counters.segments += len(page.segments)
                return page, answer
            self.counters.retries += 1
            await anyio.sleep(delay)

    async def _answer(self, url: str, attempts: Attempts) -> Answer:
        async with self.pacer.turn(suspect=attempts.suspect) as turn:
            self.counters.requests += 1
            answer = await self.transport.get(url)
            turn.answered(answer.status, rate_limit(answer.headers, now_epoch=self.epoch()))
        self.counters.wire_bytes += len(answer.body)
        return answer

    def _judge(self, view: View, answer: Answer, *, first_page: bool) -> None:
        try:
            check_status(answer, first_page=first_page)
        except RateLimited:
            self.counters.rate_limited += 1
            raise
        except Forbidden as error:
            self.keys.refused(view, error)
            raise
        self.keys.accepted = True
        self.quota.earn()

    async def _decoded(self, answer: Answer) -> Page:
        if len(answer.body) < _LARGE:
            return self.decoder.decode(answer)
        return await to_thread.run_sync(self.decoder.decode, answer)

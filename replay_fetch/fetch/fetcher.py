"""The fetcher: sends one request in turn, judges and reads the answer, and sends again until an answer is good."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, Protocol, TypeVar

import anyio
from anyio import to_thread
from msgspec import Struct

from replay_fetch.api.body import is_packed
from replay_fetch.api.endpoint import Endpoint
from replay_fetch.api.page import PageDecoder
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.api.redact import SecretRedactor
from replay_fetch.api.status import check_status, health_of
from replay_fetch.errors import Forbidden, NotFound, OutageError, RateLimited, RetryableError
from replay_fetch.fetch.credentials import CredentialCheck
from replay_fetch.fetch.retry import Attempts, RetryQuota
from replay_fetch.memory import Hold, Memory
from replay_fetch.model import Page, Response, Source, View
from replay_fetch.pacing import Pacer
from replay_fetch.transport import Transport

log = logging.getLogger(__name__)

# A body of this many bytes or more, once inflated, is read in a thread: it would hold up the loop for milliseconds.
# One at a time: the GIL allows no more, and each page is held three times meanwhile. Smaller bodies are not worth
# two threads that take the interpreter from each other.
_LARGE = 512 * 1024
# Of bodies from this size on, only so many are read in a turn of the event loop: those of all workers, come in
# together, would hold it up for tens of milliseconds (a megabyte takes 2 ms, and 11 ms by the exact way).
_HEAVY, _A_TURN = 128 * 1024, 8
# How many times its length a packed body inflates to, as a rule.
_INFLATES = 8
_GOOD = range(200, 300)
# While a trial goes on all others wait, and where it fails it is made again, or the run stops.
_TRIAL_RETRIES = 2

T = TypeVar("T")


class Counters(Protocol):
    """Counters that the fetcher adds to while a run goes on; all but ``backing_off`` only grow."""

    requests: int
    retries: int
    backing_off: int
    rate_limited: int
    pages: int
    segments: int
    wire_bytes: int


class ApiRequest(Struct, Generic[T], frozen=True, gc=False):
    """One request to the API, the reader of its answer, and how patient the fetcher should be with faults."""

    about: Hashable
    """The view, or else a name that reads well in a message."""
    url: str
    read: Callable[[Response], T]
    """Raises GarbledBody or ServerError where another try may help, BadBody where not."""
    body: bytes | None = None
    """JSON text to be posted; without it the request is a GET."""
    first_page: bool = True
    """No paging token is sent."""
    what: str = "this view"
    suspect: bool = False
    """Faults are the page's own from the first, see `Attempts`."""
    timeouts: int | None = None
    """Timeouts in a row after which to give up, where less can be asked for instead; None counts them as faults."""
    retries: int | None = None
    """Fewer than those of the run, where fewer are worth the time."""
    hold: Hold | None = None
    """The memory of the answer while it is judged and read; held on to where the answer is good."""

    def let_go(self) -> None:
        """Free the memory of an answer that was no good; other pages use it until the next answer comes."""
        if self.hold is not None:
            self.hold.let_go()


@dataclass(slots=True)
class Fetcher:
    """Asks the API with one transport, pacer and retry quota, which all workers of a run share.

    The ``redactor`` takes keys out of answers that repeat them. The clock ``epoch`` is read for headers that name a
    date, in seconds since 1970; no wait depends on the wall clock.
    """

    transport: Transport
    pacer: Pacer
    endpoint: Endpoint
    decoder: PageDecoder
    counters: Counters
    retries: int
    keys: CredentialCheck = field(default_factory=CredentialCheck)
    quota: RetryQuota = field(default_factory=RetryQuota)
    rng: random.Random = field(default_factory=random.Random)
    redactor: SecretRedactor = field(default_factory=SecretRedactor)
    keeps_answers: bool = False
    """Answers are kept beside the pages, under ``raw/``."""
    epoch: Callable[[], float] = time.time
    memory: Memory | None = None
    """Large pages wait for room in it before they are read; None bounds nothing."""
    waited: dict[Hashable, float] | None = None
    """Seconds in line for each view, where the caller asks for them and takes them out."""
    # Held while a large body is read in a thread, and while a heavy one is read on the event loop.
    aside: anyio.CapacityLimiter = field(default_factory=partial(anyio.CapacityLimiter, 1))
    in_turn: anyio.Semaphore = field(default_factory=partial(anyio.Semaphore, _A_TURN))
    # Requests on their way; the event is there only while `quiet` waits, so that a page pays for a comparison alone.
    _in_flight: int = 0
    _change: anyio.Event | None = None

    async def page(
        self, view: View, source: Source, token: str | None, hold: Hold | None = None, *, suspect: bool = False
    ) -> tuple[Page, Response]:
        """Fetch the page of a view behind ``token``, decoded, beside its answer; asks and raises as `ask` does.

        ``hold`` is the memory that the page takes until its reader lets go. The faults of a ``suspect`` page are
        taken for the page's own, see `Attempts`.
        """
        url = self.endpoint.page_url(view, source, token)
        request = ApiRequest(
            view, url, partial(self.decoder.decode, view=view), first_page=token is None, hold=hold, suspect=suspect
        )
        page, answer = await self.ask(request)
        self.counters.segments += len(page.segments)
        return page, answer

    async def trial(self, view: View, source: Source) -> Page:
        """Fetch a view's first page as a trial of the API: with few retries, since all workers wait for the result."""
        url = self.endpoint.page_url(view, source, None)
        page, _ = await self.ask(ApiRequest(view, url, partial(self.decoder.decode, view=view), retries=_TRIAL_RETRIES))
        return page

    async def ask(self, request: ApiRequest[T]) -> tuple[T, Response]:
        """Send a request until a good answer comes, and return the answer as read, beside the answer as received.

        429s wait at the pacer's gate and spend no attempt. Raises a RequestError that is not retryable where
        another try is useless, GaveUp when the attempts are spent, AuthError when the keys are refused and
        OutageError when the API is dead.
        """
        retries = self.retries if request.retries is None else min(request.retries, self.retries)
        attempts = Attempts(retries, self.quota, self.rng, request.suspect, request.timeouts)
        while True:
            try:
                answer = await self._answer(request, attempts)
                self._judge(request, answer)
                weight = len(answer.body) * (_INFLATES if is_packed(answer) else 1)
                if weight < _HEAVY:
                    found, answer = self._read(request, answer)
                else:
                    found, answer = await self._read_heavy(request, answer, weight)
            except RateLimited as error:  # spends nothing: the limit is nobody's fault, and the next turn waits for it
                attempts.refused(error, self.pacer.health)
                request.let_go()
                continue
            except OutageError as outage:
                raise self.pacer.breaker.explained(outage) from None
            except RetryableError as error:
                health = self.pacer.health
                self.pacer.breaker.note(error, health.now, self.endpoint.origin)
                delay = attempts.failed(error, health)
                log.debug("%s: %s; asking again in %.1f s", request.about, error, delay)
            else:
                self.counters.pages += 1
                self.quota.earn()
                if request.hold is not None:
                    request.hold.is_read()
                return found, answer
            self.counters.retries += 1
            request.let_go()
            await self._back_off(delay)

    async def quiet(self, seconds: float) -> None:
        """Return when no request has been on its way for so many seconds; each request wakes the wait."""
        while True:
            while self._in_flight:
                await self._next_change()
            with anyio.move_on_after(seconds):
                await self._next_change()
                continue
            return

    async def _next_change(self) -> None:
        self._change = anyio.Event()
        await self._change.wait()

    async def _back_off(self, delay: float) -> None:
        self.counters.backing_off += 1
        try:
            await anyio.sleep(delay)
        finally:
            self.counters.backing_off -= 1

    async def _answer(self, request: ApiRequest[T], attempts: Attempts) -> Response:
        async with self.pacer.turn(suspect=attempts.suspect) as turn:
            if turn.waited and self.waited is not None:
                self.waited[request.about] = self.waited.get(request.about, 0.0) + turn.waited
            self.counters.requests += 1
            self._in_flight += 1
            if self._change is not None:
                self._change.set()
            try:
                if request.body is None:
                    answer = await self.transport.get(request.url, request.hold)
                else:
                    answer = await self.transport.post_json(request.url, request.body)
            finally:
                self._in_flight -= 1
                if self._change is not None:
                    self._change.set()
            # Told inside the turn: a gate that this answer shuts holds back whoever stands in line behind it.
            health = health_of(answer, of_a_page=request.body is None, good_keys=self.keys.accepted)
            turn.answered(health, rate_limit(answer.headers, now_epoch=self.epoch()))
        self.counters.wire_bytes += len(answer.body)
        # A good page is read first, which is quicker than going through it for keys; see `_read`.
        return answer if answer.status in _GOOD else self.redactor.removed(answer)

    def _judge(self, request: ApiRequest[T], answer: Response) -> None:
        try:
            check_status(answer, first_page=request.first_page, now_epoch=self.epoch(), what=request.what)
        except RateLimited:
            self.counters.rate_limited += 1
            raise
        except Forbidden as error:
            self.keys.refused(request.about, error, self.pacer.health.now)
            raise
        except NotFound:
            self.keys.accept()  # the keys are looked at before the view
            raise
        self.keys.accept()

    def _read(self, request: ApiRequest[T], answer: Response) -> tuple[T, Response]:
        """Read the answer; neither the value nor the answer returned has a key in its text."""
        return self.redactor.read(request.read, answer, kept=self.keeps_answers)

    async def _read_heavy(self, request: ApiRequest[T], answer: Response, weight: int) -> tuple[T, Response]:
        if weight >= _LARGE:
            return await to_thread.run_sync(self._read, request, answer, limiter=self.aside)
        async with self.in_turn:  # entering it takes a turn of the loop
            return self._read(request, answer)

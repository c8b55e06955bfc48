"""One page, asked for until it is there: what spends an attempt, what does not, what ends it at once."""

from __future__ import annotations

import gzip
import logging
import random
import threading
from collections import Counter
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise

import anyio
import pytest
from fake_api import API, VIEW, FakeTransport, Told, asking, page, status

from replay_fetch.api.page import PageDecoder
from replay_fetch.errors import (
    AuthError,
    BadBody,
    Forbidden,
    GarbledBody,
    GaveUp,
    NotFound,
    OutageError,
    Rejected,
    ServerError,
    TokenRefused,
    TransportError,
    Unreachable,
)
from replay_fetch.fetch.fetcher import Fetcher
from replay_fetch.fetch.retry import RetryQuota
from replay_fetch.memory import Hold
from replay_fetch.model import Page, Response, Source, View
from replay_fetch.settings import FetchSettings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]

FEW = FetchSettings(retries=2)
SHORT_PAUSE = {"retry-after": "7"}


async def ask(asking: Fetcher, view: View = VIEW, token: str | None = None) -> Page:
    found, _ = await asking.page(view, Source.BLOB, token)
    return found


def counted(asking: Fetcher) -> dict[str, int]:
    names = ("requests", "retries", "rate_limited", "pages", "segments")
    return {name: getattr(asking.counters, name) for name in names}


async def test_a_page_comes_decoded_beside_its_answer_and_is_counted() -> None:
    answer = page(0, 1, then="t")
    one = asking(FakeTransport([answer]))
    found, kept = await one.page(VIEW, Source.BLOB, None)
    assert ([len(found.segments), found.token], kept) == ([2, "t"], answer)
    assert counted(one) == {"requests": 1, "retries": 0, "rate_limited": 0, "pages": 1, "segments": 2}
    assert one.counters.wire_bytes == len(answer.body)


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(503),
        status(408),
        status(512),
        TransportError("reset"),
        Response(200, {}, b'{"segments":[{"rec'),
        Response(200, {}, b"<html>"),
    ],
    ids=repr,
)
async def test_a_fault_is_asked_again_and_spends_an_attempt(fault: Told) -> None:
    one = asking(FakeTransport([fault, fault, page(0)]), FEW)
    await ask(one)
    assert counted(one) == {"requests": 3, "retries": 2, "rate_limited": 0, "pages": 1, "segments": 1}


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (status(503), ServerError),
        (TransportError("reset"), TransportError),
        (Response(200, {}, b"<html>"), GarbledBody),
    ],
    ids=["503", "reset", "html"],
)
async def test_when_the_attempts_are_spent_the_last_failure_is_the_cause(fault: Told, cause: type[Exception]) -> None:
    one = asking(FakeTransport([fault] * 3), FEW)
    with pytest.raises(GaveUp, match=r"after 3 attempts") as caught:
        await ask(one)
    assert isinstance(caught.value.__cause__, cause)
    assert one.counters.requests == 3


async def test_429s_wait_at_the_gate_and_spend_nothing() -> None:
    """Ten of them, with no attempt to spend."""
    transport = FakeTransport([*[status(429, SHORT_PAUSE)] * 10, page(0)])
    one = asking(transport, FetchSettings(retries=0))
    await ask(one)
    assert counted(one) == {"requests": 11, "retries": 0, "rate_limited": 10, "pages": 1, "segments": 1}
    times = [when for when, _, _ in transport.asked]
    assert all(later - earlier >= 7 for earlier, later in pairwise(times))


async def test_a_429_for_one_worker_holds_back_the_others() -> None:
    transport = FakeTransport([status(429, SHORT_PAUSE), *[page(0)] * 5])
    one = asking(transport)
    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(ask, one, View("s", f"v{number}"))
    first, *others = [when for when, _, _ in transport.asked]
    in_flight = [when for when in others if when < first + transport.latency]
    assert all(when >= first + 7 for when in others if when not in in_flight)
    assert len(in_flight) < len(others)


@pytest.mark.parametrize(
    ("answer", "token", "error"),
    [
        (status(404), None, NotFound),
        (status(404), "t", TokenRefused),
        (status(410), "t", TokenRefused),
        (status(403), None, Forbidden),
        (status(400), None, Rejected),
        (status(302), None, Rejected),
        (Response(200, {}, b'{"what":1}'), None, BadBody),
    ],
    ids=lambda value: getattr(value, "status", value),
)
async def test_an_error_that_no_repetition_mends_is_asked_once(
    answer: Response, token: str | None, error: type[Exception]
) -> None:
    one = asking(FakeTransport([answer]))
    with pytest.raises(error):
        await ask(one, token=token)
    assert one.counters.requests == 1


async def test_refused_keys_stop_the_run_after_views_of_three_sessions_are_forbidden() -> None:
    one = asking(FakeTransport([status(403)] * 3))
    for number in range(2):
        with pytest.raises(Forbidden):
            await ask(one, View(f"s{number}", "v"))
    with pytest.raises(AuthError):
        await ask(one, View("s2", "v"))


@pytest.mark.parametrize("answer", [page(), status(404), Response(200, {}, b'{"what":1}')], ids=["page", "404", "odd"])
async def test_any_answer_that_needs_good_keys_shows_that_they_are(answer: Response) -> None:
    one = asking(FakeTransport([answer, *[status(403)] * 9]))
    with suppress(NotFound, BadBody):
        await ask(one)
    for number in range(9):
        with pytest.raises(Forbidden):
            await ask(one, View("s", f"v{number}"))
    one.keys.finish()


@pytest.mark.parametrize(
    ("fault", "latest"),
    [
        (TransportError("refused"), "refused"),
        (Response(200, {}, b'{"errors":["try again"]}'), "the API answers with errors: try again"),
    ],
    ids=["refused", "200 with errors"],
)
async def test_a_dead_api_ends_the_run_and_not_its_views(fault: Told, latest: str) -> None:
    """Failures during an outage are the API's: no page spends its attempts on them."""
    fetch = FetchSettings(workers=4, give_up_after=600)
    one = asking(FakeTransport(lambda _source, _token: fault), fetch)
    one.rng = random.Random(1)  # noqa: S311 - jitter, drawn the same each time
    ends: list[Exception] = []

    async def work(number: int) -> None:
        try:
            await ask(one, View("s", f"v{number}"))
        except (GaveUp, OutageError) as error:
            ends.append(error)

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(work, number)
    assert [type(end) for end in ends] == [OutageError] * 4
    assert all(str(end).endswith(f"The latest fault: {latest}") for end in ends)
    assert 600 < anyio.current_time() < 800


@pytest.mark.parametrize(
    ("answers", "earned"),
    [([page(0)], 1), ([Response(200, {}, b'{"errors":["x"]}'), page(0)], 0)],
    ids=["a page", "errors, then a page"],
)
async def test_only_answers_that_hold_a_page_earn_retries(answers: list[Told], earned: int) -> None:
    one = asking(FakeTransport(answers))
    one.quota.left = before = RetryQuota.ROOM - 50
    await ask(one)
    assert one.quota.left - before == earned


async def test_a_trial_ends_after_three_attempts() -> None:
    transport = FakeTransport(lambda _source, _token: status(423))
    one = asking(transport)
    with pytest.raises(GaveUp, match="after 3 attempts"):
        await one.trial(VIEW, Source.BLOB)
    assert len(transport.asked) == 3


@pytest.mark.parametrize(
    ("fault", "answered", "least", "most"),
    [
        (Unreachable("the name api.example cannot be resolved"), False, 15, 40),
        (Unreachable("the name api.example cannot be resolved"), True, 600, 800),
        (TransportError("refused"), False, 600, 800),
    ],
    ids=["never resolved", "not resolved any more", "never answered"],
)
async def test_a_host_that_was_never_reached_ends_the_run_in_seconds(
    *,
    fault: Exception,
    answered: bool,
    least: float,
    most: float,
) -> None:
    """A mistake in a setting stays; a network that comes up late, or goes away for a while, does not."""

    def answer(_source: str, _token: str | None) -> Told:
        return page(0) if answered and anyio.current_time() < 0.2 else fault

    one = asking(FakeTransport(answer), FetchSettings(workers=4, give_up_after=600.0))
    ends: list[Exception] = []

    async def work(number: int) -> None:
        try:
            while True:
                await ask(one, View("s", f"v{number}"))
        except (GaveUp, OutageError) as error:
            ends.append(error)
            group.cancel_scope.cancel()  # as a run is

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(work, number)
    assert isinstance(ends[0], OutageError)
    assert str(fault) in str(ends[0])
    assert least < anyio.current_time() < most


@pytest.mark.parametrize("answered", [False, True])
async def test_why_nothing_succeeds_is_said_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, *, answered: bool
) -> None:
    """Soon where nothing ever did: a wrong site should not be waited for half an hour."""
    dead_until = 200.0

    def answer(_source: str, _token: str | None) -> Told:
        well = anyio.current_time() > dead_until or (answered and anyio.current_time() < 1)
        return page(0) if well else TransportError("the server's name cannot be resolved")

    one = asking(FakeTransport(answer), FetchSettings(workers=4))
    said_at: list[float] = []

    def emit(record: logging.LogRecord) -> None:
        if record.levelno > logging.INFO:
            said_at.append(anyio.current_time())

    monkeypatch.setattr(caplog.handler, "emit", emit)

    async def work(number: int) -> None:
        for page_number in range(4):
            await ask(one, View("s", f"v{number}-{page_number}"))

    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(work, number)
    assert len(said_at) == 1
    assert said_at[0] < (30 if answered else 5)


BACK_SOON = b"<h1>We will be back soon</h1>"


@pytest.mark.parametrize(
    "fault",
    [
        TransportError("refused"),
        status(503),
        Response(200, {}, BACK_SOON),
        Response(200, {}, b"\xef\xbb\xbf\r\n" + BACK_SOON),
        Response(200, {"content-type": "text/html", "content-encoding": "gzip"}, gzip.compress(BACK_SOON)),
    ],
    ids=["refused", "503", "html", "html behind space", "packed html"],
)
async def test_an_outage_that_ends_in_time_costs_time_alone(fault: Told) -> None:
    """Whatever it looks like: a maintenance page that says 200 is no sound answer."""

    def answers(_source: str, _token: str | None) -> Told:
        return fault if anyio.current_time() < 300 else page(0)

    one = asking(FakeTransport(answers), FetchSettings(workers=4, retries=8))
    one.rng = random.Random(1)  # noqa: S311 - jitter, drawn the same each time
    async with anyio.create_task_group() as group:
        for number in range(4):
            group.start_soon(ask, one, View("s", f"v{number}"))
    assert (one.counters.pages, anyio.current_time() < 400) == (4, True)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
async def test_a_large_body_is_decoded_off_the_loop(*, packed: bool) -> None:
    threads: list[threading.Thread] = []

    class Watched(PageDecoder):
        def decode(self, answer: Response, view: View | None = None) -> Page:
            threads.append(threading.current_thread())
            return super().decode(answer, view)

    # A packed body counts as eight times as much. Digits of no pattern keep half of their length.
    text = b"".join(sha256(b"%d" % number).hexdigest().encode() for number in range(2**11)) if packed else b"x" * 2**19
    body = b'{"segments":[{"records":["' + text + b'"]}]}'
    large = Response(200, {}, gzip.compress(body) if packed else body)
    one = asking(FakeTransport([page(0), large]))
    one.decoder = Watched(API)
    assert [len((await ask(one)).segments) for _ in range(2)] == [1, 1]
    assert [thread is threading.main_thread() for thread in threads] == [True, False]


@pytest.mark.parametrize(("size", "most"), [(2**10, 32), (2**17, 8)], ids=["light", "heavy"])
async def test_only_so_many_heavy_bodies_are_decoded_in_a_turn_of_the_loop(size: int, most: int) -> None:
    turn = 0
    read_in: Counter[int] = Counter()

    class Watched(PageDecoder):
        def decode(self, answer: Response, view: View | None = None) -> Page:
            read_in[turn] += 1
            return super().decode(answer, view)

    class Gated(FakeTransport):
        async def get(self, url: str, hold: Hold | None = None) -> Response:
            answer = await super().get(url, hold)
            if not self.answers:
                all_came.set()
            await all_came.wait()
            return answer

    all_came = anyio.Event()
    transport = Gated([Response(200, {}, b'{"segments":[{"records":["' + b"x" * size + b'"]}]}')] * 32)
    one = asking(transport, FetchSettings(workers=32))
    one.decoder = Watched(API)
    async with anyio.create_task_group() as group:
        for number in range(32):
            group.start_soon(ask, one, View("s", f"v{number}"))
        await all_came.wait()
        while one.counters.pages < 32:
            await anyio.lowlevel.checkpoint()
            turn += 1
    assert (max(read_in.values()), read_in.total()) == (most, 32)


async def test_a_fetcher_is_quiet_once_no_request_has_been_on_its_way_for_a_while() -> None:
    """A page that follows at once is in flight still; a pause that a server asked for is not waited for."""
    one = asking(FakeTransport([page(0, then="t"), page(1), status(429, {"retry-after": "60"}), page(2)], latency=3.0))
    began = anyio.current_time()
    async with anyio.create_task_group() as group:

        async def chain() -> None:
            for token in (None, "t", "t2"):
                await ask(one, token=token)

        group.start_soon(chain)
        await anyio.sleep(0.1)
        await one.quiet(1.0)
        assert anyio.current_time() == pytest.approx(began + 10.0, abs=0.2)
        group.cancel_scope.cancel()

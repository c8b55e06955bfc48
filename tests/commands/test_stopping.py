"""Signals: the first stops cleanly, the second at once; real ones, sent to this process."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import anyio
import pytest

from replay_fetch.errors import ArchiveError
from replay_fetch.pipeline.stopping import SIGNALS, stoppable

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Python's own handlers, whatever this suite was started under: nohup ignores SIGHUP."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


async def test_without_a_signal_the_work_goes_on_to_its_end() -> None:
    async with stoppable() as stop:
        await anyio.lowlevel.checkpoint()
    assert not stop.is_set()


@pytest.mark.parametrize("number", SIGNALS)
async def test_the_first_signal_asks_to_stop_and_says_so(
    number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    async with stoppable() as stop:
        send(number)
        await stop.wait()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"{number.name}: finishing what is in flight, at most 10 s; once more stops at once" in caplog.text


@pytest.mark.parametrize("second", SIGNALS)
async def test_the_second_signal_interrupts_the_work_at_once_and_says_so(
    second: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    cleaned_up = False
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - what is interrupted is inside
        async with stoppable() as stop:
            send(signal.SIGINT)
            await stop.wait()
            send(second)
            try:
                await anyio.sleep(60)
            finally:
                cleaned_up = True
    assert cleaned_up
    assert f"{second.name} again: stopped at once; what is committed is safe" in caplog.text


async def test_a_signal_that_stops_at_once_is_not_called_a_second_one(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - what is interrupted is inside
        async with stoppable(at_once=True):
            send(signal.SIGINT)
            await anyio.sleep(60)
    assert not caplog.records


async def test_an_ignored_signal_stays_ignored() -> None:
    """As under nohup: a terminal that closes is no reason to stop."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    async with stoppable() as stop:
        send(signal.SIGHUP)
        send(signal.SIGTERM)
        await stop.wait()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


async def test_an_error_of_the_package_leaves_the_signals_context_as_it_is() -> None:
    with pytest.raises(ArchiveError, match="full"):
        async with stoppable():
            raise ArchiveError("the disk is full")


@pytest.mark.parametrize("number", SIGNALS)
async def test_afterwards_a_signal_is_handled_as_before(number: signal.Signals) -> None:
    """The loop would leave the system's own handler, which kills a process that is ending."""
    signal.signal(number, signal.default_int_handler)
    async with stoppable():
        pass
    assert signal.getsignal(number) is signal.default_int_handler

"""What every test may ask for: asyncio as the backend, and a clock that takes no time."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, settings
from memory_disk import files_in_memory
from player_browser import chromium, watch
from store_servers import any_store, azurite, moto, seaweedfs
from virtual_clock import VirtualClockLoop

from replay_fetch.progress import reporters
from replay_fetch.progress.history import History

# Here and nowhere else: imported into a test module, a fixture of a whole session is made once more for that module.
__all__ = ["any_store", "anyio_backend", "azurite", "chromium", "moto", "seaweedfs", "virtual_clock", "watch"]

# A shared or busy machine must not turn a law into a failure: what is judged is the result, not the time.
# The same examples are drawn in every ordinary run, so that a change is judged by what it changed;
# HYPOTHESIS_PROFILE=search draws others each time.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ordinary", settings.get_profile("search"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ordinary"))


def pytest_xdist_auto_num_workers() -> int:
    """Three workers for two processors: tests wait nearly a third of their time, for servers, browsers and children."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return processors + processors // 2


def pytest_configure(config: pytest.Config) -> None:
    """Choose where the tests' files lie, before pytest makes the first one; xdist's workers take over the choice."""
    # Many containers set it: each worker, and each of some hundred processes, would compile the package and the tests
    # anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    if not hasattr(config, "workerinput"):
        files = ExitStack()
        files.enter_context(files_in_memory())
        config.add_cleanup(files.close)


def pytest_collection_finish() -> None:
    """Keep six thousand collected tests out of garbage collections, which took a twentieth of the time with them."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def devices() -> Iterator[None]:
    """The machine's devices, which are after all tests what they were before: no command takes one's place."""
    names = ("/dev/null", "/dev/full", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/fd", "/dev/tty")
    paths = [Path(name) for name in names if os.path.lexists(name)]

    def seen() -> list[tuple[int, int, int]]:
        return [((about := path.lstat()).st_mode, about.st_ino, about.st_rdev) for path in paths]

    before = seen()
    yield
    assert seen() == before


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:  # Any: anyio's own options
    """Plain asyncio, or the virtual clock's loop for a test that asks for ``virtual_clock``."""
    if "virtual_clock" in request.fixturenames:
        return "asyncio", {"loop_factory": functools.partial(VirtualClockLoop, io_grace=0.0)}
    return "asyncio", {}


@pytest.fixture
async def virtual_clock() -> VirtualClockLoop:
    """The running loop, whose ``time()`` jumps over every sleep; it waits for anyio's threads.

    Ask for it as an argument, or for a module with
    ``pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("virtual_clock")]``.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    threads = anyio.to_thread.current_default_thread_limiter()
    loop.is_busy = lambda: threads.borrowed_tokens > 0
    return loop


@pytest.fixture
def seldom_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run looks at its workers, and draws its course, once a minute instead of four times a second.

    For tests of hours and days: a virtual day has 345,600 of the usual looks, which say nothing about the archive.
    """
    monkeypatch.setattr(reporters, "_GLANCE", 60.0)
    monkeypatch.setattr(History, "period", 60.0)

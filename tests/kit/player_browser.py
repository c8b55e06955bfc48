"""The browser that tests watch recordings in; without Chromium they are skipped aloud, and fail in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from replay_fetch.cli import main

if TYPE_CHECKING:  # every test's conftest imports this file; few need a browser
    from playwright.sync_api import BrowserContext

    from benchmarks.player.browser import Player

Watch = Callable[..., "Player"]

MISSING = "Chromium is missing: apt-get install chromium"
# What a page could leave to the next one of the profile.
_KEPT = "() => [localStorage.length, sessionStorage.length, document.cookie]"
_NOTHING_KEPT = [0, 0, ""]


@pytest.fixture(scope="session")
def chromium() -> Iterator[BrowserContext]:
    """One profile of one browser for all tests of a worker, each of which has pages of its own."""
    from benchmarks.player.browser import browser, chromium, profile  # noqa: PLC0415 - for the reason above

    if chromium() is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with browser() as started, profile(started) as shared:
        yield shared


@pytest.fixture
def watch(chromium: BrowserContext, tmp_path: Path) -> Iterator[Watch]:
    """Opens the page of a session of an archive; closes what was opened, which left nothing in the browser."""
    from benchmarks.player.browser import Player  # noqa: PLC0415 - as above

    watched: list[Player] = []

    def opened_page(
        archive: Path,
        session: str,
        address: str = "",
        events: Path | None = None,
        look: tuple[int, Literal["light", "dark"]] = (1280, "light"),
    ) -> Player:
        file = tmp_path / f"{session}-{len(watched)}.html"
        more = ["--events", str(events)] if events else []
        assert main(["play", str(archive), session, "--html", str(file), *more]) == 0
        watched.append(Player(chromium, file, (look[0], 800), look[1]))
        return watched[-1].open(address)

    yield opened_page
    kept = [player.page.evaluate(_KEPT) for player in watched]
    for player in watched:
        player.__exit__()
    assert kept == [_NOTHING_KEPT] * len(watched)
    assert len(chromium.pages) == 1, "the page opened another one"  # beside the profile's own

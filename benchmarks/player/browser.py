"""Debian's Chromium, one page of the player in it, and all that the browser says and asks for meanwhile."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self, cast

from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

# No sandbox of its own: root, as which CI runs, may not use it. The others keep it quiet and off the network.
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")
_FRAME = "document.querySelector('.host iframe').contentDocument"


def chromium() -> str | None:
    """Where the system's Chromium is."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def browser(flags: Sequence[str] = ()) -> Iterator[Browser]:
    """A browser that ends with the block.

    Playwright keeps an event loop running in the thread that drives it, where nothing else could run one: it has a
    thread of its own.
    """
    with ThreadPoolExecutor(1) as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            there = cast(Playwright, _Elsewhere(playwright, thread))
            started = there.chromium.launch(executable_path=chromium(), args=[*FLAGS, *flags])
            yield started
            started.close()
        finally:
            thread.submit(playwright.stop).result()


@contextmanager
def profile(started: Browser) -> Iterator[BrowserContext]:
    """A profile of the browser's, without a past.

    One empty page is open for as long as it lasts: without any the browser ends what the next page of the player would
    take over, and opening that takes twice the CPU.
    """
    made = started.new_context()
    made.new_page()
    yield made
    made.close()


class _Elsewhere:
    """An object of another thread: whatever is asked of it is asked there."""

    def __init__(self, target: Any, thread: Executor) -> None:  # Any: it stands for whatever it is given
        self._target = target
        self._thread = thread

    def __getattr__(self, name: str) -> Any:  # Any: as above, and in what follows
        return self._here(self._thread.submit(getattr, self._target, name).result())

    def __call__(self, *arguments: Any, **more: Any) -> Any:
        return self._here(self._thread.submit(self._target, *arguments, **more).result())

    def _here(self, value: Any) -> Any:
        """What is plain as it is, and what lives there as one of these."""
        if isinstance(value, list):
            return [self._here(each) for each in value]
        return (
            value
            if value is None or isinstance(value, str | int | float | dict | bytes)
            else _Elsewhere(value, self._thread)
        )


class Player:
    """One page of the player; ``console`` and ``requests`` grow while it is open."""

    def __init__(
        self,
        profile: BrowserContext,
        file: Path,
        size: tuple[int, int] = (1280, 800),
        scheme: Literal["light", "dark"] = "light",
    ) -> None:
        self.file = file
        self.page: Page = profile.new_page()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.emulate_media(color_scheme=scheme)
        self.console: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.console.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()

    def open(self, address: str = "") -> Self:
        """Open the file, at what stands behind its ``#``, and wait for the first picture."""
        self.page.goto(self.file.resolve().as_uri() + (f"#{address}" if address else ""))
        self.page.wait_for_selector("#stage[data-at]", state="attached")
        return self

    def seek(self, view: str, seconds: float) -> None:
        """Go to a time of the session by the page's address, and wait until its picture stands."""
        self.page.evaluate("delete document.getElementById('stage').dataset.at")
        self.page.evaluate(f"location.hash = '#t={seconds:.3f}&view={view}'")
        self.page.wait_for_selector("#stage[data-at]", state="attached")

    def until(self, expression: str, seconds: float = 20.0) -> None:
        """Wait for an expression to be true; the page's policy forbids the browser to evaluate it by itself."""
        ends = time.monotonic() + seconds
        while not self.page.evaluate(expression):
            if time.monotonic() > ends:
                raise AssertionError(f"{expression} was not true in {seconds} s")
            self.page.wait_for_timeout(20)

    def index(self) -> dict[str, Any]:  # Any: the page's own JSON
        """What the page knows of the session."""
        index: dict[str, Any] = self.page.evaluate("JSON.parse(document.getElementById('index').textContent)")
        return index

    def ask(self, function: str) -> Any:  # Any: as above
        """What a function of JavaScript says of the recorded document."""
        return self.page.evaluate(f"({function})({_FRAME})")

    def words(self) -> str:
        """The recorded page's visible text."""
        text: str = self.page.evaluate(f"{_FRAME}.body.innerText")
        return text

    def text(self, selector: str) -> str:
        """The text of a part of the player itself."""
        return self.page.locator(selector).inner_text()

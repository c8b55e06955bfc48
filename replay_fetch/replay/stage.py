"""Where a recording is played: the page as it is now, the window around it, and who watches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from replay_fetch.replay.account import Gap
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import Node, Page


class Window(NamedTuple):
    """What the page is shown in; sizes in CSS pixels."""

    href: str = ""
    width: float = 1280
    height: float = 720


class Position(NamedTuple):
    """Where the pointer was, so many milliseconds from the record's time; ``node`` is what lay under it."""

    node: int
    x: float
    y: float
    offset_ms: float


class Interaction(NamedTuple):
    """One thing done with the mouse, a finger or the focus; ``type`` as rrweb numbers them."""

    type: int
    node: Node
    x: float | None
    y: float | None
    record: int | None
    """The record's own number, by which a frustration names it."""


class Frustration(NamedTuple):
    """Words of the SDK for some interactions, by their records' numbers; their time may lie far back."""

    at_ms: int
    types: tuple[str, ...]
    records: tuple[int, ...]


class Watcher:
    """Told of everything that happens on a stage, after it happened; times never go back."""

    def opened(self, at_ms: int, window: Window) -> None:
        """A page was opened, or is described anew."""

    def snapshot(self, at_ms: int, page: Page) -> None:
        """The whole page was told."""

    def changed(self, at_ms: int, changes: Changes) -> None:
        """One record changed the page."""

    def resized(self, at_ms: int, window: Window) -> None:
        """The window has another size."""

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:
        """The pointer went along some positions."""

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Somebody clicked, pressed, touched or set the focus."""

    def zoomed(self, at_ms: int, viewport: dict[str, float]) -> None:
        """The visual viewport is another one: pinched, or a keyboard came up."""

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """The window got the focus or lost it."""

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:
        """The SDK counts some interactions as a frustration."""

    def ended(self, at_ms: int) -> None:
        """The SDK says that the view ended; a few last changes may follow."""

    def missed(self, at_ms: int, gap: Gap) -> None:
        """Segments are missing between what was told and what follows."""

    def over(self, at_ms: int) -> None:
        """The recording is over."""


class Stage:
    """The page of one view, its window and its watchers."""

    def __init__(self, watchers: Sequence[Watcher], notes: Counter[str]) -> None:
        self.page = Page()
        self.window = Window()
        self.watchers = watchers
        self.notes = notes
        self.at_ms = 0

    def cleared(self) -> Page:
        """A new page in place of the old one."""
        self.page = Page()
        return self.page

    @contextmanager
    def changing(self) -> Iterator[Changes]:
        """What a record changes; told behind it, also where a part of the record cannot be used."""
        changes = Changes(self.page, self.notes)
        try:
            yield changes
        finally:
            for watcher in self.watchers:
                watcher.changed(self.at_ms, changes)

    @contextmanager
    def showing(self) -> Iterator[Changes]:
        """What builds a whole page; told as one, where there is a page, also where a part of it cannot be used."""
        try:
            yield Changes(self.page, self.notes)
        finally:
            if self.page.root is not None:
                for watcher in self.watchers:
                    watcher.snapshot(self.at_ms, self.page)

    def open(self, window: Window) -> None:
        """Open a page."""
        self.window = window
        for watcher in self.watchers:
            watcher.opened(self.at_ms, window)

    def resize(self, width: float, height: float) -> None:
        """Give the window another size."""
        self.window = self.window._replace(width=width, height=height)
        for watcher in self.watchers:
            watcher.resized(self.at_ms, self.window)

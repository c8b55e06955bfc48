"""The stage on which a recording is played: the page as it is now, the window around it, and the watchers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from replay_fetch.replay.account import Gap
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import Node, Page


class Window(NamedTuple):
    """The window around a page: its address, and its size in CSS pixels."""

    href: str = ""
    width: float = 1280
    height: float = 720


class Position(NamedTuple):
    """A position of the pointer, ``offset_ms`` from the record's time; ``node`` is the id of the node under it."""

    node: int
    x: float
    y: float
    offset_ms: float


class Interaction(NamedTuple):
    """An interaction by mouse, finger or focus; ``type`` is rrweb's number of its kind."""

    type: int
    node: Node
    x: float | None
    y: float | None
    record: int | None
    """The record's own number, by which a frustration names it."""


class Frustration(NamedTuple):
    """A frustration that the SDK found; it names interactions by their records, and its time may lie far back."""

    at_ms: int
    types: tuple[str, ...]
    records: tuple[int, ...]


class Watcher:
    """A watcher of a stage: told of each event after it happened; times never go back.

    A subclass overrides the methods that it needs; all others do nothing.
    """

    def opened(self, at_ms: int, window: Window) -> None:
        """Hear that a page was opened, or is described again."""

    def snapshot(self, at_ms: int, page: Page) -> None:
        """Hear that the whole page was rebuilt from a full snapshot."""

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Hear that one record changed the page; the changes are already applied."""

    def resized(self, at_ms: int, window: Window) -> None:
        """Hear that the window has another size."""

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:
        """Hear that the pointer, or with ``touch`` a finger, moved along some positions."""

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Hear of a click, a press, a touch or a change of focus."""

    def zoomed(self, at_ms: int, viewport: dict[str, float]) -> None:
        """Hear that the visual viewport changed: a pinch, or a keyboard that came up."""

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """Hear that the window got the focus or lost it."""

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:
        """Hear that the SDK counts some interactions as a frustration."""

    def ended(self, at_ms: int) -> None:
        """Hear that the view ended by the SDK's own word; a few last changes may follow."""

    def missed(self, at_ms: int, gap: Gap) -> None:
        """Hear that segments are missing between the last event and the next."""

    def over(self, at_ms: int) -> None:
        """Hear that the recording has been read to its end."""


class Stage:
    """The stage of one view: its page, its window, its watchers, and notes of records that could not be used."""

    def __init__(self, watchers: Sequence[Watcher], notes: Counter[str]) -> None:
        self.page = Page()
        self.window = Window()
        self.watchers = watchers
        self.notes = notes
        self.at_ms = 0

    def cleared(self) -> Page:
        """Put a new page in place of the old page, and return the new page."""
        self.page = Page()
        return self.page

    @contextmanager
    def changing(self) -> Iterator[Changes]:
        """Collect the changes of one record; watchers are told at the end, also where a part raises BadValue."""
        changes = Changes(self.page, self.notes)
        try:
            yield changes
        finally:
            for watcher in self.watchers:
                watcher.changed(self.at_ms, changes)

    @contextmanager
    def showing(self) -> Iterator[Changes]:
        """Collect the changes that build a whole page; watchers are told of one snapshot, where a page came of it."""
        try:
            yield Changes(self.page, self.notes)
        finally:
            if self.page.root is not None:
                for watcher in self.watchers:
                    watcher.snapshot(self.at_ms, self.page)

    def open(self, window: Window) -> None:
        """Open a page in a window of this size, and tell the watchers."""
        self.window = window
        for watcher in self.watchers:
            watcher.opened(self.at_ms, window)

    def resize(self, width: float, height: float) -> None:
        """Give the window another size, and tell the watchers."""
        self.window = self.window._replace(width=width, height=height)
        for watcher in self.watchers:
            watcher.resized(self.at_ms, self.window)

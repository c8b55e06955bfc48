"""The stage on which a recording is played: the page as it is now, the window around it, and the watchers.

Players of a dialect change the page. Watchers write events, actions or seen texts from the changed page, and never
change it. So each dialect and each output is written once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from replay_fetch.replay.account import Gap
from replay_fetch.replay.changes import Changes
from replay_fetch.replay.page import Node, Page


class Window(NamedTuple):
    """The window around a page: its address, and its size in CSS pixels, as a record of type 4 tells them.

    Until such a record comes, the window has no address and 1280 by 720 pixels: rrweb's player must have a size.
    """

    href: str = ""
    width: float = 1280
    height: float = 720


class Position(NamedTuple):
    """A position of the pointer in the window, in CSS pixels; ``node`` is the id of the node under the pointer.

    ``offset_ms`` is 0 or less, counted from the record's time: a record of moves bears the time of its last.
    """

    node: int
    x: float
    y: float
    offset_ms: float


class Interaction(NamedTuple):
    """An interaction by mouse, finger or focus; ``type`` is rrweb's number of its kind.

    0 mouse up, 1 down, 2 click, 3 context menu, 4 double click, 5 focus, 6 blur, 7 touch start, 9 touch end. The place
    is in CSS pixels of the window; None where the record has none, as for focus.
    """

    type: int
    node: Node
    x: float | None
    y: float | None
    record: int | None
    """The record's own number, by which a frustration names it."""


class Frustration(NamedTuple):
    """A frustration that the SDK found, such as a rage click; it names interactions by the numbers of their records.

    ``at_ms`` is the time of the click, milliseconds since 1970, which may lie far behind the record's neighbours.
    """

    at_ms: int
    types: tuple[str, ...]
    records: tuple[int, ...]


class Watcher:
    """A watcher of a stage: told of each event after it happened; times never go back.

    Times are milliseconds since 1970. A subclass overrides the methods that it needs; all others do nothing.
    """

    def opened(self, at_ms: int, window: Window) -> None:
        """Hear that a page was opened (record 4), or that an open page is described again with the same address."""

    def snapshot(self, at_ms: int, page: Page) -> None:
        """Hear that the whole page was rebuilt from a full snapshot; all nodes known before are gone."""

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Hear that one record changed the page; the changes are already applied.

        A node in the changes may be gone again: ``still_there`` picks the nodes that are left.
        """

    def resized(self, at_ms: int, window: Window) -> None:
        """Hear that the window has another size; the address is as before."""

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:
        """Hear that the pointer, or with ``touch`` a finger, moved along some positions in one record."""

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Hear of a click, a press, a touch or a change of focus, on a node that the page has."""

    def zoomed(self, at_ms: int, viewport: dict[str, float]) -> None:
        """Hear that the visual viewport changed (record 8): a pinch, or a keyboard that came up.

        ``viewport`` holds the keys that the record has, among them ``scale``, ``width``, ``pageTop``; all but the scale
        are CSS pixels.
        """

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """Hear that the window got the focus or lost it (record 6): the visitor came back, or went to another tab."""

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:
        """Hear that the SDK counts some interactions as a frustration (record 9), which may come before they do."""

    def ended(self, at_ms: int) -> None:
        """Hear that the view ended by the SDK's own word (record 7); a few last changes may follow."""

    def missed(self, at_ms: int, gap: Gap) -> None:
        """Hear that segments are missing between the last event and the next; the gap holds how many and when."""

    def over(self, at_ms: int) -> None:
        """Hear that the recording has been read to its end. Not told where a reader stops at a time before the end."""


class Stage:
    """The stage of one view: its page, its window, its watchers, and notes of records that could not be used.

    ``at_ms`` is the stage's clock, milliseconds since 1970. The clock never goes back, though records may.
    """

    def __init__(self, watchers: Sequence[Watcher], notes: Counter[str]) -> None:
        self.page = Page()
        self.window = Window()
        self.watchers = watchers
        self.notes = notes
        self.at_ms = 0

    def cleared(self) -> Page:
        """Put an empty page in place of the old page, and return the new page, for a full snapshot to fill."""
        self.page = Page()
        return self.page

    @contextmanager
    def changing(self) -> Iterator[Changes]:
        """Collect the changes of one record; watchers are told at the end, also where a part raises BadValue.

        Changes made before the error are on the page. Watchers must know of them, or their output would differ from the
        page.
        """
        changes = Changes(self.page, self.notes)
        try:
            yield changes
        finally:
            for watcher in self.watchers:
                watcher.changed(self.at_ms, changes)

    @contextmanager
    def showing(self) -> Iterator[Changes]:
        """Collect the changes that build a whole page; watchers are told of one snapshot, where a page came of it.

        No watcher hears of the single changes: a snapshot of a million nodes is written as a tree, not as adds.
        """
        try:
            yield Changes(self.page, self.notes)
        finally:
            if self.page.root is not None:
                for watcher in self.watchers:
                    watcher.snapshot(self.at_ms, self.page)

    def open(self, window: Window) -> None:
        """Open a page in a window of this address and size, and tell the watchers; the nodes come with a snapshot."""
        self.window = window
        for watcher in self.watchers:
            watcher.opened(self.at_ms, window)

    def resize(self, width: float, height: float) -> None:
        """Give the window another size, in CSS pixels, and tell the watchers."""
        self.window = self.window._replace(width=width, height=height)
        for watcher in self.watchers:
            watcher.resized(self.at_ms, self.window)

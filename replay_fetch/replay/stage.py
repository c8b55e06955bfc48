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
        """Hear of a page that was opened (record 4), or is described again with the same address."""

    def snapshot(self, at_ms: int, page: Page) -> None:
        """Hear of a whole page that was rebuilt from a full snapshot; all nodes known before are gone."""

    def changed(self, at_ms: int, changes: Changes) -> None:
        """Hear of the changes of one record, which the page has already.

        A node in the changes may be gone again: ``still_there`` picks the nodes that are left.
        """

    def resized(self, at_ms: int, window: Window) -> None:
        """Hear of another size of the window; the address is as before."""

    def moved(self, at_ms: int, positions: Sequence[Position], *, touch: bool) -> None:
        """Hear of moves of the pointer, or with ``touch`` of a finger, along the positions of one record."""

    def interacted(self, at_ms: int, interaction: Interaction) -> None:
        """Hear of a click, a press, a touch or a change of focus, on a node that the page has."""

    def zoomed(self, at_ms: int, viewport: dict[str, float]) -> None:
        """Hear of another visual viewport (record 8): a pinch, or a keyboard on the screen.

        ``viewport`` holds the keys of the record, among them ``scale``, ``width``, ``pageTop``; all but the scale are
        CSS pixels.
        """

    def focused(self, at_ms: int, *, has_focus: bool) -> None:
        """Hear of the window's focus, lost or got back (record 6): the visitor went to another tab, or returned."""

    def frustrated(self, at_ms: int, frustration: Frustration) -> None:
        """Hear of a frustration (record 9), by the SDK's word, which may come before the interactions in question."""

    def ended(self, at_ms: int) -> None:
        """Hear of the view's end by the SDK's own word (record 7); a few last changes may follow."""

    def missed(self, at_ms: int, gap: Gap) -> None:
        """Hear of segments missing between the last event and the next; the gap holds how many and when."""

    def over(self, at_ms: int) -> None:
        """Hear of the end of the whole recording. Not told where a reader stops at an earlier time."""


class Stage:
    """The stage of one view: page, window, watchers, and notes of unusable records.

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

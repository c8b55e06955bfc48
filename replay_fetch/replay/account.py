"""What a recording tells besides the page itself: what was done, what is missing, what was masked, what was seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

IDLE_MS = 30_000
"""Without a hand's doing for so long, somebody counts as idle: longer than it takes to read a paragraph."""


class ActionKind(StrEnum):
    """What somebody did, or what came over the page."""

    PAGE = "page"
    CLICK = "click"
    DOUBLE_CLICK = "double click"
    CONTEXT_MENU = "context menu"
    TAP = "tap"
    INPUT = "input"
    SCROLL = "scroll"
    RAGE_CLICK = "rage click"
    DEAD_CLICK = "dead click"
    ERROR_CLICK = "error click"
    PLAY = "play"
    PAUSE = "pause"
    RESIZE = "resize"
    LEFT = "left"
    BACK = "back"
    IDLE = "idle"
    GAP = "gap"
    END = "end"
    CUT = "cut"
    """The recording stops without a view end: the tail never arrived."""


@dataclass(frozen=True, slots=True)
class Action:
    """One line of a transcript; times are milliseconds since 1970."""

    at_ms: int
    kind: ActionKind
    text: str
    """One printable line without time and kind: ``button "Add to cart"``; a value is not part of it."""
    selector: str = ""
    """A CSS selector of what was acted on, empty where there is none; never crosses a shadow root."""
    label: str = ""
    """The name alone: ``Add to cart``."""
    value: str | None = None
    """What a field held afterwards, ``on`` or ``off`` for boxes; how far down a scroll went, in pixels."""
    until_ms: int | None = None
    """Where the action took time: typing, scrolling, idling, a gap."""
    x: float | None = None
    y: float | None = None
    """In the page's window, CSS pixels."""
    by: str = "record"
    """``record``: the SDK wrote it down. ``rule``: counted here from the records (rage and dead clicks, idling)."""

    def fields(self) -> dict[str, str | float | None]:
        """The action without its times, as transcripts and tables give it; what there is none of is None."""
        return {
            "kind": self.kind.value,
            "text": self.text,
            "label": self.label or None,
            "selector": self.selector or None,
            "value": self.value,
            "x": self.x,
            "y": self.y,
            "by": self.by,
        }


class Gap(NamedTuple):
    """Segments that are missing between two that are there."""

    start_ms: int
    end_ms: int
    missing: tuple[int, ...]
    """Indexes of the segments, the first hundred."""
    still_until_ms: int | None
    """Where the page can be followed again. Records of SDK 7 build on all records in front of them: behind a gap
    the page stands still until the next full snapshot, None where none comes. Else the same as ``end_ms``."""
    segments: int = 0
    """How many are missing."""


class Masked(NamedTuple):
    """An element whose content the SDK kept back because of its attribute, when it was first there."""

    at_ms: int
    selector: str
    how: str
    """The attribute's value: ``mask``, ``hidden``, ``mask-user-input`` …"""


class Seen(NamedTuple):
    """A text that stood on the page, and when it first did."""

    at_ms: int
    text: str


@dataclass(slots=True)
class Account:
    """What is known of a view so far; whole once its events have been read to the end."""

    start_ms: int | None = None
    end_ms: int | None = None
    segments: int = 0
    repeated_segments: int = 0
    records: int = 0
    mobile: bool = False
    """Drawn as boxes from wireframes."""
    has_page: bool = False
    """A full snapshot came: there is something to show."""
    ended: bool = False
    """The SDK said that the view ended; else the tail never arrived, or the view was still open."""
    actions: list[Action] = field(default_factory=list)
    """In order of time once the events have been read to the end."""
    active: list[tuple[int, int]] = field(default_factory=list)
    """Stretches in which a hand did something, at most 4 seconds from one deed to the next: what lies between them
    can be skipped."""
    gaps: list[Gap] = field(default_factory=list)
    masked: list[Masked] = field(default_factory=list)
    """The first thousand."""
    seen: list[Seen] = field(default_factory=list)
    """Each distinct text once; the first million characters, ``seen_cut`` where there were more."""
    seen_cut: bool = False
    deepest: float = 0
    """How far down the window's lower edge came on the document, in CSS pixels; its height is not recorded."""
    canvas_sizes: set[tuple[str, str]] = field(default_factory=set)
    """Width and height attributes of canvases: what CSS must give them where no script runs."""
    notes: Counter[str] = field(default_factory=Counter)
    """Records or parts of them that could not be used, by reason."""

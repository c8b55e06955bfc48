"""The account of a recording, beside the page itself: actions, gaps, masked elements, texts that were seen.

Filled while a recording is read, by the logs of actions and of content. Transcripts, tables of actions and the player's
list of events are written from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

IDLE_MS = 30_000
"""Milliseconds without a deed of a hand after which the visitor is idle: longer than reading a paragraph takes."""


class ActionKind(StrEnum):
    """The kind of an action: a deed of the visitor, or an event of the page; the value is the word in transcripts.

    Left and back are the window's focus. Gap, end and cut are about the recording itself.
    """

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
    """The recording stops without a view end: its last segments never arrived."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action, one line of a transcript; times are milliseconds since 1970.

    Texts are a stranger's, made printable and cut to a length: no line break and no control character is left.
    """

    at_ms: int
    kind: ActionKind
    text: str
    """One printable line without time and kind: ``button "Add to cart"``; a value is not part of it."""
    selector: str = ""
    """A CSS selector of the element, empty where there is none; a selector never crosses a shadow root."""
    label: str = ""
    """The name alone: ``Add to cart``."""
    value: str | None = None
    """The content of a field afterwards, ``on`` or ``off`` for boxes; for a scroll the pixels from the top."""
    until_ms: int | None = None
    """The end of an action that took time: typing, scrolling, idling, a gap."""
    x: float | None = None
    y: float | None = None
    """In the page's window, CSS pixels."""
    by: str = "record"
    """``record``: the SDK wrote it down. ``rule``: counted here from the records (rage and dead clicks, idling)."""

    def fields(self) -> dict[str, str | float | None]:
        """Give the fields of an action without its times, for transcripts and tables; an empty field is None.

        The names are the columns of ``actions.parquet`` and the keys of ``transcript --json``.
        """
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
    """A gap: segments that are missing between two segments that are there; times are milliseconds since 1970.

    The first segments of a view may be missing as well. Missing last segments are no gap: a recording does not tell
    their number, and ``Account.ended`` tells that they are missing.
    """

    start_ms: int
    end_ms: int
    missing: tuple[int, ...]
    """Indexes of the segments, the first hundred."""
    still_until_ms: int | None
    """The time from which the page can be followed again. Records of SDK 7 build on all records before them: behind a
    gap the page stands still until the next full snapshot; None where none comes. Else the same as ``end_ms``."""
    segments: int = 0
    """The number of missing segments."""


class Masked(NamedTuple):
    """A masked element: the SDK kept its content back because of an attribute; with the time it was first there.

    An element masked by the site's default level alone has no such attribute, and is not listed.
    """

    at_ms: int
    selector: str
    how: str
    """The attribute's value: ``mask``, ``hidden``, ``mask-user-input`` …"""


class Seen(NamedTuple):
    """A text that stood on the page, with the time it was first there, milliseconds since 1970.

    White space is reduced to single spaces, and a text is cut to 1,000 characters.
    """

    at_ms: int
    text: str


@dataclass(slots=True)
class Account:
    """The account of a view so far; whole once the recording has been read to its end.

    Times are milliseconds since 1970, None until a record with a time was read. The lists of masked elements and of
    texts have bounds, since a stranger's page may bring any number.
    """

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
    """The SDK said that the view ended. Else the last segments never arrived, or the view was still open."""
    actions: list[Action] = field(default_factory=list)
    """In order of time once the recording has been read to its end."""
    active: list[tuple[int, int]] = field(default_factory=list)
    """Stretches in which a hand did something, at most 4 seconds from one deed to the next. A player may skip the time
    between them."""
    gaps: list[Gap] = field(default_factory=list)
    masked: list[Masked] = field(default_factory=list)
    """The first thousand."""
    seen: list[Seen] = field(default_factory=list)
    """Each distinct text once; the first million characters, ``seen_cut`` where there were more."""
    seen_cut: bool = False
    deepest: float = 0
    """The deepest place of the window's lower edge on the document, in CSS pixels. Its height is not recorded."""
    canvas_sizes: set[tuple[str, str]] = field(default_factory=set)
    """Width and height attributes of canvases. CSS must give canvases their size where no script runs."""
    notes: Counter[str] = field(default_factory=Counter)
    """Records and parts of records that could not be used, counted by reason."""

"""The result of a decoding: how far the raw pages of each view are understood, and of all views together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.errors import ReplayFetchError
from replay_fetch.model import PlannedView


class Understanding(StrEnum):
    """How far a view's raw pages are understood now, against the pages already in the archive."""

    FETCHED = "fetched"
    EMPTY = "empty"
    GOES_ON = "goes on"
    """Understood as far as pages are kept; the next one is to be asked for."""
    INCOMPLETE = "incomplete"
    UNRECOGNISED = "unrecognised"
    UNCHANGED = "unchanged"
    """No kept page leads further than the archive is already."""


@dataclass(slots=True)
class Tally:
    """Counts the messages of one view's walk and forgets each: by the sums, the archive gains or not."""

    planned: PlannedView
    segments: int = field(init=False)
    """On the pages of the walk, and on those saved before where it goes on behind them."""
    leads_on: bool = False
    ended: ViewEnded | None = None
    """None where the chain goes on behind the kept pages, or in another store."""

    def __post_init__(self) -> None:
        # Segments that were saved before count, until the walk says that it begins anew.
        earlier = self.planned.earlier
        self.segments = earlier.segments if earlier is not None and earlier.token is not None else 0

    async def put(self, message: Message) -> None:
        """Count one message of the walk; a chain begun anew begins the count of segments anew."""
        if isinstance(message, PageArrived):
            self.segments += len(message.page.segments)
            self.leads_on |= message.page.token is not None
        elif isinstance(message, ChainRestarted):
            self.segments = 0

    @property
    def gains(self) -> bool:
        """True where the archive would get further by the walk, or would know again how a chain goes on.

        An unfinished ending counts only with more segments than are saved: a wrong path must cost no view its
        place.
        """
        earlier = self.planned.earlier
        saved = earlier.segments if earlier else 0
        if self.ended is not None:
            return self.ended.outcome.finished or self.segments > saved
        # As many as are saved are a gain all the same where the way to the next page had been lost.
        lost_its_way = earlier is None or earlier.token is None
        return self.segments > saved or (self.segments == saved > 0 and lost_its_way)

    @property
    def understanding(self) -> Understanding:
        """The finding of the view; UNCHANGED where the archive has as much already."""
        if self.ended is not None:
            return Understanding(self.ended.outcome)
        return Understanding.GOES_ON if self.gains else Understanding.UNCHANGED


@dataclass(slots=True)
class Decoded:
    """The result of a decoding: how many views came to which finding, and the failure that ended the run early."""

    understood: Counter[Understanding] = field(default_factory=Counter)
    segments: int = 0
    """Of the views that got further, those saved before among them."""
    leads_on: bool = False
    """At least one page names a next one."""
    reason: str = ""
    """Why a page is not understood, of the first such view."""
    interrupted: bool = False
    failure: ReplayFetchError | None = None

    @property
    def views(self) -> int:
        """Views that have raw pages and are not finished otherwise."""
        return self.understood.total()

    @property
    def exit_code(self) -> int:
        """130 for an interrupted run; 1 where pages are still not understood or lead nowhere; else 0."""
        if self.interrupted:
            return 130
        return 1 if self.understood[Understanding.UNRECOGNISED] or self.understood[Understanding.INCOMPLETE] else 0

    def note(self, tally: Tally) -> None:
        """Add one view's tally to the result; the first reason is kept."""
        self.understood[tally.understanding] += 1
        self.leads_on |= tally.leads_on
        if tally.gains:
            self.segments += tally.segments
        if tally.ended is not None and not self.reason:
            self.reason = tally.ended.reason

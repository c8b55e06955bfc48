"""The result of a decoding: how far the raw pages of each view are understood, and of all views together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from replay_fetch.archive import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.errors import ReplayFetchError
from replay_fetch.model import PlannedView


class Finding(StrEnum):
    """How far a view's raw pages are understood now, against what the archive has of it."""

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
    """The messages of one view's walk, counted and forgotten: what the archive would gain by them."""

    planned: PlannedView
    segments: int = field(init=False)
    """On the pages of the walk, and on those saved before where it goes on behind them."""
    leads_on: bool = False
    ended: ViewEnded | None = None
    """None where the chain goes on behind the kept pages, or in another store."""

    def __post_init__(self) -> None:
        earlier = self.planned.earlier
        self.segments = earlier.segments if earlier is not None and earlier.token is not None else 0

    async def put(self, message: Message) -> None:
        """Count one message; a chain that begins anew begins the count anew."""
        if isinstance(message, PageArrived):
            self.segments += len(message.page.segments)
            self.leads_on |= message.page.token is not None
        elif isinstance(message, ChainRestarted):
            self.segments = 0

    @property
    def gains(self) -> bool:
        """True where the archive gets further by the walk, or knows again how a chain goes on."""
        earlier = self.planned.earlier
        saved = earlier.segments if earlier else 0
        if self.ended is not None:
            return self.ended.outcome.finished or self.segments > saved
        lost_its_way = earlier is None or earlier.token is None
        return self.segments > saved or (self.segments == saved > 0 and lost_its_way)

    @property
    def finding(self) -> Finding:
        """The view's finding."""
        if self.ended is not None:
            return Finding(self.ended.outcome)
        return Finding.GOES_ON if self.gains else Finding.UNCHANGED


@dataclass(slots=True)
class Decoded:
    """The result of a decoding: how many views came to which finding, and the failure that ended it early."""

    findings: Counter[Finding] = field(default_factory=Counter)
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
        return self.findings.total()

    @property
    def exit_code(self) -> int:
        """1 where pages are still not understood or lead nowhere, 130 interrupted, else 0."""
        if self.interrupted:
            return 130
        return 1 if self.findings[Finding.UNRECOGNISED] or self.findings[Finding.INCOMPLETE] else 0

    def note(self, tally: Tally) -> None:
        """Count one view."""
        self.findings[tally.finding] += 1
        self.leads_on |= tally.leads_on
        if tally.gains:
            self.segments += tally.segments
        if tally.ended is not None and not self.reason:
            self.reason = tally.ended.reason

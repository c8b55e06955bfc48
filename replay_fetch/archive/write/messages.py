"""What the workers tell the writer, in the order it happened to each view."""

from __future__ import annotations

from msgspec import Struct

from replay_fetch.model import Answer, Outcome, Page, PlannedView


class PageArrived(Struct, frozen=True, gc=False):
    """The next page of a view's chain; ``answer`` is there where raw pages are kept."""

    planned: PlannedView
    page: Page
    source: str = ""
    answer: Answer | None = None


class ChainRestarted(Struct, frozen=True, gc=False):
    """The view's chain begins anew; what arrived of it so far stays until the new one holds all of that."""

    planned: PlannedView


class ViewEnded(Struct, frozen=True, gc=False):
    """The view's last message: how it ended, and the page nobody understood if that is why."""

    planned: PlannedView
    outcome: Outcome
    reason: str = ""
    source: str = ""
    answer: Answer | None = None
    at: int = 0
    """When, in seconds since 1970; 0 where nobody knows."""


Message = PageArrived | ChainRestarted | ViewEnded

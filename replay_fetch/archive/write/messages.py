"""The messages from workers to the writer, in the order in which things happened to each view."""

from __future__ import annotations

from msgspec import Struct

from replay_fetch.model import Outcome, Page, PlannedView, Response


class PageArrived(Struct, frozen=True, gc=False):
    """Brings the next page of a view's chain; ``answer`` is set where raw pages are kept.

    ``source`` is the store that gave the page, by which a later run asks on.
    """

    planned: PlannedView
    page: Page
    source: str = ""
    answer: Response | None = None


class ChainRestarted(Struct, frozen=True, gc=False):
    """Says that the view's chain begins anew; its pages so far stay until the new chain holds all of them."""

    planned: PlannedView


class ViewEnded(Struct, frozen=True, gc=False):
    """Ends a view: how, why, and with the page that could not be understood where that was the reason."""

    planned: PlannedView
    outcome: Outcome
    reason: str = ""
    source: str = ""
    answer: Response | None = None
    at: int = 0
    """When, in seconds since 1970; 0 where nobody knows."""


Message = PageArrived | ChainRestarted | ViewEnded

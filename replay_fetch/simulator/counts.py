"""Counts of requests and answers: the numbers that tests and benchmarks compare.

A client's own counts are held against the simulator's, so no request can get lost on either side unseen.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

from replay_fetch.model import Source, View


@dataclass(slots=True)
class Counts:
    """Counts since the start of the simulator.

    ``views``, ``pages`` and ``others`` stay empty where the settings say so: counts by view and page take memory.
    """

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Whole answers by status; an answer that breaks on the wire counts as a fault only."""
    faults: Counter[str] = field(default_factory=Counter)
    bytes_sent: int = 0
    """Of the bodies of whole answers, as they go over the wire."""
    in_flight: int = 0
    peak_in_flight: int = 0
    views: Counter[View] = field(default_factory=Counter)
    """Requests that the limit let through, by view."""
    pages: Counter[tuple[View, Source, int]] = field(default_factory=Counter)
    """The same by page; the first page is 1."""
    others: Counter[tuple[View, Source, int]] = field(default_factory=Counter)
    """The same for searches and playlists, under names of their own instead of a view's."""

    @property
    def rate_limited(self) -> int:
        """The number of answers with the status 429, as the simulator sent them, whoever asked."""
        return self.statuses[HTTPStatus.TOO_MANY_REQUESTS]

    def begin(self) -> None:
        """Count a request that has arrived; ``end`` must follow, so ``in_flight`` goes back to 0."""
        self.requests += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def answer(self, status: int, size: int) -> None:
        """Count a whole answer, with ``size`` bytes of body as they go over the wire."""
        self.statuses[status] += 1
        self.bytes_sent += size

    def end(self) -> None:
        """Count the end of a request: it was answered, or its connection is gone."""
        self.in_flight -= 1

    def page(self, view: View, source: Source, page: int) -> int:
        """Count a request for a page that the limit let through; return the number of attempts at this page so far."""
        self.views[view] += 1
        self.pages[view, source, page] += 1
        return self.pages[view, source, page]

    def other(self, about: View, source: Source, page: int) -> int:
        """Count a request for a page of a search or of a playlist; return the number of attempts at it so far."""
        self.others[about, source, page] += 1
        return self.others[about, source, page]

    def totals(self) -> dict[str, object]:
        """Give all counts as one JSON object; of views and pages only their number."""
        return {
            "requests": self.requests,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "rate_limited": self.rate_limited,
            "faults": dict(self.faults),
            "bytes_sent": self.bytes_sent,
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "views": len(self.views),
            "pages": len(self.pages),
        }

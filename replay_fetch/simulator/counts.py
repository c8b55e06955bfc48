"""What was asked and answered: the numbers that tests and benchmarks compare."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus

from replay_fetch.model import Source, View


@dataclass(slots=True)
class Counts:
    """Counts since the start; ``views`` and ``pages`` stay empty where they are not to be kept."""

    requests: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    """Whole answers by status; one that breaks on the wire counts as a fault alone."""
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
        """Answers of 429."""
        return self.statuses[HTTPStatus.TOO_MANY_REQUESTS]

    def begin(self) -> None:
        """A request has arrived."""
        self.requests += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def answer(self, status: int, size: int) -> None:
        """A whole answer goes out, with ``size`` bytes of body."""
        self.statuses[status] += 1
        self.bytes_sent += size

    def end(self) -> None:
        """A request has been answered, or its connection is gone."""
        self.in_flight -= 1

    def page(self, view: View, source: Source, page: int) -> int:
        """A request for a page was let through; how many that makes for this page."""
        self.views[view] += 1
        self.pages[view, source, page] += 1
        return self.pages[view, source, page]

    def other(self, about: View, source: Source, page: int) -> int:
        """The same for a page of a search or a playlist."""
        self.others[about, source, page] += 1
        return self.others[about, source, page]

    def totals(self) -> dict[str, object]:
        """Everything but the counts by view and page, for JSON."""
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

"""Where pages wait on the event loop's side until the writer's thread takes them, batch by batch.

A view that has ended waits a moment for the rest of its session: most sessions are then written once,
straight to their final file, and never see a part.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from replay_fetch.archive.draft import Draft
from replay_fetch.archive.layout import Layout
from replay_fetch.archive.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.model import Answer, Page, PlannedView

# How long an ended view may wait for its session before it is written as a part: what a kill can cost.
LINGER = 0.2
# A view that holds this much is written on as it grows, so that one of 500 pages is never held whole.
SPILL = 2**20


@dataclass(slots=True, eq=False)
class OpenView:
    """A view with messages that the writer's thread has not seen to the end."""

    draft: Draft
    arrived: list[Page] = field(default_factory=list)
    raw: list[Answer] = field(default_factory=list)
    size: int = 0
    """Bytes held in memory for this view, roughly."""
    restarted: bool = False
    ended: ViewEnded | None = None
    ended_at: float = 0.0


@dataclass(slots=True, eq=False)
class OpenSession:
    """A session that still has views to do in this run."""

    number: int
    remaining: int
    ended: list[OpenView] = field(default_factory=list)
    """Views that ended and are not yet written."""
    begun: bool = False
    """At least one view has ended in this run."""


@dataclass(slots=True)
class Delivery:
    """What has become known of one view since the last batch."""

    draft: Draft
    pages: list[Page]
    raw: list[Answer]
    restarted: bool
    ended: ViewEnded | None


@dataclass(slots=True)
class Batch:
    """One commit's worth: deliveries, and the sessions that have no more views to do."""

    deliveries: list[Delivery]
    sessions: list[int]
    size: int


class Desk:
    """Takes messages in, gives batches out; told the time, does no I/O."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._views: dict[int, OpenView] = {}
        self._sessions: dict[int, OpenSession] = {}
        self._complete: list[OpenSession] = []
        self._lingering: deque[OpenView] = deque()
        self._large: set[OpenView] = set()
        self.size = 0
        """Bytes held for all views."""

    def expect(self, session: int, views: int) -> None:
        """Announce how many views of a session this run will end."""
        self._sessions[session] = OpenSession(session, views)

    def take(self, message: Message, now: float) -> None:
        """Note one message; never blocks."""
        view = self._view(message.planned)
        match message:
            case PageArrived(_, page, answer):
                view.arrived.append(page)
                self._hold(view, sum(len(segment.raw) for segment in page.segments))
                if answer is not None:
                    view.raw.append(answer)
                    self._hold(view, len(answer.body))
            case ChainRestarted():
                view.arrived.clear()
                view.restarted = True
            case ViewEnded():
                self._end(view, message, now)

    def next_due(self, now: float) -> float | None:
        """Seconds until there is something to write: 0 for now, None while nothing waits."""
        if self._complete or self._large:
            return 0.0
        if self._lingering:
            return max(0.0, self._lingering[0].ended_at + LINGER - now)
        return None

    def batch(self, now: float, *, everything: bool = False) -> Batch:
        """Take away what is due; with ``everything``, all that has ended and all that is held."""
        views = dict.fromkeys(self._large)
        self._large.clear()
        complete, self._complete = self._complete, []
        for session in complete:
            views.update(dict.fromkeys(session.ended))
            del self._sessions[session.number]
        while self._lingering and (everything or self._lingering[0].ended_at + LINGER <= now):
            view = self._lingering.popleft()
            if view.draft.planned.row in self._views:  # else it went with its session already
                views[view] = None
        if everything:
            views.update(dict.fromkeys(view for view in self._views.values() if view.arrived))
        size = sum(view.size for view in views)
        return Batch([self._deliver(view) for view in views], [session.number for session in complete], size)

    def close(self) -> tuple[Batch, list[Draft]]:
        """The last batch, and the drafts of views that will not end in this run.

        Sessions that have a view to show for are closed as they are.
        """
        self._complete = [session for session in self._sessions.values() if session.begun]
        unended = [view for view in self._views.values() if view.ended is None]
        for view in unended:
            del self._views[view.draft.planned.row]
            self.size -= view.size
        self._large.difference_update(unended)
        return self.batch(0.0, everything=True), [view.draft for view in unended]

    def written(self, size: int) -> None:
        """Note that a batch of this size is on the disk."""
        self.size -= size

    def _view(self, planned: PlannedView) -> OpenView:
        view = self._views.get(planned.row)
        if view is None:
            path = self._layout.temporary / f"{planned.row}.ndjson"
            view = self._views[planned.row] = OpenView(Draft(planned, path))
        return view

    def _hold(self, view: OpenView, size: int) -> None:
        view.size += size
        self.size += size
        if view.size >= SPILL:
            self._large.add(view)

    def _end(self, view: OpenView, ended: ViewEnded, now: float) -> None:
        view.ended, view.ended_at = ended, now
        session = self._sessions[ended.planned.session]
        session.remaining -= 1
        session.begun = True
        session.ended.append(view)
        self._lingering.append(view)
        if not session.remaining:
            self._complete.append(session)

    def _deliver(self, view: OpenView) -> Delivery:
        delivery = Delivery(view.draft, view.arrived, view.raw, view.restarted, view.ended)
        view.arrived, view.raw, view.restarted, view.size = [], [], False, 0
        if view.ended is not None:
            del self._views[view.draft.planned.row]
            session = self._sessions.get(view.draft.planned.session)
            if session is not None:
                session.ended.remove(view)
        return delivery

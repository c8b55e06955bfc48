"""The write buffer: messages wait on the event loop's side until the writer's thread takes a batch.

A view that has ended waits a moment for the rest of its session: most sessions are then written once, straight to their
final file, and never see a part. The buffer is told the time and does no I/O.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from replay_fetch.archive.write.messages import ChainRestarted, Message, PageArrived, ViewEnded
from replay_fetch.model import PlannedView

# Seconds that an ended view may wait for its session before it is saved as a part, and that the pages
# of a growing view may wait: so much work a kill can cost.
LINGER = 0.2
GROWING = 5.0
# A view that holds this much is saved as it grows, so that one of 500 pages is never held whole.
LARGE = 2**20


class OpenView(Struct, eq=False):
    """A view with messages that no batch has taken yet, or with more to come; sizes are bytes of segments.

    Kept from its first message to the batch that takes its ending.
    """

    planned: PlannedView
    waits: bool = False
    """Something became known of it that is not delivered."""
    arrived: list[PageArrived] = []
    size: int = 0
    """Bytes of the pages that arrived."""
    dropped: list[list[PageArrived]] = []
    ended: ViewEnded | None = None


class OpenSession(Struct, eq=False):
    """A session with views left to end in this run, and the ended views that wait for the rest.

    Views that an earlier run finished, or that this run does not ask for, are not counted in ``remaining``.
    """

    number: int
    remaining: int
    begun: bool = False
    """Something of it has arrived in this run, or one of its views has ended."""
    ended: list[OpenView] = []
    """Views that ended and are not yet written."""


class Delivery(NamedTuple):
    """A view's news since the last batch: chains that were begun anew, then pages, then the ending."""

    planned: PlannedView
    dropped: list[list[PageArrived]]
    """The pages of chains that were begun anew: what came stays until an answer holds all of it."""
    pages: list[PageArrived]
    ended: ViewEnded | None


class Batch(NamedTuple):
    """The work of a single commit: deliveries by view, and the numbers of sessions without a view left to do.

    ``size`` counts the bytes of all segments in it, and of raw pages.
    """

    deliveries: list[Delivery]
    sessions: list[int]
    size: int


# A dict and not a set: views leave in the order in which they became due, so that runs over the same answers write the
# same batches.
class _Due:
    """Views for a batch, each of them once, until their segments come to ``most`` bytes."""

    def __init__(self, most: float) -> None:
        self.views: dict[OpenView, None] = {}
        self.size = 0
        self._most = most

    @property
    def room(self) -> bool:
        return self.size < self._most

    def add(self, views: Iterable[OpenView]) -> None:
        for view in views:
            if view not in self.views:
                self.views[view] = None
                self.size += view.size


class WriteBuffer:
    """Takes messages in and gives batches out; times are seconds of the caller's clock, sizes are bytes.

    ``linger`` is how long an ended view may wait for its session, ``growing`` how long pages may wait.
    """

    def __init__(self, linger: float = LINGER, growing: float = GROWING) -> None:
        self._linger = linger
        self._growing_for = growing
        self._views: dict[int, OpenView] = {}
        self._sessions: dict[int, OpenSession] = {}
        self._complete: deque[OpenSession] = deque()
        self._large: set[OpenView] = set()
        # By the time when a view is due; one that went earlier is passed over.
        self._lingering: deque[tuple[float, OpenView]] = deque()
        self._growing: deque[tuple[float, OpenView]] = deque()
        self.size = 0
        """Bytes of all pages that wait or are being written."""

    def expect(self, session: int, views: int) -> None:
        """Announce how many views of a session this run will end, so the last ending completes the session."""
        self._sessions[session] = OpenSession(session, views)

    def take(self, message: Message, now: float) -> None:
        """Take a message in at ``now``; never blocks, however full the buffer is: the writer makes workers wait."""
        planned = message.planned
        view = self._views.get(planned.row) or self._views.setdefault(planned.row, OpenView(planned))
        view.waits = True
        match message:
            case PageArrived():
                self._hold(view, message, now)
            case ChainRestarted():
                view.dropped.append(view.arrived)
                view.arrived = []
            case ViewEnded():
                self._end(view, message, now)

    def next_due(self, now: float) -> float:
        """Return the seconds until there is something to write: 0 for now, infinite while nothing waits."""
        if self._complete or self._large:
            return 0.0
        heads = [queue[0][0] for queue in (self._lingering, self._growing) if queue]
        return max(0.0, min(heads) - now) if heads else math.inf

    def batch(self, now: float, most: float = math.inf, least: float = 0) -> Batch:
        """Take away the views that are due at ``now``, at infinity all of them, up to about ``most`` bytes.

        A batch lies in memory twice while it is written, as segments and as lines, so the rest stays due. Where
        the batch comes to less than ``least`` bytes, more views go along before their time.
        """
        sessions: list[int] = []
        due = _Due(most)
        while self._complete and due.room:
            session = self._complete.popleft()
            # Whole sessions first: each takes its views straight into a file, which frees the most room for the least
            # work.
            due.add(session.ended)
            sessions.append(session.number)
            # Forgotten before its views are delivered: a view that still finds its session has ended ahead of the rest
            # of it.
            del self._sessions[session.number]
        while self._large and due.room:
            due.add([self._large.pop()])
        for queue in (self._lingering, self._growing):
            while queue and due.room and (queue[0][0] <= now or due.size < least):
                due.add([queue.popleft()[1]])
        # A view may stand in several queues, or have gone with an earlier batch: only a view with news is delivered.
        views = [view for view in due.views if view.waits]
        size = sum(view.size for view in views)
        batch = Batch([self._deliver(view) for view in views], sessions, size)
        # The queues hold views that went long ago. Left there, a run over millions of views would keep all of them in
        # memory.
        for queue in (self._lingering, self._growing):  # most went with their sessions, long before their time
            while queue and not queue[0][1].waits:
                queue.popleft()
        return batch

    def close(self) -> Batch:
        """Take away the last batch: all views that wait, and all sessions that have begun, whole or not.

        A run that was stopped leaves sessions incomplete: their views then lie in parts and partial files.
        """
        # A session of which nothing has arrived has nothing new to show, and its partial file stays as it is.
        self._complete = deque(session for session in self._sessions.values() if session.begun)
        return self.batch(math.inf)

    def written(self, batch: Batch) -> None:
        """Count a batch out of the buffer's size, now that the batch is on the disk."""
        self.size -= batch.size

    def _hold(self, view: OpenView, arrived: PageArrived, now: float) -> None:
        # Its time counts from the first page that waits, so a view with a page a second is saved too.
        if not view.arrived:
            self._sessions[view.planned.session].begun = True
            self._growing.append((now + self._growing_for, view))
        view.arrived.append(arrived)
        size = sum([len(segment.raw) for segment in arrived.page.segments])
        if arrived.answer is not None:
            size += len(arrived.answer.body)
        self._weigh(view, size)
        if view.size >= LARGE:
            self._large.add(view)

    def _end(self, view: OpenView, ended: ViewEnded, now: float) -> None:
        view.ended = ended
        if ended.answer is not None:
            self._weigh(view, len(ended.answer.body))
        session = self._sessions[view.planned.session]
        session.remaining -= 1
        session.begun = True
        session.ended.append(view)
        # Also where the session is whole by now: the first queue to come due takes the view, and the other passes it
        # over.
        self._lingering.append((now + self._linger, view))
        if not session.remaining:
            self._complete.append(session)

    def _weigh(self, view: OpenView, size: int) -> None:
        view.size += size
        self.size += size

    def _deliver(self, view: OpenView) -> Delivery:
        delivery = Delivery(view.planned, view.dropped, view.arrived, view.ended)
        # The messages are given away here, never copied: the buffer may not touch them while the thread writes.
        view.waits, view.arrived, view.dropped, view.size = False, [], [], 0
        self._large.discard(view)
        if view.ended is not None:
            del self._views[view.planned.row]
            # Gone where the session went with this batch; else the view has ended ahead of the others.
            if session := self._sessions.get(view.planned.session):
                session.ended.remove(view)
        return delivery

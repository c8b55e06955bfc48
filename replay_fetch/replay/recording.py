"""The recording of a view: read once from the front, record by record, with the gaps between segments.

All readers share this one walk: the player, exports, transcripts and static pages differ in their watchers alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from replay_fetch.replay.account import Account, Gap
from replay_fetch.replay.actions import ActionLog
from replay_fetch.replay.browser import Browser
from replay_fetch.replay.mobile import Mobile
from replay_fetch.replay.rrweb import Event, EventWriter
from replay_fetch.replay.seen import SeenLog
from replay_fetch.replay.segments import Order, ReadSegment, read_segment, time_of
from replay_fetch.replay.stage import Stage, Watcher
from replay_fetch.replay.static import static_page
from replay_fetch.replay.values import BadValue, table, whole

# A player unpacks one chunk to jump into it. In chunks of this size a view of 105 MB took 50 to 265 ms a jump.
CHUNK_BYTES = 1_000_000
CHUNK_MS = 60_000
_FRUSTRATION = 9  # its time is that of the click it is about, which may lie far back
_NAMED = 100  # missing segments that a gap names
_MOBILE = frozenset({10, 11})


class Chunk(NamedTuple):
    """A chunk of a recording, which plays without earlier chunks: it begins with a checkpoint.

    Times are those of the first and the last event, milliseconds since 1970. A player unpacks one chunk at a time and
    jumps to any other.
    """

    start_ms: int
    end_ms: int
    events: tuple[Event, ...]
    checkpoint: int
    """The number of events at the front that are the checkpoint; 0 in the first chunk."""


class Recording:
    """The recording of a view; ``events``, ``chunks``, ``watch`` or ``page_at`` reads it, once.

    ``segments`` are the segments' exact bytes, in any order, taken one by one as the reader goes on. No reader raises
    for any content. The account is filled meanwhile, and is whole where ``is_over`` is True.
    """

    def __init__(self, segments: Iterable[bytes]) -> None:
        self.account = Account()
        self.is_over = False
        """The recording has been read to its end."""
        self._order = Order(segments)

    def events(self) -> Iterator[Event]:
        """Iterate over the rrweb events of the view: 4 (meta), 2 (full snapshot), 3 (incremental), 5 (custom).

        rrweb's own player can show them in this order. Custom events are ours: viewport, focus, frustration, end.
        """
        writer = EventWriter()
        for _ in self._played(self._stage(writer)):
            yield from writer.taken()

    def chunks(self, size: int = CHUNK_BYTES, ms: int = CHUNK_MS) -> Iterator[Chunk]:
        """Cut the events into chunks of about ``size`` bytes or ``ms`` of time, each with a checkpoint in front.

        A checkpoint is events of our own: 4 (the window as it is), 2 (the page as it is), then adopted sheets (3,
        source 15), inserted rules (8), form values (5), the pointer (1). The first chunk begins with the view's own
        snapshot. Time alone cuts a chunk only if it weighs twice its checkpoint: a large page that idles for hours is
        written once.
        """
        writer = EventWriter()
        stage = self._stage(writer)
        events: list[Event] = []
        told = weight = ours = 0
        for _ in self._played(stage):
            told_now = writer.taken()
            events += told_now
            told += sum(len(event.json) for event in told_now)
            # Between two records, never within one: a mutation half applied is no page.
            late = bool(events) and stage.at_ms - events[0].at_ms >= ms and told >= 2 * weight
            if told >= size or late:
                fresh = writer.checkpoint(stage.at_ms, stage.page)
                if fresh:
                    yield Chunk(events[0].at_ms, events[-1].at_ms, tuple(events), ours)
                    events, told, ours = fresh, 0, len(fresh)
                    weight = sum(len(event.json) for event in fresh)
        if told:
            yield Chunk(events[0].at_ms, events[-1].at_ms, tuple(events), ours)

    def page_at(self, at_ms: int) -> str:
        """Write the page as it stood at a time, as static HTML without scripts or requests; empty where there was none.

        The recording is read no further than that time.
        """
        stage = self._stage()
        for _ in self._played(stage, until_ms=at_ms):
            pass
        return static_page(stage.page, stage.window, at_ms)

    def watch(self, *watchers: Watcher) -> Account:
        """Read the recording to its end without writing events; return the account, whole by then.

        ``watchers`` are told of each record before the account's own logs.
        """
        for _ in self._played(self._stage(*watchers)):
            pass
        return self.account

    def _stage(self, *watchers: Watcher) -> Stage:
        return Stage([*watchers, SeenLog(self.account), ActionLog(self.account)], self.account.notes)

    def _played(self, stage: Stage, until_ms: int | None = None) -> Iterator[None]:
        """Play record by record, up to a time; yields behind each, when the watchers have been told.

        A segment that is no JSON is counted and passed over, as missing segments are.
        """
        players = Players(stage, self.account)
        for segment in self._order:
            try:
                read = read_segment(segment)
            except BadValue as error:
                self.account.notes[str(error)] += 1
                continue
            players.begin(read)
            for record in read.records:
                if until_ms is not None and players.is_behind(record, until_ms):
                    return
                players.play(record)
                yield
        self.account.repeated_segments = self._order.repeated
        if self._order.late:
            self.account.notes["a segment that came too late"] += self._order.late
        self.is_over = True
        players.end()
        # Once more, behind the last record: watchers write at the end as well, and readers take that with this yield.
        yield


class Players:
    """The players of one view's records, browser and mobile, behind one clock; keeps gaps and counts in the account.

    A scrubbed copy plays records without an account, and uses the two players directly.
    """

    def __init__(self, stage: Stage, account: Account) -> None:
        self._stage = stage
        self._account = account
        self._browser = Browser(stage)
        self._mobile = Mobile(stage)
        self._index = -1
        self._end_ms: int | None = None
        self._still: Gap | None = None
        """The gap behind which the page cannot be followed."""

    def begin(self, segment: ReadSegment) -> None:
        """Begin the next segment; where its index shows that segments are missing, note the gap.

        A segment without an index follows the last one: no gap can be seen there.
        """
        self._account.segments += 1
        if segment.place is not None:
            if segment.place > self._index + 1:
                self._missed(segment)
            self._index = segment.place
        self._end_ms = max(self._end_ms or 0, segment.end_ms or 0) or None

    def play(self, record: object) -> None:
        """Play one record; a record that cannot be used is counted, and stops nothing."""
        self._account.records += 1
        try:
            read = table(record)
            kind, at_ms = whole(read.get("type")), time_of(read)
            # rrweb's clock must not go back, and records come out of order by a few milliseconds (SDK 5).
            if kind != _FRUSTRATION:
                self._now(at_ms)
            if kind in _MOBILE:
                self._account.mobile = True
                self._mobile.play(read)
            else:
                self._browser.play(read)
        except BadValue as error:
            self._account.notes[str(error)] += 1
        self._account.has_page = self._account.has_page or self._stage.page.root is not None
        if self._still is not None and not self._browser.still:
            self._account.gaps.append(self._still._replace(still_until_ms=self._stage.at_ms))
            self._still = None

    @staticmethod
    def is_behind(record: object, until_ms: int) -> bool:
        """Tell whether a record was made later than a time; a frustration never is, its time is that of a click."""
        try:
            read = table(record)
            return read.get("type") != _FRUSTRATION and time_of(read) > until_ms
        except BadValue:  # played like any other record, and counted by that
            return False

    def end(self) -> None:
        """End the recording: note a gap behind which the page never came back, and tell the watchers."""
        if self._still is not None:
            self._account.gaps.append(self._still)
        for watcher in self._stage.watchers:
            watcher.over(self._stage.at_ms)

    def _now(self, at_ms: int) -> None:
        self._stage.at_ms = max(self._stage.at_ms, at_ms)
        if self._account.start_ms is None:
            self._account.start_ms = at_ms
        self._account.end_ms = self._stage.at_ms

    def _missed(self, segment: ReadSegment) -> None:
        """Tell the watchers of a gap in front of a segment, and keep the gap for the account.

        The gap lasts from the end of the last segment to the start of this one, by the segments' own word. A gap behind
        which the page stands still is kept back until a full snapshot comes, or the end.
        """
        start_ms = segment.start_ms if segment.start_ms is not None else self._end_ms or self._stage.at_ms
        first, last = self._index + 1, segment.place or 0
        missing = tuple(range(first, min(last, first + _NAMED)))
        gap = Gap(min(self._end_ms or start_ms, start_ms), start_ms, missing, start_ms, last - first)
        for watcher in self._stage.watchers:
            watcher.missed(self._stage.at_ms, gap)
        if self._still is not None:
            self._account.gaps.append(self._still)
            self._still = None
        if self._browser.missed():
            self._still = gap._replace(still_until_ms=None)
        else:
            self._account.gaps.append(gap)

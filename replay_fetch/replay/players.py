"""Who plays which record, and what is missing between the segments they stand in."""

from __future__ import annotations

from replay_fetch.replay.account import Account, Gap
from replay_fetch.replay.browser import Browser
from replay_fetch.replay.mobile import Mobile
from replay_fetch.replay.segments import ReadSegment, time_of
from replay_fetch.replay.stage import Stage
from replay_fetch.replay.values import BadValue, table, whole

_FRUSTRATION = 9  # its time is that of the click it is about, which may lie far back
_NAMED = 100  # missing segments that a gap names
_MOBILE = frozenset({10, 11})


class Players:
    """Plays the records of one view, and keeps its account."""

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
        """Take the next segment; one or several in front of it may be missing."""
        self._account.segments += 1
        if segment.place is not None:
            if segment.place > self._index + 1:
                self._missed(segment)
            self._index = segment.place
        self._end_ms = max(self._end_ms or 0, segment.end_ms or 0) or None

    def play(self, record: object) -> None:
        """Play one record; one that cannot be used is counted."""
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
        """True where a record was made later than a time; a frustration is about an earlier one."""
        try:
            read = table(record)
            return read.get("type") != _FRUSTRATION and time_of(read) > until_ms
        except BadValue:
            return False

    def end(self) -> None:
        """The recording is over."""
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

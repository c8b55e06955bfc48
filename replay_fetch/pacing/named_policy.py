"""Pacing by one limit that headers name: by its windows while they are believed in, evenly else."""

from __future__ import annotations

from dataclasses import replace

from replay_fetch.pacing.even_policy import SHORT, EvenPolicy
from replay_fetch.pacing.policy import Reading, Sent, State
from replay_fetch.pacing.window_policy import WindowPolicy


class NamedPolicy:
    """Follows windows, and holds an even pace behind them for 429s that they do not explain.

    Where windows are too short to be followed, are none, or are told of by 429s alone, the even pace is all there
    is. One is made for one limit's name and period; ``latest`` is the last send before its first answer.
    """

    def __init__(self, period: float, latest: Sent, *, on_429s: bool = False) -> None:
        self.period = period
        self.on_429s = on_429s
        """Only 429s have told of the limit."""
        followed = period >= SHORT and not on_429s
        self._window = WindowPolicy(period, latest) if followed else None
        self._even = EvenPolicy(period, latest, on_429s=on_429s)
        # 1. Followed.  2. Nothing is known of it between two 429s.  3. Too short to be followed.
        if followed:
            self.limiter, self.why = "window", "headers tell of it"
        elif on_429s:
            self.limiter, self.why = "unknown", "only 429s tell of it"
        else:
            self.limiter, self.why = "window", "headers tell of it; it is too short to be followed"

    @property
    def limit(self) -> int:
        """Requests a period."""
        return self._even.limit

    def ready_at(self, now: float) -> float:
        """When both allow the next request."""
        if self._window is None:
            return self._even.ready_at(now)
        ready = self._window.ready_at(now)
        return max(ready, self._even.ready_at(now)) if self._even.holds else ready

    def sent(self, sent: Sent) -> None:
        """Both count it; an even pace that holds nothing back has nothing to count."""
        if self._window is not None:
            self._window.sent(sent)
            if not self._even.holds:
                return
        self._even.sent(sent)

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Takes in what the headers say; windows that are none are given up."""
        window, even = self._window, self._even
        if window is None:
            even.answered(now, sent, reading, accepted=accepted)
            return
        # 1. A 429 that the window does not explain: it is not empty.  2. Any other answer, which matters to an even
        # pace that holds something back.  3. Else only the limit does.
        if (not accepted and reading.remaining > 0) or (accepted and even.holds):
            even.answered(now, sent, reading, accepted=accepted)
        else:
            even.limit = reading.limit
        window.answered(now, sent, reading, accepted=accepted)
        if window.trust.lost:
            self.limiter, self.why = "sliding" if window.trust.slides else "unknown", window.trust.lost
            self._window = None

    def accepted_without_headers(self, sent: Sent) -> None:
        """Answers that are accepted never name this limit."""
        self._even.accepted(sent)

    def rejected_without_headers(self, now: float, sent: Sent) -> None:
        """A 429 that names no limit, among answers that do: another limit's."""
        if self._window is not None:
            self._window.rejected_without_headers(now)
        self._even.rejected(now, sent)

    def state(self, now: float) -> State:
        """That of the one that holds requests back longer."""
        even, window = self._even, self._window
        state = even.state(now)
        if window is not None and not (even.holds and even.ready_at(now) > window.ready_at(now)):
            state = window.state(now)
        if window is not None and even.holds:
            return replace(state, limiter="several", why="429s come where its window is not empty")
        return replace(state, limiter=self.limiter, why=self.why)

"""Pacing by a limit of the headers: window by window while the server acts accordingly, and evenly otherwise."""

from __future__ import annotations

from dataclasses import replace

from replay_fetch.pacing.even_policy import SHORT, EvenPolicy
from replay_fetch.pacing.policy import Reading, Sent, State
from replay_fetch.pacing.window_policy import WindowPolicy


class NamedPolicy:
    """Follows the windows of one limit, and holds an even pace behind them for 429s that no window explains.

    Where windows are too short to be followed, are no windows, or are known from 429s alone, only the even pace is
    left. A policy is made for a limit's name and period; ``latest`` is the last send before the first answer with the
    name.
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
        """Requests a period, by the latest headers; 1 before the first. The rate of a later search begins from here."""
        return self._even.limit

    def ready_at(self, now: float) -> float:
        """When the windows and, where 429s slowed it, the even pace allow the next request."""
        if self._window is None:
            return self._even.ready_at(now)
        ready = self._window.ready_at(now)
        return max(ready, self._even.ready_at(now)) if self._even.holds else ready

    def sent(self, sent: Sent) -> None:
        """Count a request in the window and, where 429s slowed it, at the even pace."""
        if self._window is not None:
            self._window.sent(sent)
            if not self._even.holds:
                return
        self._even.sent(sent)

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Take in the headers of an answer; where trust in windows is lost, the even pace goes on alone."""
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
        """Take in an accepted answer where only 429s name the limit: an episode of 429s may be over."""
        self._even.accepted(sent)

    def rejected_without_headers(self, now: float, sent: Sent) -> None:
        """Take in a 429 without headers among answers with headers: some limit is not announced."""
        if self._window is not None:
            self._window.rejected_without_headers(now)
        self._even.rejected(now, sent)

    def state(self, now: float) -> State:
        """The state of the window or the even pace, whichever holds requests back longer."""
        even, window = self._even, self._window
        state = even.state(now)
        if window is not None and not (even.holds and even.ready_at(now) > window.ready_at(now)):
            state = window.state(now)
        if window is not None and even.holds:
            return replace(state, limiter="several", why="429s come where its window is not empty")
        return replace(state, limiter=self.limiter, why=self.why)

"""Pacing by one limit that headers name: by its windows while they are believed in, evenly else."""

from __future__ import annotations

from replay_fetch.pacing.even_policy import SHORT, EvenPolicy
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reading
from replay_fetch.pacing.window_policy import WindowPolicy


class NamedPolicy:
    """Follows windows, and holds an even pace behind them for 429s that they do not explain.

    Where windows are too short to be followed, or are none, the even pace is all there is. One is made for one
    limit's name and period; ``latest`` is the last send before its first answer.
    """

    def __init__(self, period: float, latest: Sent) -> None:
        self.period = period
        self._latest = latest
        self._window = WindowPolicy(period, latest) if period >= SHORT else None
        self._even = EvenPolicy(period, latest)
        self.doubted = "" if self._window else "its windows are short"
        """Why windows are not followed; empty while they are."""

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
        """Both count it."""
        self._latest = sent
        if self._window is not None:
            self._window.sent(sent)
        self._even.sent(sent)

    def answered(self, now: float, sent: Sent, reading: Reading, *, accepted: bool) -> None:
        """Takes in what the headers say; windows that contradict themselves are given up."""
        window = self._window
        explained = window is not None and not accepted and reading.remaining == 0
        if explained:
            self._even.limit = reading.limit
        else:
            self._even.answered(now, sent, reading, accepted=accepted)
        if window is not None:
            window.answered(now, sent, reading, accepted=accepted)
            if window.trust.lost:
                self.doubted, self._window = window.trust.lost, None

    def rejected_without_headers(self, now: float) -> None:
        """A 429 that names no limit, among answers that do: another limit's."""
        if self._window is not None:
            self._window.rejected_without_headers(now)
        self._even.rejected(now, self._latest)

    def state(self, now: float) -> State:
        """That of the one that holds requests back longer."""
        even = self._even
        if self._window is None or (even.holds and even.ready_at(now) > self._window.ready_at(now)):
            return even.state(now)
        return self._window.state(now)

"""The policy of one endpoint: by windows while headers name them, blind while they do not."""

from __future__ import annotations

from replay_fetch.model import RateLimit
from replay_fetch.pacing.blind_policy import BlindPolicy
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.reading import Reader, Reading
from replay_fetch.pacing.short_window_policy import SHORT, ShortWindowPolicy
from replay_fetch.pacing.window_policy import WindowPolicy


class AdaptivePolicy:
    """One window policy for each limit that answers name; all of them must allow a request.

    Until one is named, and again when none has been for long, the blind policy decides.
    """

    def __init__(self) -> None:
        self._windows: dict[str, WindowPolicy | ShortWindowPolicy] = {}
        self._readers: dict[str, Reader] = {}
        self._blind = BlindPolicy(0.0)
        self._latest = Sent(0, 0.0)

    def ready_at(self, now: float) -> float | None:
        """When all of them allow the next request."""
        if not self._windows:
            return self._blind.ready_at(now)
        return max(window.ready_at(now) for window in self._windows.values())

    def sent(self, sent: Sent) -> None:
        """Every limit counts it: which ones it falls under is only known from its answer."""
        self._latest = sent
        for window in self._windows.values():
            window.sent(sent)
        if not self._windows:
            self._blind.sent(sent)

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Headers go to the limit they name; a 429 without any concerns all."""
        reading = self._read(rate_limit)
        if rate_limit is not None and reading is not None:
            self._window(rate_limit.name, reading).answered(now, sent, reading, accepted=accepted)
        elif not self._windows:
            self._blind.answered(now, sent, rate_limit, accepted=accepted)
        elif not accepted:
            for window in self._windows.values():
                window.rejected_without_headers(now)

    def lost(self, now: float, sent: Sent) -> None:
        """Only a lost probe matters: a window goes on counting it as spent."""
        self._blind.lost(now, sent)

    def state(self, now: float) -> State:
        """That of the limit that holds requests back longest."""
        if not self._windows:
            return self._blind.state(now)
        return max(self._windows.values(), key=lambda window: window.ready_at(now)).state(now)

    def _read(self, rate_limit: RateLimit | None) -> Reading | None:
        if rate_limit is None:
            return None
        return self._readers.setdefault(rate_limit.name, Reader()).read(rate_limit)

    def _window(self, name: str, reading: Reading) -> WindowPolicy | ShortWindowPolicy:
        window = self._windows.get(name)
        if window is None or window.period != reading.period:
            kind = ShortWindowPolicy if reading.period < SHORT else WindowPolicy
            window = self._windows[name] = kind(reading.period, self._latest)
        return window

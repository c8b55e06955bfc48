"""Pacing while no header names the limit: find the limit by 429s, and by few of them."""

from __future__ import annotations

from collections import deque

from replay_fetch.model import RateLimit
from replay_fetch.pacing.inferred_window import InferredQuota, InferredWindow
from replay_fetch.pacing.pace import SlowCubic, SlowStart
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.rejection_episode import ProbeGate, RejectionEpisode
from replay_fetch.pacing.window_detector import Interval, WindowDetector

# After the first window the search goes on from its mean rate, slower: two windows tell their length.
SECOND_DOUBLING = 2.5
SLOWEST_SEARCH, SLOWEST = 1.0, 0.5
# So few accepted requests say nothing of a rate: somebody else had used the window up.
FEW = 5
# Accepted requests that are remembered: 2 MB. With 4,096 of them a window of 5,000 was taken for one of 4,096.
ROOM = 65_536
# With each 429 the longest way to one of late counts this much less for the next one.
FADING = 0.8


class HeaderlessPolicy:
    """Paces an endpoint without headers: slow start to the first 429, then a gate with probes, again and again.

    Until the openings of the gate show a rhythm the rate is a slow cubic around the accepted rate; from then on the
    policy goes by inferred windows.
    """

    def __init__(self, now: float, known_rate: float | None = None) -> None:
        self._pace: SlowStart | SlowCubic = SlowCubic(now, known_rate) if known_rate else SlowStart(now)
        self._window: InferredWindow | None = None
        self._gate: ProbeGate | None = None
        self._detector = WindowDetector()
        # When the latest accepted requests left, in the order of their answers.
        self._accepted: deque[float] = deque(maxlen=ROOM)
        self._episode: RejectionEpisode | None = None
        # The accepted probe that ended the latest episode.
        self._opener: Sent | None = None
        # When the latest rejected request left.
        self._rejected_at = float("-inf")
        # Seconds that a request may need to the limiter: no more than a 429 took to come back.
        self._way = 0.0

    def ready_at(self, now: float) -> float | None:
        """When the next probe may go while the gate is shut, else the next request of the window or the pace."""
        return (self._gate or self._window or self._pace).ready_at(now)

    def sent(self, sent: Sent) -> None:
        """Count a probe while the gate is shut, else a request of the window or the pace."""
        (self._gate or self._window or self._pace).sent(sent)

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Take in an answer: an accepted probe opens the gate; a 429 shuts the gate, or keeps it shut."""
        if not accepted:
            self._rejected(now, sent, rate_limit.retry_after if rate_limit else None)
            return
        self._accepted.append(sent.at)
        if self._gate and self._gate.is_probe(sent):
            self._open(now, sent, self._gate)

    def lost(self, now: float, sent: Sent) -> None:
        """Take in a lost request: a lost probe makes room for another, or the gate would stay shut for ever."""
        if self._gate:
            self._gate.lost(now, sent)

    def state(self, now: float) -> State:
        """The state at ``now``: the shut gate, the inferred window, or the pace."""
        window = self._window
        # 1. No 429 yet.  2. It opens in step with windows of some length.  3. In step with nothing.
        if self._gate is None and self._episode is None:
            limiter, why = "", ""
        elif window:
            limiter, why = "window", f"it opens every {window.period:g} s"
        else:
            limiter, why = "unknown", "no header tells of it"
        if self._gate:
            return State("probe", 0.0, self._gate.ready_at(now), limiter=limiter, why=why)
        if window:
            takes = window.quota.requests
            return State("inferred", window.rate, None, takes, window.period, window.left, limiter, why)
        mode = "hold" if isinstance(self._pace, SlowCubic) else "search"
        return State(mode, self._pace.rate, limiter=limiter, why=why)

    def _rejected(self, now: float, sent: Sent, retry_after: float | None) -> None:
        self._rejected_at = max(self._rejected_at, sent.at)
        self._way = max(now - sent.at, FADING * self._way)
        if self._gate:
            self._gate.rejected(now, sent, retry_after)
            if self._window:
                self._window.still_out(sent)
        elif self._shuts(sent):
            self._gate = ProbeGate(now, self._detector.look_at(now), retry_after)

    def _shuts(self, sent: Sent) -> bool:
        # Not for a straggler: while the gate is shut only probes leave, so what left before is of the episode before.
        if self._window:
            return self._window.ran_out(sent)
        return self._opener is None or sent.number > self._opener.number

    def _open(self, now: float, probe: Sent, gate: ProbeGate) -> None:
        before, self._gate, self._opener = self._episode, None, probe
        # The gate opened between the last request refused and the probe accepted; a straggler refused later than the
        # probe left says nothing of it.
        rejected_at = min(self._rejected_at, probe.at)
        self._episode = RejectionEpisode(
            shut_at=gate.shut_at,
            noticed_at=now,
            opened_at=(rejected_at + probe.at) / 2,
            before=before.opened_at if before else None,
            older=before.before if before else None,
        )
        self._detector.opened(Interval(rejected_at, min(now, probe.at + self._way)))
        self._follow_window(probe)
        if not self._window:
            self._pace = self._next_pace(now, self._episode)

    def _follow_window(self, probe: Sent) -> None:
        # Goes by windows if their rhythm is known; the probe is the first request of one.
        period, edge = self._detector.period, self._detector.edge_after(probe.at)
        if period is None or edge is None:
            self._window = None
            return
        if edge.centre - probe.at < period / 2:  # it left a little before the edge it found
            edge = edge.shifted(period)
        if self._window is None or self._window.period != period:
            end = edge.centre - period
            takes = self._accepted_between(end - period, end)
            self._window = InferredWindow(period, InferredQuota(takes, period))
        self._window.opened(edge, probe)

    def _next_pace(self, now: float, episode: RejectionEpisode) -> SlowStart | SlowCubic:
        if len(self._accepted) < FEW:
            return SlowStart(now)
        # The first window was found by a search that doubled: its mean rate is far below the limit's in most cases.
        if episode.before is None and episode.window_like:
            rate = len(self._accepted) / max(1.0, now - self._accepted[0])
            return SlowStart(now, max(SLOWEST_SEARCH, rate), SECOND_DOUBLING)
        start, end = episode.stretch(self._accepted[0])
        return SlowCubic(now, max(SLOWEST, self._accepted_between(start, end) / (end - start)))

    def _accepted_between(self, start: float, end: float) -> int:
        return sum(1 for left_at in self._accepted if start <= left_at < end)

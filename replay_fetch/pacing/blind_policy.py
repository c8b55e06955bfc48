"""Pacing while nothing names the limit: find it by 429s, few of them."""

from __future__ import annotations

from replay_fetch.model import RateLimit
from replay_fetch.pacing.accepted import Accepted
from replay_fetch.pacing.policy import Sent, State
from replay_fetch.pacing.probe_gate import ProbeGate
from replay_fetch.pacing.slow_cubic import SlowCubic
from replay_fetch.pacing.slow_start import SlowStart

# A gate shut longer than this was shut by a window that ran out; shorter, by a bucket that refills.
WINDOW_LIKE = 1.2
# 429s to requests that left this soon after an opening belong to the episode before it.
STRAGGLERS = 0.05
# Timers wake a millisecond or two late; a debt of so many seconds is paid back.
SLACK = 0.05


class BlindPolicy:
    """Slow start to the first 429, then one gate with probes, then a long plateau; again from the gate.

    ``start_rate`` is what was right before headers stopped coming.
    """

    def __init__(self, start_rate: float | None = None) -> None:
        self._start_rate = start_rate
        self._curve: SlowStart | SlowCubic | None = None
        self._gate: ProbeGate | None = None
        self._next = float("-inf")
        self._paced = False
        self._accepted = Accepted()
        self._rejected_at = float("-inf")
        """When the latest rejected request left."""
        self._opened_at: float | None = None

    def ready_at(self, now: float) -> float | None:
        """The next probe's time while the gate is shut, else at the pace."""
        if self._gate:
            return self._gate.ready_at(now)
        self._paced = self._paced or self._next > now
        return max(now, self._next)

    def sent(self, sent: Sent) -> None:
        """A probe, or one more at the pace."""
        if self._gate:
            self._gate.sent(sent)
            return
        curve = self._curve = self._curve or self._first_curve(sent.at)
        curve.advance(sent.at, paced=self._paced)
        self._paced = False
        self._next = max(self._next, sent.at - SLACK) + 1 / curve.rate

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """An accepted probe opens the gate; a 429 shuts it, or keeps it shut."""
        if accepted:
            self._accepted.add(sent.at)
            if self._gate and self._gate.is_probe(sent):
                self._open(now, sent, self._gate)
            return
        self._rejected_at = max(self._rejected_at, sent.at)
        retry_after = rate_limit.retry_after if rate_limit else None
        if self._gate:
            self._gate.rejected(now, sent, retry_after)
        elif self._opened_at is None or sent.at >= self._opened_at + STRAGGLERS:
            self._gate = ProbeGate(now, retry_after)

    def lost(self, now: float, sent: Sent) -> None:
        """A lost probe makes room for another."""
        if self._gate:
            self._gate.lost(now, sent)

    def state(self, now: float) -> State:
        """The gate or the pace."""
        if self._gate:
            return State("probe", 0.0, self._gate.ready_at(now))
        rate = self._curve.rate if self._curve else 0.0
        return State("hold" if isinstance(self._curve, SlowCubic) else "start", rate)

    def _first_curve(self, now: float) -> SlowStart | SlowCubic:
        return SlowStart(now) if self._start_rate is None else SlowCubic(now, self._start_rate)

    def _open(self, now: float, probe: Sent, gate: ProbeGate) -> None:
        before, opened_at = self._opened_at, (self._rejected_at + probe.at) / 2
        self._opened_at = opened_at
        shut_for = now - gate.shut_at
        self._gate = None
        if before is None and shut_for >= WINDOW_LIKE:
            # The first opening: how long a window is is not known yet, so the search goes on, slower.
            rate = len(self._accepted) / max(1.0, now - self._accepted.first)
            self._curve = SlowStart(now, max(1.0, rate), doubling=2.5)
            self._next = now
            return
        if before is not None and shut_for >= WINDOW_LIKE:
            start, end = before, opened_at
            if end - start > 4 * shut_for + 10:  # mostly time in which the limit was not reached
                start = end - max(2 * shut_for, 10.0)
        else:
            end = gate.shut_at
            start = end - max(3.0, min(10.0, end - self._accepted.first))
        measured = max(0.5, self._accepted.between(start, end) / (end - start))
        self._curve = SlowCubic(now, measured)
        self._next = now + 1 / self._curve.rate

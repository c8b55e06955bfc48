"""No pace at all: each worker retries on its own."""

from __future__ import annotations

from benchmarks.simulation.controllers import Peer, Reply
from replay_fetch.pacing.policy import Sent

SHORTEST = 0.01


class ExponentialBackoff(Peer):
    """Full jitter per request: uniform in [0, min(60, 2 ** attempt)]."""

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - it has no memory
        if answer.accepted:
            return 0.0
        return max(SHORTEST, self.rng.uniform(0, min(60.0, 2.0**answer.attempt)))


class SleepUntilReset(Peer):
    """The vendor's clients: the worker sleeps X-RateLimit-Reset, or 2 * 2 ** attempt without it."""

    def answered(self, now: float, sent: Sent, answer: Reply) -> float:  # noqa: ARG002 - it has no memory
        if answer.accepted:
            return 0.0
        if answer.rate_limit and answer.rate_limit.reset is not None:
            return max(SHORTEST, answer.rate_limit.reset)
        return 2.0 * 2.0 ** min(answer.attempt, 6)

"""The plainest policy: no pace, one gate that a 429 shuts for everybody."""

from __future__ import annotations

from replay_fetch.model import RateLimit
from replay_fetch.pacing.policy import Sent


class GatePolicy:
    """Sends freely; after a 429 nobody sends until the time its headers name."""

    def __init__(self) -> None:
        self._opens_at = 0.0
        self.rate: float | None = None

    def ready_at(self, now: float, waiting: int) -> float | None:  # noqa: ARG002 - the protocol's
        """When the gate opens."""
        return max(now, self._opens_at)

    def sent(self, sent: Sent) -> None:
        """Nothing to note."""

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:  # noqa: ARG002
        """A 429 shuts the gate for its reset, or a second where it names none."""
        if accepted:
            return
        limit = rate_limit or RateLimit()
        hold = limit.retry_after or limit.reset or 1.0
        self._opens_at = max(self._opens_at, now + hold)

    def lost(self, now: float, sent: Sent) -> None:
        """Nothing to note."""

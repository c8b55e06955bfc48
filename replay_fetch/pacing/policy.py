"""What every part of the pacer is: a state machine that is told the time."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from replay_fetch.model import RateLimit


class Sent(NamedTuple):
    """One request on its way: its place in the order of sends (first is 1) and when it left."""

    number: int
    at: float


class Policy(Protocol):
    """Says when the next request may go, from what became of the earlier ones.

    Times are seconds of one monotonic clock, handed in; a policy does no I/O and never waits.
    """

    def ready_at(self, now: float, waiting: int) -> float | None:
        """When the next request may go; None means not before an answer to one on its way.

        ``waiting`` counts the workers that stand in line for a turn.
        """

    def sent(self, sent: Sent) -> None:
        """A request leaves now."""

    def answered(self, now: float, sent: Sent, rate_limit: RateLimit | None, *, accepted: bool) -> None:
        """Its answer came; ``accepted`` is False for a 429 and for nothing else."""

    def lost(self, now: float, sent: Sent) -> None:
        """No answer will come: timeout, reset or cancellation."""

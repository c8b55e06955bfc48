"""A pacer's state at one moment, as shown to retries, the bar, the log, the report and ``status``."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.pacing.policy import State


@dataclass(frozen=True, slots=True)
class Health:
    """The API's health when an attempt fails: by it a page's own fault is told from an outage of the API."""

    now: float
    outage: bool
    """The outage gate is shut: nothing succeeds anywhere."""
    answered_at: float
    """When the latest request left that was answered soundly; -inf before the first."""


@dataclass(frozen=True, slots=True)
class Snapshot(State):
    """The state of a pacer at one moment: of its rate policy, and of the workers behind the policy."""

    gate_shut: float = 0.0
    """Seconds until the next request may go, where a gate and not the pace holds it back."""
    rate_limited: int = 0
    """429s so far."""
    waiting: int = 0
    in_use: int = 0
    slots: int = 0
    waited: float = 0.0
    """Seconds that all workers together spent waiting for turns."""

    @property
    def recognised(self) -> str:
        """The limiter's kind and the sign by which it was recognised, in words; empty until a limit is met."""
        return f"{self.limiter}: {self.why}" if self.limiter else ""

    def __str__(self) -> str:
        parts = [f"{self.rate:.1f}/s"]
        if self.limit is not None and self.period is not None:
            parts.append(f"{self.limiter} {self.limit}/{self.period:g}s")
        if self.left is not None:
            parts.append(f"{self.left} left")
        if self.gate_shut > 0:
            parts.append(f"gate shut {self.gate_shut:.1f} s")
        return ", ".join(parts)

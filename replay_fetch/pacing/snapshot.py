"""What a pacer shows of itself: to retries, the bar, the log and the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Health:
    """What the pacer knows of the API when an attempt fails."""

    now: float
    outage: bool
    """The outage gate is shut: nothing succeeds anywhere."""
    answered_at: float
    """When the latest request left that was answered soundly; -inf before the first."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One moment of a pacer; rates are requests a second, times seconds."""

    mode: str
    """``window`` while headers describe the limit; ``search``, ``hold``, ``rhythm`` and, its gate shut, ``probe``
    while they do not; ``outage``."""
    rate: float = 0.0
    """What is allowed now; 0 while a gate is shut."""
    gate_shut: float = 0.0
    """Until the next request may go, where a gate and not the pace holds it back."""
    limit: int | None = None
    period: float | None = None
    left: int | None = None
    rate_limited: int = 0
    """429s so far."""
    waiting: int = 0
    in_use: int = 0
    slots: int = 0
    limiter: str = ""
    why: str = ""
    """The limiter's kind, and what it was recognised by, as in ``State``."""
    waited: float = 0.0
    """Seconds that all workers together spent waiting for turns."""

    @property
    def recognised(self) -> str:
        """The limiter in words; empty where none was met."""
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

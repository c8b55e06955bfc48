"""What the pacer knows of the API's health."""

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

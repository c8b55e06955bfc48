"""The gate that the first 429 shuts for everybody, and single probes open again."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

FIRST_WAIT = 0.5
GROWTH = 0.2
"""The next probe waits this share of the time the gate has been shut: an opening is noticed at most so much late."""
LONGEST_WAIT = 60.0


class ProbeGate:
    """Shut from a 429 on; one probe at a time, each a little later, until one is accepted."""

    def __init__(self, now: float, retry_after: float | None = None) -> None:
        self.shut_at = now
        self._next = now + (retry_after if retry_after is not None else FIRST_WAIT)
        self._probe: Sent | None = None

    def ready_at(self, now: float) -> float | None:
        """When the next probe goes; None while one is on its way."""
        return None if self._probe else max(now, self._next)

    def sent(self, sent: Sent) -> None:
        """It is the probe."""
        self._probe = sent

    def is_probe(self, sent: Sent) -> bool:
        """True for the probe on its way."""
        return sent == self._probe

    def rejected(self, now: float, sent: Sent, retry_after: float | None = None) -> None:
        """A probe was rejected, or a straggler of the requests that found the limit."""
        if self.is_probe(sent):
            self._probe = None
            self._next = now + min(LONGEST_WAIT, max(FIRST_WAIT, GROWTH * (now - self.shut_at)))
        if retry_after is not None:
            self._next = max(self._next, now + retry_after)

    def lost(self, now: float, sent: Sent) -> None:
        """Nothing is known of the probe: another goes at once."""
        if self.is_probe(sent):
            self._probe, self._next = None, now

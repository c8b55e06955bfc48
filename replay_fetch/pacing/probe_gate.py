"""The gate that a 429 shuts for everybody, and single probes open again."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

FIRST_WAIT = 0.5
GROWTH = 0.4
"""The next probe waits this share of the time the gate has been shut: an opening is noticed at most so much late."""
LONGEST_WAIT, LONGEST_SHARE = 60.0, 0.02
"""The longest wait between two probes: a minute, or a fiftieth of the time the gate has been shut. A daily quota that
says nothing of itself then costs some 200 probes, not 1,400."""


class ProbeGate:
    """Shut from a 429 on; one probe at a time, each a little later, until one is accepted.

    ``look_at`` is when the opening is expected. Probes before it are few, each after twice the
    time: they are there in case the expectation is wrong. ``Retry-After`` outranks everything.
    """

    def __init__(self, now: float, look_at: float | None = None, retry_after: float | None = None) -> None:
        self.shut_at = now
        self._look_at = look_at if look_at is not None else float("-inf")
        self._next = now + retry_after if retry_after is not None else self._after(now, FIRST_WAIT)
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
            shut_for = now - self.shut_at
            wait = shut_for if self._look_at > now else GROWTH * shut_for
            self._next = self._after(now, min(max(LONGEST_WAIT, LONGEST_SHARE * shut_for), max(FIRST_WAIT, wait)))
        if retry_after is not None:
            self._next = max(self._next, now + retry_after)

    def lost(self, now: float, sent: Sent) -> None:
        """Nothing is known of the probe: another goes at once."""
        if self.is_probe(sent):
            self._probe, self._next = None, now

    def _after(self, now: float, wait: float) -> float:
        """After ``wait`` seconds, or when the opening is expected before that."""
        return self._look_at if now < self._look_at < now + wait else now + wait

"""Episodes of 429s: an episode shuts the gate for all workers, and probes find out when to open again."""

from __future__ import annotations

from dataclasses import dataclass

from replay_fetch.pacing.policy import Sent

# A gate shut longer than this was shut by a window that ran out; shorter, by a bucket that refills.
WINDOW_LIKE = 1.2
# Requests that a bucket accepts are measured over this many seconds: more of them smooth, fewer are current.
SHORTEST, USUAL = 3.0, 10.0

# Seconds before the first probe. The next probe waits this share of the time the gate has been shut: an opening is
# noticed at most so much late.
FIRST_WAIT, GROWTH = 0.5, 0.4
# The longest wait between two probes: a minute, or a fiftieth of the time the gate has been shut. A daily quota that
# says nothing of itself then costs some 200 probes, not 1,400.
LONGEST_WAIT, LONGEST_SHARE = 60.0, 0.02


@dataclass(frozen=True, slots=True)
class RejectionEpisode:
    """The times of an episode: the limit was reached, the gate shut, and a probe opened the gate again.

    All are seconds of the monotonic clock; ``before`` and ``older`` are the openings of the two episodes before.
    """

    shut_at: float
    noticed_at: float
    """When the answer to the accepted probe came."""
    opened_at: float
    """Between the last rejected and the accepted request."""
    before: float | None = None
    older: float | None = None

    @property
    def window_like(self) -> bool:
        """True where the gate was shut for longer than a bucket takes to refill."""
        return self.noticed_at - self.shut_at >= WINDOW_LIKE

    def stretch(self, first: float) -> tuple[float, float]:
        """The start and end between which accepted requests, divided by the seconds, are the rate of the limit.

        ``first`` is when the first accepted request left.
        """
        # 1. A window: from opening to opening; where that is mostly time in which the limit was not reached, its last
        # part. 2. A bucket: the last ten seconds before the gate shut, or less in the beginning; with the shut time of
        # the episode before, where that lies in them.
        if self.before is not None and self.window_like:
            shut_for = self.noticed_at - self.shut_at
            longest = 4 * shut_for + USUAL
            if self.opened_at - self.before > longest:
                return self.opened_at - max(2 * shut_for, USUAL), self.opened_at
            return self.before, self.opened_at
        start = self.shut_at - max(SHORTEST, min(USUAL, self.shut_at - first))
        if self.before is not None and self.before > start:
            start = min(start, first if self.older is None else self.older)
        return start, self.shut_at


class ProbeGate:
    """The gate that a 429 shuts for all workers: single probes, each a little later, until a probe is accepted.

    ``look_at`` is when the opening is expected. Probes before that are few, each after twice the time, in case the
    expectation is wrong. ``retry_after`` seconds, which the server orders, outrank every guess.
    """

    def __init__(self, now: float, look_at: float | None = None, retry_after: float | None = None) -> None:
        self.shut_at = now
        self._look_at = look_at if look_at is not None else float("-inf")
        self._next = now + retry_after if retry_after is not None else self._after(now, FIRST_WAIT)
        self._probe: Sent | None = None

    def ready_at(self, now: float) -> float | None:
        """When the next probe goes, at ``now`` or later; None while a probe is on its way."""
        return None if self._probe else max(now, self._next)

    def sent(self, sent: Sent) -> None:
        """Count a request that leaves through the shut gate as the probe: no other goes before the answer."""
        self._probe = sent

    def is_probe(self, sent: Sent) -> bool:
        """True for the probe on its way, False for stragglers that left before the gate shut."""
        return sent == self._probe

    def rejected(self, now: float, sent: Sent, retry_after: float | None = None) -> None:
        """Take in a 429 of the probe, or of a straggler among the requests that found the limit."""
        if self.is_probe(sent):
            self._probe = None
            shut_for = now - self.shut_at
            wait = shut_for if self._look_at > now else GROWTH * shut_for
            self._next = self._after(now, min(max(LONGEST_WAIT, LONGEST_SHARE * shut_for), max(FIRST_WAIT, wait)))
        if retry_after is not None:
            self._next = max(self._next, now + retry_after)

    def lost(self, now: float, sent: Sent) -> None:
        """Take in a lost request: where it was the probe, nothing was learned and another goes at once."""
        if self.is_probe(sent):
            self._probe, self._next = None, now

    def _after(self, now: float, wait: float) -> float:
        # After ``wait`` seconds, or when the opening is expected before that.
        return self._look_at if now < self._look_at < now + wait else now + wait

"""The outage gate: when nothing at all succeeds, one probe at a time goes out."""

from __future__ import annotations

from replay_fetch.pacing.policy import Sent

FEWEST_FAULTS = 10
SHORTEST = 5.0
"""Seconds of nothing but faults before they are called an outage; a restart behind a load balancer takes less."""
FIRST_PROBE = 1.0
LAST_PROBE = 60.0
IDLE = 90.0
"""Seconds without a failure after which nobody can still be waiting: a page pauses at most 60 between attempts."""
OPEN = float("-inf")


class Outage:
    """Shuts when only faults came for a while; any answer opens it.

    ``patience`` is how long, in seconds, nothing may succeed before whoever asks is told to stop;
    ``fewest_faults`` must be more than one sick page can cause by itself. The clock starts at the
    first failure, and anew where nobody asked for ``IDLE`` seconds: time in which nobody asks says nothing
    of the API. A 429 neither shuts nor opens the gate, but a run that gets nothing else runs out of patience too.
    """

    def __init__(self, patience: float, fewest_faults: int = FEWEST_FAULTS) -> None:
        self._patience = patience
        self._fewest = max(FEWEST_FAULTS, fewest_faults)
        self.answered_at = float("-inf")
        """When the latest request left that was answered soundly."""
        self.failing_since: float | None = None
        """When the first failure came since then; None while all is well, and the gate open."""
        self.opens_at = OPEN
        """When the shut gate lets the next probe through; infinite while one is on its way."""
        self._faults = 0
        self._failed_at = float("-inf")
        self._gap = FIRST_PROBE
        self._probe: Sent | None = None
        self.lasted = 0.0
        """Seconds from the first failure to the latest, 0 while answers come."""

    @property
    def hopeless(self) -> bool:
        """True where patience is at its end."""
        return self.lasted > self._patience

    @property
    def shut(self) -> bool:
        """True while nothing succeeds anywhere."""
        return self.opens_at != OPEN

    def asked(self, at: float) -> None:
        """Somebody came to ask; where nobody had for long, the failures before are forgotten."""
        if at - self._failed_at > IDLE:
            self._forget()

    def sent(self, sent: Sent) -> None:
        """A request that leaves through the shut gate is its probe."""
        if self.shut:
            self._probe, self.opens_at = sent, float("inf")

    def answered(self, sent: Sent) -> None:
        """A sound answer opens the gate."""
        self.answered_at = max(self.answered_at, sent.at)
        if self.failing_since is not None:
            self._forget()

    def limited(self, now: float, sent: Sent, waited: float = 0.0) -> None:
        """A 429 came: the API lives, but nothing succeeded. ``waited`` are the seconds in line before."""
        self._failed(now, sent.at - waited)
        self._released(now, sent)

    def fault(self, now: float, sent: Sent, waited: float = 0.0, *, suspect: bool) -> None:
        """A fault came; a suspect page's says nothing of the API. ``waited`` as in `limited`."""
        if not suspect:
            self._failed(now, sent.at - waited)
            self._faults += 1
            if self._faults >= self._fewest and self.lasted >= SHORTEST and not self.shut:
                self.opens_at = now + self._gap
        self._released(now, sent)

    def lost(self, now: float, sent: Sent) -> None:
        """A request was cancelled; if it was the probe, another may go."""
        self._released(now, sent)

    def _forget(self) -> None:
        self.opens_at, self._probe, self._gap = OPEN, None, FIRST_PROBE
        self.failing_since, self._faults, self.lasted = None, 0, 0.0

    def _failed(self, now: float, asked: float) -> None:
        self.asked(asked)
        self._failed_at = now
        if self.failing_since is None:
            self.failing_since = now
        self.lasted = now - self.failing_since

    def _released(self, now: float, sent: Sent) -> None:
        if self._probe == sent:
            self._probe = None
            self._gap = min(LAST_PROBE, 2 * self._gap)
            self.opens_at = now + self._gap

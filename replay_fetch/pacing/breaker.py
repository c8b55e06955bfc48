"""The outage gate: when nothing at all succeeds, one probe at a time goes out."""

from __future__ import annotations

from replay_fetch.model import RateLimit
from replay_fetch.pacing.policy import Sent
from replay_fetch.pacing.rejections import Rejections

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

    ``patience`` is how long, in seconds, nothing but faults may come before whoever asks is told to stop;
    ``fewest_faults`` must be more than one sick page can cause by itself. The clock starts at the
    first fault, and anew where nobody asked for ``IDLE`` seconds: time in which nobody asks says nothing
    of the API. It stands still from a fault to a 429 and from a 429 to the next fault: the API lived, and
    the waiting was by its order. A 429 neither shuts nor opens the gate; ``rejections`` are patient with those.
    """

    def __init__(self, patience: float, fewest_faults: int = FEWEST_FAULTS) -> None:
        self._patience = patience
        self._fewest = max(FEWEST_FAULTS, fewest_faults)
        self.rejections = Rejections(patience)
        self.answered_at = float("-inf")
        """When the latest request left that was answered soundly."""
        self.opens_at = OPEN
        """When the shut gate lets the next probe through; infinite while one is on its way."""
        self._faults = 0
        self._failing = False
        """A fault or a 429 came since the latest sound answer."""
        self._failed_at = float("-inf")
        self._faulted_at: float | None = None
        """When the latest fault came; None where a 429 or a sound answer has come since."""
        self._gap = FIRST_PROBE
        self._probe: Sent | None = None
        self.lasted = 0.0
        """Seconds in which fault followed fault, 0 while answers come."""

    @property
    def hopeless(self) -> bool:
        """True where patience is at its end."""
        return self.lasted > self._patience or self.rejections.hopeless

    @property
    def verdict(self) -> str:
        """What there is to say where patience is at its end."""
        if self.rejections.hopeless:
            return f"{self.rejections}; others use the limit up, or it was withdrawn. Run the same command again later."
        return (
            f"no request has succeeded for {self.lasted:.0f} s; the API looks dead. "
            "Run the same command again later, or with a larger --give-up-after."
        )

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
        if self._failing:
            self._forget()

    def limited(self, now: float, sent: Sent, rate_limit: RateLimit | None = None, waited: float = 0.0) -> None:
        """A 429 came: the API lives, but nothing succeeded. ``waited`` are the seconds in line before."""
        self._failed(now, sent.at - waited)
        self._faulted_at = None
        self.rejections.add(now, rate_limit)
        self._released(now, sent)

    def fault(self, now: float, sent: Sent, waited: float = 0.0, *, suspect: bool) -> None:
        """A fault came; a suspect page's says nothing of the API. ``waited`` as in `limited`."""
        if not suspect:
            self._failed(now, sent.at - waited)
            self.lasted += 0.0 if self._faulted_at is None else now - self._faulted_at
            self._faulted_at = now
            self._faults += 1
            if self._faults >= self._fewest and self.lasted >= SHORTEST and not self.shut:
                self.opens_at = now + self._gap
        self._released(now, sent)

    def lost(self, now: float, sent: Sent) -> None:
        """A request was cancelled; if it was the probe, another may go."""
        self._released(now, sent)

    def _forget(self) -> None:
        self.opens_at, self._probe, self._gap = OPEN, None, FIRST_PROBE
        self._failing, self._faulted_at, self._faults, self.lasted = False, None, 0, 0.0
        self.rejections.forget()

    def _failed(self, now: float, asked: float) -> None:
        self.asked(asked)
        self._failed_at = now
        self._failing = True

    def _released(self, now: float, sent: Sent) -> None:
        if self._probe == sent:
            self._probe = None
            self._gap = min(LAST_PROBE, 2 * self._gap)
            self.opens_at = now + self._gap

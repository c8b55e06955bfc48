"""The circuit breaker: when one failure after another has become a failure of the run, and what ends it."""

from __future__ import annotations

import logging
from enum import Enum

from replay_fetch.errors import OutageError, RetryableError, Unreachable
from replay_fetch.model import RateLimit
from replay_fetch.pacing.policy import Sent
from replay_fetch.pacing.rejections import Rejections

log = logging.getLogger(__name__)

_NEVER = float("-inf")
FEWEST_FAULTS = 10
# Seconds of nothing but faults before they are called an outage; a restart behind a load balancer takes less.
SHORTEST = 5.0
FIRST_PROBE, LAST_PROBE = 1.0, 60.0
# Seconds without a failure after which no page can still be waiting: one pauses at most 60 between attempts.
IDLE = 90.0
# Before anything has succeeded, so many faults in a row are worth a word: a wrong site or a dead proxy shows at once.
_AT_FIRST = 5
# Seconds for which a name that has never been resolved, or a proxy or TLS that has never let anything through, is
# asked for again: a machine that has just started has no network yet; a mistake in a setting stays.
_HOPELESS = 15.0
# Views whose faults are taken for their own from the start: what earlier runs left, while it is little. Were it a
# dead API that failed all of them, each would be asked for again and again.
_DOUBTED = 100
# So many different views where nothing has succeeded yet: fewer can be a session or two that are not for these keys.
IN_A_ROW = 50
# Where a view was fetched before, that view decides; the views in flight by then fail on top of these.
BESIDE_A_SUCCESS = 25


class State(Enum):
    """Whether requests leave, or views are begun, on one of the breaker's two circuits."""

    CLOSED = "closed"
    """All go."""
    HALF_OPEN = "half-open"
    """All wait while one is tried: the next request, or a view that was fetched before."""
    OPEN = "open"
    """All wait for the next trial, since the last one failed."""


class CircuitBreaker:
    """Two circuits, of requests and of views, each opened by failures in a row and closed by a success.

    Requests: ten faults or more in five seconds of nothing else open the circuit, one request at a time is let
    through as a probe, and any sound answer closes it. ``patience`` is how long, in seconds, nothing but
    faults may come before the run is told to stop; ``fewest_faults`` must be more than one sick page can cause
    by itself. Views: `view_failed` says when so many have failed alike that a view known to be there should be
    tried; the caller tries it, and sets ``views`` meanwhile. Told the time, in seconds; waits for nothing.
    """

    def __init__(self, patience: float, fewest_faults: int = FEWEST_FAULTS) -> None:
        self._patience = patience
        self._fewest = max(FEWEST_FAULTS, fewest_faults)
        self.rejections = Rejections(patience)
        # When the latest request left that was answered soundly.
        self.answered_at = _NEVER
        # When an open circuit lets the next probe through; infinite while one is on its way, -inf while closed.
        self.probe_at = _NEVER
        self._faults = 0
        # A fault or a 429 came since the latest sound answer.
        self._failing = False
        self._failed_at = _NEVER
        # When the latest fault came; None where a 429 or a sound answer has come since.
        self._faulted_at: float | None = None
        self._gap = FIRST_PROBE
        self._probe: Sent | None = None
        # Seconds in which fault followed fault, 0 while answers come.
        self.lasted = 0.0
        self._said_of, self._said, self._in_a_row = _NEVER, False, 0
        # The latest fault in words, which belongs to the spell since the answer at ``_said_of``.
        self._latest = ""
        self._unreachable_since: float | None = None
        self._doubted = 0
        self.views = State.CLOSED
        self._kind, self._enough = "", IN_A_ROW
        # Views that failed alike since the latest success.
        self.count = 0

    # --- requests

    @property
    def hopeless(self) -> bool:
        """True where patience is at its end, with faults or with 429s."""
        return self.lasted > self._patience or self.rejections.hopeless

    @property
    def verdict(self) -> str:
        """The message for the run that ends because patience is at its end."""
        if self.rejections.hopeless:
            return f"{self.rejections}; others use the limit up, or it was withdrawn. Run the same command again later."
        return (
            f"no request has succeeded for {self.lasted:.0f} s; the API looks dead. "
            "Run the same command again later, or with a larger --give-up-after."
        )

    @property
    def is_open(self) -> bool:
        """True while the circuit of requests is not closed: nothing succeeds anywhere."""
        return self.probe_at != _NEVER

    def asked(self, at: float) -> None:
        """A request came to wait at ``at``; after a long time without any, earlier failures are forgotten."""
        # Time in which no request was made says nothing of the API.
        if at - self._failed_at > IDLE:
            self._forget()

    def sent(self, sent: Sent) -> None:
        """A request left; through the open circuit only the probe leaves."""
        if self.is_open:
            self._probe, self.probe_at = sent, float("inf")

    def answered(self, sent: Sent) -> None:
        """A sound answer came, which closes the circuit of requests."""
        self.answered_at = max(self.answered_at, sent.at)
        if self._failing:
            self._forget()

    def limited(self, now: float, sent: Sent, rate_limit: RateLimit | None = None, waited: float = 0.0) -> None:
        """A 429 came to a request that had waited so many seconds in line: the API lives, but nothing succeeded."""
        # Neither opens nor closes: ``rejections`` have patience of their own. And the clock of faults stands still
        # from a fault to a 429 and from a 429 to the next fault, since the waiting was by the API's order.
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
            if self._faults >= self._fewest and self.lasted >= SHORTEST and not self.is_open:
                self.probe_at = now + self._gap
        self._released(now, sent)

    def lost(self, now: float, sent: Sent) -> None:
        """A request was cancelled; where the probe was, another request may be."""
        self._released(now, sent)

    def _forget(self) -> None:
        self.probe_at, self._probe, self._gap = _NEVER, None, FIRST_PROBE
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
            self.probe_at = now + self._gap

    # --- faults in words

    def note(self, error: RetryableError, now: float, origin: str) -> None:
        """Remember a fault's words; warn of a spell of faults once, until a request to ``origin`` succeeds again.

        Raises OutageError where nothing has ever succeeded, nor will: the host cannot be reached as things are.
        """
        if self.answered_at != self._said_of:
            self._said_of, self._in_a_row, self._said = self.answered_at, 0, False
        self._in_a_row += 1
        self._latest = str(error)
        self._note_reach(error, now, origin)
        never = self.answered_at == _NEVER
        if not self._said and (self.is_open or (never and self._in_a_row >= _AT_FIRST)):
            self._said = True
            spell = "nothing has succeeded yet" if never else "nothing succeeds any more"
            log.warning("%s at %s: %s; asking on until --give-up-after", spell, origin, self._latest)

    def _note_reach(self, error: RetryableError, now: float, origin: str) -> None:
        if not isinstance(error, Unreachable) or self.answered_at != _NEVER:
            self._unreachable_since = None
            return
        if self._unreachable_since is None:
            self._unreachable_since = now
        if now - self._unreachable_since >= _HOPELESS:
            raise OutageError(f"{origin} was never reached: {error}; look at --site, --base-url and the network")

    def explained(self, outage: OutageError) -> OutageError:
        """The outage with the latest fault's words, unless a request has succeeded since: then that was no cause."""
        current = self._latest and self.answered_at == self._said_of
        return OutageError(f"{outage} The latest fault: {self._latest}") if current else outage

    # --- views

    def doubts(self) -> bool:
        """True where one more view that failed in an earlier run is *suspect*: faults of its pages are its own."""
        self._doubted += 1
        return self._doubted <= _DOUBTED

    def view_succeeded(self) -> None:
        """A view ended well, or in a way that says that the API is well."""
        self.count, self._enough = 0, BESIDE_A_SUCCESS

    def view_failed(self, kind: str) -> bool:
        """Count a view that failed in this way; True where a view that was fetched before should be tried."""
        self.count = self.count + 1 if kind == self._kind else 1
        self._kind = kind
        return self.views is State.CLOSED and self.count >= self._enough

    def close(self) -> None:
        """Let views be begun again: the trial went well."""
        self.views, self.count = State.CLOSED, 0

    def __repr__(self) -> str:
        requests = (State.HALF_OPEN if self._probe else State.OPEN) if self.is_open else State.CLOSED
        return (
            f"<CircuitBreaker requests {requests.value}, views {self.views.value}, "
            f"{self.count} of {self._enough} {self._kind!r}>"
        )

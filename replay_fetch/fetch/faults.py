"""What goes wrong while nothing succeeds: said once, and told again where the run ends by it."""

from __future__ import annotations

import logging

from replay_fetch.errors import OutageError, RetryableError, Unreachable
from replay_fetch.pacing import Health

log = logging.getLogger(__name__)

# Before anything has succeeded, so many in a row are worth a word: a wrong site or a dead proxy shows at once.
_AT_FIRST = 5
_NEVER = float("-inf")
# Seconds for which a name that has never been resolved, or a proxy or TLS that has never let anything through, is
# asked for again: a machine that has just started has no network yet; a mistake in a setting stays.
_HOPELESS = 15.0
# Views whose faults are taken for their own from the start: what earlier runs left, while it is little. Were it a
# dead API that failed all of them, each would be asked for again and again.
_DOUBTED = 100


class Faults:
    """Faults since the latest sound answer of the API at ``origin``."""

    def __init__(self, origin: str = "") -> None:
        self._origin = origin
        self._latest = ""
        self._since = _NEVER
        self._count = 0
        self._said = False
        self._unreachable_since: float | None = None
        self._doubted = 0

    def doubt(self) -> bool:
        """Whether the faults of one more view that failed in an earlier run are its own, and no sign of an outage."""
        self._doubted += 1
        return self._doubted <= _DOUBTED

    def note(self, error: RetryableError, health: Health) -> None:
        """One more; logged as a warning where it is no passing one, once until something succeeds again.

        Raises OutageError where nothing has ever succeeded, nor will: the host cannot be reached as things are.
        """
        if health.answered_at != self._since:
            self._since, self._count, self._said = health.answered_at, 0, False
        self._count += 1
        self._latest = str(error)
        self._note_reach(error, health)
        if not self._said and (health.outage or (self._since == _NEVER and self._count >= _AT_FIRST)):
            self._said = True
            what = "nothing has succeeded yet" if self._since == _NEVER else "nothing succeeds any more"
            log.warning("%s at %s: %s; asking on until --give-up-after", what, self._origin, self._latest)

    def _note_reach(self, error: RetryableError, health: Health) -> None:
        if not isinstance(error, Unreachable) or health.answered_at != _NEVER:
            self._unreachable_since = None
            return
        if self._unreachable_since is None:
            self._unreachable_since = health.now
        if health.now - self._unreachable_since >= _HOPELESS:
            raise OutageError(f"{self._origin} was never reached: {error}; look at --site, --base-url and the network")

    def explained(self, outage: OutageError, health: Health) -> OutageError:
        """The same, with the latest fault, unless something has succeeded since: then it was not the cause."""
        current = self._latest and health.answered_at == self._since
        return OutageError(f"{outage} The latest fault: {self._latest}") if current else outage

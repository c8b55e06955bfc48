"""The check of the credentials: keys that are refused are told from a view that is forbidden to good keys.

A 401 speaks of the keys, whatever was asked for. Until it is final (see `Spell`), it is a fault of the API like any
other: it is asked again, and the circuit breaker lets one request at a time through.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from replay_fetch.api.status import UNAUTHORIZED
from replay_fetch.clock import Spell
from replay_fetch.errors import AuthError, Forbidden, ServerError
from replay_fetch.model import View

# A 403 may be meant for one view alone, or for one session. Before anything succeeded, views of this many
# different sessions refused in a row speak against the keys; a list that starts with a forbidden session still runs.
_SESSIONS_REFUSED = 3

T = TypeVar("T")


class CredentialCheck:
    """Watches answers until the keys are known to be good, and for 401s from then on.

    ``permission`` is the permission that the application key needs, for the message. Where the check does not judge
    ``alone``, its caller asks for more views before the keys are blamed for 403s.
    """

    def __init__(self, permission: str = "rum_session_replay_read", *, alone: bool = True) -> None:
        self._permission = permission
        self._alone = alone
        self._unauthorized = Spell()
        self._forbidden_before: set[Hashable] = set()
        self._refused: set[Hashable] = set()
        self._last: Forbidden | None = None

    @contextmanager
    def known_forbidden(self, view: View) -> Iterator[None]:
        """Ask for a view that an earlier run found forbidden: another refusal says nothing of the keys."""
        self._forbidden_before.add(view)
        try:
            yield
        finally:
            self._forbidden_before.discard(view)

    @property
    def accepted(self) -> bool:
        """True where an answer was good: the keys were so at that time."""
        return self._unauthorized.succeeded

    def accept(self) -> None:
        """Note an answer that only good keys are given."""
        self._unauthorized.over()

    def refused(self, about: Hashable, error: Forbidden, now: float) -> None:
        """Note a 401 or 403 for a view, or for a search, at ``now`` in seconds.

        Raises AuthError where the keys are to blame, ServerError for a 401 that proves nothing yet.
        """
        self._last = error
        if error.status == UNAUTHORIZED:
            raise self.auth_error(error) if self._unauthorized.is_final(now) else ServerError(str(error))
        # Once the verdict stands, more sessions would only fill the memory.
        if not (self.accepted or self.suspicious or about in self._forbidden_before):
            self._refused.add(about.session_id if isinstance(about, View) else about)
        if self._alone and self.suspicious:
            raise self.auth_error(error)

    @property
    def suspicious(self) -> bool:
        """True where no answer was good, and views of so many sessions were refused that the keys are in doubt."""
        return not self.accepted and len(self._refused) >= _SESSIONS_REFUSED

    @property
    def unproven(self) -> bool:
        """True where a view was refused and no answer was good: the keys may be to blame."""
        return bool(self._refused) and not self.accepted

    def finish(self) -> None:
        """End the watch with the run; raises AuthError where a view was refused and no answer was ever good."""
        if self.unproven and self._last is not None:
            raise self.auth_error(self._last)

    def auth_error(self, error: Forbidden) -> AuthError:
        """The error for keys that are refused, with advice: which variables, which site, which permission."""
        return AuthError(
            f"{error}. Check DD_API_KEY and DD_APP_KEY (or DD_BEARER_TOKEN) and the "
            f"site they belong to (--site); the application key needs the permission {self._permission}",
        )


class HeldBack(Generic[T]):
    """Endings of refused views, held back until the keys are known to be good.

    Recorded at once, a run with wrong keys would leave an archive full of forbidden views. The circuit breaker
    bounds how many can be held.
    """

    def __init__(self, check: CredentialCheck) -> None:
        self._check = check
        self._held: list[T] = []

    def hold(self, ending: T) -> bool:
        """Take an ending in; returns False, and holds nothing, where the keys are known to be good."""
        if not self._check.accepted:
            self._held.append(ending)
        return not self._check.accepted

    def released(self) -> Iterator[T]:
        """Give each ending out once, the latest first, where the keys have been accepted meanwhile."""
        while self._held and self._check.accepted:
            yield self._held.pop()

    def all(self) -> list[T]:
        """The endings that are still held, in the order of their coming, for the end of a run."""
        return self._held

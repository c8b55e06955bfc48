"""Telling refused keys from one view that is forbidden."""

from __future__ import annotations

from collections.abc import Hashable

from replay_fetch.errors import AuthError, Forbidden
from replay_fetch.model import View

# A 403 may be meant for one view alone, or for one session. Before anything succeeded, views of this many
# different sessions refused in a row speak against the keys; a list that starts with a forbidden session still runs.
_SESSIONS_REFUSED = 3
_UNAUTHORIZED = 401


class CredentialCheck:
    """Watches answers until the keys are known to be good."""

    def __init__(self, permission: str = "rum_session_replay_read", *, alone: bool = True) -> None:
        """``permission`` is what the application key needs, for the message.

        Where it does not judge ``alone``, somebody else asks for more before the keys are blamed for 403s.
        """
        self._permission = permission
        self._alone = alone
        self.accepted = False
        self.forbidden_before: set[Hashable] = set()
        """Views being asked for that were forbidden in an earlier run too: that says nothing of the keys."""
        self._refused: set[Hashable] = set()
        self._last: Forbidden | None = None

    def refused(self, about: Hashable, error: Forbidden) -> None:
        """Note a 401 or 403 for a view, or something else; raises AuthError where the keys are to blame.

        A 401 always speaks of the keys.
        """
        self._last = error
        if not (self.accepted or self.suspicious or about in self.forbidden_before):  # more would only fill the memory
            self._refused.add(about.session_id if isinstance(about, View) else about)
        if error.status == _UNAUTHORIZED or (self._alone and self.suspicious):
            raise self.auth_error(error)

    @property
    def suspicious(self) -> bool:
        """True where nothing was accepted, and so much was refused that it speaks against the keys."""
        return not self.accepted and len(self._refused) >= _SESSIONS_REFUSED

    @property
    def unproven(self) -> bool:
        """True where something was refused and nothing was accepted."""
        return bool(self._refused) and not self.accepted

    def finish(self) -> None:
        """Raise AuthError where the run is over, nothing was accepted and something was refused."""
        if self.unproven and self._last is not None:
            raise self.auth_error(self._last)

    def auth_error(self, error: Forbidden) -> AuthError:
        """The error for keys that are refused, with what to do about it."""
        return AuthError(
            f"the API refuses the keys: {error}. Check DD_API_KEY and DD_APP_KEY (or DD_BEARER_TOKEN) and the "
            f"site they belong to (--site); the application key needs the permission {self._permission}",
        )

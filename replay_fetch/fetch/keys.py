"""Telling refused keys from one view that is forbidden."""

from __future__ import annotations

from collections.abc import Hashable

from replay_fetch.errors import AuthError, Forbidden

# A 403 may be meant for one view alone. Before anything succeeded, this many different views refused
# in a row are taken to be the keys' fault; a list that starts with a forbidden view still runs.
_VIEWS_REFUSED = 3
_UNAUTHORIZED = 401


class KeyWatch:
    """Watches answers until the keys are known to be good."""

    def __init__(self, permission: str = "rum_session_replay_read") -> None:
        """``permission`` is what the application key needs, for the message."""
        self._permission = permission
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
        if not self.accepted and about not in self.forbidden_before:  # later ones would only fill the memory
            self._refused.add(about)
        if error.status == _UNAUTHORIZED or (not self.accepted and len(self._refused) >= _VIEWS_REFUSED):
            raise self.auth_error(error)

    def finish(self) -> None:
        """Raise AuthError where the run is over, nothing was accepted and something was refused."""
        if self._refused and not self.accepted and self._last is not None:
            raise self.auth_error(self._last)

    def auth_error(self, error: Forbidden) -> AuthError:
        """The error for keys that are refused, with what to do about it."""
        return AuthError(
            f"the API refuses the keys: {error}. Check DD_API_KEY and DD_APP_KEY (or DD_BEARER_TOKEN) and the "
            f"site they belong to (--site); the application key needs the permission {self._permission}",
        )

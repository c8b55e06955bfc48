"""Whom the simulator lets in."""

from __future__ import annotations

from collections.abc import Mapping

from replay_fetch.simulator.choices import AuthMode
from replay_fetch.simulator.replies import RefusalError
from replay_fetch.simulator.settings import AuthSettings

_KEY_NAMES = frozenset({"ddapikey", "ddapplicationkey", "apikey", "appkey", "applicationkey", "authorization", "token"})


class Auth:
    """Checks the credentials of a request."""

    def __init__(self, settings: AuthSettings) -> None:
        self._settings = settings

    def check(self, headers: Mapping[str, str], query: Mapping[str, str]) -> None:
        """Raises RefusalError: 400 where a key stands in the query, 401 or 403 where none that fits is sent."""
        if any(name.lower().replace("-", "").replace("_", "") in _KEY_NAMES for name in query):
            raise RefusalError(400, "Keys are not taken from the query; send them as headers")
        if not self._lets_in(headers):
            raise RefusalError(self._settings.refusal)

    def _lets_in(self, headers: Mapping[str, str]) -> bool:
        wanted = self._settings
        keys = (headers.get("DD-API-KEY"), headers.get("DD-APPLICATION-KEY")) == (wanted.api_key, wanted.app_key)
        bearer = headers.get("Authorization") == f"Bearer {wanted.bearer_token}"
        return {
            AuthMode.ANY: keys or bearer,
            AuthMode.KEYS: keys,
            AuthMode.BEARER: bearer,
            AuthMode.OFF: True,
        }[wanted.mode]

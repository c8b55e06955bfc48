"""Keys that an answer says back, taken out of it before anybody reads or keeps it."""

from __future__ import annotations

import json

from msgspec.structs import replace

from replay_fetch.api.body import inflate
from replay_fetch.model import Answer
from replay_fetch.settings import Credentials

_HIDDEN = "***"
_MOST_INFLATED = 16 * 2**20


class Echoes:
    """What stands for the keys in answers: themselves, and their form within a JSON string."""

    def __init__(self, keys: Credentials | None = None) -> None:
        secrets = (keys.api_key, keys.app_key, keys.bearer_token) if keys else ()
        self._forms = tuple({form for secret in secrets if secret for form in (secret, json.dumps(secret)[1:-1])})

    def __repr__(self) -> str:
        return "<Echoes of keys>"

    def removed(self, answer: Answer) -> Answer:
        """The answer without any key; itself where it holds none. A packed body is looked into."""
        unpacked = _unpacked(answer)
        body, headers = unpacked.body, dict(unpacked.headers)
        for form in self._forms:
            body = body.replace(form.encode(), _HIDDEN.encode())
            headers = {name: value.replace(form, _HIDDEN) for name, value in headers.items()}
        if body == unpacked.body and headers == unpacked.headers:
            return answer
        return replace(unpacked, headers=headers, body=body)


def _unpacked(answer: Answer) -> Answer:
    try:
        body = inflate(answer.body, answer.headers.get("content-encoding", ""), max(_MOST_INFLATED, len(answer.body)))
    except ValueError:
        return answer
    if body is answer.body:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
    return replace(answer, headers=headers, body=body)

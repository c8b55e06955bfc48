"""Redaction of keys that an answer says back, before anybody reads or keeps the answer.

A gateway's debug page or header may hold the request. An archive promises every byte as received (promise 1), and
promises to store keys nowhere (promise 7). Where an answer says a key back, promise 7 wins, and ``***`` stands in
the key's place.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from replay_fetch.api.body import inflate, is_packed
from replay_fetch.errors import RequestError
from replay_fetch.model import Page, Response
from replay_fetch.settings import Credentials

_HIDDEN = "***"
# The vendor's keys have 32 and 40 digits. What is shorter than this, as a test's "k" is, stands in every page by
# chance: taken out, it damages recordings, and names such as ``data`` with them.
_SHORTEST = 8
# As much as a page may inflate to.
_MOST_INFLATED = 256 * 2**20

T = TypeVar("T")


class SecretRedactor:
    """Replaces keys in answers, in plain form and in the form within a JSON string; ``keys`` None redacts nothing."""

    def __init__(self, keys: Credentials | None = None) -> None:
        secrets = (keys.api_key, keys.app_key, keys.bearer_token) if keys else ()
        long = [secret for secret in secrets if len(secret) >= _SHORTEST]
        forms = sorted({form for secret in long for form in (secret, json.dumps(secret)[1:-1])})
        self._forms = {form: form.encode() for form in forms}

    def __repr__(self) -> str:
        return "<SecretRedactor of keys>"

    def removed(self, answer: Response) -> Response:
        """Return the answer without any key; the same object where no key is inside. Packed bodies are unpacked.

        Called for every plain page, so the first step only looks: 3 µs a key for 20 kB.
        """
        unpacked = _unpacked(answer) if is_packed(answer) else answer
        said = "\n".join(unpacked.headers.values())
        if not self._within(unpacked.body) and not any(map(said.__contains__, self._forms)):
            return answer
        body, headers = unpacked.body, dict(unpacked.headers)
        for form, encoded in self._forms.items():
            body = body.replace(encoded, _HIDDEN.encode())
            headers = {name: value.replace(form, _HIDDEN) for name, value in headers.items()}
        return replace(unpacked, headers=headers, body=body)

    def read(self, read: Callable[[Response], T], answer: Response, *, kept: bool) -> tuple[T, Response]:
        """Call ``read`` on a good answer; return the result and the answer, neither with a key inside.

        Unpacking costs as much as all other work on a page. A packed page is therefore unpacked for redaction only
        where the page is ``kept``, or is no page of segments; else the decoded page is looked at instead.
        """
        if kept or not is_packed(answer):
            clean = self.removed(answer)
            return read(clean), clean
        try:
            found = read(answer)
        except RequestError:  # it may quote the answer, or carry it
            clean = self.removed(answer)
            if clean is answer:
                raise
        else:
            if isinstance(found, Page) and not self._in_page(found):
                return found, answer
            clean = self.removed(answer)
            if clean is answer:
                return found, answer
        return read(clean), clean

    def _in_page(self, page: Page) -> bool:
        parts = (part for segment in page.segments for part in (segment.raw, segment.item) if part)
        return any(map(self._within, parts)) or self._within((page.token or "").encode("utf-8", "surrogatepass"))

    def _within(self, text: bytes) -> bool:
        return any(map(text.__contains__, self._forms.values()))


def _unpacked(answer: Response) -> Response:
    try:
        body = inflate(answer.body, answer.headers.get("content-encoding", ""), max(_MOST_INFLATED, len(answer.body)))
    except ValueError:
        return answer
    if body is answer.body:
        return answer
    headers = {name: value for name, value in answer.headers.items() if name != "content-encoding"}
    return replace(answer, headers=headers, body=body)

"""Keys that an answer says back: which ones are taken out, and which ones nobody can tell from the answer itself."""

from __future__ import annotations

import pytest

from replay_fetch.api.redact import SecretRedactor
from replay_fetch.model import Response
from replay_fetch.settings import Credentials

PAGE = b'{"data":[],"meta":{"next_cursor":"k2"}}'


def test_keys_of_a_letter_damage_no_answer() -> None:
    answer = Response(200, {"x": "ka"}, PAGE)
    assert SecretRedactor(Credentials("k", "a")).removed(answer) is answer


@pytest.mark.parametrize("key", ["8letters", "0123456789abcdef0123456789abcdef"])
def test_keys_from_eight_letters_on_are_taken_out(key: str) -> None:
    answer = Response(200, {"x": f"said {key}"}, PAGE + key.encode())
    assert SecretRedactor(Credentials(key, "a")).removed(answer) == Response(200, {"x": "said ***"}, PAGE + b"***")

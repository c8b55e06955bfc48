"""Answers of the calls around the main one: one JSON object, in a layout that is documented."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping

import orjson

from replay_fetch.api.body import CutBody, OversizedBody, inflate
from replay_fetch.api.coding import MissingZstd
from replay_fetch.api.error_text import body_text, error_text
from replay_fetch.errors import BadBody, GarbledBody, ServerError, ServerTimeout
from replay_fetch.model import Answer
from replay_fetch.printable import printable

_MOST_BYTES = 256 * 2**20
# 204 and 205 have no body, 202 is a promise, 206 a part.
_WHOLE = frozenset({200, 201, 203})
# "done" and "timeout" are documented; the others mean well in other calls.
_GOOD_STATUS = frozenset({"done", "ok", "success", "succeeded", "complete", "completed", "finished"})
_TIMED_OUT = frozenset({"timeout", "timed_out", "timedout"})
_CUT = ("partial", "truncated", "incomplete", "timed_out")


def json_object(answer: Answer) -> dict[str, object]:
    """The object in a 2xx answer.

    Raises GarbledBody where the answer is damaged and ServerError where it says of itself that it is not
    whole, or no success, so that asking again may help; BadBody where it is whole but no object.
    """
    if answer.status not in _WHOLE:
        raise ServerError(f"answered {answer.status}, which is not the whole of an answer")
    try:
        body = inflate(answer.body, answer.headers.get("content-encoding", ""), _MOST_BYTES)
        value = _value(body.removeprefix(BOM_UTF8))
    except CutBody as damage:
        raise GarbledBody(str(damage), answer) from None
    except (OversizedBody, MissingZstd) as reason:
        raise BadBody(str(reason), answer) from None
    except RecursionError:
        raise BadBody("the answer is nested deeper than any answer of the API", answer) from None
    except ValueError:
        raise GarbledBody(f"no JSON where JSON was expected: {error_text(answer)}", answer) from None
    if not isinstance(value, dict):
        raise BadBody("the answer is JSON, but not an object", answer)
    _check_what_it_says(value)
    return value


def _check_what_it_says(body: Mapping[str, object]) -> None:
    """Raise for an answer that tells of errors, or of being cut short, beside what it holds."""
    for place in (body, body.get("meta")):
        if not isinstance(place, Mapping):
            continue
        for key in ("errors", "error"):
            if place.get(key):
                raise ServerError(f"the answer tells of errors: {_words(place[key])}")
        status = place.get("status")
        if isinstance(status, str) and status.lower() not in _GOOD_STATUS:
            if status.lower() in _TIMED_OUT:
                raise ServerTimeout("the answer says that it timed out on the server's side, and is not whole")
            raise ServerError(f"the answer says that its status is {printable(status, 40)}")
        cut = next((key for key in _CUT if place.get(key) is True), None)
        if cut is not None:
            raise ServerError(f"the answer says that it is {cut}")


def _words(errors: object) -> str:
    """What is wrong, without what looks like a key."""
    return body_text(json.dumps({"errors": errors}).encode()) or "without words"


def dig(value: object, *keys: str) -> object:
    """What stands in nested objects under these keys; None where nothing does."""
    for key in keys:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def _value(text: bytes) -> object:
    try:
        value: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        # Lone surrogates are in what browsers send; the standard library takes them.
        value = json.loads(text.decode("utf-8", "replace"))
    return value

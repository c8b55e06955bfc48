"""Answers of the calls around the main call: a single JSON object, in a layout that the vendor documents."""

from __future__ import annotations

import json
from codecs import BOM_UTF8

import orjson

from replay_fetch.api import json_split
from replay_fetch.api.body import CutBody, OversizedBody, inflate
from replay_fetch.api.coding import MissingZstd
from replay_fetch.api.envelope import Envelope
from replay_fetch.api.error_text import error_text
from replay_fetch.api.soundness import DONE, UnsoundError, require_sound
from replay_fetch.errors import BadBody, GarbledBody, ServerError, ServerTimeout
from replay_fetch.model import Response

# The same bound as for a page of segments, unless the user sets another one there.
_MOST_BYTES = 256 * 2**20
# 204 and 205 have no body, 202 is a promise, 206 a part.
_WHOLE = frozenset({200, 201, 203})


def json_object(answer: Response) -> dict[str, object]:
    """Decode the object in a 2xx answer.

    Raises GarbledBody for a damaged answer; ServerError where the answer says that something went wrong or is
    missing, ServerTimeout where the server ran out of time, so asking again may help; BadBody for JSON that is
    no object.
    """
    if answer.status not in _WHOLE:
        raise ServerError(f"answered {answer.status}, which is not the whole of an answer")
    try:
        text = json_text(answer)
        value = _value(text)
        if isinstance(value, dict):
            require_sound(Envelope({"": json_split.members(text)}), DONE)
    except CutBody as damage:
        raise GarbledBody(str(damage), answer) from None
    except (OversizedBody, MissingZstd) as reason:
        raise BadBody(str(reason), answer) from None
    except UnsoundError as said:
        raise (ServerTimeout if said.timed_out else ServerError)(str(said)) from None
    except RecursionError:
        raise BadBody("the answer is nested deeper than any answer of the API", answer) from None
    except ValueError:
        raise GarbledBody(f"no JSON where JSON was expected: {error_text(answer)}", answer) from None
    if not isinstance(value, dict):
        raise BadBody("the answer is JSON, but not an object", answer)
    return value


def json_text(answer: Response) -> bytes:
    """Unpack an answer's JSON text, exact to the byte; raises as `inflate` does, which `json_object` explains."""
    body = inflate(answer.body, answer.headers.get("content-encoding", ""), _MOST_BYTES)
    return body.removeprefix(BOM_UTF8)


def dig(value: object, *keys: str) -> object:
    """The value in nested objects under ``keys``; None where a key is missing or a value on the way is no object."""
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

"""The words of an error's body, shortened to fit a message and free of keys."""

from __future__ import annotations

import html
import re
from codecs import BOM_UTF8

import orjson

from replay_fetch.api.body import inflate, is_packed
from replay_fetch.model import Response
from replay_fetch.printable import printable

# Characters of a message: two lines of a terminal.
_LIMIT = 200
# A page that holds a segment is hardly shorter.
_SHORT = 1024
# An error page is read this far; a larger one says no more.
_READ = 64 * 2**10
# A bomb in an error's body costs no more than this.
_MOST_INFLATED = 2**20

_OPENS_JSON = (b"{", b"[")
_unseen = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
_tag = re.compile(r"<[^<>]*>?")
# A body may echo the key it refuses: the vendor's keys are 32 and 40 hexadecimal digits.
_secret = re.compile(r"[0-9a-f]{32,}|(?<=bearer )\S+", re.IGNORECASE)


def error_text(answer: Response) -> str:
    """Read the messages out of an error's body: at most 200 characters, empty where the body has none.

    Reads the vendor's ``{"errors": […]}`` in both forms, HTML and plain text; never raises. Texts that look like a
    key are left out, since some gateways repeat the request.
    """
    return body_text(_inflated(answer))


def is_the_apis_own(answer: Response) -> bool:
    """True of an error that the API itself gave: the body is a JSON object with ``errors``.

    Every documented error of the API has ``errors``, and no page of a gateway has. Never raises: a damaged body is a
    stranger's.
    """
    body = _inflated(answer)
    if len(body) > _READ:
        return False
    value = _parsed(body)
    return isinstance(value, dict) and "errors" in value


def tells_of_errors(answer: Response) -> bool:
    """True of a short 2xx with ``errors`` or ``error``: some servers fail and still say 200.

    Only bodies up to 1 kB are looked into. A longer body is a page, and the decoder says what is wrong there. Never
    raises.
    """
    if len(answer.body) > _SHORT:
        return False
    body = _inflated(answer)
    if b'"error' not in body:
        return False
    value = _parsed(body)
    places = (value, value.get("meta")) if isinstance(value, dict) else ()
    return any(isinstance(place, dict) and (place.get("errors") or place.get("error")) for place in places)


def is_markup(answer: Response) -> bool:
    """True of HTML or XML where JSON was asked for, as gateways send; of a packed body only where it is labelled HTML.

    Never raises.
    """
    # Cheapest first, for this is asked of every page. Unpacking costs as much as all other work on one, so a page that
    # says that it is JSON is believed.
    body = answer.body
    if body[:1] in _OPENS_JSON:
        return False
    if is_packed(answer):
        if "html" not in answer.headers.get("content-type", ""):
            return False
        body = _inflated(answer)
    return body.removeprefix(BOM_UTF8).lstrip()[:1] == b"<"


def _parsed(body: bytes) -> object:
    """Parse a body as JSON; None where it is none."""
    try:
        parsed: object = orjson.loads(body.removeprefix(BOM_UTF8))
    except ValueError:
        return None
    return parsed


def _inflated(answer: Response) -> bytes:
    """Undo the compression of an error's body; empty where the compression is damaged."""
    try:
        return inflate(answer.body, answer.headers.get("content-encoding", ""), max(_MOST_INFLATED, len(answer.body)))
    except ValueError:
        return b""


def body_text(body: bytes) -> str:
    """Read the messages out of an error's body that is not compressed; see `error_text`."""
    said = _json_messages(body)
    if said is None:
        said = _plain(body[:_READ].decode("utf-8", "replace"))
    return printable(_secret.sub("[…]", said), _LIMIT)


def _json_messages(body: bytes) -> str | None:
    """Join the messages of a JSON body; None where the body is not JSON, or JSON without a message."""
    if len(body) > _READ or body[:1] not in _OPENS_JSON:
        return None
    value = _parsed(body)
    if value is None:
        return None
    errors = value.get("errors") if isinstance(value, dict) else value
    if errors is None:
        return _message(value) or None
    messages = errors if isinstance(errors, list) else [errors]
    return "; ".join(filter(None, map(_message, messages)))


def _message(error: object) -> str:
    if not isinstance(error, dict):
        # A list here has no words of its own, and written out it may be nested deeper than Python goes.
        return "" if error is None or isinstance(error, list) else str(error)
    known = [error[key] for key in ("title", "detail", "message", "error") if isinstance(error.get(key), str)]
    return ": ".join(dict.fromkeys(known))


def _plain(text: str) -> str:
    if "<" not in text:
        return text
    return html.unescape(_tag.sub(" ", _unseen.sub(" ", text)))

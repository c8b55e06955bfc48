"""What goes back: a status, a body, headers, and how they are to be sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from replay_fetch.simulator.choices import ErrorBody
from replay_fetch.simulator.shapes import Body

EMPTY = Body(b"", {})
HTML = Body(
    b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body><h1>Something went wrong</h1></body></html>\n",
    {"Content-Type": "text/html"},
)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, and how it is to be sent."""

    status: int
    body: Body = field(repr=False)
    limit_headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before anything of it is sent."""
    fault: str | None = None
    """What is done to it, where something is; see ``faults``."""


class RefusalError(Exception):
    """The request is answered with an error status."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or _title(status)

    def reply(self, form: ErrorBody) -> Reply:
        """The answer, with its body in one of the forms the vendor's APIs are known to give."""
        return Reply(self.status, _body(form, self.status, self.message))


def json_body(value: object) -> Body:
    """A body that holds one JSON value."""
    return Body(json.dumps(value).encode(), {"Content-Type": "application/json"})


def _body(form: ErrorBody, status: int, message: str) -> Body:
    match form:
        case ErrorBody.TEXTS:
            return json_body({"errors": [message]})
        case ErrorBody.OBJECTS:
            return json_body({"errors": [{"title": _title(status), "detail": message, "status": str(status)}]})
        case ErrorBody.NO_ERRORS:
            return json_body({"errors": []})
        case ErrorBody.HTML:
            return HTML
        case ErrorBody.EMPTY:
            return EMPTY


def _title(status: int) -> str:
    """A status in words, also one that HTTP does not know, such as 512."""
    try:
        return HTTPStatus(status).phrase.capitalize()
    except ValueError:
        return "Try again"

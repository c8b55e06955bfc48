"""Replies of the simulator: status, body and headers, and the fault and the delay of their sending."""

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
    """An answer, with the delay before its first byte and the fault that breaks it on the wire."""

    status: int
    body: Body = field(repr=False)
    limit_headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds before the first byte is sent."""
    fault: str | None = None
    """The kind of fault that breaks the answer on the wire, one of ``faults``; None for a whole answer."""


class RefusalError(Exception):
    """A refusal: the request is answered with an error status, and a message for the body."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or _title(status)

    def reply(self, form: ErrorBody) -> Reply:
        """Make the answer, its body in one of the forms that the vendor's APIs are known to give."""
        return Reply(self.status, _body(form, self.status, self.message))


def json_body(value: object) -> Body:
    """Make a body that holds one JSON value, with the content type that goes with it."""
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
    """Write a status in words; also a status that HTTP does not know, such as 512."""
    try:
        return HTTPStatus(status).phrase.capitalize()
    except ValueError:
        return "Try again"

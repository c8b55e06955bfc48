"""What a status means: nothing, or which error."""

from __future__ import annotations

from urllib.parse import urlsplit

from replay_fetch.api.error_text import error_text
from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.errors import (
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    RequestError,
    ServerError,
    ServerTimeout,
    TokenRefused,
)
from replay_fetch.model import Answer, RateLimit
from replay_fetch.printable import printable

_OK = range(200, 300)
_REDIRECT = range(300, 400)
_CLIENT_ERROR = range(400, 500)
_TIMEOUTS = frozenset({408, 504})
_TOO_MANY = 429
_NOT_FOUND = 404
_TOKEN_REFUSALS = frozenset({400, 404, 410})


def check_status(answer: Answer, *, first_page: bool, now_epoch: float, what: str = "this view") -> None:
    """Raise what the answer's status means; return for 2xx.

    ``first_page`` says that no paging token was sent. ``now_epoch``, seconds since 1970, is what
    epochs and dates in a 429's headers are held against. ``what`` names what was asked for where the
    API does not have it.
    """
    if answer.status in _OK:
        return
    if answer.status == _TOO_MANY:
        raise RateLimited(rate_limit(answer.headers, now_epoch=now_epoch) or RateLimit())
    raise _error(answer, what, first_page=first_page)


def _error(answer: Answer, what: str, *, first_page: bool) -> RequestError:
    """The error for a status that is neither 2xx nor 429; the first that fits."""
    status = answer.status
    if status in _TIMEOUTS or status not in range(100, 500):  # 5xx, with it the undocumented 512
        failed = ServerTimeout if status in _TIMEOUTS else ServerError
        return failed(_message("the server failed", answer))
    if status in _REDIRECT:
        return Rejected(f"redirected ({status}) to {_target(answer)}; redirects are not followed: check --site")
    if not first_page and status in _TOKEN_REFUSALS:
        return TokenRefused(_message("the paging token is refused", answer))
    if status in (401, 403):
        return Forbidden(_message("the keys are refused", answer), status=status)
    if status == _NOT_FOUND:
        return NotFound(_message(f"the API does not have {what}", answer))
    return Rejected(_message("the request is refused", answer))


def _message(what: str, answer: Answer) -> str:
    said = error_text(answer)
    return f"{what} ({answer.status}): {said}" if said else f"{what} ({answer.status})"


def _target(answer: Answer) -> str:
    """Where a redirect leads: the origin alone, since the rest may repeat what was sent."""
    try:
        url = urlsplit(answer.headers.get("location", ""))
        host = url.hostname
    except ValueError:
        return "no readable place"
    return printable(f"{url.scheme}://{host}", 100) if host else "this same host"

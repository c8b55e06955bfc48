"""The meaning of a status: a page, or exactly one error of our tree."""

from __future__ import annotations

from urllib.parse import urlsplit

from replay_fetch.api.body import SAYS_NOTHING, text_of
from replay_fetch.api.error_text import error_text, is_markup, is_the_apis_own, tells_of_errors
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
from replay_fetch.model import RateLimit, Response
from replay_fetch.printable import printable

_GOOD = range(200, 300)
_UNAVAILABLE = 503
UNAUTHORIZED, _FORBIDDEN = 401, 403
_REDIRECT = range(300, 400)
_TIMEOUTS = frozenset({408, 504})
_PARTIAL = 206
_TOO_MANY = 429
# Asking again may well be answered otherwise. The vendor documents none of these for this call.
_PASSING = {
    202: "the answer is not ready yet",
    _PARTIAL: "only a part of the answer was sent",
    304: "a cache on the way says that nothing has changed, which it was not asked",
    408: "the server failed",
    409: "the request is in conflict with another",
    423: "the view is locked",
    425: "the server does not dare to answer yet",
}
# The view is not there, or not there any more. Boxes on the way say so too, of things of their own.
_ABSENT = frozenset({404, 410})
_TOKEN_REFUSALS = frozenset({400, 404, 410})
# A body that is no longer may turn out to be none; a page with a segment is longer by far.
_SHORT = 100


def check_status(answer: Response, *, first_page: bool, now_epoch: float, what: str = "this view") -> None:
    """Raise the error that the answer's status means; return for a 2xx that can hold a page.

    ``first_page`` says that no paging token was sent. ``now_epoch``, seconds since 1970, is held against epochs and
    dates in a 429's headers. ``what`` names the wanted thing in messages about an absence.
    """
    if answer.status in _GOOD and answer.status not in _PASSING:
        if not first_page and _breaks_off(answer):
            raise ServerError(f"no body ({answer.status}), where the page behind a paging token was expected")
        return
    if answer.status == _TOO_MANY:
        raise RateLimited(rate_limit(answer.headers, now_epoch=now_epoch) or RateLimit())
    raise _error(answer, what, first_page=first_page)


def _error(answer: Response, what: str, *, first_page: bool) -> RequestError:
    """The error for a status that is neither good nor 429; the first case that fits counts."""
    status = answer.status
    fault = _fault(answer, what)
    if fault:
        failed = ServerTimeout if status in _TIMEOUTS else ServerError
        return failed(_message(fault, answer))
    # A redirect is not followed: it would carry the keys to wherever an answer says.
    if status in _REDIRECT:
        return Rejected(f"redirected ({status}) to {_target(answer)}; redirects are not followed: check --site")
    if not first_page and status in _TOKEN_REFUSALS:
        return TokenRefused(_message("the paging token is refused", answer))
    if status in (UNAUTHORIZED, _FORBIDDEN):
        return Forbidden(_message("the keys are refused", answer), status=status)
    if status in _ABSENT:
        return NotFound(_message(f"the API does not have {what}", answer))
    return Rejected(_message("the request is refused", answer))


def _fault(answer: Response, what: str) -> str:
    """Describe a fault that may pass; empty where asking again would be answered the same."""
    if is_a_strangers(answer):
        return f"the API itself did not answer for {what}"
    if answer.status not in range(100, 500):  # 5xx, with it the undocumented 512
        return "the server failed"
    return _PASSING.get(answer.status, "")


def _breaks_off(answer: Response) -> bool:
    """True of a later page without a body, and without a header that leads on.

    A token led to this page, so silence is no end of the chain: a real last page is an empty list.
    """
    if len(answer.body) > _SHORT or "link" in answer.headers:
        return False
    try:
        return text_of(answer, _SHORT**2) in SAYS_NOTHING
    except ValueError:  # damaged, or larger than it seems: for its reader to say
        return False


def is_a_strangers(answer: Response) -> bool:
    """True of a 404 or 410 that a box on the way gave, and not the API itself.

    An absence is final, so only the API itself is believed. From a gateway the status says no more than a 502 does,
    for the first page and for later pages.
    """
    return answer.status in _ABSENT and not is_the_apis_own(answer)


def health_of(answer: Response, *, of_a_page: bool, good_keys: bool = False) -> int:
    """The status that tells the pacer of the server's health: 503 in place of an answer that is no sound one.

    A maintenance page that says 200 is not sound. Nor is a 200 that tells of errors where a page was asked for, nor
    a 404 that a gateway gives. A search that tells of errors may be too large, and a smaller one may succeed.
    A 401 to ``good_keys``, which other answers showed to be good, is a fault of the servers that know the keys.
    """
    if answer.status in _GOOD:
        unsound = is_markup(answer) or (of_a_page and tells_of_errors(answer))
    else:
        unsound = is_a_strangers(answer) or (good_keys and answer.status == UNAUTHORIZED)
    return _UNAVAILABLE if unsound else answer.status


def _message(what: str, answer: Response) -> str:
    said = "" if answer.status == _PARTIAL else error_text(answer)  # a part of a recording is no message
    return f"{what} ({answer.status}): {said}" if said else f"{what} ({answer.status})"


def _target(answer: Response) -> str:
    """The origin to which a redirect leads, without the path and query, which may repeat the request."""
    try:
        url = urlsplit(answer.headers.get("location", ""))
        host = url.hostname
    except ValueError:
        return "no readable place"
    return printable(f"{url.scheme}://{host}", 100) if host else "this same host"

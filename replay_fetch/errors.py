"""Every error this package raises, in one tree.

::

    ReplayFetchError
    ├── SettingsError            a flag, a key or the environment: nothing was asked      (exit 2)
    ├── InputError               the list or an id cannot be used: nothing was asked      (exit 2)
    ├── AuthError                the API refuses the keys: the run stops                  (exit 3)
    ├── TrustError               the server's certificate is not trusted                  (exit 3)
    ├── ProxyRefused             the proxy wants another user or password                 (exit 3)
    ├── OutageError              only faults past --give-up-after, or only 429s           (exit 3)
    ├── ArchiveError             disk full, archive locked, damaged or not ours           (exit 3)
    │   └── StoreError           the object store refuses, or contradicts its log         (exit 3)
    │       ├── Fenced           a later run has taken the archive over
    │       ├── LeaseHeld        another run is writing to the archive
    │       └── StoreDead        only faults of the store past --give-up-after
    └── RequestError             one page of one view: becomes the view's outcome
        ├── RetryableError       the same page is asked for again
        │   ├── RateLimited      429: waits at the gate, spends no attempt
        │   ├── ServerError      5xx, 512; a gateway's 404; 202, 206, 304, 409, 423, 425; errors in a 200
        │   │   └── ServerTimeout  408, 504, a search that says that it timed out
        │   ├── TransportError   connect, reset, truncated body
        │   │   ├── Stalled      no byte, or hardly any, within --read-timeout
        │   │   └── Unreachable  no name, no TLS, no way through the proxy: final where nothing has ever succeeded
        │   └── GarbledBody      a 200 whose body is cut, an HTML page, or of another view
        ├── NotFound             404, 410 in the API's own words
        ├── Forbidden            401, 403
        ├── Rejected             another 4xx, a redirect, a page that is too large
        ├── TokenRefused         400, 404, 410 for a page behind the first
        ├── BadBody              a body in a shape that no rule knows
        ├── ChainCut             repeated token, promised page without token, page cap
        └── GaveUp               attempts spent; carries the last RetryableError

StoreError and its children are defined in ``replay_fetch.store``, next to the words of stores that they are made of.

A message says what happened, where, and what to do next. None carries a key: the HTTP library's
own exceptions hold request headers and stop at the transport's door.

For users of the library: a RequestError is about one view, and so is an InputError for its ids: go on
with the next one. Every other error would meet the next one too. RetryableErrors leave the library only
as the ``__cause__`` of a GaveUp, a RateLimited not even so.
"""

from __future__ import annotations

from replay_fetch.model import RateLimit, Response


class ReplayFetchError(Exception):
    """The root: catch this class to catch every error that the package raises on purpose. Any other is a defect."""


class SettingsError(ReplayFetchError):
    """A setting, a key or a variable of the environment cannot be used; nothing was asked, and nothing was changed."""


class InputError(ReplayFetchError):
    """The list of views cannot be read, or an id is impossible for a view. The message names the file, line or id."""


class AuthError(ReplayFetchError):
    """The API refuses the keys themselves, not one view. Other keys are needed, or a right of the application key."""


class TrustError(ReplayFetchError):
    """The server's certificate is not trusted: from the start, or for three minutes. ``ca_file`` adds to the trust."""


class ProxyRefused(ReplayFetchError):
    """The proxy wants another user or password: from the start, or for three minutes."""


class OutageError(ReplayFetchError):
    """Nothing but faults came for longer than the run was told to wait, or nothing but 429s for two days."""


class ArchiveError(ReplayFetchError):
    """The archive cannot be read or written, is locked by another run, damaged, or not ours.

    All that was committed before stays, and the message says how to go on.
    """


class RequestError(ReplayFetchError):
    """A page could not be had; the view ends in the outcome that the class maps to."""


class RetryableError(RequestError):
    """The same page may be answered if asked for again. The retry loop does so, and ends in GaveUp."""


class RateLimited(RetryableError):
    """The API answered 429; ``rate_limit`` holds the limit of its headers, with seconds from the answer's arrival."""

    def __init__(self, rate_limit: RateLimit | None = None) -> None:
        super().__init__("rate limited (429)")
        self.rate_limit = rate_limit or RateLimit()

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.rate_limit,)


class ServerError(RetryableError):
    """No answer for now: a 5xx or a status like a 5xx, a gateway's 404, or a 200 that reports a failure of its own."""


class ServerTimeout(ServerError):
    """The server ran out of time: 408, 504, or a search that reports a timeout. Asking for less may help."""


class TransportError(RetryableError):
    """No whole answer came: connect error, reset, stall, or a body that ended early. No byte of it is used."""


class Stalled(TransportError):
    """No byte came within ``--read-timeout``, or hardly any. Asking for less may help."""


class Unreachable(TransportError):
    """No answer can come as things are: no name, no TLS, no way through the proxy.

    After earlier answers the fault may pass. Where no answer ever came, the settings are wrong.
    """


class GarbledBody(RetryableError):
    """A 200 came whole, but its body is cut JSON, an HTML page, or segments of another view; the answer is kept."""

    def __init__(self, message: str, answer: Response) -> None:
        super().__init__(message)
        self.answer = answer

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.answer)


class NotFound(RequestError):
    """404 or 410, as JSON with ``errors``: the API itself denies having the view, as it does past retention."""


class Forbidden(RequestError):
    """401 or 403, not yet known to be meant for this view alone; ``status`` holds the number of the answer."""

    def __init__(self, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.status = status


class Rejected(RequestError):
    """Another 4xx, a redirect, a page that is too large: asking again would be answered the same."""


class TokenRefused(RequestError):
    """400, 404 or 410 for a page behind the first: the paging token has expired, and the chain begins anew."""


class BadBody(RequestError):
    """A body in a shape that no rule knows; ``answer`` holds the whole answer, which is kept under ``raw/``."""

    def __init__(self, message: str, answer: Response) -> None:
        super().__init__(message)
        self.answer = answer

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (str(self), self.answer)


class ChainCut(RequestError):
    """The chain of pages cannot be followed to its end, though pages were answered: the view has more segments."""


class GaveUp(RequestError):
    """All attempts for one page were spent, ``retries`` beyond the first; ``__cause__`` is the last failure."""


def extra_needed(what: str, extra: str) -> str:
    """Say how to get an optional package for ``what``, in a form that works before this project is published."""
    return f"{what} needs the {extra} extra: in a checkout of replay-fetch, pip install '.[{extra}]'"

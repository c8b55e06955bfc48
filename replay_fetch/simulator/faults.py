"""Faults: the failures that requests meet, the same for every concurrency.

Whether a request fails is decided by a hash of the seed, the view, the page and the attempt. The order in which
requests arrive plays no part. Only an outage depends on the clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from replay_fetch.errors import SettingsError
from replay_fetch.model import Source, View
from replay_fetch.simulator.chance import draw

RESET_BEFORE = "reset-before"
RESET_BODY = "reset-body"
STALL_BEFORE = "stall-before"
STALL_BODY = "stall-body"
WRONG_LENGTH = "wrong-length"
TRUNCATED = "truncated"
HTML = "html"

ERRORS = "errors"
"""200 with ``{"errors": […]}``."""
NO_BODY = "no-body"
"""200 with nothing in it."""
NOT_READY = "not-ready"
"""202, with a body that says ``pending``."""
PARTIAL = "partial"
"""206 with the first part of the page, and ``Content-Range``."""
GATEWAY_404 = "gateway-404"
"""404 with a body of HTML, as a gateway in front of the API answers."""

KINDS = (
    *(RESET_BEFORE, RESET_BODY, STALL_BEFORE, STALL_BODY, WRONG_LENGTH, TRUNCATED, HTML),
    *(ERRORS, NO_BODY, NOT_READY, PARTIAL, GATEWAY_404),
)
_STATUS = re.compile(r"[45]\d\d")
_SYNTAX = "KIND, KIND:single, KIND:burst=3, KIND:rate=0.1, KIND:sticky,rate=0.1 or KIND:outage=10..20"


class Scope(StrEnum):
    """The requests that a fault is drawn from; ``rate`` is the share of them that fails."""

    ATTEMPT = "attempt"
    """Each attempt is drawn by itself."""
    PAGE = "page"
    """Pages are drawn. The first ``attempts`` attempts at a drawn page fail; later attempts do not."""
    VIEW = "view"
    """Views are drawn. Every attempt at a drawn view fails."""
    OUTAGE = "outage"
    """Every request fails from second ``begin`` to second ``end`` of the simulator's life."""


class Attempt(NamedTuple):
    """One request for one page that the rate limit let through; all fields but ``number`` name the page."""

    view: View
    source: Source
    page: int
    number: int
    """The first is 1."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault and the requests that meet it; by default the first attempt at every page.

    Raises SettingsError, which names ``--fault``, for a kind or a number that cannot be used.
    """

    kind: str
    """A status (``"503"``) or one of ``KINDS``."""
    scope: Scope = Scope.PAGE
    rate: float = 1.0
    attempts: int = 1
    begin: float = 0.0
    end: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS and not _STATUS.fullmatch(self.kind):
            raise SettingsError(f"--fault {self.kind!r}: a status from 400 to 599 or one of {', '.join(KINDS)}")
        if not (0 <= self.rate <= 1 and self.attempts >= 1 and self.begin <= self.end):
            raise SettingsError(
                f"--fault {self.kind}: rate is from 0 to 1, burst at least 1, an outage ends after it begins"
            )

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault from ``KIND[:option,option]``, the value of ``--fault``; raises SettingsError.

        Without options the fault meets the first attempt at every page. With ``rate`` only, each attempt is drawn.
        """
        kind, _, rest = text.partition(":")
        options = dict(option.partition("=")[::2] for option in rest.split(",")) if rest else {}
        rate = options.pop("rate", None)
        # One more option than the rate is allowed: two would name two scopes.
        name, value = options.popitem() if options else ("attempt" if rate else "single", "")
        try:
            if options:
                raise ValueError  # noqa: TRY301 - one message for all that cannot be read
            share = float(rate or 1)
            match name:
                case "attempt":
                    return cls(kind, Scope.ATTEMPT, share)
                case "single" | "burst":
                    return cls(kind, Scope.PAGE, share, attempts=int(value or 1))
                case "sticky":
                    return cls(kind, Scope.VIEW, share)
                case "outage":
                    begin, end = map(float, value.split(".."))
                    return cls(kind, Scope.OUTAGE, begin=begin, end=end)
        except ValueError:
            pass
        raise SettingsError(f"--fault {text!r} cannot be read; write {_SYNTAX}")


class FaultScript:
    """The faults of one simulator: decides for each request which fault it meets; the first that applies wins."""

    def __init__(self, faults: Sequence[Fault], seed: int) -> None:
        self._outages = [fault for fault in faults if fault.scope is Scope.OUTAGE]
        self._others = [fault for fault in faults if fault.scope is not Scope.OUTAGE]
        self._seed = seed

    def outage(self, age: float) -> str | None:
        """Tell the kind of the outage ``age`` seconds after the start; None outside of an outage."""
        return next((fault.kind for fault in self._outages if fault.begin <= age < fault.end), None)

    def fault(self, attempt: Attempt) -> str | None:
        """Tell the kind of fault that an attempt meets; None for an attempt without a fault."""
        numbered = enumerate(self._others)
        return next((fault.kind for number, fault in numbered if self._strikes(number, fault, attempt)), None)

    def _strikes(self, number: int, fault: Fault, attempt: Attempt) -> bool:
        # The number of the fault is part of the draw: two faults of the same rate meet different requests.
        about: tuple[object, ...] = attempt
        if fault.scope is Scope.VIEW:
            about = (attempt.view,)
        elif fault.scope is Scope.PAGE:
            about = attempt[:-1]
            if attempt.number > fault.attempts:
                return False
        return draw(self._seed, "fault", number, *about) < fault.rate

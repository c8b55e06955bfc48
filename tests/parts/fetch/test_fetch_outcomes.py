"""Which outcome an error gives, and when the keys are to blame; every class of error has its row."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replay_fetch.errors import (
    AuthError,
    BadBody,
    ChainCut,
    Forbidden,
    GarbledBody,
    GaveUp,
    NotFound,
    RateLimited,
    Rejected,
    RequestError,
    RetryableError,
    ServerError,
    ServerTimeout,
    Stalled,
    TokenRefused,
    TransportError,
    Unreachable,
)
from replay_fetch.fetch import CredentialCheck, HeldBack
from replay_fetch.model import Outcome, Response, View
from replay_fetch.pipeline.view_walk import answer_of, outcome_of

ANSWER = Response(200, {}, b"?")


def gave_up(cause: RetryableError) -> GaveUp:
    error = GaveUp(f"{cause} (after 9 attempts)")
    error.__cause__ = cause
    return error


# A retryable error never reaches the table by itself: it is asked again, or a GaveUp carries it.
TABLE: list[tuple[RequestError, Outcome, Response | None]] = [
    (RequestError("?"), Outcome.FAILED, None),
    (RetryableError("?"), Outcome.FAILED, None),
    (RateLimited(), Outcome.FAILED, None),
    (ServerError("503"), Outcome.FAILED, None),
    (ServerTimeout("504"), Outcome.FAILED, None),
    (TransportError("reset"), Outcome.FAILED, None),
    (Stalled("no byte"), Outcome.FAILED, None),
    (Unreachable("no name"), Outcome.FAILED, None),
    (GarbledBody("cut", ANSWER), Outcome.FAILED, ANSWER),
    (NotFound("404"), Outcome.MISSING, None),
    (Forbidden("403"), Outcome.FORBIDDEN, None),
    (Rejected("400"), Outcome.FAILED, None),
    (TokenRefused("410"), Outcome.FAILED, None),
    (BadBody("shape", ANSWER), Outcome.UNRECOGNISED, ANSWER),
    (ChainCut("loop"), Outcome.INCOMPLETE, None),
    (gave_up(ServerError("503")), Outcome.FAILED, None),
    (gave_up(TransportError("reset")), Outcome.FAILED, None),
    (gave_up(GarbledBody("cut", ANSWER)), Outcome.UNRECOGNISED, ANSWER),
]


@pytest.mark.parametrize(("error", "outcome", "answer"), TABLE, ids=lambda value: type(value).__name__)
def test_each_error_is_one_outcome(error: RequestError, outcome: Outcome, answer: Response | None) -> None:
    assert (outcome_of(error), answer_of(error)) == (outcome, answer)


def subclasses(kind: type[RequestError]) -> set[type[RequestError]]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_the_table_has_every_error_of_the_package() -> None:
    ours = {kind for kind in subclasses(RequestError) if kind.__module__.startswith("replay_fetch")}
    assert ours == {type(error) for error, _, _ in TABLE}


def refuse(keys: CredentialCheck, *views: str, status: int = 403) -> None:
    for view in views:
        keys.refused(View(view, "v"), Forbidden(f"no ({status})", status=status))


def refuse_and_finish(keys: CredentialCheck) -> None:
    refuse(keys, "a")
    keys.finish()


KEYS_TO_BLAME: dict[str, Callable[[CredentialCheck], None]] = {
    "views of three sessions": lambda keys: refuse(keys, "a", "b", "c"),
    "one 401": lambda keys: refuse(keys, "a", status=401),
    "nothing but one view, at the end": refuse_and_finish,
}


@pytest.mark.parametrize("refusals", KEYS_TO_BLAME.values(), ids=KEYS_TO_BLAME)
def test_the_keys_are_to_blame_for(refusals: Callable[[CredentialCheck], None]) -> None:
    with pytest.raises(AuthError, match=r"no \(40[13]\)\. Check DD_API_KEY.*--site.*rum_session_replay_read"):
        refusals(CredentialCheck())


def test_all_views_of_a_session_are_one_sample_of_the_keys() -> None:
    keys = CredentialCheck()
    for view in "abcd":
        keys.refused(View("s", view), Forbidden("no (403)"))
    assert keys.unproven
    assert not keys.suspicious


def test_keys_that_somebody_else_judges_are_suspicious_and_no_error() -> None:
    keys = CredentialCheck(alone=False)
    refuse(keys, "a", "b", "c", "d")
    assert keys.suspicious
    keys.accepted = True
    assert not keys.suspicious


def test_keys_that_were_accepted_once_are_not_to_blame_for_403s() -> None:
    keys = CredentialCheck()
    refuse(keys, "a", "b")
    keys.accepted = True
    refuse(keys, "c", "d", "e")
    keys.finish()


def test_keys_can_be_revoked_while_a_run_is_on() -> None:
    keys = CredentialCheck()
    keys.accepted = True
    with pytest.raises(AuthError):
        refuse(keys, "a", status=401)


def test_a_run_in_which_nothing_was_refused_ends_quietly() -> None:
    CredentialCheck().finish()


def test_views_that_were_forbidden_before_say_nothing_of_the_keys() -> None:
    keys = CredentialCheck()
    for name in "abcd":
        with keys.known_forbidden(View(name, "v")):
            refuse(keys, name)
    keys.finish()


def test_refused_views_do_not_pile_up_once_the_keys_are_good() -> None:
    keys = CredentialCheck()
    keys.accepted = True
    refuse(keys, *map(str, range(1000)))
    assert len(keys._refused) == 0


def test_endings_are_held_back_until_the_keys_are_accepted() -> None:
    keys = CredentialCheck()
    held: HeldBack[str] = HeldBack(keys)
    assert held.hold("a")
    assert list(held.released()) == []
    assert held.all() == ["a"]
    keys.accepted = True
    assert list(held.released()) == ["a"]
    assert (held.hold("b"), held.all()) == (False, [])

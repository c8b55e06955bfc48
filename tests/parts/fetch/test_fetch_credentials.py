"""When the keys are to blame for refusals, and how long endings of refused views are held back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from replay_fetch.errors import AuthError, Forbidden, ServerError
from replay_fetch.fetch.credentials import CredentialCheck, HeldBack
from replay_fetch.model import View


def refuse(keys: CredentialCheck, *views: str, status: int = 403, now: float = 0.0) -> None:
    for view in views:
        keys.refused(View(view, "v"), Forbidden(f"no ({status})", status=status), now)


def refuse_and_finish(keys: CredentialCheck) -> None:
    refuse(keys, "a")
    keys.finish()


KEYS_TO_BLAME: dict[str, Callable[[CredentialCheck], None]] = {
    "views of three sessions": lambda keys: refuse(keys, "a", "b", "c"),
    "one 401": lambda keys: refuse(keys, "a", status=401),
    "nothing but one view, at the end": refuse_and_finish,
}


@pytest.mark.parametrize("refusals", KEYS_TO_BLAME.values(), ids=KEYS_TO_BLAME)
def test_three_sessions_or_a_401_or_nothing_good_blame_the_keys(
    refusals: Callable[[CredentialCheck], None],
) -> None:
    with pytest.raises(AuthError, match=r"no \(40[13]\)\. Check DD_API_KEY.*--site.*rum_session_replay_read"):
        refusals(CredentialCheck())


def test_all_views_of_a_session_are_one_sample_of_the_keys() -> None:
    keys = CredentialCheck()
    for view in "abcd":
        keys.refused(View("s", view), Forbidden("no (403)"), 0.0)
    assert keys.unproven
    assert not keys.suspicious


def test_keys_that_somebody_else_judges_are_suspicious_and_no_error() -> None:
    keys = CredentialCheck(alone=False)
    refuse(keys, "a", "b", "c", "d")
    assert keys.suspicious
    keys.accept()
    assert not keys.suspicious


def test_keys_that_were_accepted_once_are_not_to_blame_for_403s() -> None:
    keys = CredentialCheck()
    refuse(keys, "a", "b")
    keys.accept()
    refuse(keys, "c", "d", "e")
    keys.finish()


def test_keys_that_were_good_are_to_blame_once_nothing_but_401s_has_come_for_three_minutes() -> None:
    keys = CredentialCheck()
    keys.accept()
    for now in (1000.0, 1100.0, 1179.0):
        with pytest.raises(ServerError, match=r"no \(401\)"):
            refuse(keys, "a", status=401, now=now)
    with pytest.raises(AuthError):
        refuse(keys, "b", status=401, now=1180.0)


def test_a_good_answer_between_401s_begins_the_minutes_anew() -> None:
    keys = CredentialCheck()
    keys.accept()
    for now in (0.0, 170.0, 340.0):
        with pytest.raises(ServerError):
            refuse(keys, "a", status=401, now=now)
        keys.accept()


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
    keys.accept()
    refuse(keys, *map(str, range(1000)))
    assert len(keys._refused) == 0


def test_endings_are_held_back_until_the_keys_are_accepted() -> None:
    keys = CredentialCheck()
    held: HeldBack[str] = HeldBack(keys)
    assert held.hold("a")
    assert list(held.released()) == []
    assert held.all() == ["a"]
    keys.accept()
    assert list(held.released()) == ["a"]
    assert (held.hold("b"), held.all()) == (False, [])

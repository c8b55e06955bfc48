"""The even pace, and when windows are given up for it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from replay_fetch.model import RateLimit
from replay_fetch.pacing.adaptive import AdaptivePolicy
from replay_fetch.pacing.even_policy import LARGEST_MARGIN, EvenPolicy
from replay_fetch.pacing.named_policy import NamedPolicy
from replay_fetch.pacing.pace import SlowStart
from replay_fetch.pacing.policy import Reading, Sent
from replay_fetch.pacing.window_clock import WindowClock
from replay_fetch.pacing.window_trust import RAREST, EmptyWindow, WindowTrust


def even(limit: int = 100, period: float = 10.0) -> EvenPolicy:
    """A policy that has been told of its limit."""
    policy = EvenPolicy(period, Sent(0, 0.0))
    policy.answered(0.0, Sent(0, 0.0), Reading(limit, period, limit, period), accepted=True)
    return policy


def test_the_pace_is_a_little_less_than_what_the_limit_sustains() -> None:
    assert even().rate == pytest.approx(9.95)
    assert not even().holds


def test_a_429_costs_a_hundredth_of_the_pace_and_of_many_a_tenth() -> None:
    policy, rates = even(), [even().rate]
    for number in range(1, 11):
        policy.rejected(float(10 * number), Sent(number, 10 * number - 0.1))
        rates.append(policy.rate)
    assert policy.holds
    assert rates[1] / rates[0] == pytest.approx(0.9875)
    assert 0.88 < rates[10] / rates[9] < 0.9


def test_429s_of_requests_that_left_before_the_cut_are_of_its_episode() -> None:
    policy = even()
    policy.rejected(1.0, Sent(1, 0.5))
    rate = policy.rate
    for number in range(2, 30):
        policy.rejected(1.5, Sent(number, 0.9))
    assert policy.rate == rate


def test_a_fiftieth_of_the_limit_can_be_too_much_for_a_copy() -> None:
    policy = even()
    for number in range(1, 200):
        policy.rejected(float(10 * number), Sent(number, 10 * number - 0.1))
    assert policy.rate == pytest.approx((1 - LARGEST_MARGIN) * 10)


def test_pauses_double_while_nothing_is_accepted() -> None:
    policy, pauses = even(), []
    for number in range(1, 5):
        at = 100.0 * number
        policy.rejected(at, Sent(number, at - 0.1))
        pauses.append(policy.ready_at(at) - at)
    assert pauses == pytest.approx([0.2, 0.4, 0.8, 1.6])
    policy.answered(500.0, Sent(5, 499.9), Reading(100, 10, 50, 5), accepted=True)
    policy.rejected(600.0, Sent(6, 599.9))
    assert policy.ready_at(600.0) == 600.2


def test_thousands_of_429s_in_a_row_make_no_pause_longer_than_a_quarter_of_the_period() -> None:
    policy, now = even(limit=4), 0.0
    for number in range(1, 3000):
        gate = policy.state(now).opens_at
        now = max(now, gate if gate is not None else now) + 0.01
        policy.rejected(now, Sent(number, now - 0.001))
    gate = policy.state(now).opens_at
    assert gate is not None
    assert gate - now == pytest.approx(2.5)


def test_a_process_that_was_stopped_for_an_hour_goes_on_searching() -> None:
    pace = SlowStart(0.0)
    pace.advance(3600.0, paced=True)
    assert pace.rate == pytest.approx(5.0 * 2**10)


def test_the_pace_comes_back_slowly_and_then_faster() -> None:
    policy = even()
    for number in range(1, 5):
        policy.rejected(float(number), Sent(number, number - 0.1))
    policy.accepted(Sent(5, 4.5))
    rates = []
    for second in range(5, 125):
        policy.sent(Sent(second, float(second)))
        rates.append(policy.rate)
    assert rates[20] - rates[0] == pytest.approx(0.1, abs=0.05)
    assert rates[-1] == pytest.approx(9.97)


def told(trust: WindowTrust, remaining: list[int], *, spacing: float = 0.1, limit: int = 100) -> WindowTrust:
    """Accepted answers to one request after another."""
    for number, left in enumerate(remaining, 1):
        at = spacing * number
        trust.learn(at, number + left, limit, accepted=True, contradicted=False)
    return trust


def test_a_limit_that_gives_all_back_in_one_leap_is_a_window() -> None:
    assert not told(WindowTrust(10.0), [100 - number % 100 for number in range(1000)]).lost


def test_a_limit_that_gives_back_bit_by_bit_is_no_window() -> None:
    assert told(WindowTrust(10.0), [20] * 400).lost == "it gives back bit by bit"


def test_answers_a_little_out_of_order_are_still_those_of_a_window() -> None:
    remaining = [max(0, 100 - number % 100 + (3 if number % 7 else -3)) for number in range(1000)]
    assert not told(WindowTrust(10.0), remaining).lost


def test_resets_that_contradict_each_other_are_no_windows() -> None:
    trust = WindowTrust(10.0)
    for number in range(1, 40):
        trust.learn(number, number + 50, 100, accepted=True, contradicted=True)
    assert trust.lost == "its resets contradict each other"


def test_a_window_that_opens_late_twice_in_a_row_is_not_aligned_to_anything() -> None:
    trust = WindowTrust(10.0)
    lost = []
    for refused in (True, True, False, False, True, False, True, False):
        trust.opening(refused=refused)
        lost.append(bool(trust.lost))
    assert lost == [False] * 7 + [True]
    assert trust.lost == "its windows begin when they are not due"


def test_an_empty_window_that_gives_twice_in_a_row_is_none() -> None:
    trust = WindowTrust(10.0)
    lost = []
    for empty in (False, True, False, False):
        trust.probed(empty=empty)
        lost.append(bool(trust.lost))
    assert lost == [False] * 3 + [True]
    assert trust.lost == "it gives where it says that nothing remains"


def looks(empty: EmptyWindow, windows: int, spent: int) -> list[int]:
    """The windows that are looked into, all of which are found empty."""
    into = []
    for window in range(1, windows + 1):
        empty.opened(10.0 * window)
        if (at := empty.look_at(spent, limit=100)) < float("inf"):
            assert at == pytest.approx(10.0 * window + 0.8)
            empty.sent(window)
            assert empty.looked == window
            empty.answered(at, empty=True)
            into.append(window)
    return into


def test_windows_that_others_empty_are_looked_into_ever_more_rarely() -> None:
    into = looks(EmptyWindow(10.0), 300, spent=5)
    gaps = [after - before for before, after in pairwise(into)]
    assert gaps == [2, 4, 8, 16, 32, RAREST, RAREST, RAREST]


def test_a_window_that_gives_though_it_is_empty_is_soon_asked_again_whatever_we_have_spent() -> None:
    empty = EmptyWindow(10.0)
    empty.opened(10.0)
    empty.opened(20.0)
    assert empty.look_at(5, limit=100) == pytest.approx(20.8)
    empty.sent(1)
    assert empty.look_at(5, limit=100) == float("inf")
    empty.answered(21.0, empty=False)
    assert empty.look_at(50, limit=100) == pytest.approx(21.8)
    empty.opened(30.0)
    assert empty.look_at(50, limit=100) == float("inf")


def test_a_window_that_we_emptied_is_not_looked_into() -> None:
    assert looks(EmptyWindow(10.0), 100, spent=10) == []


def test_an_epoch_in_whole_seconds_is_narrowed_down_by_what_was_counted_on_either_side() -> None:
    """The edge is at 4.7 modulo 10 and the header says 5 all the time."""
    clock = WindowClock(10.0)
    for number in range(2000):
        sent = 0.1037 * number
        epoch = -(-(sent + 0.02 - 4.7) // 10) * 10 + 5
        counts_from = clock.learn(sent, sent + 0.04, epoch - (sent + 0.04), absolute=True)
    assert 4.68 <= counts_from % 10 <= 4.72


def test_429s_that_the_window_does_not_explain_slow_the_pace_behind_it() -> None:
    """Something remains, and the request was refused all the same: another limit, of which nobody tells."""
    policy = NamedPolicy(10.0, Sent(0, 0.0))
    policy.sent(Sent(1, 0.0))
    policy.answered(0.1, Sent(1, 0.0), Reading(100, 10, 99, 10), accepted=True)
    for number in range(2, 30):
        at = policy.ready_at(0.5 * number)
        policy.sent(Sent(number, at))
        policy.answered(at + 0.1, Sent(number, at), Reading(100, 10, 90, 10 - at % 10), accepted=False)
    assert (policy.state(15.0).limiter, policy.state(15.0).why) == (
        "several",
        "429s come where its window is not empty",
    )
    policy.sent(Sent(30, 20.0))
    assert policy.ready_at(20.0) > 20.5


def test_windows_that_are_given_up_leave_an_even_pace() -> None:
    policy, now = NamedPolicy(10.0, Sent(0, 0.0)), 0.0
    for number in range(1, 400):
        now = policy.ready_at(now)
        policy.sent(Sent(number, now))
        policy.answered(now, Sent(number, now), Reading(100, 10, 20, 10 - now % 10), accepted=True)
    assert (policy.state(now).limiter, policy.state(now).why) == ("sliding", "it gives back bit by bit")
    assert policy.state(now).rate == pytest.approx(9.97, abs=0.03)


# --- a limit that only 429s tell of


def refused(policy: EvenPolicy, at: float, reset: float) -> float:
    """A 429 of an empty window; returns the seconds until the next request may go."""
    policy.answered(at, Sent(int(10 * at), at - 0.1), Reading(100, 10, 0, reset), accepted=False)
    return policy.ready_at(at) - at


def test_the_search_waits_for_the_end_of_the_window_that_it_used_up() -> None:
    policy = EvenPolicy(10.0, Sent(40, 4.0), on_429s=True)
    assert refused(policy, 4.1, reset=6) == pytest.approx(6)
    assert policy.rate == pytest.approx(9.95)


def test_only_a_second_429_in_a_row_shows_an_empty_window_and_by_how_much_it_was_overdrawn() -> None:
    """A sliding limit gives something back at once; a window that ran out five seconds early was overdrawn."""
    policy = EvenPolicy(10.0, Sent(40, 4.0), on_429s=True)
    refused(policy, 4.1, reset=6)
    policy.accepted(Sent(41, 10.2))
    assert refused(policy, 24.0, reset=3) == pytest.approx(0.2)
    before = policy.rate
    assert refused(policy, 24.4, reset=3) == pytest.approx(3)
    assert policy.rate == pytest.approx(0.8 * before)
    assert refused(policy, 27.5, reset=1) == pytest.approx(1)
    assert policy.rate == pytest.approx(0.8 * before)


def test_a_limit_that_was_raised_is_found_though_nothing_tells_of_it() -> None:
    policy = EvenPolicy(10.0, Sent(40, 4.0), on_429s=True)
    refused(policy, 4.1, reset=6)
    policy.accepted(Sent(41, 10.2))
    for second in range(11, 60):
        policy.sent(Sent(second, float(second)))
    assert policy.rate < 1.01 * 10
    for second in range(60, 400):
        policy.sent(Sent(second, float(second)))
    assert policy.rate > 2 * 10


def test_a_limit_that_429s_name_is_not_forgotten_while_accepted_answers_are_silent() -> None:
    policy = AdaptivePolicy()
    policy.sent(Sent(1, 0.1))
    policy.answered(0.2, Sent(1, 0.1), RateLimit(100, 10.0, 0, 5.0), accepted=False)
    for number in range(2, 100):
        policy.sent(Sent(number, float(number)))
        policy.answered(number + 0.1, Sent(number, float(number)), None, accepted=True)
    assert (policy.state(100.0).mode, policy.state(100.0).limit) == ("even", 100)
    assert (policy.state(100.0).limiter, policy.state(100.0).why) == ("unknown", "only 429s tell of it")


def test_windows_are_followed_once_accepted_answers_tell_of_them_too() -> None:
    policy = AdaptivePolicy()
    policy.sent(Sent(1, 0.1))
    policy.answered(0.2, Sent(1, 0.1), RateLimit(100, 10.0, 0, 5.0), accepted=False)
    policy.sent(Sent(2, 5.3))
    policy.answered(5.4, Sent(2, 5.3), RateLimit(100, 10.0, 99, 10.0), accepted=True)
    assert policy.state(5.4).mode == "window"
    assert (policy.state(5.4).limiter, policy.state(5.4).why) == ("window", "headers tell of it")


def test_a_429_that_names_no_period_is_an_order_to_wait_and_nothing_else() -> None:
    policy = AdaptivePolicy()
    policy.sent(Sent(1, 0.1))
    policy.answered(0.2, Sent(1, 0.1), RateLimit(100, None, 0, 5.0), accepted=False)
    assert policy.state(0.2).mode == "probe"
    assert policy.ready_at(0.2) == pytest.approx(5.2)

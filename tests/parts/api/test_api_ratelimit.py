"""Rate-limit headers in every form they are met in."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay_fetch.api.ratelimit import rate_limit
from replay_fetch.model import RateLimit

NOW = 1_792_000_000.0
DATE_IN_7_S = "Wed, 14 Oct 2026 17:46:47 GMT"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            {
                "x-ratelimit-limit": "100",
                "x-ratelimit-period": "10",
                "x-ratelimit-remaining": "37",
                "x-ratelimit-reset": "4",
                "x-ratelimit-name": "rum_replay",
            },
            RateLimit(100, 10.0, 37, 4.0, None, "rum_replay"),
        ),
        ({"ratelimit-limit": "60", "ratelimit-remaining": "0", "ratelimit-reset": "9"}, RateLimit(60, None, 0, 9.0)),
        ({"ratelimit-limit": "10, 10;w=1, 1000;w=3600"}, RateLimit(10)),
        (
            {"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'},
            RateLimit(100, 60.0, 50, 30.0, None, "default"),
        ),
        (
            {
                "ratelimit": '"hour";r=900;t=1800, "burst";r=3;t=2',
                "ratelimit-policy": '"burst";q=10;w=5, "hour";q=1000;w=3600',
            },
            RateLimit(10, 5.0, 3, 2.0, None, "burst"),
        ),
        (
            {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=10"},
            RateLimit(100, 10.0, 50, 5.0),
        ),
        ({"ratelimit-policy": '"burst";q=100;w=10'}, RateLimit(100, 10.0, None, None, None, "burst")),
        (
            {"x-ratelimit-limit": "100", "x-ratelimit-reset": "", "ratelimit-limit": "7", "ratelimit-reset": "9"},
            RateLimit(100, None, None, 9.0),
        ),
        (
            {
                "ratelimit-remaining": "1",
                "ratelimit-limit": "",
                "ratelimit": '"default";r=50;t=30',
                "x-ratelimit-period": "8",
            },
            RateLimit(None, 8.0, 1, 30.0, None, "default"),
        ),
        ({"retry-after": "7"}, RateLimit(retry_after=7.0)),
        ({"retry-after": DATE_IN_7_S}, RateLimit(retry_after=7.0)),
        ({"retry-after": "Wed, 14 Oct 2020 17:46:47 GMT"}, RateLimit(retry_after=0.0)),
        ({"retry-after": "99999"}, RateLimit(retry_after=86400.0)),
        ({}, None),
        ({"content-type": "text/html"}, None),
        ({"x-ratelimit-name": "alone"}, None),
    ],
)
def test_every_form_is_read(headers: dict[str, str], expected: RateLimit | None) -> None:
    assert rate_limit(headers, now_epoch=NOW) == expected


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's clock is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Wed, 14 Oct 2026 17:46:46 GMT", 6.0),
        ("Wednesday, 14-Oct-26 17:46:46 GMT", 6.0),
        ("Wed Oct 14 17:46:46 2026", 6.0),
        ("Wed, 14 Oct 2026 17:46:46 -0000", 6.0),
        ("Wed, 01 Jan 1969 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
    ],
)
def test_a_date_in_any_of_http_s_forms_is_utc_wherever_this_machine_stands(date: str, seconds: float) -> None:
    assert rate_limit({"retry-after": date}, now_epoch=NOW) == RateLimit(retry_after=seconds)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 7 ", 7.0),
        ("+7", 7.0),
        ("7.25", 7.25),
        ("7, 7", 7.0),
        ("1792000007", 7.0),
        ("1792000007.5", 7.5),
        ("1792000007250", 7.25),
        ("1791999000", 0.0),
        ("86400", 86400.0),
        ("86401", 86400.0),
        ("9" * 400, 3600.0),
        ("1792050000", 3600.0),
        ("-1", None),
        ("", None),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("1_0", None),
        ("\N{ARABIC-INDIC DIGIT SEVEN}", None),
        ("7 seconds", None),
    ],
)
def test_a_reset_is_seconds_an_epoch_or_nothing(text: str, seconds: float | None) -> None:
    found = rate_limit({"x-ratelimit-reset": text, "x-ratelimit-limit": "1"}, now_epoch=NOW)
    assert found == RateLimit(
        limit=1, reset=seconds, absolute=text in ("1792000007", "1791999000", "9" * 400, "1792050000")
    )


def test_a_day_s_quota_is_believed_to_end_at_an_instant_where_a_date_shows_that_the_clocks_agree() -> None:
    headers = {"x-ratelimit-limit": "1", "x-ratelimit-reset": "1792050000", "date": "Wed, 14 Oct 2026 17:46:40 GMT"}
    assert rate_limit(headers, now_epoch=NOW) == RateLimit(limit=1, reset=50_000.0, absolute=True)


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("limit", "0", "limit"),
        ("limit", "-5", "limit"),
        ("limit", "many", "limit"),
        ("period", "0", "period"),
        ("period", "86401", "period"),
        ("remaining", "-1", "remaining"),
        ("remaining", "few", "remaining"),
    ],
)
def test_an_impossible_rate_limit_header_is_none(name: str, text: str, field: str) -> None:
    found = rate_limit({f"x-ratelimit-{name}": text, "retry-after": "1"}, now_epoch=NOW)
    assert found is not None
    assert getattr(found, field) is None


NAMES = [
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-reset",
    *(f"x-ratelimit-{what}" for what in ("limit", "period", "remaining", "reset", "name")),
]
VALUES = (
    st.text(max_size=20)
    | st.text('0123456789.,;="rtqw -+', max_size=20)
    | st.integers().map(str)
    | st.floats().map(str)
    | st.datetimes().map(lambda moment: moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
)


@given(headers=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_any_header_gives_a_plausible_rate_limit(headers: dict[str, str]) -> None:
    found = rate_limit(headers, now_epoch=NOW)
    if found is None:
        return
    assert found.limit is None or found.limit >= 1
    assert found.period is None or 0 < found.period <= 86400
    assert found.remaining is None or found.remaining >= 0
    assert found.reset is None or 0 <= found.reset <= 86400
    assert found.retry_after is None or 0 <= found.retry_after <= 86400
    assert found.name.isprintable()

"""The URL and the headers of a request."""

from __future__ import annotations

import string
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from replay_fetch.api.endpoint import Endpoint, auth_headers, check_id
from replay_fetch.model import Source, View
from replay_fetch.settings import ApiSettings, Credentials

VIEW = View("5f3c7f1e-2b44", "d0ba35fa_ecf3")
LEGAL = string.ascii_letters + string.digits + "_-"


def test_the_page_url_is_as_documented() -> None:
    endpoint = Endpoint(ApiSettings(site="datadoghq.eu", ts_ms=1704067200000, max_list_size=1048576))
    assert endpoint.page_url(VIEW, Source.BLOB, "eyJuZXh0IjoiYWJjMTIzIn0") == (
        "https://api.datadoghq.eu/api/v2/rum/replay/sessions/5f3c7f1e-2b44/views/d0ba35fa_ecf3/segments"
        "?source=blob&ts=1704067200000&max_list_size=1048576&paging=eyJuZXh0IjoiYWJjMTIzIn0"
    )


def test_the_origin_is_where_every_url_begins() -> None:
    for api in (ApiSettings(), ApiSettings(base_url="http://localhost:1/")):
        endpoint = Endpoint(api)
        assert endpoint.page_url(VIEW, Source.BLOB, None).startswith(f"{endpoint.origin}/api/v2/")


def test_the_first_page_is_asked_for_without_a_token() -> None:
    url = Endpoint(ApiSettings(base_url="http://127.0.0.1:8080/")).page_url(VIEW, Source.EVENT_PLATFORM, None)
    assert url == (
        "http://127.0.0.1:8080/api/v2/rum/replay/sessions/5f3c7f1e-2b44/views/d0ba35fa_ecf3/segments"
        "?source=event_platform"
    )


def test_every_sign_of_a_token_that_means_something_in_a_url_is_encoded() -> None:
    url = Endpoint(ApiSettings()).page_url(VIEW, Source.BLOB, "a/b=+%2F&c#d é")
    assert url.endswith("/segments?source=blob&paging=a%2Fb%3D%2B%252F%26c%23d%20%C3%A9")


TOKENS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text("aZ09-_.~+/=% ", min_size=1)


@given(token=TOKENS)
def test_any_token_is_encoded_once_and_arrives_as_it_was(token: str) -> None:
    url = Endpoint(ApiSettings()).page_url(VIEW, Source.BLOB, token)
    assert str(URL(url, encoded=True)) == url
    assert parse_qsl(urlsplit(url).query, strict_parsing=True) == [("source", "blob"), ("paging", token)]


@given(token=TOKENS)
def test_unreserved_signs_of_a_token_are_not_percent_encoded(token: str) -> None:
    url = Endpoint(ApiSettings()).page_url(VIEW, Source.BLOB, token)
    assert url.partition("&paging=")[2] == quote(token, safe="")


@given(text=st.text(max_size=140) | st.text(LEGAL, max_size=140))
def test_only_a_legal_id_gets_into_a_url(text: str) -> None:
    legal = 1 <= len(text) <= 128 and set(text) <= set(LEGAL)
    for view in (View(text, "v"), View("s", text)):
        if legal:
            assert f"/{text}/" in Endpoint(ApiSettings()).page_url(view, Source.BLOB, None)
        else:
            with pytest.raises(ValueError, match="the id"):
                Endpoint(ApiSettings()).page_url(view, Source.BLOB, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("x" * 129, "129 characters"),
        ("../../etc", "'../../etc'"),
        ("abc\n", "outside"),
        ("é", "outside"),
        ("a\x1b[31m", r"'a\x1b[31m'"),
    ],
)
def test_an_illegal_id_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match="the id") as refused:
        check_id(text)
    assert reason in str(refused.value)
    assert str(refused.value).isprintable()


def test_keys_go_into_their_two_headers() -> None:
    headers = auth_headers(Credentials(api_key="k1", app_key="k2"))
    assert (headers["DD-API-KEY"], headers["DD-APPLICATION-KEY"]) == ("k1", "k2")
    assert (headers["Accept"], headers["Accept-Encoding"]) == ("application/json", "gzip")
    assert headers["User-Agent"].startswith("replay-fetch")
    assert "Authorization" not in headers


def test_a_bearer_token_goes_alone() -> None:
    headers = auth_headers(Credentials(api_key="k1", app_key="k2", bearer_token="t"))  # noqa: S106 - not a real one
    assert headers["Authorization"] == "Bearer t"
    assert not {"DD-API-KEY", "DD-APPLICATION-KEY"} & set(headers)

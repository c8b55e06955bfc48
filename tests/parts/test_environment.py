"""Where the keys and the site come from, and what is said when they do not."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from replay_fetch.environment import _assignments, credentials, site, warn_if_exposed
from replay_fetch.errors import SettingsError
from replay_fetch.settings import ApiSettings, Credentials
from replay_fetch.sites import SITES

KEYS = {"DD_API_KEY": "api-1", "DD_APP_KEY": "app-1"}
BOTH = Credentials("api-1", "app-1")


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.env"
    path.touch(mode=0o600)
    return path


@pytest.mark.parametrize(
    "environ",
    [
        KEYS,
        {"DATADOG_API_KEY": "api-1", "DATADOG_APP_KEY": "app-1"},
        {"DD_API_KEY": "api-1", "DD_APPLICATION_KEY": "app-1"},
        {"DD_API_KEY": "api-1", "DATADOG_APPLICATION_KEY": "app-1"},
        {**KEYS, "DATADOG_API_KEY": "other", "DATADOG_APP_KEY": "other"},
        {"DD_API_KEY": "", "DATADOG_API_KEY": " api-1\n", "DD_APP_KEY": "app-1"},
    ],
)
def test_every_name_of_the_vendor_is_read_and_dd_comes_first(environ: dict[str, str]) -> None:
    assert credentials(environ) == BOTH


def test_a_bearer_token_is_enough() -> None:
    assert credentials({"DD_BEARER_TOKEN": "bearer-1"}) == Credentials(bearer_token="bearer-1")  # noqa: S106 - made up


def test_missing_keys_are_named_with_the_ways_to_give_them() -> None:
    with pytest.raises(SettingsError, match=r"DD_APP_KEY not set.*--env-file"):
        credentials({"DD_API_KEY": "api-1"})


@pytest.mark.parametrize(
    "content",
    [
        b"DD_API_KEY=api-1\nDD_APP_KEY=app-1\n",
        b"\xef\xbb\xbfDD_API_KEY=api-1\r\nDD_APP_KEY=app-1",
        b"# keys\n\n  # more\nexport DD_API_KEY='api-1'\n export  DD_APP_KEY = \"app-1\" # mine\n",
        b"DD_API_KEY=old\nDD_API_KEY=api-1 # new\nDD_APP_KEY=app-1\t\n",
        b"OTHER='a' \"b\" $(c\nDD_API_KEY=api-1\nDD_APP_KEY=app-1\nspring.name=x y\n",
    ],
)
def test_a_file_of_keys_is_read_as_shells_and_tools_write_it(env_file: Path, content: bytes) -> None:
    env_file.write_bytes(content)
    assert credentials({}, env_file) == BOTH


def test_a_hash_or_an_equals_sign_inside_a_value_belongs_to_it(env_file: Path) -> None:
    env_file.write_text("DD_BEARER_TOKEN=a#b=c\n")
    assert credentials({}, env_file).bearer_token == "a#b=c"  # noqa: S105 - made up


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("DATADOG_API_KEY=api-2\nDD_APP_KEY=app-2\n", Credentials("api-2", "app-2")),
        ("DD_APP_KEY=app-2\n", Credentials("api-1", "app-2")),
        ("DD_BEARER_TOKEN=bearer-2\n", Credentials(bearer_token="bearer-2")),  # noqa: S106 - made up
        ("DD_SITE=datadoghq.eu\n", Credentials("api-1", "app-1", "bearer-1")),
    ],
)
def test_a_file_that_is_named_wins_over_the_environment(env_file: Path, content: str, expected: Credentials) -> None:
    env_file.write_text(content)
    assert credentials({**KEYS, "DD_BEARER_TOKEN": "bearer-1"}, env_file) == expected


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"DD_API_KEY=fine\nsecret-stuff\n", "line 2: not NAME=value"),
        (b"\n\nDD_API_KEY='secret-stuff\n", "line 3: DD_API_KEY has unmatched quotes"),
        (b"DD_API_KEY=secret-stuff two\n", "line 1: DD_API_KEY has"),
        (b"DD_API_KEY='secret-stuff two'\nDD_APP_KEY=x", "DD_API_KEY holds a space"),
        (b"DD_API_KEY=secret-stuff\xff\n", "not UTF-8"),
        (b"DD_API_KEY=secret-stuff" + b"x" * 2**20, "too large"),
    ],
)
def test_a_wrong_line_is_named_and_its_text_is_not_shown(env_file: Path, content: bytes, said: str) -> None:
    env_file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        credentials({}, env_file)
    assert said in str(caught.value)
    assert "secret-stuff" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_file_that_is_not_there_is_a_settings_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        credentials(KEYS, tmp_path / "nothing")


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, True), (0o604, True)])
def test_keys_that_others_can_read_are_warned_about(
    env_file: Path,
    mode: int,
    warned: bool,  # noqa: FBT001 - from the table
    caplog: pytest.LogCaptureFixture,
) -> None:
    env_file.write_text("DD_API_KEY=api-1\nDD_APP_KEY=app-1\n")
    env_file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        warn_if_exposed(env_file)
    assert ("chmod 600" in caplog.text) == warned
    assert "api-1" not in caplog.text


SITES_OF_NOBODY = {
    "app.datadoghq.eu": "did you mean datadoghq.eu?",
    "https://datadoghq.eu": "did you mean datadoghq.eu?",
    "https://app.us5.datadoghq.com/rum": "did you mean us5.datadoghq.com?",
    "app.us2.ddog-gov.com": "did you mean us2.ddog-gov.com?",
    "datadoghq.co": "did you mean datadoghq.com?",
    "datadog.eu": "did you mean datadoghq.eu?",
    "us9.datadoghq.com": "did you mean datadoghq.com?",
    "localhost": "there are datadoghq.com, us3.datadoghq.com,",
}


@pytest.mark.parametrize("site", SITES_OF_NOBODY)
def test_a_site_that_is_none_of_the_vendors_is_refused(site: str) -> None:
    """A mistyped one may be a stranger's, who would get the keys."""
    with pytest.raises(SettingsError, match="would get the keys") as caught:
        ApiSettings(site=site)
    assert SITES_OF_NOBODY[site] in str(caught.value)
    assert "--base-url" in str(caught.value)
    assert ApiSettings(site=site, base_url="http://127.0.0.1:1").origin == "http://127.0.0.1:1"


@pytest.mark.parametrize("site", [*SITES, "US5.datadoghq.com"])
def test_a_site_of_the_vendors_is_asked_at_its_api(site: str) -> None:
    assert ApiSettings(site=site).origin == f"https://api.{site.lower()}"


@pytest.mark.parametrize(
    ("environ", "content", "expected"),
    [
        ({}, None, None),
        ({"DD_SITE": ""}, None, None),
        ({"DATADOG_SITE": "datadoghq.eu"}, None, "datadoghq.eu"),
        ({"DD_SITE": "us3.datadoghq.com"}, "OTHER=1\n", "us3.datadoghq.com"),
        ({"DD_SITE": "us3.datadoghq.com"}, "DATADOG_SITE=datadoghq.eu\n", "datadoghq.eu"),
    ],
)
def test_the_site_comes_from_the_same_places(
    env_file: Path, environ: dict[str, str], content: str | None, expected: str | None
) -> None:
    env_file.write_text(content or "")
    assert site(environ, env_file if content else None) == expected


def test_a_pipe_can_be_named_though_it_can_be_read_only_once() -> None:
    read_end, write_end = os.pipe()
    os.write(write_end, b"DD_SITE=datadoghq.eu\nDD_API_KEY=api-1\nDD_APP_KEY=app-1\n")
    os.close(write_end)
    try:
        path = Path(f"/dev/fd/{read_end}")
        assert (site({}, path), credentials({}, path)) == ("datadoghq.eu", BOTH)
    finally:
        os.close(read_end)


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("DD_API_KEY='\"# \\\n\r\texport")))
@example("=" * 50_000)
@example("export " * 20_000)
@example("DD_API_KEY=" + " " * 100_000 + "'")
def test_any_text_is_read_or_refused_and_never_shown(text: str) -> None:
    """Also in time: no pattern runs away on long lines."""
    said = ""
    try:
        list(_assignments(Path("keys.env"), text))
    except SettingsError as error:
        said = str(error)
    assert len(said) < 120


@pytest.mark.parametrize("url", ["http://[::1", "http://localhost:x", f"http://{'a' * 70}.example", "https://a\u2100b"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="is not a URL"):
        ApiSettings(base_url=url)

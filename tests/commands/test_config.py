"""Settings from options, environment and file: which counts, what is refused, and what ``config`` shows of it."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay_fetch.cli import main
from replay_fetch.cli.main import COMMANDS, command_parser
from replay_fetch.cli.settings_file import settle

SECRET = "s3cret-0123456789"  # noqa: S105 - a test's own


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("DD_", "DATADOG_", "REPLAY_FETCH_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, tuple[str, str]]:
    """What ``config`` says, by name: value and origin."""
    assert main(["config", *words]) == 0
    rows = (re.split(" {2,}", line) for line in capsys.readouterr().out.splitlines())
    return {name: (value, "".join(origin)) for name, value, *origin in rows}


def file(text: str, name: str = "archive.toml") -> str:
    Path(name).write_text(text)
    return name


def test_an_option_counts_before_the_environment_before_the_file_before_the_default(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file("workers = 2\nretries = 2\nmax-rate = 2.5\n")
    monkeypatch.setenv("REPLAY_FETCH_WORKERS", "3")
    monkeypatch.setenv("REPLAY_FETCH_RETRIES", "3")
    found = shown(capsys, "--config", path, "--workers", "4")
    assert found["workers"] == ("4", "option")
    assert found["retries"] == ("3", "REPLAY_FETCH_RETRIES")
    assert found["max-rate"] == ("2.5", "archive.toml")
    assert found["give-up-after"] == ("1800", "default")


@pytest.mark.parametrize(
    ("written", "told"), [("2d", "2d"), ("36h", "36h"), ("90s", "90s"), ("0.5h", "30m"), ("7d", "7d"), ("0.1s", "0.1s")]
)
def test_an_age_is_shown_as_one_is_written(written: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--refresh-window", written)["refresh-window"] == (told, "option")
    assert shown(capsys)["refresh-window"] == ("1d", "default")


@pytest.mark.parametrize(
    ("written", "told"),
    [("1GB", "1GB"), ("512MB", "512MB"), ("1.5GB", "1500MB"), ("300000kB", "300MB"), ("1e9", "1GB")],
)
def test_a_size_is_shown_as_one_is_written(written: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "--memory-limit", written)["memory-limit"] == (told, "option")
    assert shown(capsys)["memory-limit"] == ("256MB", "default")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("much", "'much' is not a size such as 512MB"),
        ("1TB", "not a size"),
        ("MB", "not a size"),
        ("1kB", "at least 96MB"),
    ],
)
def test_a_text_that_is_no_size_is_refused(written: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        assert main(["config", "--memory-limit", written]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said_in", "counts"),
    [
        ("", ("datadoghq.com", "default")),
        ("file", ("us3.datadoghq.com", "archive.toml")),
        ("file DD_SITE", ("us5.datadoghq.com", "DD_SITE")),
        ("file DD_SITE env-file", ("ap1.datadoghq.com", "keys.env")),
        ("file DD_SITE env-file ours", ("ap2.datadoghq.com", "REPLAY_FETCH_SITE")),
        ("file DD_SITE env-file ours option", ("datadoghq.eu", "option")),
    ],
)
def test_the_sites_many_origins_have_their_order(
    said_in: str, counts: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = said_in.split()
    words = ["--config", file('site = "us3.datadoghq.com"' if "file" in places else "")]
    if "DD_SITE" in places:
        monkeypatch.setenv("DD_SITE", "us5.datadoghq.com")
    if "ours" in places:
        monkeypatch.setenv("REPLAY_FETCH_SITE", "ap2.datadoghq.com")
    if "env-file" in places:
        words += ["--env-file", file("DD_SITE=ap1.datadoghq.com", "keys.env")]
    if "option" in places:
        words += ["--site", "datadoghq.eu"]
    assert shown(capsys, *words)["site"] == counts


def test_a_settings_file_gives_the_same_settings_as_options(capsys: pytest.CaptureFixture[str]) -> None:
    """As text on the command line, as TOML's own kinds in the file: the same settings."""
    options = "--workers 7 --max-rate 2.5 --compress gzip --keep-raw -v --refresh-window 36h --log-file run.log --ts 5"
    toml = (
        'workers = 7\nmax-rate = 2.5\ncompress = "gzip"\nkeep-raw = true\nverbose = true\n'
        'refresh-window = "36h"\nlog-file = "run.log"\nts = 5\n'
    )
    given = shown(capsys, *options.split())
    read = shown(capsys, "--config", file(toml))
    assert {name: value for name, (value, _) in given.items()} == {name: value for name, (value, _) in read.items()}
    assert {origin for _, origin in read.values()} == {"archive.toml", "default", ""}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wrokers = 3", "archive.toml: wrokers is not the name of an option; did you mean workers?"),
        ("max_rate = 3", "archive.toml: max_rate is not the name of an option; did you mean max-rate?"),
        ("[download]\nworkers = 3", "archive.toml: download is not the name of an option"),
        ('config = "other.toml"', "archive.toml: config is not the name of an option"),
        ("help = true", "archive.toml: help is not the name of an option"),
        ("workers = true", "archive.toml: workers: True is not one number or text"),
        ("workers = [1, 2]", "archive.toml: workers: [1, 2] is not one number or text"),
        ('workers = "many"', "archive.toml: workers: 'many' is no whole number"),
        ("workers = 0", "--workers must be from 1 to 1024"),
        ('compress = "zip"', "archive.toml: compress: 'zip' is not one of none, gzip, zstd"),
        ('keep-raw = "yes"', "archive.toml: keep-raw: 'yes' is neither true nor false"),
        ("= 3", "--config 'archive.toml' is not TOML: Invalid statement (at line 1, column 1)"),
        ("\udcff", "--config 'archive.toml' is not TOML"),
    ],
)
def test_a_mistake_in_a_settings_file_is_named(text: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("archive.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert main(["config", "--config", "archive.toml"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"replay-fetch: {said}")
    assert captured.out == ""


def test_a_missing_settings_file_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["config", "--config", "nowhere.toml"]) == 2
    monkeypatch.setenv("REPLAY_FETCH_CONFIG", "nowhere-else.toml")
    assert main(["config"]) == 2
    said = capsys.readouterr().err
    assert "--config 'nowhere.toml' cannot be read" in said
    assert "--config 'nowhere-else.toml' cannot be read" in said


@pytest.mark.parametrize("name", ["DD_API_KEY", "dd-app-key", "api-key", "app_key", "bearer-token", "DATADOG_API_KEY"])
def test_keys_are_refused_in_the_file_and_never_shown(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "--config", file(f'{name} = "{SECRET}"')]) == 2
    said = capsys.readouterr().err
    assert "keys do not belong in a settings file" in said
    assert "--env-file" in said
    assert SECRET not in said


def test_names_of_other_commands_that_ask_the_api_are_no_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    """One file serves discover and download; each takes what it knows."""
    found = shown(capsys, "--config", file('query = "@type:view"\nfrom = "now-7d"\nworkers = 3\n'))
    assert found["workers"] == ("3", "archive.toml")
    assert "query" not in found


@pytest.mark.parametrize(
    ("environment", "in_file", "expected"),
    [
        ({}, "", ["not set", "not set", "not set"]),
        ({"DD_API_KEY": SECRET, "DATADOG_APP_KEY": SECRET}, "", ["set environment", "set environment", "not set"]),
        ({"DD_API_KEY": SECRET}, f"DD_APP_KEY={SECRET}", ["set environment", "set keys.env", "not set"]),
        (
            {"DD_API_KEY": SECRET, "DD_APP_KEY": SECRET},
            f"DD_BEARER_TOKEN={SECRET}",
            ["not set", "not set", "set keys.env"],
        ),
        ({"DD_BEARER_TOKEN": SECRET}, f"DD_API_KEY={SECRET}", ["set keys.env", "not set", "not set"]),
    ],
)
def test_keys_are_shown_as_set_or_not_and_from_where(
    environment: dict[str, str],
    in_file: str,
    expected: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["config", "--env-file", file(in_file, "keys.env")]) == 0
    text = capsys.readouterr().out
    rows = [" ".join(line.split()) for line in text.splitlines() if line.startswith("DD_")]
    names = ("DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN")
    assert rows == [f"{name} {state}" for name, state in zip(names, expected, strict=True)]
    assert SECRET not in text


def test_a_variable_for_a_flag_says_yes_or_no(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLAY_FETCH_KEEP_RAW", "yes")
    monkeypatch.setenv("REPLAY_FETCH_REFRESH", "0")
    monkeypatch.setenv("REPLAY_FETCH_VERBOSE", "2")
    found = shown(capsys)
    assert (found["keep-raw"][0], found["refresh"][0], found["verbose"][0]) == ("true", "false", "2")
    monkeypatch.setenv("REPLAY_FETCH_KEEP_RAW", "perhaps")
    assert main(["config"]) == 2
    assert "REPLAY_FETCH_KEEP_RAW: 'perhaps' is neither true nor false" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("REPLAY_FETCH_MAXRATE", "it is not the name of an option; did you mean REPLAY_FETCH_MAX_RATE?"),
        ("REPLAY_FETCH_Q", "it is not the name of an option"),
        ("REPLAY_FETCH_HELP", "it is not the name of an option"),
        ("REPLAY_FETCH_DD_API_KEY", "keys are read from DD_API_KEY and DD_APP_KEY, or DD_BEARER_TOKEN"),
    ],
)
def test_a_variable_that_names_no_option_is_warned_about(
    variable: str, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, SECRET)
    assert main(["config"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"replay-fetch: {variable} is ignored")
    assert line.endswith(said)


def test_a_variable_for_an_option_of_another_command_brings_no_warning(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, text in (("QUERY", "@type:view"), ("WORKERS", "3"), ("CONFIG", file("retries = 2")), ("BOGUS", "")):
        monkeypatch.setenv(f"REPLAY_FETCH_{variable}", text)
    assert main(["config"]) == 0
    assert capsys.readouterr().err == ""


def test_every_setting_of_a_download_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    flags = {flag[2:] for flag in command_parser("download").flags} - {"help", "config"}
    keys = {"DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN"}
    assert set(shown(capsys)) == flags | keys


def test_a_value_of_any_length_stands_apart_from_its_origin(capsys: pytest.CaptureFixture[str]) -> None:
    url = f"https://{'a' * 60}.example.com"
    assert shown(capsys, "--base-url", url)["base-url"] == (url, "option")


def test_for_programs_each_setting_is_an_object_and_no_key_has_a_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_API_KEY", SECRET)
    assert main(["config", "--json", "--max-rate", "5"]) == 0
    text = capsys.readouterr().out
    rows = {row["name"]: (row["value"], row["origin"]) for row in map(json.loads, text.splitlines())}
    assert rows["max-rate"] == ("5", "option")
    assert rows["max-views"] == (None, "default")
    assert (rows["DD_API_KEY"], rows["DD_APP_KEY"]) == (("set", "environment"), ("not set", ""))
    assert SECRET not in text


def test_short_options_that_stand_together_are_given(capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, "-qv")
    assert (found["quiet"], found["verbose"]) == (("1", "option"), ("1", "option"))


@settings(max_examples=50)
@given(st.integers(1, 1024), st.sampled_from(["option", "environment", "file", None]), st.booleans())
def test_a_value_counts_the_same_as_option_variable_or_line(workers: int, where: str | None, joined: bool) -> None:  # noqa: FBT001 - drawn
    text, words, environ = "", [], {}
    match where:
        case "option":
            words = [f"--workers={workers}"] if joined else ["--workers", str(workers)]
        case "environment":
            environ = {"REPLAY_FETCH_WORKERS": str(workers)}
        case "file":
            text = f"workers = {workers}"
    parser = command_parser("config")
    Path("drawn.toml").write_text(text)
    origins = settle(parser, [*words, "--config", "drawn.toml"], environ, lambda: iter(()))
    options = parser.parse_args(words)
    assert options.workers == (workers if where else 32)
    assert (origins["workers"] == "default") is (where is None)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_takes_keys_takes_the_settings_file(command: str) -> None:
    flags = command_parser(command).flags
    assert ("--env-file" in flags) is ("--config" in flags)

"""What a command does where the package itself is at fault: exit code, one line, a traceback, and no key in any."""

from __future__ import annotations

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from told_secrets import API_KEY, APP_KEY, BEARER, REAL_API_KEY, REAL_APP_KEY, check_no_secret

from replay_fetch.cli import main
from replay_fetch.errors import OutageError

DOWNLOAD = ["download", "views.csv", "out"]
LINE = "replay-fetch: a defect in replay-fetch, please report it: "
WITH_V = "the same command with -v shows its traceback"

Breaking = Callable[[Exception], None]


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Breaking]:
    """Makes every command raise; what the command line sets up in the process is taken back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for name in list(os.environ):
        if name.startswith(("DD_", "DATADOG_")):
            monkeypatch.delenv(name)

    def breaking(error: Exception) -> None:
        def run(_options: object) -> int:
            raise error

        for command in ("download", "discover", "status", "decode"):
            monkeypatch.setattr(f"replay_fetch.cli.{command}.run", run)

    yield breaking
    for number, handler in before.items():
        signal.signal(number, handler)


def grouped(error: Exception) -> ExceptionGroup[Exception]:
    """As it comes out of tasks, next to a failure that it brought about."""
    inner = ExceptionGroup("unhandled errors in a TaskGroup", [OutageError("dead"), error])
    return ExceptionGroup("unhandled errors in a TaskGroup", [inner])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RuntimeError("boom"), "RuntimeError: boom"),
        (KeyError("view"), "KeyError: 'view'"),
        (AssertionError(), "AssertionError"),
        (ValueError("two\nreplay-fetch: all is well\x1b[2J"), "ValueError: two replay-fetch: all is well\\x1b[2J"),
        (ValueError("x" * 5000), f"ValueError: {'x' * 987}…"),
        (grouped(RuntimeError("in a task")), "RuntimeError: in a task"),
    ],
)
def test_a_defect_is_told_on_one_line_and_ends_with_3(
    error: Exception, said: str, broken: Breaking, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 would say that some rows did not end well, and pass for a success of a sort."""
    broken(error)
    assert main(DOWNLOAD) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", f"{LINE}{said}; {WITH_V}\n")


@pytest.mark.parametrize(
    "words", [[*DOWNLOAD, "-v"], ["discover", "-v"], ["decode", "out", "-v"], ["status", "out", "-v"]]
)
def test_the_traceback_is_shown_with_v(words: list[str], broken: Breaking, capsys: pytest.CaptureFixture[str]) -> None:
    broken(RuntimeError("boom"))
    assert main(words) == 3
    first, *others, last = capsys.readouterr().err.splitlines()
    assert first.endswith(" ERROR a defect")
    assert "Traceback (most recent call last):" in others[0]
    assert "RuntimeError: boom" in others[-1]
    assert last == f"{LINE}RuntimeError: boom; its traceback is above"


@pytest.mark.parametrize("as_json", [False, True])
def test_the_traceback_is_in_the_log_file(
    as_json: bool,  # noqa: FBT001 - drawn
    tmp_path: Path,
    broken: Breaking,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken(RuntimeError("boom"))
    log = tmp_path / "log"
    log.write_text("what was there before\n")
    form = ["--log-format", "json"] if as_json else []
    assert main([*DOWNLOAD, "--log-file", str(log), *form]) == 3
    assert capsys.readouterr().err == f"{LINE}RuntimeError: boom; its traceback is in {log}\n"
    lines = log.read_text().splitlines()[1:]
    if as_json:
        assert json.loads(lines[0])["traceback"][-1] == "RuntimeError: boom"
    else:
        assert lines[-1] == "  RuntimeError: boom"


def test_a_log_file_that_is_gone_is_not_said_to_hold_the_traceback(
    tmp_path: Path, broken: Breaking, capsys: pytest.CaptureFixture[str]
) -> None:
    broken(RuntimeError("boom"))
    assert main([*DOWNLOAD, "--log-file", str(tmp_path / "gone" / "log")]) == 3
    assert capsys.readouterr().err == f"{LINE}RuntimeError: boom; {WITH_V}\n"


def test_a_defect_before_the_options_are_read_is_printed_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, broken: Breaking, capsys: pytest.CaptureFixture[str]
) -> None:
    def check_flags(*_: object) -> None:
        raise RuntimeError("no parser")

    broken(RuntimeError("not this one"))
    monkeypatch.setattr("replay_fetch.cli.parser.Parser.check_flags", check_flags)
    assert main(DOWNLOAD) == 3
    assert capsys.readouterr().err.endswith(f"{LINE}RuntimeError: no parser; its traceback is above\n")


def quoting(*secrets: str) -> Exception:
    """Keys as texts of exceptions hold them: plain, quoted, as JSON, and where a line is cut short."""
    headers = {f"X-{number}": secret for number, secret in enumerate(secrets)}
    cause = ValueError(f"headers {headers}, {json.dumps(headers)}")
    cause.add_note(f"sent with {' '.join(secrets)}")
    plain = " ".join(secrets)
    error = RuntimeError(f"{plain} {'x' * (990 - 2 * len(plain))} {plain}")
    error.__cause__ = cause
    return grouped(error)


@pytest.mark.parametrize(
    "keys",
    [
        {"DD_API_KEY": API_KEY, "DD_APP_KEY": APP_KEY},
        {"DD_BEARER_TOKEN": BEARER},
        {"DATADOG_API_KEY": REAL_API_KEY, "DATADOG_APPLICATION_KEY": REAL_APP_KEY},
    ],
)
def test_no_key_in_an_exceptions_text_is_shown(
    keys: dict[str, str],
    tmp_path: Path,
    broken: Breaking,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    broken(quoting(*keys.values()))
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    check_no_key_is_told(tmp_path, capsys)


def test_no_key_of_an_env_file_is_shown_in_an_exceptions_text(
    tmp_path: Path, broken: Breaking, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    broken(quoting(REAL_API_KEY, APP_KEY))
    env_file = tmp_path_factory.mktemp("keys") / "keys.env"
    env_file.write_text(f"DD_API_KEY={REAL_API_KEY}\nDD_APP_KEY='{APP_KEY}'\n")
    check_no_key_is_told(tmp_path, capsys, "--env-file", str(env_file))


def check_no_key_is_told(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> None:
    for form in ("text", "json"):
        log = folder / form / "log"
        log.parent.mkdir()
        assert main([*DOWNLOAD, "-v", "--log-format", form, "--log-file", str(log), *words]) == 3
        said = capsys.readouterr()
        for text in (said.err, log.read_text()):
            assert "***" in text
            assert "Traceback" in text
        check_no_secret(log, said.out, said.err)


@pytest.mark.usefixtures("broken")
def test_a_defects_text_is_left_out_where_the_env_file_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of keys was there when the command began."""
    env_file = tmp_path / "keys.env"
    env_file.write_text(f"DD_BEARER_TOKEN={REAL_API_KEY}")

    def run(_options: object) -> int:
        env_file.unlink()
        raise quoting(REAL_API_KEY)

    monkeypatch.setattr("replay_fetch.cli.download.run", run)
    assert main([*DOWNLOAD, "-v", "--env-file", str(env_file)]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"{LINE}RuntimeError; its text is left out")
    assert said.count("\n") == 1
    check_no_secret(tmp_path / "out", said)


def test_other_loggers_are_left_alone(broken: Breaking, caplog: pytest.LogCaptureFixture) -> None:
    """A program that calls the command line gets no traceback into a log of its own, where nothing is cleaned."""
    broken(RuntimeError("boom"))
    with caplog.at_level(logging.DEBUG):
        assert main(DOWNLOAD) == 3
    assert caplog.records == []

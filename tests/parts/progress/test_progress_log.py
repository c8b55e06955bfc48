"""What logging writes, and what it never does."""

from __future__ import annotations

import io
import json
import logging
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from replay_fetch.errors import SettingsError
from replay_fetch.progress.console import Console
from replay_fetch.progress.log import logging_to
from replay_fetch.settings import ShowSettings

SECRETS = ("sekrit", "sekrit-and+longer/", "")
log = logging.getLogger("replay_fetch.somewhere")


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(stream: io.StringIO) -> Console:
    return Console(stream)


class Full(io.StringIO):
    """A stream whose reader is gone, or whose disk is full."""

    writes = 0

    def write(self, text: str) -> int:  # noqa: ARG002 - it goes nowhere
        self.writes += 1
        raise BrokenPipeError


def fail(message: str) -> None:
    raise ValueError(message)


def test_text_lines_have_time_level_and_message(console: Console, stream: io.StringIO) -> None:
    with logging_to(console, ShowSettings()):
        log.info("view %s is in", "s1/v1")
    time, level, message = stream.getvalue().rstrip("\n").split(" ", 2)
    assert (len(time), time[-1], level, message) == (20, "Z", "INFO", "view s1/v1 is in")


class Terminal(io.StringIO):
    """A stream to a terminal, whose width the environment tells."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    return Terminal()


def test_a_terminal_gets_long_lines_folded_between_words(terminal: Terminal) -> None:
    view = "1f46e825-067f-4850-9b0a-58b0ef0c14f1/8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da"
    with logging_to(Console(terminal), ShowSettings()):
        log.warning(
            "%s %s: %s", view, "failed", "gave up after 9 attempts, the last of which ended in a 503 from there"
        )
    first, *others = terminal.getvalue().splitlines()
    assert first.split()[1:] == ["WARNING"], "the view's ids do not fit beside the time"
    assert others[0] == f"  {view}", "and are not cut"
    assert all(line.startswith("  ") and len(line) <= 80 for line in others)


def test_neither_a_file_nor_json_nor_a_pipe_is_folded(terminal: Terminal, stream: io.StringIO, tmp_path: Path) -> None:
    long = " ".join(["word"] * 50)
    with logging_to(Console(terminal), ShowSettings(log_file=tmp_path / "log")):
        log.info(long)
    with logging_to(Console(terminal), ShowSettings(log_json=True)):
        log.info(long)
    with logging_to(Console(stream), ShowSettings()):
        log.info(long)
    assert json.loads(terminal.getvalue().splitlines()[-1])["message"] == long
    for text in ((tmp_path / "log").read_text(), stream.getvalue()):
        (line,) = text.splitlines()
        assert line.endswith(long)


def test_json_lines_carry_fields_and_traceback(console: Console, stream: io.StringIO) -> None:
    with logging_to(console, ShowSettings(log_json=True), SECRETS):
        log.info("so far", extra={"fields": {"pages": 3, "note": "sekrit", "path": Path("a")}})
        try:
            fail("sekrit")
        except ValueError:
            log.exception("stopped")
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first["time"].endswith("Z")
    assert {**first, "time": ""} == {
        "time": "",
        "level": "info",
        "logger": "replay_fetch.somewhere",
        "message": "so far",
        "pages": 3,
        "note": "***",
        "path": "a",
    }
    assert second["traceback"][-1] == "ValueError: ***"


@pytest.mark.parametrize(
    ("verbosity", "shown"), [(-1, ["warning"]), (0, ["info", "warning"]), (1, ["debug", "info", "warning"])]
)
def test_verbosity_decides_what_is_shown(
    console: Console, stream: io.StringIO, verbosity: int, shown: list[str]
) -> None:
    with logging_to(console, ShowSettings(verbosity=verbosity)):
        log.debug("debug")
        log.info("info")
        log.warning("warning")
    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == shown


@pytest.mark.parametrize("as_json", [False, True])
def test_secrets_are_taken_out_of_messages_arguments_and_tracebacks(
    console: Console,
    stream: io.StringIO,
    as_json: bool,  # noqa: FBT001 - from the table
) -> None:
    with logging_to(console, ShowSettings(log_json=as_json), SECRETS):
        log.warning("key sekrit, %s, %r, sekrit-and%%2Blonger%%2F", "sekrit", {"DD-API-KEY": "sekrit-and+longer/"})
        try:
            fail("url?key=sekrit-and+longer/")
        except ValueError:
            log.exception("with sekrit")
    text = stream.getvalue()
    assert "sekrit" not in text
    assert "longer" not in text
    # Four in the first message, one in the second, two in its traceback: the source line and the error.
    assert text.count("***") == 7


def test_terminal_escapes_and_forged_lines_stay_text(console: Console, stream: io.StringIO) -> None:
    with logging_to(console, ShowSettings()):
        log.warning("an id: %s", "\x1b[2J\r\n2026-02-03T04:05:06Z INFO all is well \u202e \udc80 \x9b")
        try:
            fail("\x1b]0;title\x07\n2026-02-03T04:05:06Z INFO forged")
        except ValueError:
            log.exception("stopped")
    lines = stream.getvalue().split("\n")
    assert all(line.isprintable() for line in lines)
    assert r"\x1b[2J\r\n2026" in lines[0]
    assert all(line.startswith("  ") for line in lines[2:-1])


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.booleans())
def test_any_text_is_one_printable_line(text: str, as_json: bool) -> None:  # noqa: FBT001 - drawn
    stream = io.StringIO()
    with logging_to(Console(stream), ShowSettings(log_json=as_json)):
        log.warning("%s", text)
    assert stream.getvalue().endswith("\n")
    assert stream.getvalue()[:-1].isprintable()


def test_a_log_file_is_for_its_owner_and_is_appended_to(console: Console, stream: io.StringIO, tmp_path: Path) -> None:
    path = tmp_path / "run.log"
    for number in (1, 2):
        with logging_to(console, ShowSettings(log_file=path, verbosity=-1), SECRETS):
            log.info("run %d sekrit", number)
    assert [line.split(" ", 2)[2] for line in path.read_text().splitlines()] == ["run 1 ***", "run 2 ***"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stream.getvalue() == ""


def test_a_log_file_that_cannot_be_opened_is_a_settings_error(console: Console, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--log-file"), logging_to(console, ShowSettings(log_file=tmp_path)):
        pass


def test_a_full_disk_under_the_log_file_is_told_once(console: Console, stream: io.StringIO) -> None:
    with logging_to(console, ShowSettings(log_file=Path("/dev/full"), verbosity=-1)):
        for _ in range(3):
            log.info("something")
    time, said = stream.getvalue().rstrip("\n").split(" ", 1)
    assert re.fullmatch(r"[\d-]+T[\d:]+Z", time)
    assert said == "WARNING --log-file '/dev/full' lacks lines from here on: No space left on device"


def test_a_log_call_that_is_broken_is_not_taken_for_a_full_disk(
    console: Console, stream: io.StringIO, tmp_path: Path
) -> None:
    with logging_to(console, ShowSettings(log_file=tmp_path / "log", verbosity=-1)):
        log.info("%d", "sekrit-argument")
    assert "a log call failed at" in stream.getvalue()
    assert "lacks lines" not in stream.getvalue()
    assert "sekrit" not in stream.getvalue()


def test_a_reader_that_went_away_ends_the_lines_not_the_run() -> None:
    gone = Full()
    with logging_to(Console(gone), ShowSettings()):
        log.info("one")
        log.info("two")
    assert gone.writes == 1


def test_a_closed_or_missing_stream_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", None)
    for console in (Console(closed), Console()):
        console.line("text")
        assert not console.isatty()
        assert console.columns() > 0


def test_a_stream_of_few_characters_gets_the_others_escaped() -> None:
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="ascii") as stream:
        Console(stream).line("séance")
        assert raw.getvalue() == b"s\\xe9ance\n"


def test_a_broken_log_call_names_its_place_and_not_its_arguments(console: Console, stream: io.StringIO) -> None:
    with logging_to(console, ShowSettings()):
        log.warning("%d", "sekrit-argument")
    assert "test_progress_log.py" in stream.getvalue()
    assert "sekrit" not in stream.getvalue()


@pytest.fixture
def package_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("replay_fetch")
    yield logger
    assert logger.handlers == []


def test_logging_is_as_before_afterwards(console: Console, package_logger: logging.Logger) -> None:
    before = package_logger.level, package_logger.propagate, logging.getLogger().handlers[:]
    with logging_to(console, ShowSettings(verbosity=1)):
        assert not package_logger.propagate
    assert (package_logger.level, package_logger.propagate, logging.getLogger().handlers) == before

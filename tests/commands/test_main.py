"""How the program begins and ends as a process: by ``python -m``, with streams that others hold, in a checkout."""

from __future__ import annotations

import importlib.metadata
import io
import os
import resource
import runpy
import sys

import pytest

from replay_fetch.cli import main
from replay_fetch.cli.output import OutputError, require_stdout, say
from replay_fetch.cli.process import allow_open_files
from replay_fetch.progress.console import Console


def _version_of(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_python_m_replay_fetch_runs_the_words_of_the_process_and_gives_their_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["replay-fetch", "help", "nosuch"])
    monkeypatch.delitem(sys.modules, "obstore", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("replay_fetch", run_name="__main__")
    assert ended.value.code == 2
    assert "nosuch" in capsys.readouterr().err


def test_a_process_with_the_library_of_the_stores_ends_at_once_with_all_that_was_printed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its threads would abort an interpreter that is taken down."""
    ended: list[tuple[int, bytes]] = []
    printed = io.BytesIO()

    def leave(code: int) -> None:
        ended.append((code, printed.getvalue()))

    monkeypatch.setattr("sys.argv", ["replay-fetch", "help", "recipes"])
    monkeypatch.setitem(sys.modules, "obstore", sys.modules[__name__])
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, "utf-8"))
    monkeypatch.setattr("sys.stderr", None)
    monkeypatch.setattr(os, "_exit", leave)
    main()
    ((code, text),) = ended
    assert code == 0
    assert text.startswith(b"# ")


def test_a_checkout_that_was_never_installed_has_no_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _version_of(capsys) == f"replay-fetch {importlib.metadata.version('replay-fetch')}\n"

    def unknown(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", unknown)
    assert _version_of(capsys) == "replay-fetch (not installed)\n"


def test_a_reader_who_has_gone_is_no_error_and_is_told_to_whoever_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "w", encoding="utf-8") as gone:  # noqa: PTH123 - a descriptor
        monkeypatch.setattr("sys.stdout", gone)
        assert [say("one"), say("two")] == [False, True]  # silent from the first on


def test_letters_that_stdout_lacks_come_out_as_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, "ascii"))
    assert say("a \u00e4 \ud83d")
    assert printed.getvalue() == b"a \\xe4 \\ud83d\n"


def test_a_command_whose_result_is_what_it_prints_needs_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    require_stdout("the list")
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(OutputError, match="stdout is closed, and the list would be lost: run it again"):
        require_stdout("the list")


def test_a_stream_to_people_that_was_closed_is_silent_and_no_terminal() -> None:
    for call in (Console.flush, Console.isatty):
        stream = io.StringIO()
        console = Console(stream)
        console.line("seen")
        assert stream.getvalue() == "seen\n"
        stream.close()
        assert not call(console)
        console.line("lost")
        console.flush()
        assert not console.isatty()


@pytest.mark.parametrize(
    ("soft", "hard", "needed", "raised", "given"),
    [
        (1024, 4096, 512, None, 512),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 512, None, 512),
        (1024, 4096, 2000, (2000, 4096), 2000),
        (1024, 1500, 2000, (1500, 1500), 1500),
        (1024, resource.RLIM_INFINITY, 2000, (2000, resource.RLIM_INFINITY), 2000),
    ],
)
def test_the_limit_of_open_files_is_raised_as_far_as_the_system_lets_it(  # noqa: PLR0913, PLR0917 - a table
    soft: int, hard: int, needed: int, raised: tuple[int, int] | None, given: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    assert allow_open_files(needed) == given
    assert asked == ([] if raised is None else [raised])

"""The command line's contract: flags, exit codes, one-line messages, and readers who have gone."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import COMMAND, HANGS, environment, run, run_here

from replay_fetch import errors
from replay_fetch.archive.folder import opened
from replay_fetch.cli.main import COMMANDS, exit_code_of, main
from replay_fetch.cli.output import OutputError, conclude
from replay_fetch.errors import ArchiveError, InputError, ReplayFetchError, SettingsError
from replay_fetch.ledger.ledger import Ledger
from replay_fetch.settings import Compression
from replay_fetch.store import failures

# Other people's scripts lean on these: one that goes is a new major version.
CONTRACT = {
    "download": """
        --site --base-url --env-file --ca-file --source --ts --max-list-size --segments-path --next-path
        --session-column --view-column --max-views --refresh --refresh-window --workers --max-rate --retries
        --connect-timeout --read-timeout --give-up-after --compress --keep-raw --progress --log-format --log-file
        -q -v --json --dry-run
    """,
    "discover": "--query --from --to --session --application --playlist --out --site --base-url --env-file --json",
    "demo": "",
    "simulate": "--port --shape --limit --period --latency --fault",
    "probe": "--site --base-url --env-file --source --segments-path --next-path --json",
    "status": "--json --unfinished --watch --interval",
    "show": "--limit --pages --json --csv",
    "export": "--parquet",
    "decode": "--segments-path --next-path --dry-run --keep-raw --json",
    "report": "--out",
    "verify": "--rebuild --jobs --json",
}
ARGUMENTS = {"download": ["VIEWS", "OUT"], "demo": ["OUT"], "probe": ["SESSION", "VIEW"], "status": ["OUT"]}


def helped(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """What a command says of itself."""
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return capsys.readouterr().out


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """The command line turns signals into interrupts; those of the test run are given back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_no_command_of_the_contract_is_gone() -> None:
    assert set(CONTRACT) <= set(COMMANDS)


@pytest.mark.parametrize("command", CONTRACT)
def test_help_names_every_flag_of_the_contract(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(capsys, command)
    flags = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", text))
    assert set(CONTRACT[command].split()) <= flags
    assert all(argument in text for argument in ARGUMENTS.get(command, []))


def test_help_names_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    text = helped(capsys)
    assert all(re.search(rf"^ +{command} ", text, re.MULTILINE) for command in COMMANDS)
    codes = text[text.index("exit codes:") :]
    assert all(re.search(rf"(?<!\d){code} ", codes) for code in (0, 1, 2, 3, 130))


# They print a text that is always there, or serve until they are stopped.
@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"completion", "config", "help", "simulate"}))
def test_the_help_of_a_command_that_can_lack_something_tells_its_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "exit codes: " in helped(capsys, command)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "COMMAND"),
        (["fetch"], "unknown command fetch"),
        (["download"], "OUT"),
        (["download", "a.csv", "out", "--worker", "3"], "--worker"),
        (["download", "a.csv", "out", "--api-key", "secret"], "--api-key"),
        (["download", "a.csv", "out", "--workers", "many"], "argument --workers: 'many' is no whole number"),
        (["download", "a.csv", "out", "--max-rate", "fast"], "argument --max-rate: 'fast' is no number"),
        (["simulate", "--port", "3.5"], "argument --port: '3.5' is no whole number"),
        (["download", "a.csv", "out", "--source", "tape"], "tape"),
        (["download", "a.csv", "out", "--compress", "rar"], "none"),
        (["discover", "--user", ""], "the value of --user is empty"),
        (["discover", "--url="], "the value of --url is empty"),
        (["discover", "--session", "\r"], "the value of --session is empty"),
        (["discover", "--query", " "], "the value of --query is empty"),
        (["download", "", "out"], "an argument is empty"),
        (["prune", "", "--older-than", "400d"], "an argument is empty"),
        (["export", "archive", "--rrweb", ""], "the value of --rrweb is empty"),
        (["verify", "--quick", ""], "an argument is empty"),
        (["erase", "archive", "--user", " "], "the value of --user is empty"),
        (["show", "--", "archive", ""], "an argument is empty"),
    ],
)
def test_wrong_usage_ends_with_2_and_names_the_mistake(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


_LINK = "https://app.datadoghq.eu/rum/replay/sessions/s1"


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("s1", "VIEW is missing: replay-fetch probe SESSION VIEW, or a replay link that names a view (seed=…)\n"),
        (_LINK.replace(".eu", ".com"), "the link names none: `replay-fetch discover --session s1` does"),
        (f"{_LINK}?seed=v/", "replay link: the id 'v/' has a character outside"),
        (
            f"{_LINK}?seed=v",
            "the command line, SESSION: the link leads to datadoghq.eu, and datadoghq.com would be asked",
        ),
    ],
)
def test_a_probe_needs_a_view_of_the_site_that_is_asked(
    word: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", word, "--site", "datadoghq.com"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["download", "--dry-run", "--", "-v.csv", "out"], 2, "-v.csv: there is no such file"),
        (["export", "--rrweb", "f", "--", "-q", "x"], 3, "there is no folder -q"),
    ],
)
def test_names_behind_two_dashes_are_no_options_of_a_command_with_a_list_of_arguments(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == code
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--workers", "0"], "--workers"),
        (["--max-rate", "-1"], "--max-rate"),
        (["--retries", "-1"], "--retries"),
        (["--read-timeout", "0"], "--read-timeout"),
        (["--give-up-after", "inf"], "--give-up-after"),
        (["--max-views", "0"], "--max-views"),
        (["--base-url", "http://example.org"], "--base-url"),
        (["--site", "https://datadoghq.eu"], "--site"),
        (["--env-file", "nowhere.env"], "nowhere.env"),
        ([], "DD_API_KEY"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_on_one_line_before_anything_is_touched(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith(("DD_", "DATADOG_")):
            monkeypatch.delenv(name)
    (tmp_path / "views.csv").write_text("session_id,view_id\ns,v\n")
    assert main(["download", str(tmp_path / "views.csv"), str(tmp_path / "out"), *words]) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err.count("\n")) == ("", 1)
    assert captured.err.startswith("replay-fetch: ")
    assert said in captured.err
    assert not (tmp_path / "out").exists()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", "key")
    monkeypatch.setenv("DD_APP_KEY", "key")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "views.csv: there is no such file"),
        (b"", "is empty"),
        (b"PK\x03\x04", "a spreadsheet or zip file"),
        (b"user,page\na,b\n", "no column for session ids"),
        (b"\x1f\x8bno gzip", "cut short or damaged"),
        (b'session_id,view_id\n"s,v\n', "a quote opens in this row"),
        (b'[{"session_id":"s","view_id":"v"}]', "is one JSON array; give each of its objects a line"),
        (b'[\n  {"session_id": "s"}\n]', "is one JSON array; give each of its objects a line"),
        ("session_id,view_id\ns,v\n".encode("utf-16-le"), "is UTF-16 without a mark that says so; save it as UTF-8"),
        ("session_id,view_id\ns,v\n".encode("utf-16-be"), "is UTF-16 without a mark that says so; save it as UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\n", "is no text: it holds zero bytes"),
    ],
)
def test_an_unreadable_list_leaves_no_archive_behind(
    content: bytes | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / "views.csv").write_bytes(content)
    assert main(["download", str(tmp_path / "views.csv"), str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("REPLAY_FETCH_CA_FILE=nowhere.pem", "--ca-file nowhere.pem: No such file or directory"),
        (f"REPLAY_FETCH_CA_FILE={__file__}", "no certificate"),
        ("HTTPS_PROXY=socks5://127.0.0.1:1080", "names a socks5 proxy"),
    ],
)
def test_a_connection_that_cannot_be_made_leaves_no_archive_behind(
    variable: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(*variable.split("=", 1))
    (tmp_path / "views.csv").write_text("session_id,view_id\ns,v\n")
    assert main(["download", str(tmp_path / "views.csv"), str(tmp_path / "out")]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("keys")
def test_an_empty_pipe_as_list_leaves_no_archive_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
    assert main(["download", "-", str(tmp_path / "out")]) == 2
    assert "standard input is empty" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("keys")
def test_a_compression_that_is_not_installed_leaves_no_archive_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(_: Compression) -> None:
        raise SettingsError("needs the extra `zstd`")

    monkeypatch.setattr("replay_fetch.pipeline.opening.require", lacking)
    (tmp_path / "views.csv").write_text("session_id,view_id\ns,v\n")
    assert main(["download", str(tmp_path / "views.csv"), str(tmp_path / "out"), "--compress", "zstd"]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("keys")
def test_a_folder_of_another_program_is_refused_before_the_list_is_waited_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    (tmp_path / "letter.txt").touch()
    assert main(["download", "-", str(tmp_path)]) == 3
    assert "holds something else" in capsys.readouterr().err


def test_a_message_that_quotes_line_breaks_stays_on_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", str(tmp_path / "no\nreplay-fetch: all is well\x1b[2J")]) == 3
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\x1b" not in said


def test_on_a_terminal_a_message_is_folded_between_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    for name in ("DD_API_KEY", "DD_APP_KEY", "DD_BEARER_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert main(["download", "views.csv", str(tmp_path / "out")]) == 2
    first, *others = terminal.getvalue().splitlines()
    assert first.startswith("replay-fetch: no keys")
    assert others
    assert all(line.startswith("  ") for line in others)
    assert all(len(line) <= 80 for line in (first, *others))


def every_error() -> list[type[ReplayFetchError]]:
    kinds = [kind for module in (errors, failures) for kind in vars(module).values() if isinstance(kind, type)]
    return [
        kind for kind in dict.fromkeys(kinds) if issubclass(kind, ReplayFetchError) and kind is not ReplayFetchError
    ]


@pytest.mark.parametrize("kind", every_error())
def test_each_error_has_its_exit_code(kind: type[ReplayFetchError]) -> None:
    """2 where nothing was asked; 3 for whatever stops a run."""
    error = kind.__new__(kind)
    assert exit_code_of(error) == (2 if kind in (SettingsError, InputError) else 3)


def test_the_drawing_of_the_errors_names_each_of_them() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__ or ""))
    assert drawn == {kind.__name__ for kind in every_error()}


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def interrupted(_options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("replay_fetch.cli.status.run", interrupted)
    assert main(["status", str(tmp_path)]) == 130


# --- as a process


def test_python_m_replay_fetch_is_the_command() -> None:
    done = run("--version")
    assert (done.code, done.stderr) == (0, "")
    assert re.fullmatch(r"replay-fetch \S.*\n", done.stdout)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["status", "--help"]])
def test_help_brings_no_http_library_along(words: list[str]) -> None:
    """It is to be there at once."""
    script = (
        "import sys\n"
        "from replay_fetch.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print([name for name in ('aiohttp', 'pyarrow') if name in sys.modules])"
    )
    done = subprocess.run(  # noqa: S603 - the words of the table
        [sys.executable, "-c", script, *words], capture_output=True, env=environment(), timeout=HANGS, check=True
    )
    assert done.stdout.decode().splitlines()[-1] == "[]"


def redirected(redirection: str, *words: str | Path) -> tuple[int, str]:
    """The exit code of a command whose stdout a shell sends elsewhere, and its stderr."""
    command = " ".join(map(str, [*COMMAND, *words]))
    done = subprocess.run(  # noqa: S603 - the words of a table, for a shell to redirect
        ["/bin/bash", "-c", f"set -o pipefail; {command} {redirection}"],
        capture_output=True,
        env=environment(),
        timeout=HANGS,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return done.returncode, done.stderr.decode()


@pytest.fixture
def empty_archive(tmp_path: Path) -> Path:
    with opened(tmp_path / "out") as layout:
        Ledger.open(layout.ledger).close()
    return tmp_path / "out"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "| true"])
def test_a_closed_stdout_is_no_error(redirection: str, empty_archive: Path) -> None:
    """A summary that nobody reads changes no exit code; no traceback tells of it."""
    assert redirected(redirection, "status", empty_archive) == (0, "")


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ("discover", "the list"),
        ("discover --count", "the figures"),
        ("transcript OUT aaaa", "the transcript"),
        ("snapshot OUT aaaa --view v --at 1", "the page"),
        ("find OUT --user ada", "the list of sessions"),
        ("status OUT --unfinished", "the list of views"),
        ("show OUT", "the list of sessions"),
        ("completion bash", "the script"),
    ],
)
def test_a_result_that_a_closed_stdout_would_lose_is_an_error(words: str, lost: str, empty_archive: Path) -> None:
    first, *others = words.replace("OUT", str(empty_archive)).split()
    said = f"replay-fetch: stdout is closed, and {lost} would be lost: run it again with stdout open, or into a file\n"
    assert redirected(">&-", first, *others) == (3, said)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("words", [["status"], ["status", "--unfinished"], ["verify", "-q"]])
def test_a_full_disk_under_stdout_is_an_error(words: list[str], empty_archive: Path) -> None:
    """A list that it cut short looks like a list."""
    code, said = redirected(">/dev/full", words[0], empty_archive, *words[1:])
    assert code == 3
    assert re.fullmatch(
        "replay-fetch: stdout cannot be written: No space left on device; .*lost or cut short.*\n", said
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_the_failure_of_a_run_is_printed_even_where_its_summary_cannot_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123 - as stdout is
        monkeypatch.setattr("sys.stdout", full)
        with pytest.raises(OutputError):
            conclude("27 views", ArchiveError("disk full"))
    assert capsys.readouterr().err == "replay-fetch: disk full\n"


def test_a_warning_about_the_file_of_keys_is_a_line_of_the_log(tmp_path: Path) -> None:
    (tmp_path / "keys.env").write_text("DD_API_KEY=api-1\nDD_APP_KEY=app-1\n")
    (tmp_path / "keys.env").chmod(0o644)
    (tmp_path / "views.csv").write_text("session_id,view_id\n")
    log_options = ["--log-format", "json", "--log-file", str(tmp_path / "log")]
    done = run_here(
        "download", tmp_path / "views.csv", tmp_path / "out", "--env-file", tmp_path / "keys.env", *log_options
    )
    log = (tmp_path / "log").read_text()
    assert '"level":"warning"' in log
    assert "chmod 600" in log
    assert "api-1" not in log + done.stderr

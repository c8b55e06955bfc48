"""Help that helps: groups, examples, the nearest name for a mistake, completion, and all of it at once."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_archives import write_archive
from processes import COMMAND, HANGS, environment

from replay_fetch.cli import main
from replay_fetch.cli.help import guides
from replay_fetch.cli.main import _GROUPS, COMMANDS, command_parser
from replay_fetch.sites import SITES


def stopped(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main([*words])
    captured = capsys.readouterr()
    return ended.value.code, captured.out, captured.err


def test_every_command_stands_in_one_group() -> None:
    assert sum(map(len, _GROUPS.values())) == len(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_that_parses(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text, _ = stopped(capsys, command, "--help")
    assert code == 0
    example = re.search(rf"replay-fetch {command}\b([^|;&\n>)]*)", text[text.index("example") :])
    assert example is not None
    parser = command_parser(command)
    words = example[1].split(", where")[0].split()
    parser.check_flags(words)
    parser.parse_args(words)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_options_help_mentions_no_option_that_the_command_lacks(command: str) -> None:
    """An option that several commands share has one help, which must be true in each of them."""
    parser = command_parser(command)
    mentioned = re.findall(r"--[a-z][a-z-]+", " ".join(action.help or "" for action in parser.flags.values()))
    assert set(mentioned) <= set(parser.flags)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fits_eighty_columns(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    _, text, _ = stopped(capsys, *command.split(), "--help")
    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert text.startswith(f"usage: replay-fetch {command}".rstrip())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["downlaod"], "replay-fetch: unknown command downlaod; did you mean download?"),
        (["expotr", "out"], "replay-fetch: unknown command expotr; did you mean export?"),
        (["xyzzy"], "replay-fetch: unknown command xyzzy"),
        (["--hlep"], "replay-fetch: unknown option --hlep; did you mean --help?"),
        (["download", "--wrokers", "3"], "replay-fetch download: unknown option --wrokers; did you mean --workers?"),
        (["download", "--wrokers=3"], "replay-fetch download: unknown option --wrokers; did you mean --workers?"),
        (["download", "v", "o", "--max_rate", "3"], "unknown option --max_rate; did you mean --max-rate?"),
        (["export", "out", "--parqet", "t"], "unknown option --parqet; did you mean --parquet?"),
        (["show", "out", "--limt", "5"], "unknown option --limt; did you mean --limit?"),
        (["download", "v", "o", "--rate", "3"], "unknown option --rate; did you mean --max-rate?"),
        (["verify", "out", "--xyzzy"], "replay-fetch verify: unknown option --xyzzy"),
        (["probe", "s", "v", "--api-key", "k"], "--api-key: every user of the machine could read it; keys come from"),
        (["download", "v", "o", "--bogus"], "replay-fetch download: unknown option --bogus"),
        ([], "replay-fetch: a COMMAND is missing"),
    ],
)
def test_a_mistake_takes_a_line_and_names_what_was_meant(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = stopped(capsys, *words)
    mistake, see, *more = err.splitlines()
    assert (code, out, more) == (2, "", [])
    assert said in mistake
    if "xyzzy" in said or "bogus" in said:
        assert "did you mean" not in mistake
    assert re.fullmatch(r"see `replay-fetch( \w+)? --help`", see)


def test_the_help_of_download_tells_the_exit_codes_and_groups_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = stopped(capsys, "download", "--help")
    codes = text[text.index("exit codes:") :]
    assert all(re.search(rf"(?<!\d){code} ", codes) for code in (0, 1, 2, 3, 130))
    ungrouped = text[text.index("\noptions:") :].split("\n\n")[0]
    assert re.findall(r"--[a-z-]+", ungrouped) == ["--help"]
    assert "most requests at once (32)" in text


def test_the_help_of_config_promises_no_plan(capsys: pytest.CaptureFixture[str]) -> None:
    _, text, _ = stopped(capsys, "config", "--help")
    assert "print the plan" not in text
    assert main(["config", "--dry-run"]) == 0


def test_a_value_that_looks_like_a_key_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = stopped(capsys, "download", "v", "o", "--api-key=0123456789abcdef")
    assert "0123456789abcdef" not in err


def test_behind_two_dashes_nothing_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    parser = command_parser("status")
    parser.check_flags(["--", "--odd-folder"])
    assert str(parser.parse_args(["--", "--odd-folder"]).out.place()) == "--odd-folder"
    assert capsys.readouterr().err == ""


def test_a_mistake_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = stopped(capsys, "download\x1b[2J")
    assert "\x1b" not in err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh"])
def test_completion_knows_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert all(re.search(rf"\b{command}\b", script) for command in COMMANDS)
    assert "give-up-after" in script or shell == "tcsh"  # whose subcommands' options shtab leaves out


def test_completion_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab", reason="the extra is optional")
    assert main(["completion", "bash", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["shell"] == "bash"
    assert "complete" in made["script"]


def test_bash_completes_commands_options_sites_and_lists(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script = f"""
eval "$({sys.executable} -m replay_fetch completion bash)"
f=$(complete -p replay-fetch | sed 's/.*-F \\([^ ]*\\).*/\\1/')
COMP_WORDS=(replay-fetch s); COMP_CWORD=1; $f replay-fetch s replay-fetch; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch download --wor); COMP_CWORD=2; $f replay-fetch --wor download; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch download --compress g); COMP_CWORD=3; $f replay-fetch g --compress; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch download --site us); COMP_CWORD=3; $f replay-fetch us --site; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch download {tmp_path}/vi); COMP_CWORD=2; $f replay-fetch {tmp_path}/vi download
echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch download --sessions {tmp_path}/vi); COMP_CWORD=3; $f replay-fetch {tmp_path}/vi --sessions
echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch help sc); COMP_CWORD=2; $f replay-fetch sc help; echo "${{COMPREPLY[@]}}"
COMP_WORDS=(replay-fetch help er); COMP_CWORD=2; $f replay-fetch er help; echo "${{COMPREPLY[@]}}"
"""
    (tmp_path / "views.csv").touch()
    done = subprocess.run(  # noqa: S603 - our own script
        [bash, "-c", script], capture_output=True, env=environment(), timeout=HANGS, check=True, text=True
    )
    commands, options, choices, sites, lists, sessions, topics, guides_too = done.stdout.splitlines()
    assert sorted(commands.split()) == ["scrub", "show", "simulate", "snapshot", "status"]
    assert options == "--workers"
    assert choices == "gzip"
    assert sites.split() == ["us3.datadoghq.com", "us5.datadoghq.com", "us2.ddog-gov.com"]
    assert lists == sessions == str(tmp_path / "views.csv")
    assert topics == "scrub"
    assert sorted(guides_too.split()) == ["erase", "erasing"]


def test_zsh_is_told_files_sites_topics_and_each_commands_own_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert re.search(r'"\(\*\)::a list of views [^"]*:_files"', script)
    assert re.search(r'"--sessions\[[^"]*\]:FILE:_files"', script)
    assert re.search(rf'"--site\[[^"]*\]:HOST:\({" ".join(SITES)}\)"', script)
    (topics,) = re.findall(r'":a guide or a command[^"]*:\(([^)]*)\)"', script)
    assert topics.split() == [*guides(), *COMMANDS]
    for name, summary in COMMANDS.items():
        assert f"\n    {name}:{shlex.quote(summary)}\n" in script


def test_fish_has_a_line_for_each_option_with_its_values_and_quotes_closed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "fish"]) == 0
    script = capsys.readouterr().out.splitlines()
    words = [shlex.split(line.replace("\\'", ""), comments=True) for line in script]
    download = [line for line in words if "__fish_seen_subcommand_from download" in line]
    flags = {line[line.index("-l") + 1] for line in download if "-l" in line}
    assert flags == {flag[2:] for flag in command_parser("download").flags}
    (site,) = [line for line in download if "site" in line]
    assert site[site.index("-a") + 1].split() == list(SITES)
    (config,) = [line for line in download if "config" in line]
    assert config[config.index("config") + 1 :][:2] == ["-r", "-F"]
    told = [line[line.index("-d") + 1] for line in words if "-d" in line]
    assert "newest N sessions, 0 for all (20; 0 with --json)" in told
    assert [text for text in told if text.count("(") != text.count(")")] == []


@pytest.mark.parametrize("words", [["--help"], ["download", "--help"], ["show", "--help"], ["downlaod"]])
def test_help_loads_little(words: list[str]) -> None:
    """What takes long to load is known by name; a clock would judge the machine."""
    script = (
        "import sys\n"
        "from replay_fetch.cli import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "heavy = 'aiohttp anyio sqlite3 tqdm matplotlib jinja2 pyarrow numpy shtab'.split()\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - the words of the table
        [sys.executable, "-c", script, *words],
        capture_output=True,
        env=environment(),
        timeout=HANGS,
        check=True,
        text=True,
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert loaded <= ({"anyio", "sqlite3", "tqdm"} if words[0] == "show" else set())


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
@pytest.mark.parametrize("words", [("--help",), ("simulate", "--help"), ("config",), ("show", "ARCHIVE")])
def test_a_stdout_of_any_encoding_takes_the_help(tmp_path: Path, encoding: str, words: tuple[str, ...]) -> None:
    """As under LC_ALL=C of old systems, in cron and in containers."""
    archive = write_archive(tmp_path / "b\N{LATIN SMALL LETTER A WITH DIAERESIS}r", {})
    done = subprocess.run(  # noqa: S603 - the words of the table
        [*COMMAND, *(str(archive) if word == "ARCHIVE" else word for word in words)],
        capture_output=True,
        env=environment() | {"PYTHONIOENCODING": encoding},
        timeout=HANGS,
        check=False,
    )
    said = done.stderr.decode(encoding)
    assert (done.returncode, "defect" in said) == (0, False), said
    assert done.stdout.decode(encoding)


def test_letters_that_an_encoding_lacks_come_out_escaped() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from replay_fetch.cli.output import say; say('a\\u2026b\\u00e4\\ud800')"],
        capture_output=True,
        env=environment() | {"PYTHONIOENCODING": "latin-1"},
        timeout=HANGS,
        check=True,
    )
    assert done.stdout == b"a\\u2026b\xe4\\ud800\n"

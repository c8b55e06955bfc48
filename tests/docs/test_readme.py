"""README and guides are held to what the program says and does."""

from __future__ import annotations

import argparse
import ast
import asyncio
import re
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from archives import KEYS
from processes import served
from readme import DOCUMENTS, GUIDES, README, ROOT, section
from recording import COLUMNS, FRAMES, recording
from store_servers import AZURITE, NPM_INSTALL

from replay_fetch import ApiSettings, ArchiveSettings, Compression, Outcome, Report, Settings, download
from replay_fetch.archive.manifest import ManifestLine
from replay_fetch.simulator import SimulatorSettings

OF_OTHERS = {"--rows", "--quick", "--kills", "--sequences", "--minutes", "--sizes", "--mix", "--rounds", "--tls"} | {
    "--copies",
    "--folder",
    "--seconds",
}
"""Options of the benchmarks, the crash harness and the fuzzer."""


def flags_of(command: str) -> set[str]:
    """The long options of a command."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"replay_fetch.cli.{command}").add_options(parser)
    return {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}


def flags_in(text: str) -> set[str]:
    """The long options that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_every_option_of_download_stands_in_the_readme_and_no_other() -> None:
    table = section("Options").split("Progress and logs")[0]
    assert flags_in(table) == flags_of("download")


def test_no_option_that_the_readme_names_is_made_up() -> None:
    known = set().union(*(flags_of(command) for command in command_line_commands()))
    ours = flags_in(re.sub(r"pip install.*|python3 -m venv.*", "", DOCUMENTS))
    assert ours - known - {"--help", "--version"} - OF_OTHERS == set()


def command_line_commands() -> list[str]:
    """All commands, as the command line lists them."""
    return list(import_module("replay_fetch.cli.main").COMMANDS)


def test_every_command_stands_in_the_readme() -> None:
    assert [name for name in command_line_commands() if f"replay-fetch {name}" not in README] == []


def test_the_exit_codes_are_those_of_a_report() -> None:
    told = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", section("Outcomes and exit codes"), flags=re.MULTILINE))
    plain = Report(list_name="", rows=1, duplicates=0, bad_rows=0, outcomes={})
    reports = {
        "0": replace(plain, outcomes={Outcome.FETCHED: 1}),
        "1": replace(plain, outcomes={Outcome.FAILED: 1}),
        "3": replace(plain, unasked=1, stopped="why"),
        "130": replace(plain, unasked=1, interrupted=True),
    }
    assert set(told) == {*reports, "2"}
    assert {code: str(report.exit_code) for code, report in reports.items()} == {code: code for code in reports}


def test_the_outcomes_are_those_of_the_program() -> None:
    rows = re.findall(r"^\| `(\w+)` \| .*? \| (no|yes)", section("Outcomes and exit codes"), flags=re.MULTILINE)
    assert {name: again == "no" for name, again in rows} == {one.value: one.finished for one in Outcome}


@pytest.fixture(scope="module")
def demo() -> list[str]:
    """The lines that the demo shows on a terminal: frames of the bar, then its words."""
    return recording().splitlines()[1:]


def without_chance(lines: list[str]) -> list[str]:
    """The lines but for how long it took, and the 429 that a busy machine brings about."""

    def whole_answers(line: re.Match[str]) -> str:
        asked, limited, retried = map(int, line.groups())
        return f"{asked - limited - retried} whole answers"

    # With its bytes, among which are those of the 429s.
    asked = r"(\d+) requests? \((\d+) (?:was|were) 429, (\d+) retr(?:y|ies)\), [\d.]+ kB"
    counted = (re.sub(asked, whole_answers, line) for line in lines)
    return [re.sub(r"[\d.]+ s$", "… s", line) for line in counted]


def test_the_demos_output_in_the_readme_is_what_it_prints(demo: list[str]) -> None:
    shown = re.search(r"^\$ python3 -m venv [^\n]*replay-fetch demo\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    assert shown is not None
    assert without_chance(shown[1].splitlines()) == without_chance(demo[FRAMES:])


_FRAME = (
    r"\|[█▏▎▍▌▋▊▉ ]+\| \d+/27 views(, [a-zA-Z -]+( [\d.]+/s)?)?(, [\d.]+ s left)?, [\d.]+ pages/s(, \d+ 429s)?"
    r"(, [\d.]+ [kM]?B/s)?"
)


def test_the_recording_in_the_readme_is_one_of_the_demo(demo: list[str]) -> None:
    """Frames of a bar that fit the terminal, whose figures differ from run to run, then the same words."""
    shown = re.search(r"^\$ replay-fetch demo\n(.*?)^```", section("The bar"), re.DOTALL | re.MULTILINE)
    assert shown is not None
    for lines in (told := shown[1].splitlines(), demo):
        frames = lines[:FRAMES]
        assert [frame for frame in frames if not re.fullmatch(_FRAME, frame)] == []
        assert "| 27/27 views" in frames[-1]
        assert max(map(len, lines)) <= COLUMNS
    assert without_chance(told[FRAMES:]) == without_chance(demo[FRAMES:])


def test_ci_runs_the_readmes_test_command() -> None:
    setup = re.search(r"^\$ (python3 -m venv .*\[dev\].*) && \.venv/bin/pytest$", README, re.MULTILINE)
    assert setup is not None
    # A line each there: bash ends at no failure inside a line of && but the last.
    steps = re.split(r" && (?=\.venv/bin/npm )", setup[1])
    assert steps[1:] == [f"{NPM_INSTALL} {AZURITE}"]
    assert set(steps) <= set((ROOT / ".ci" / "run").read_text().splitlines())


def python_in(title: str) -> str:
    """The first Python example of a section."""
    found = re.search(r"```python\n(.*?)```", section(title), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_of_the_library_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, in a folder with a list, with an environment that has keys and leads to the simulator."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "sample_inputs" / "views.csv", "views.csv")
    monkeypatch.setenv("DD_API_KEY", KEYS.api_key)
    monkeypatch.setenv("DD_APP_KEY", KEYS.app_key)
    with served(SimulatorSettings()) as simulator:
        settings = Settings(api=ApiSettings(base_url=simulator.base_url))
        monkeypatch.setattr("replay_fetch.client._at_site", lambda _: settings)
        exec(python_in("As a library"), {})  # noqa: S102 - our own README
    *views, size, outcome = capsys.readouterr().out.splitlines()
    assert sorted(views) == [
        "00000000-0000-4000-8000-000000000000 the API does not have this view (404): Not found",
        "8fbd8d7a-6bb6-4a2e-b62e-5cc7d3ece4da 24",
    ]
    assert (size, outcome[:2]) == ("30948", "0 ")


def test_the_example_that_opens_one_view_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(archive=ArchiveSettings(Compression.GZIP))
    with served(SimulatorSettings()) as simulator:
        settings = replace(settings, api=ApiSettings(base_url=simulator.base_url))
        asyncio.run(download(ROOT / "sample_inputs" / "views.csv", "archive", credentials=KEYS, settings=settings))
    seen: dict[str, Any] = {}
    exec(python_in("Reading it with Python"), seen)  # noqa: S102 - our own README
    assert len(seen["lines"]) == seen["view"]["segments"] == 2


_OTHERS_SAY = {"surrogate"}


def literals_of(path: Path) -> list[str]:
    """The texts in a file's code, docstrings apart, with ``…`` for what is filled in."""
    tree = ast.parse(path.read_text())
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            texts.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            texts.append(re.sub(r"%[sdr]", "…", node.value))
    return texts


def test_the_program_says_every_message_of_the_troubles() -> None:
    first_cells = re.findall(r"^\| (.*?) \|", section("Trouble"), re.MULTILINE)[2:]
    messages = {text for cell in first_cells for text in re.findall(r"`([^`]*)`", cell)} - {"--refresh", *_OTHERS_SAY}
    assert len(messages) > 12
    said = "\n".join(text for path in (ROOT / "replay_fetch").rglob("*.py") for text in literals_of(path))
    parts = {message: message.strip("… ").split("…") for message in messages}
    assert [
        message for message, pieces in parts.items() if not re.search(".*".join(map(re.escape, pieces)), said)
    ] == []


def test_the_formats_have_every_key_of_manifest_and_report() -> None:
    table, _, report = section("Formats").partition("`report.json` is the last run that asked something.")
    first_cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    keys = [key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)]
    assert keys == list(ManifestLine.__struct_fields__)
    fields = Report(list_name="", rows=1, duplicates=0, bad_rows=0, outcomes={}).fields()
    assert set(re.findall(r"`(\w+)`", report)) == set(fields)


def test_the_readme_is_short_and_leads_to_every_guide() -> None:
    assert len(README.splitlines()) <= 200
    assert re.findall(r"\]\(replay_fetch/guides/(\w+)\.md\) \|", README) == sorted(
        GUIDES, key=lambda topic: README.index(f"[{topic}](")
    )


def test_every_file_that_a_document_names_is_there() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    paths = [f"replay_fetch/{path}" for path in re.findall(r"`([\w/]+\.py)`", GUIDES["inside"]) if "tests/" not in path]
    assert len(links) > 12
    assert len(paths) > 25
    assert [path for path in [*links, *paths] if not (ROOT / path).exists()] == []


def test_headings_are_unlike_each_other() -> None:
    """A section is found by its title alone."""
    prose = re.sub(r"^```.*?^```", "", DOCUMENTS, flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    assert sorted(set(headings)) == sorted(headings)

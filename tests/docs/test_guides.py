"""``help``: guides for a pipe as they are written, for a terminal as people read."""

from __future__ import annotations

import json
import re
import sys
from importlib.resources import files

import pytest
from readme import GUIDES

from replay_fetch.cli import main
from replay_fetch.cli.help import guides, readable


def test_every_guide_is_in_the_package_with_a_title_and_a_summary() -> None:
    assert {topic: guide.text for topic, guide in guides().items()} == GUIDES
    assert [topic for topic, text in GUIDES.items() if not re.match(r"# [A-Z][^\n]+\n\n[A-Z]", text)] == []
    assert (files("replay_fetch") / "guides" / "recipes.md").is_file()


def test_help_without_a_topic_lists_all_guides(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help"]) == 0
    listed = re.findall(r"^  (\w+) ", capsys.readouterr().out, re.MULTILINE)
    assert listed == sorted(GUIDES)


@pytest.mark.parametrize("topic", GUIDES)
def test_a_guide_goes_into_a_pipe_as_it_is_written(topic: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 0
    assert capsys.readouterr().out == GUIDES[topic]


def test_help_of_a_command_is_that_commands_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "verify"]) == 0
    assert capsys.readouterr().out.startswith("usage: replay-fetch verify")


def test_help_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {topic: guide.summary for topic, guide in guides().items()}
    assert main(["help", "runs", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == GUIDES["runs"]


@pytest.mark.parametrize(
    ("topic", "said"),
    [
        ("recipe", "recipe; did you mean recipes? `replay-fetch help` lists all guides"),
        (
            "tickets",
            "tickets; look into `replay-fetch help recipes`, `replay-fetch help sharing`; `replay-fetch help` lists",
        ),
        ("Session IDs", "Session IDs; look into `replay-fetch help views`; `replay-fetch help` lists all guides"),
        ("(", "there is no guide (; `replay-fetch help` lists all guides"),
    ],
)
def test_an_unknown_topic_is_an_error_that_proposes_where_to_look(
    topic: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["help", topic]) == 2
    assert said in capsys.readouterr().err


def test_a_terminal_gets_the_readable_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["help", "runs"]) == 0
    assert capsys.readouterr().out.splitlines() == list(readable(GUIDES["runs"], 80))


@pytest.mark.parametrize("topic", GUIDES)
def test_on_a_terminal_prose_fits_and_examples_stand_as_they_are(topic: str) -> None:
    lines = list(readable(GUIDES[topic], 80))
    assert [line for line in lines if len(line) > 80 and not line.startswith("    ") and " " in line.strip()] == []
    examples = re.findall(r"^```\w*\n(.*?)^```", GUIDES[topic], re.DOTALL | re.MULTILINE)
    typed = [line for example in examples for line in example.splitlines() if line.strip()]
    assert [line for line in typed if f"    {line}" not in lines] == []


def test_the_parts_of_a_guide_become_titles_entries_and_paragraphs() -> None:
    text = """# Title

A paragraph
on two lines.

| option | meaning | default |
|---|---|---|
| `--a A\\|B` | does **this** | 5 |
| `--b` | does that | |

* a bullet
  that goes on
* [another](https://example.org)
"""
    assert list(readable(text, 40)) == [
        "Title",
        "=====",
        "",
        "A paragraph on two lines.",
        "",
        "  `--a A|B`",
        "      does this; default: 5",
        "  `--b`",
        "      does that",
        "",
        "* a bullet that goes on",
        "* another (https://example.org)",
    ]

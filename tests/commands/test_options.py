"""An option is said once: beside the setting it makes, for the parser, ``config`` and the guide."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from readme import section

from replay_fetch.cli.main import COMMANDS, command_parser
from replay_fetch.cli.options import OPTIONS, settings_from
from replay_fetch.option import AGE, SIZE
from replay_fetch.settings import FetchSettings, Settings

ROWS = [line for line in section("Options").replace("\\|", "/").splitlines() if line.startswith("| `-")]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_q_v_and_json_in_the_same_words(command: str) -> None:
    usual, flags = command_parser("download").flags, command_parser(command).flags
    for flag in ("--quiet", "--verbose"):
        assert (flags[flag].option_strings, flags[flag].help) == (usual[flag].option_strings, usual[flag].help)
    assert str(flags["--json"].help).endswith("as JSON")


def test_without_options_a_download_goes_by_the_settings_defaults() -> None:
    assert settings_from(command_parser("download").parse_args(["views.csv", "out"])) == Settings()


@pytest.mark.parametrize("name", OPTIONS)
def test_the_guide_names_an_options_value_as_the_help_does(name: str) -> None:
    option = OPTIONS[name][1]
    usage = f"{option.flag} {option.metavar}".rstrip().replace("|", "/")
    assert any(f"`{usage}`" in row for row in ROWS)


@pytest.mark.parametrize("name", [name for name, (field, _) in OPTIONS.items() if field in FetchSettings.__slots__])
def test_the_guide_has_the_defaults_of_numbers(name: str) -> None:
    field, option = OPTIONS[name]
    default = next(each.default for each in fields(FetchSettings) if each.name == field)
    (row,) = (row for row in ROWS if f"`{option.flag} " in row)
    if isinstance(default, int | float):
        assert option.form.write(default) in re.split(r"[ ,`|]+", row.rsplit("|", 2)[1])


@pytest.mark.parametrize("text", ["90s", "2d", "36h", "0.1s"])
def test_an_age_is_written_as_it_is_read(text: str) -> None:
    assert AGE.write(AGE.read(text)) == text


@pytest.mark.parametrize("text", ["256MB", "1GB", "1B", "1001kB"])
def test_a_size_is_written_as_it_is_read(text: str) -> None:
    assert SIZE.write(SIZE.read(text)) == text

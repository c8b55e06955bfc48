"""Print the script of ``replay-fetch completion``, which teaches a shell the commands and their options.

shtab writes the script once, from the parsers themselves, and `fish` the one that shtab does not know. Completing
then starts no Python, as argcomplete would at every press of the key.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from replay_fetch.cli.fish import FILE, FOLDER, fish_script
from replay_fetch.cli.help import guides
from replay_fetch.cli.main import COMMANDS, add_options_of
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say
from replay_fetch.sites import SITES

SHELLS = ("bash", "zsh", "fish", "tcsh")
_FOLDERS = ("OUT", "FOLDER", "COPY")
# Text, because - is the standard input, or because ids do as well; completed as files all the same.
_FILES = ("VIEWS", "FILE")
_LISTS = "views"

_EPILOG = """\
examples:
  eval "$(replay-fetch completion bash)"      in ~/.bashrc
  replay-fetch completion zsh > "${fpath[1]}/_replay-fetch"
  replay-fetch completion fish > ~/.config/fish/completions/replay-fetch.fish
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name, the only argument: each shell has a language of its own for completion."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("shell", choices=SHELLS, help="whose completion to print")
    add_output(parser, json="the script")


def run(options: argparse.Namespace) -> int:
    """Print the shell's script, made from the parsers of all commands, so no option is forgotten; returns 0."""
    require_stdout("the script")
    script = _fish() if options.shell == "fish" else _by_shtab(options.shell)
    say(json.dumps({"shell": options.shell, "script": script}) if options.json else script)
    return 0


def _by_shtab(shell: str) -> str:
    import shtab  # noqa: PLC0415 - for this command alone

    parser = argparse.ArgumentParser("replay-fetch")
    commands = parser.add_subparsers()
    for name, summary in COMMANDS.items():
        _complete(commands.add_parser(name, help=summary), name, shtab.FILE, shtab.DIRECTORY)
    # shtab would take a command's longer description for its line in the list.
    for name, command in commands.choices.items():
        command.description = COMMANDS[name]
    script: str = shtab.complete(parser, shell=shell)
    return script


def _fish() -> str:
    parsers = {name: argparse.ArgumentParser(name) for name in COMMANDS}
    for name, parser in parsers.items():
        _complete(parser, name, FILE, FOLDER)
    return fish_script(parsers, COMMANDS)


def _complete(parser: argparse.ArgumentParser, name: str, file: object, folder: object) -> None:
    """Add a command's options to a parser, and say of each by what it is completed: words, files or folders."""
    add_options_of(name, parser)
    for action in parser._actions:  # noqa: SLF001 - shtab itself goes through them
        if isinstance(action.metavar, str) and "|" in action.metavar:
            action.choices = action.metavar.split("|")
        elif action.dest == "site":
            action.choices = SITES
        elif action.metavar == "TOPIC":
            action.choices = [*guides(), *COMMANDS]
        elif action.type is Path or action.dest == _LISTS or action.metavar in _FILES + _FOLDERS:
            action.complete = folder if action.metavar in _FOLDERS else file  # type: ignore[attr-defined] # shtab's name

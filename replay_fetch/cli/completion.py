"""Print the script of ``replay-fetch completion``, which teaches a shell the commands and their options.

shtab writes the script once, from the parsers themselves. Completing then starts no Python, as argcomplete
would at every press of the key.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from replay_fetch.cli.main import COMMANDS, add_options_of
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import say

SHELLS = ("bash", "zsh", "tcsh")
_FOLDERS = ("OUT", "FOLDER")

_EPILOG = """\
examples:
  eval "$(replay-fetch completion bash)"      in ~/.bashrc
  replay-fetch completion zsh > "${fpath[1]}/_replay-fetch"
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name, the only argument: zsh and tcsh have other languages for completion than bash."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("shell", choices=SHELLS, help="whose completion to print")
    add_output(parser, json="the script")


def run(options: argparse.Namespace) -> int:
    """Print the script, made from the parsers of all commands; returns 0."""
    import shtab  # noqa: PLC0415 - for this command alone

    parser = argparse.ArgumentParser("replay-fetch")
    commands = parser.add_subparsers()
    for name, summary in COMMANDS.items():
        added = commands.add_parser(name, help=summary)
        add_options_of(name, added)
        for action in added._actions:  # noqa: SLF001 - shtab itself goes through them
            if isinstance(action.metavar, str) and "|" in action.metavar:
                action.choices = action.metavar.split("|")
            folder = action.metavar in _FOLDERS
            if folder or action.type is Path:
                action.complete = shtab.DIRECTORY if folder else shtab.FILE  # type: ignore[attr-defined] # shtab's name
    script = shtab.complete(parser, shell=options.shell)
    say(json.dumps({"shell": options.shell, "script": script}) if options.json else script)
    return 0

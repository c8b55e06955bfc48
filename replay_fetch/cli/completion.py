"""Print the script of ``replay-fetch completion``, which teaches a shell the commands and their options.

shtab writes the script once, from the parsers themselves. fish, which shtab does not know, gets lines of its own: one
for each command, option and argument. Completing then starts no Python, as argcomplete would at every press of the key.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from replay_fetch.cli.help import guides
from replay_fetch.cli.main import COMMANDS, add_options_of
from replay_fetch.cli.options import add_output
from replay_fetch.cli.output import require_stdout, say
from replay_fetch.sites import SITES

SHELLS = ("bash", "zsh", "fish", "tcsh")
_FOLDERS = ("OUT", "FOLDER", "COPY")
_CLAUSES = re.compile(r"; (?![^()]*\))")  # not inside of brackets
# Text, because - is the standard input, or because ids do as well; completed as files all the same.
_FILES = ("VIEWS", "FILE")
_LISTS = "views"
_FISH = "complete -c replay-fetch"
# The completions that take a path: any file, or folders alone.
_FILE, _FOLDER = "file", "folder"

_EPILOG = """\
examples:
  eval "$(replay-fetch completion bash)"      in ~/.bashrc
  replay-fetch completion zsh > "${fpath[1]}/_replay-fetch"
  replay-fetch completion fish > ~/.config/fish/completions/replay-fetch.fish
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the shell's name, the only argument: each shell has a language of its own for completion."""
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
        _complete(parser, name, _FILE, _FOLDER)
    return _fish_script(parsers, COMMANDS)


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


def _fish_script(commands: Mapping[str, argparse.ArgumentParser], summaries: Mapping[str, str]) -> str:
    """Return the script: ``commands`` holds each command's parser, and ``summaries`` its words in the list.

    An argument or option whose ``complete`` is `_FILE` or `_FOLDER` is completed with paths.
    """
    lines = ["# completion of replay-fetch for fish", f"{_FISH} -f"]
    for name, summary in summaries.items():
        lines.append(f"{_FISH} -n __fish_use_subcommand -a {name} -d {_quoted(summary)}")
    for name, parser in commands.items():
        condition = f"{_FISH} -n {_quoted(f'__fish_seen_subcommand_from {name}')}"
        for action in parser._actions:  # noqa: SLF001 - there is no other way to a parser's options
            lines += [f"{condition} {words}" for words in _words(action)]
    return "\n".join(lines)


def _words(action: argparse.Action) -> Iterator[str]:
    """Yield the arguments of ``complete`` for an option, or for an argument that fish can complete."""
    values = _values(action)
    if not action.option_strings:
        yield from [values] if values else []
        return
    names = [f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in action.option_strings]
    # -r takes a word; -f keeps files away from words that are no files.
    takes = "" if action.nargs == 0 else f"-r {values}" if values == "-F" else f"-r -f {values}".rstrip()
    yield " ".join(filter(None, [*names, takes, f"-d {_quoted(_help(action))}"]))


def _values(action: argparse.Action) -> str:
    """Return the words that complete an action's value: its choices, paths, or nothing."""
    if action.choices is not None:
        return f"-a {_quoted(' '.join(map(str, action.choices)))}"
    kind = getattr(action, "complete", None)
    if kind == _FOLDER:
        return "-a '(__fish_complete_directories)'"
    return "-F" if kind == _FILE else ""


def _help(action: argparse.Action) -> str:
    """Return the first clause of an option's help: fish shows it on the line of each value."""
    return _CLAUSES.split((action.help or "") % vars(action), maxsplit=1)[0]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

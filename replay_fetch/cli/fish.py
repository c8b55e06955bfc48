"""Write the completion script for fish, which shtab does not know: a line for each command, option and argument.

fish reads such lines itself. A command's lines hold while the command's name is among the words, and completing
starts no Python.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping

_HEAD = "complete -c replay-fetch"
# The completions that take a path: any file, or folders alone.
FILE, FOLDER = "file", "folder"


def fish_script(commands: Mapping[str, argparse.ArgumentParser], summaries: Mapping[str, str]) -> str:
    """Return the script: ``commands`` holds each command's parser, and ``summaries`` its words in the list.

    An argument or option whose ``complete`` is `FILE` or `FOLDER` is completed with paths.
    """
    lines = ["# completion of replay-fetch for fish", f"{_HEAD} -f"]
    for name, summary in summaries.items():
        lines.append(f"{_HEAD} -n __fish_use_subcommand -a {name} -d {_quoted(summary)}")
    for name, parser in commands.items():
        condition = f"{_HEAD} -n {_quoted(f'__fish_seen_subcommand_from {name}')}"
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
    if kind == FOLDER:
        return "-a '(__fish_complete_directories)'"
    return "-F" if kind == FILE else ""


def _help(action: argparse.Action) -> str:
    """Return the first clause of an option's help: fish shows it on the line of each value."""
    return ((action.help or "") % vars(action)).partition("; ")[0]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"

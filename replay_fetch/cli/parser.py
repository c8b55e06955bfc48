"""The parser of one command: its mistakes take a line and name what was probably meant."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from replay_fetch.cli.output import say
from replay_fetch.printable import printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

USAGE = 2
_KEYS = ("api-key", "app-key", "application-key", "bearer-token", "token", "secret")


class Parser(argparse.ArgumentParser):
    """An argparse parser without abbreviations: a name that is added later must not change what a script means."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)

    @property
    def flags(self) -> dict[str, argparse.Action]:
        """Every option's action by its long name, such as ``--workers``."""
        return {flag: action for action in self._actions for flag in action.option_strings if flag.startswith("--")}

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print help as all else is printed: to a reader who may have gone, in an encoding that may lack letters."""
        if file is sys.stderr:
            super()._print_message(message, file)
        elif message:
            say(message, end="")

    def check_flags(self, words: Sequence[str]) -> None:
        """End the program at a long option that is none, before what stands behind it is taken for something else."""
        ends = words.index("--") if "--" in words else len(words)
        for word in words[:ends]:
            flag = word.partition("=")[0]
            if flag.startswith("--") and flag not in self.flags:
                self.error(f"unknown option {flag}{_about_keys(flag) or nearest(flag, self.flags)}")

    def parse_words(self, words: Sequence[str], into: argparse.Namespace) -> None:
        """Fill in what the words say; options may stand between a command's first word and its list of others."""
        if any(action.nargs == "*" and not action.option_strings for action in self._actions):
            self.parse_intermixed_args(words, into)
        else:
            self.parse_args(words, into)

    def error(self, message: str) -> NoReturn:
        """End the program with 2, the mistake in a line and where to read on in another."""
        self.exit(USAGE, f"{self.prog}: {printable(message, 2000)}\nsee `{self.prog} --help`\n")


def nearest(word: str, names: Iterable[str], written: Callable[[str], str] = str) -> str:
    """The end of a message that proposes the name most like ``word``, as it is written; empty where none is like it."""
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_letters = {name.lstrip("-"): name for name in names}  # dashes in front make all options look alike
    found = get_close_matches(word.lstrip("-"), by_letters, n=1)
    return f"; did you mean {written(by_letters[found[0]])}?" if found else ""


def is_key(name: str) -> bool:
    """True for names under which people would put a key, whatever their case and separators."""
    plain = name.strip("-").lower().replace("_", "-")
    return plain.removeprefix("dd-").removeprefix("datadog-") in _KEYS


def _about_keys(flag: str) -> str:
    if not is_key(flag):
        return ""
    return ": every user of the machine could read it; keys come from the environment, or from --env-file"

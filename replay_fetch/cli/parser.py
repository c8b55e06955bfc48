"""Parse the words of a command: a mistake takes a line, and names the option that was probably meant.

A name like that of a key gets its own answer, in which the value is never repeated.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from replay_fetch.cli.output import say
from replay_fetch.printable import printable

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

USAGE = 2
# Options that people expect of download, and that a word like --site is no answer to.
_SEARCHES = (
    "--since",
    "--from",
    "--to",
    "--user",
    "--url",
    "--error",
    "--query",
    "--limit",
    "--count",
    "--application",
)
_UNSET = "; a shell variable that is not set looks like this"
# As people type them; `is_key` takes prefixes and separators off.
_KEYS = ("api-key", "app-key", "application-key", "bearer-token", "token", "secret")


class Parser(argparse.ArgumentParser):
    """An argparse parser without abbreviations: an option added later must not change the meaning of a script."""

    def __init__(self, prog: str, description: str) -> None:
        # Texts around the options are written to their width, with examples: argparse would fill them into paragraphs.
        form = argparse.RawDescriptionHelpFormatter
        super().__init__(prog=prog, description=description, allow_abbrev=False, formatter_class=form)
        # No option begins with a digit, so `--shard -1/8` has a value, which is refused for what it is. To argparse
        # only -1 and -1.5 are values, and it would say that there is none.
        self._negative_number_matcher = re.compile(r"-\.?\d")
        # In the words of the settings file and the environment; argparse would say "invalid int value".
        self.register("type", int, _read_as(int, "is no whole number"))
        self.register("type", float, _read_as(float, "is no number"))

    @property
    def flags(self) -> dict[str, argparse.Action]:
        """Return every option's action by its long name, such as ``--workers``; a settings file has the same names."""
        return {flag: action for action in self._actions for flag in action.option_strings if flag.startswith("--")}

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        """Print help as all results are printed: the reader may have gone, and the encoding may lack letters."""
        if file is sys.stderr:
            super()._print_message(message, file)
        elif message:
            say(message, end="")

    def check_flags(self, words: Sequence[str]) -> None:
        """End the program with 2 at a long option that the command lacks.

        argparse would take the word behind an unknown option for an argument, and complain of that one instead.
        """
        # Behind -- nothing is an option, not even a name that begins with dashes.
        ends = words.index("--") if "--" in words else len(words)
        for word in words[:ends]:
            flag = word.partition("=")[0]
            if flag.startswith("--") and flag not in self.flags:
                advice = _about_keys(flag) or self._of_discover(flag) or nearest(flag, self.flags)
                self.error(f"unknown option {flag}{advice}")

    def check_values(self, words: Sequence[str]) -> None:
        """End the program with 2 at an empty value or argument: a shell's word for a variable that is not set.

        Taken as it is, it would be no filter at all, or the current folder: ``--user "$WHO"`` would find everybody,
        ``prune "$OUT"`` act on the archive that the shell happens to stand in.
        """
        ends = words.index("--") if "--" in words else len(words)
        for number, word in enumerate(words):
            flag, given, value = word.partition("=")
            if number < ends and flag in self.flags and given and not value.strip():
                self.error(f"the value of {flag} is empty{_UNSET}")
            if not word.strip():
                before = words[number - 1] if 0 < number < ends else ""
                takes = self.flags.get(before)
                named = takes is not None and takes.nargs != 0
                self.error(f"the value of {before} is empty{_UNSET}" if named else f"an argument is empty{_UNSET}")

    def _of_discover(self, flag: str) -> str:
        """Return the end of a message for an option by which views are looked for; empty for all other names."""
        if flag not in _SEARCHES or not self.prog.endswith(" download"):
            return ""
        return f", which discover has: replay-fetch discover {flag} ... | replay-fetch download - OUT"

    def parse_words(self, words: Sequence[str], into: argparse.Namespace) -> None:
        """Fill ``into`` with the values that the words give.

        A command with a list of arguments may have options between the first and the others, as in ``export OUT
        --rrweb F SESSION``.
        """
        many = any(action.nargs == "*" and not action.option_strings for action in self._actions)
        behind = words[words.index("--") + 1 :] if "--" in words else []
        # Mixed parsing drops the dashes, and would take a name behind them that begins like an option for one.
        if many and not any(word.startswith("-") and word != "-" for word in behind):
            self.parse_intermixed_args(words, into)
        else:
            self.parse_args(words, into)

    def error(self, message: str) -> NoReturn:
        """End the program with 2: the mistake on one line, the command that tells more on a second."""
        self.exit(USAGE, f"{self.prog}: {printable(message, 2000)}\nsee `{self.prog} --help`\n")


def _read_as(kind: Callable[[str], float], refusal: str) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"'{printable(text, 60)}' {refusal}") from None

    return read


def nearest(word: str, names: Iterable[str], written: Callable[[str], str] = str) -> str:
    """Return the end of a message that proposes the name most like ``word``; empty where none is like it.

    ``written`` turns a name into the form that the user types, such as a variable of the environment.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - for mistakes only

    by_letters = {name.lstrip("-"): name for name in names}  # dashes in front make all options look alike
    found = get_close_matches(word.lstrip("-"), by_letters, n=1)
    return f"; did you mean {written(by_letters[found[0]])}?" if found else ""


def is_key(name: str) -> bool:
    """Return True for a name under which people would put a key, in any case and with any separators."""
    plain = name.strip("-").lower().replace("_", "-")
    return plain.removeprefix("dd-").removeprefix("datadog-") in _KEYS


def _about_keys(flag: str) -> str:
    """Return the end of a message for an option that would hold a key; empty for all other names."""
    if not is_key(flag):
        return ""
    return ": every user of the machine could read it; keys come from the environment, or from --env-file"

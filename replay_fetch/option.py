"""Declare an option of the command line once: beside the setting that its value becomes.

A settings class declares a field with `option`. The parser, ``config``, the settings file and the variables of
the environment are made from that declaration. A test holds the guide's table to it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
DAY = _UNITS["d"]


def as_typed(value: object) -> str:
    """Write a value as it is typed behind its flag: ``true`` for a switch, 10 for 10.0."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


class Form(NamedTuple):
    """The form of a value in text: ``read`` raises ValueError for text that is none, ``write`` is its inverse."""

    read: Callable[[str], object]
    write: Callable[[Any], str] = as_typed
    values: str = ""
    """The words of a closed set, such as ``none|gzip|zstd``."""


def age(text: str) -> float:
    """Read an age such as ``90s``, ``15m``, ``36h`` or ``7d``, as seconds; raises ValueError for other text."""
    try:
        return float(text[:-1]) * _UNITS[text[-1:]]
    except (KeyError, ValueError):
        raise ValueError(f"{text!r} is not an age such as 36h or 7d") from None


def _age_text(seconds: float) -> str:
    """Write seconds as an age, in the largest unit that leaves no rest: ``172800`` as ``2d``, ``129600`` as ``36h``."""
    unit = next((unit for unit in "dhm" if seconds % _UNITS[unit] == 0), "s")
    return f"{seconds / _UNITS[unit]:.15g}{unit}"


def _size(text: str) -> int:
    """Read a size such as ``256MB``, ``1GB`` or ``256000000``, as bytes; raises ValueError for other text."""
    number = text.rstrip("kMGB")
    try:
        return int(float(number) * _SIZES[text[len(number) :] or "B"])
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a size such as 512MB or 1GB") from None


def _size_text(number: int) -> str:
    """Write bytes as a size, in the largest unit that leaves no rest: ``256000000`` as ``256MB``."""
    unit = next(unit for unit in ("GB", "MB", "kB", "B") if number % _SIZES[unit] == 0)
    return f"{number // _SIZES[unit]}{unit}"


def one_of(choices: type[StrEnum]) -> Form:
    """Make the form of a word out of a closed set; a ValueError for another word lists the set."""

    def read(text: str) -> StrEnum:
        if text not in list(choices):
            raise ValueError(f"{text!r} is not one of {', '.join(choices)}")
        return choices(text)

    return Form(read, values="|".join(choices))


def _is_json(text: str) -> bool:
    if text not in ("text", "json"):
        raise ValueError(f"{text!r} is not one of text, json")
    return text == "json"


TEXT, WHOLE, NUMBER, FILE = Form(str), Form(int), Form(float), Form(Path)
AGE, SIZE = Form(age, _age_text), Form(_size, _size_text)
LOG_FORMAT = Form(_is_json, lambda as_json: "json" if as_json else "text", values="text|json")
SWITCH = Form(lambda _: True)
"""An option without a value: it is given, or not."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option as its user sees it: the flag with the name of its value, the help, and the form of the value."""

    usage: str
    """The flag and what stands behind it, such as ``--max-rate R``; the flag alone for a `SWITCH`."""
    help: str
    form: Form = TEXT

    @property
    def flag(self) -> str:
        """The long name, such as ``--max-rate``; a settings file has it without the dashes."""
        return self.usage.partition(" ")[0]

    @property
    def metavar(self) -> str:
        """The name of the value, such as ``R`` or ``none|gzip|zstd``; empty for a `SWITCH`."""
        return self.usage.partition(" ")[2] or self.form.values


def option(usage: str, text: str, form: Form = TEXT, *, default: T) -> T:
    """Declare a field of a settings class that an option sets; ``text`` is the option's help.

    Returns a dataclass field, typed as its default, as `dataclasses.field` does.
    """
    return field(default=default, metadata={"option": Option(usage, text, form)})


def options_of(settings: type[Any]) -> dict[str, Option]:
    """Return the options of a settings class by the field that each one sets, in the order of the fields."""
    return {each.name: each.metadata["option"] for each in fields(settings) if "option" in each.metadata}


def default_of(settings: type[Any], name: str) -> Any:
    """Return the value of a field whose option is not given."""
    return next(each.default for each in fields(settings) if each.name == name)

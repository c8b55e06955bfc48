"""Find the value of an option that is not given: in the environment, then in the file that ``--config`` names.

The file is TOML; its names are those of the options without the dashes. In the environment ``--max-rate`` is
``REPLAY_FETCH_MAX_RATE``. Keys belong in neither: a settings file is shown around.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from replay_fetch.cli.output import warn
from replay_fetch.cli.parser import Parser, is_key, nearest
from replay_fetch.environment import site
from replay_fetch.errors import SettingsError
from replay_fetch.shard import COUNT
from replay_fetch.sites import SITES

# The program's own: MAX_RATE alone might be meant for another one.
_PREFIX = "REPLAY_FETCH_"
_FLAG = "--config"
_WORDS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
# They say something of this one call, or where the rest is.
_NOT_IN_FILES = ("--help", _FLAG)


class Given(NamedTuple):
    """A value for an option, and its origin: the name of a variable, or the path of a file."""

    value: object
    origin: str


def settle(
    parser: Parser, words: Sequence[str], environ: Mapping[str, str], others: Callable[[], Iterator[Parser]]
) -> dict[str, str]:
    """Make the values of environment and file the parser's defaults; returns the origin of each option by its name.

    ``others`` are the parsers of commands that share the file, whose names are no mistakes there. Raises
    SettingsError for an unreadable file, an unusable value, or an unknown name in the file. An unknown name in
    the environment brings a warning only, because another version may know the variable.
    """
    options = {flag[2:]: action for flag, action in parser.flags.items() if flag not in _NOT_IN_FILES}
    _warn_of_unknown(options, environ, others)
    in_environment = dict(_from_environment(options, environ))
    # Looked for before parsing: what the file says are defaults, and those must be there when argparse begins.
    path = _word_after(_FLAG, words) or environ.get(_variable("config"), "")
    in_file = dict(_from_file(Path(path), options, others)) if path else {}
    env_file = _word_after("--env-file", words) or (in_environment | in_file).get("env-file", Given("", "")).value
    # The vendor's own variable counts less than ours, which was set for this program alone, and more than the file.
    if "site" not in in_environment:
        in_environment |= _site(environ, Path(str(env_file)) if env_file else None)
    # The settings' own default is empty: a program that uses the library has the environment's site, too.
    found = {"site": Given(SITES[0], "default")} | in_file | in_environment
    parser.set_defaults(**{options[name].dest: given.value for name, given in found.items() if name in options})
    origins = {name: found[name].origin if name in found else "default" for name in options}
    return origins | {name: "option" for name, action in options.items() if _is_given(action, words)}


def _site(environ: Mapping[str, str], env_file: Path | None) -> dict[str, Given]:
    """Read the site from the variables of the vendor's own tools, in the file of keys or in the environment."""
    named, in_file = site(environ, env_file), site({}, env_file)
    return {"site": Given(named, str(env_file) if in_file else "DD_SITE")} if named else {}


def _from_environment(
    options: Mapping[str, argparse.Action], environ: Mapping[str, str]
) -> Iterator[tuple[str, Given]]:
    """Yield the options that the environment sets, each with its variable; an empty variable sets none."""
    for name, action in options.items():
        variable = _variable(name)
        text = environ.get(variable, "")
        if text:
            value: object = _WORDS.get(text.lower(), text) if action.nargs == 0 else text
            yield name, Given(_usable(value, action, variable), variable)


def _from_file(
    path: Path, options: Mapping[str, argparse.Action], others: Callable[[], Iterator[Parser]]
) -> Iterator[tuple[str, Given]]:
    """Yield the options that the settings file sets; raises SettingsError for a key, and for a name of no option."""
    for name, value in _read(path).items():
        if name in options:
            yield name, Given(_usable(value, options[name], f"{path}: {name}"), str(path))
            continue
        if is_key(name):
            raise SettingsError(
                f"{path}: {name}: keys do not belong in a settings file, which is shown around; put them into the "
                "environment, or into a file of their own for --env-file (chmod 600)"
            )
        known = _known(options, others) - {"config"}
        if name not in known:
            raise SettingsError(f"{path}: {name} is not the name of an option{nearest(name, sorted(known))}")


def _known(options: Iterable[str], others: Callable[[], Iterator[Parser]]) -> set[str]:
    """Return the names of all options that share the settings file, those of other commands too."""
    return {*options, *(flag[2:] for parser in others() for flag in parser.flags), "config"} - {"help"}


def _warn_of_unknown(
    options: Iterable[str], environ: Mapping[str, str], others: Callable[[], Iterator[Parser]]
) -> None:
    """Print a warning for each variable with our prefix and the name of no option; other parsers are made only then."""
    usual = {_variable(name) for name in (*options, "config")}
    ours = (variable for variable, text in environ.items() if variable.startswith(_PREFIX) and text)
    # No option: it completes the variables of an array job, for --shard auto.
    named = [variable for variable in ours if variable != COUNT]
    # The usual case costs nothing: no other command's module is imported to know its options.
    if all(variable in usual for variable in named):
        return
    known = {_variable(name): name for name in sorted(_known(options, others))}
    for variable in named:
        name = variable.removeprefix(_PREFIX)
        if is_key(name):
            warn(f"{variable} is ignored; keys are read from DD_API_KEY and DD_APP_KEY, or DD_BEARER_TOKEN")
        elif variable not in known:
            similar = nearest(name.lower().replace("_", "-"), known.values(), _variable)
            warn(f"{variable} is ignored: it is not the name of an option{similar}")


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise SettingsError(f"--config {str(path)!r} cannot be read: {error.strerror}") from None
    except RecursionError:
        raise SettingsError(f"--config {str(path)!r} is nested too deep") from None
    except ValueError as error:  # not UTF-8, or not TOML: its message names line and column, and no value
        raise SettingsError(f"--config {str(path)!r} is not TOML: {error}") from None


def _usable(value: object, action: argparse.Action, where: str) -> object:
    """Return the value as the option itself would have it; raises SettingsError for another kind of value.

    1. A switch takes true or false.
    2. An option that is counted, such as ``-v``, takes a number, too.
    3. An option that may come several times takes a list.
    4. All others take a number or text, read as on the command line.
    """
    if action.nargs == 0:
        counted = isinstance(action, argparse._CountAction)  # noqa: SLF001 - there is no other way to tell
        if isinstance(value, bool):
            return int(value) if counted else value
        if counted and (isinstance(value, int) or (isinstance(value, str) and value.isdecimal())):
            return int(value)
        raise SettingsError(f"{where}: {value!r} is neither true nor false")
    if isinstance(action.default, list):
        return [_read_as(one, action, where) for one in (value if isinstance(value, list) else [value])]
    return _read_as(value, action, where)


def _read_as(value: object, action: argparse.Action, where: str) -> object:
    """Read one value with the option's own reader; raises SettingsError with the place of the value."""
    if isinstance(value, bool | list | dict) or "\0" in str(value):  # no path, no name has a NUL
        raise SettingsError(f"{where}: {value!r} is not one number or text")
    kind = action.type if callable(action.type) else str
    try:
        read: object = kind(str(value))
    except argparse.ArgumentTypeError as error:
        raise SettingsError(f"{where}: {error}") from None
    except (ValueError, TypeError):
        expected = "is no whole number" if kind is int else "is no number" if kind is float else "cannot be used"
        raise SettingsError(f"{where}: {value!r} {expected}") from None
    if action.choices is not None and read not in action.choices:
        raise SettingsError(f"{where}: {value!r} is not one of {', '.join(map(str, action.choices))}")
    return read


def _is_given(action: argparse.Action, words: Sequence[str]) -> bool:
    """Return True where the words name the option; short options may stand together, as in ``-qv``."""
    short = [flag[1] for flag in action.option_strings if not flag.startswith("--")]
    for word in words:
        if word.partition("=")[0] in action.option_strings:
            return True
        if word[:1] == "-" and word[1:2] != "-" and any(letter in word for letter in short):
            return True
    return False


def _word_after(flag: str, words: Sequence[str]) -> str:
    """Return the last value that the words give an option, as argparse will; empty where they give none."""
    value = ""
    for number, word in enumerate(words):
        if word.startswith(f"{flag}="):
            value = word.partition("=")[2]
        elif word == flag and number + 1 < len(words):
            value = words[number + 1]
    return value


def _variable(name: str) -> str:
    """Return the environment's name of an option: ``max-rate`` is ``REPLAY_FETCH_MAX_RATE``."""
    return _PREFIX + name.upper().replace("-", "_")

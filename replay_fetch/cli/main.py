"""Find a command by its name, run it, and turn an error into a message and an exit code.

A command's module is imported only when the command is called, so ``--help`` stays quick.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from types import ModuleType
from typing import NoReturn

from replay_fetch.cli.output import complain
from replay_fetch.cli.parser import USAGE, Parser, nearest
from replay_fetch.errors import InputError, ReplayFetchError, SettingsError

STOPPED, INTERRUPTED = 3, 130


# A command is the module of its name, which has ``add_options(parser)`` and ``run(options) -> exit code``.
_GROUPS = {
    "bring recordings home": {
        "download": "bring a list of views home, one file per session",
        "discover": "search for views with a recording, and list them",
        "events": "keep with an archive what happened: errors, requests, users",
        "demo": "the same against a built-in simulator of the API; needs no keys",
    },
    "look at an archive": {
        "status": "what an archive holds and what it still lacks",
        "show": "sessions of an archive, or the timeline of one",
        "report": "one HTML page of an archive's last run",
        "merge": "one manifest and report of an archive's shards",
        "export": "tables for DuckDB and pandas, events for rrweb's players",
        "verify": "re-read every file of an archive against its manifest",
        "decode": "read raw pages again with other paths, without asking the API",
    },
    "look at a recording": {
        "play": "watch a session offline, in the browser",
        "transcript": "what was seen and done in a session, in words",
        "snapshot": "a recorded page as it stood at a time, as HTML",
        "scrub": "a copy without what people typed or read, to hand on",
    },
    "remove recordings": {
        "find": "the sessions of an archive in which a user appears",
        "erase": "sessions removed for good: by ids, or all of a user",
        "prune": "the same for recordings older than an age",
    },
    "look at the API": {
        "probe": "one request: what the API answers, and which flags to set",
        "simulate": "serve the simulator until stopped",
    },
    "set up and learn": {
        "config": "the settings in force, and where each comes from",
        "completion": "completion of commands and options for a shell",
        "help": "a guide, such as `help recipes`; without a topic, all of them",
    },
}
COMMANDS = {name: summary for group in _GROUPS.values() for name, summary in group.items()}
# Its help takes 0.1 s, and ten times as long where the HTTP client is loaded for it.
_OPTIONS_APART = {"download": "options"}

_EPILOG = """\
exit codes:
    0  every row ended well
    1  some did not; run again to retry them
    2  usage, settings or an unreadable list; nothing was asked
    3  stopped: keys refused, disk full, API dead, archive locked; run again
  130  interrupted

keys: DD_API_KEY and DD_APP_KEY, or DD_BEARER_TOKEN, in the environment or in
the file named with --env-file; DD_SITE names the site
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line given, or the process's own; returns the exit code.

    Errors of the package are printed on one line each. A defect ends with 3, because Python's own 1 means that
    some rows did not end well.
    """
    code = _end_of(arguments)
    if arguments is None and "obstore" in sys.modules:
        _leave(code)
    return code


def _leave(code: int) -> NoReturn:
    """End the process at once, with all that was printed.

    The library of the stores has threads that Python knows nothing of. One that wakes up while the interpreter is taken
    down aborts the process: a run that ended well would end with 134.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            with suppress(OSError, ValueError):
                stream.flush()
    os._exit(code)


def _end_of(arguments: Sequence[str] | None) -> int:
    options = argparse.Namespace()
    try:
        _let_signals_interrupt()
        return _run(sys.argv[1:] if arguments is None else list(arguments), options)
    except ReplayFetchError as error:
        complain(error)
        return exit_code_of(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a defect, which Python would end with 1: some rows did not end well
        from replay_fetch.cli.defect import confess  # noqa: PLC0415 - brings much along that --help does not need

        confess(error, options)
        return STOPPED


def _run(arguments: Sequence[str], options: argparse.Namespace) -> int:
    """Parse the words and run the command; returns its exit code.

    ``options`` is filled in place: a report of a defect reads ``-v`` and ``--log-file`` from it, however far
    parsing came.
    """
    # Options without a value may stand in front of it, as in `replay-fetch -v status OUT`.
    name = next((word for word in arguments if not word.startswith("-")), "")
    if name not in COMMANDS:
        _without_command(name, arguments)
    words = list(arguments)
    # Only the first of its kind: a list or an archive may be called `download`, too.
    words.remove(name)
    parser = command_parser(name)
    # Commands that do not ask the API read neither the environment nor a settings file.
    if "--config" in parser.flags:
        _settle(parser, words)
    # Before argparse, which would take the word behind a mistyped option for an argument.
    parser.check_flags(words)
    parser.check_values(words)
    parser.parse_words(words, options)
    code: int = _module(name).run(options)
    return code


def command_parser(name: str) -> Parser:
    """Make the parser of one command, with all its options; the environment and a settings file are not looked at."""
    parser = Parser(f"replay-fetch {name}", COMMANDS[name])
    add_options_of(name, parser)
    return parser


def add_options_of(name: str, parser: argparse.ArgumentParser) -> None:
    """Add a command's arguments and options to a parser: the command's own, or one of shtab, for completion."""
    _module(_OPTIONS_APART.get(name, name)).add_options(parser)


def _module(name: str) -> ModuleType:
    return import_module(f"replay_fetch.cli.{name}")


def _settle(parser: Parser, words: Sequence[str]) -> None:
    """Let the environment and the settings file fill in options that the command line leaves out.

    The origin of each value is kept in ``origins``, which ``config`` shows.
    """
    from replay_fetch.cli.settings_file import settle  # noqa: PLC0415 - for the commands that ask the API only

    def others() -> Iterator[Parser]:
        parsers = map(command_parser, COMMANDS)
        return (other for other in parsers if "--config" in other.flags)

    parser.set_defaults(origins=settle(parser, words, os.environ, others))


def _without_command(word: str, arguments: Sequence[str]) -> NoReturn:
    """Print help or version where no command is named, or end the program with 2 and the nearest name."""
    parser = Parser("replay-fetch", "Get Datadog RUM Session Replay recordings out, in bulk.")
    parser.usage = "replay-fetch COMMAND ...; replay-fetch COMMAND --help tells its options"
    parser.epilog = _commands_help() + _EPILOG
    version = f"replay-fetch {_version()}" if "--version" in arguments else ""
    parser.add_argument("--version", action="version", version=version)
    if word:
        parser.error(f"unknown command {word}{nearest(word, COMMANDS)}")
    parser.check_flags(arguments)
    parser.parse_args(arguments)
    parser.error("a COMMAND is missing")


def _commands_help() -> str:
    lines = []
    for title, group in _GROUPS.items():
        lines += [f"{title}:", *(f"  {name:<12}{summary}" for name, summary in group.items()), ""]
    return "\n".join([*lines, ""])


def _let_signals_interrupt() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does, with exit code 130.

    A signal that is ignored stays ignored: under nohup a closed terminal is no reason to stop. A run of its own
    hears all three itself.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def exit_code_of(error: ReplayFetchError) -> int:
    """Return the exit code of an error: 2 where nothing was asked, 3 where a run had begun and was stopped."""
    return USAGE if isinstance(error, (SettingsError, InputError)) else STOPPED


def _version() -> str:
    from importlib.metadata import version  # noqa: PLC0415 - 15 ms that only --version needs

    try:
        return version("replay-fetch")
    except ModuleNotFoundError:  # PackageNotFoundError is one: a checkout that was never installed
        return "(not installed)"
